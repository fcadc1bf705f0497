//! A run's folder.
//!
//! | file | holds |
//! | --- | --- |
//! | `settings.json` | all settings |
//! | `changes.json` | settings that changed during the run, and when; only if some did |
//! | `metrics.csv`, `metrics.jsonl` | a line per epoch |
//! | `tensorboard/` | the same epochs for TensorBoard, with histograms of kappa and of the weights; not in a page |
//! | `samples.csv` | a line per training sample, with the measurements of the last finished epoch |
//! | `last.safetensors`, `best.safetensors` | weights |
//! | `average.safetensors` | the averaged weights, if averaging is on |
//! | `resume.safetensors` | the state after the last finished epoch: weights, velocities, progress |
//! | `part.safetensors` | the state in the middle of an epoch, with its measurements so far; exists from a stop to the end of that epoch |
//! | `good.safetensors`, `good-best.safetensors` | the last `resume` and `best` before the run began to look wrong, while it does |
//! | `judgements.json` | results of suites that ran during the run, if any |
//! | `run.lock` | exists while a process trains the run |
//! | `summary.json` | the final evaluation; its presence marks the run as finished |
//!
//! A run survives a kill at any moment. It writes `resume.safetensors` after all files of the same epoch and writes those again if the kill
//! came first. Only `best.safetensors` follows it, and can be restored from it. No file holds a time, so that equal runs leave equal files.

mod resume_state;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use serde::Serialize;

pub use resume_state::{Progress, ResumeState};

use super::{CheckpointError, write_weights, write_whole};
use crate::{
    files,
    metrics::{EpochMetrics, Summary},
    model::Parameters,
    settings::Settings,
    train::SampleRecord,
};

/// The lock of a run folder.
#[derive(Debug)]
pub struct RunLock {
    _file: files::Lock,
}

/// A run's folder, open for writing.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Creates the folder and writes the settings into it.
    ///
    /// # Errors
    /// [`CheckpointError::Exists`] if anything exists at `path`, [`CheckpointError::Io`] if the folder cannot be created.
    pub fn create(path: &Path, settings: &Settings) -> Result<Self, CheckpointError> {
        if let Some(parent) = path.parent() {
            files::create_dir_all(parent).map_err(|error| CheckpointError::io(parent, &error))?;
        }
        // `create_dir` fails where something is, also if two runs ask at the same moment.
        files::create_dir(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => CheckpointError::Exists(path.to_owned()),
            _ => CheckpointError::io(path, &error),
        })?;
        let folder = Self { path: path.to_owned() };
        folder.write_settings(settings)?;
        Ok(folder)
    }

    /// Opens the folder of a run, and reads its settings.
    ///
    /// # Errors
    /// [`CheckpointError::NoRun`] without a run, [`CheckpointError::Malformed`] if the settings are unreadable.
    pub fn open(path: &Path) -> Result<(Self, Settings), CheckpointError> {
        let folder = Self { path: path.to_owned() };
        let file = folder.file("settings.json");
        let text = files::read_text(&file).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => CheckpointError::NoRun(path.to_owned()),
            _ => CheckpointError::io(&file, &error),
        })?;
        let settings = serde_json::from_str(&text).map_err(|error| CheckpointError::Malformed {
            path: file,
            found: error.to_string(),
            expected: "a JSON object of settings".to_owned(),
        })?;
        Ok((folder, settings))
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes the settings.
    ///
    /// # Errors
    /// [`CheckpointError::Io`].
    pub fn write_settings(&self, settings: &Settings) -> Result<(), CheckpointError> {
        self.write_json("settings.json", settings)
    }

    /// Writes the final evaluation, which marks the run as finished.
    ///
    /// # Errors
    /// [`CheckpointError::Io`].
    pub fn finish(&self, summary: &Summary) -> Result<(), CheckpointError> {
        self.write_json("summary.json", summary)
    }

    /// The final evaluation, if the run is finished.
    ///
    /// # Errors
    /// [`CheckpointError`] for an unreadable summary.
    pub fn summary(&self) -> Result<Option<Summary>, CheckpointError> {
        let file = self.file("summary.json");
        if !files::exists(&file) {
            return Ok(None);
        }
        let text = files::read_text(&file).map_err(|error| CheckpointError::io(&file, &error))?;
        serde_json::from_str(&text).map(Some).map_err(|error| CheckpointError::Malformed {
            path: file,
            found: error.to_string(),
            expected: "the summary of a run".to_owned(),
        })
    }

    /// Prepares the folder for resuming: removes the mark of a finished run, and the remains of a write that a kill interrupted.
    ///
    /// # Errors
    /// [`CheckpointError::Io`].
    pub fn reopen(&self) -> Result<(), CheckpointError> {
        let entries = files::list(&self.path).map_err(|error| CheckpointError::io(&self.path, &error))?;
        for name in entries.iter().filter_map(|entry| entry.file_name()).map(|name| name.to_string_lossy().into_owned()) {
            if name.starts_with('.') && name.ends_with(".tmp") {
                self.remove(&name)?;
            }
        }
        self.remove("summary.json")
    }

    pub(crate) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), CheckpointError> {
        let file = self.file(name);
        let mut text = serde_json::to_string_pretty(value).map_err(|error| CheckpointError::Malformed {
            path: file.clone(),
            found: error.to_string(),
            expected: "values that JSON can hold".to_owned(),
        })?;
        text.push('\n');
        write_whole(&file, text.as_bytes())
    }

    /// Writes the metrics of all epochs so far, as CSV and as JSON lines.
    ///
    /// # Errors
    /// [`CheckpointError::Io`].
    pub fn write_metrics(&self, metrics: &[EpochMetrics]) -> Result<(), CheckpointError> {
        let csv = EpochMetrics::csv(metrics);
        let mut lines = String::new();
        for epoch in metrics {
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{}", serde_json::to_string(epoch).unwrap_or_default());
        }
        write_whole(&self.file("metrics.csv"), csv.as_bytes())?;
        write_whole(&self.file("metrics.jsonl"), lines.as_bytes())
    }

    /// The metrics of the first `epochs` epochs.
    ///
    /// # Errors
    /// [`CheckpointError`] if the file is missing, damaged or too short.
    pub fn read_metrics(&self, epochs: u32) -> Result<Vec<EpochMetrics>, CheckpointError> {
        let file = self.file("metrics.jsonl");
        if epochs == 0 {
            return Ok(Vec::new());
        }
        let text = files::read_text(&file).map_err(|error| CheckpointError::io(&file, &error))?;
        let malformed = |found: String| CheckpointError::Malformed {
            path: file.clone(),
            found,
            expected: format!("a line of metrics for each of {epochs} epochs"),
        };
        let metrics: Vec<EpochMetrics> = text
            .lines()
            .take(epochs as usize)
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()
            .map_err(|error| malformed(error.to_string()))?;
        if metrics.len() == epochs as usize { Ok(metrics) } else { Err(malformed(format!("{} lines", metrics.len()))) }
    }

    /// Writes the measurements of `epoch` for every training sample, ordered by row.
    ///
    /// # Errors
    /// [`CheckpointError::Io`].
    pub fn write_samples(
        &self,
        samples: &[SampleRecord],
        label_of: impl Fn(u32) -> u32,
        epoch: u32,
    ) -> Result<(), CheckpointError> {
        let mut sorted: Vec<&SampleRecord> = samples.iter().collect();
        sorted.sort_by_key(|sample| sample.row);
        let mut csv =
            "index,label,kappa,first_hit,weight,margin_start,margin_adversarial,depends_on,minimised,last_epoch\n".to_owned();
        for sample @ SampleRecord { row, measured, omega, axis, .. } in sorted {
            let axis = axis.map(|axis| axis.to_string()).unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = writeln!(
                csv,
                "{row},{},{},{},{omega},{},{},{axis},{},{epoch}",
                label_of(*row),
                measured.kappa,
                measured.first_hit,
                measured.margin_start,
                measured.margin_adversarial,
                sample.minimised() as f32,
            );
        }
        write_whole(&self.file("samples.csv"), csv.as_bytes())
    }

    /// Writes weights for use elsewhere: `last.safetensors`, `best.safetensors` or `average.safetensors`.
    ///
    /// # Errors
    /// [`CheckpointError::Io`].
    pub fn write_weights(&self, name: &str, weights: &Parameters, about: &serde_json::Value) -> Result<(), CheckpointError> {
        write_weights(&self.file(name), weights, &about.to_string())
    }

    /// Locks the folder until the lock is dropped or the process ends.
    ///
    /// # Errors
    /// [`CheckpointError::Busy`] if another process holds the lock.
    pub fn lock(&self) -> Result<RunLock, CheckpointError> {
        let path = self.file("run.lock");
        match files::lock(&path).map_err(|error| CheckpointError::io(&path, &error))? {
            Some(file) => Ok(RunLock { _file: file }),
            None => Err(CheckpointError::Busy(self.path.clone())),
        }
    }

    fn remove(&self, name: &str) -> Result<(), CheckpointError> {
        let file = self.file(name);
        if files::exists(&file) { files::remove(&file).map_err(|error| CheckpointError::io(&file, &error)) } else { Ok(()) }
    }
}
