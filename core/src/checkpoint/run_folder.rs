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

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    CheckpointError,
    formats::{from_bytes, to_bytes},
    write_weights, write_whole,
};
use crate::{
    files,
    metrics::{EpochMetrics, Summary},
    model::{NamedTensor, Parameters},
    settings::Settings,
    train::SampleRecord,
};

/// The progress of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Finished epochs.
    pub epoch: u32,
    /// Finished steps of the next epoch.
    pub step: usize,
    /// The epoch of the best checkpoint, or 0.
    pub best_epoch: u32,
    /// Its robust accuracy on the validation part.
    pub best_robust: f64,
    /// Consecutive epochs in which the network gave one answer to everything.
    pub collapsed_epochs: u32,
    /// Consecutive epochs with too small an effective share of samples.
    pub low_epochs: u32,
    /// The fingerprint of the data.
    pub data: String,
    /// The method and parameters of the memory.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub memory_of: String,
}

impl Progress {
    /// Whether the run looks wrong.
    pub fn suspect(&self) -> bool {
        self.collapsed_epochs > 0 || self.low_epochs > 0
    }
}

/// The state from which a run resumes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResumeState {
    /// The progress.
    pub progress: Progress,
    /// The network.
    pub weights: Parameters,
    /// The optimiser, one velocity per parameter.
    pub velocities: Vec<Vec<f32>>,
    /// The measurements of the unfinished epoch so far.
    pub measured: Vec<f32>,
    /// The method's state between steps.
    #[serde(default)]
    pub memory: Vec<f32>,
    /// The averaged weights, if averaging has begun.
    #[serde(default)]
    pub average: Parameters,
}

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

    /// Commits the state after an epoch, from which the run resumes after a kill. Call it after writing all other files of that state.
    ///
    /// # Errors
    /// [`CheckpointError::Io`].
    pub fn commit(&self, state: &ResumeState) -> Result<(), CheckpointError> {
        self.write_state("resume.safetensors", state)?;
        self.remove("part.safetensors")
    }

    /// Saves a state in the middle of an epoch.
    ///
    /// # Errors
    /// [`CheckpointError::Io`].
    pub fn commit_part(&self, state: &ResumeState) -> Result<(), CheckpointError> {
        self.write_state("part.safetensors", state)
    }

    /// Sets the committed state aside as the last good one.
    ///
    /// # Errors
    /// [`CheckpointError::Io`].
    pub fn keep_good(&self) -> Result<(), CheckpointError> {
        let file = self.file("resume.safetensors");
        if !files::exists(&file) {
            return Ok(());
        }
        self.copy("resume.safetensors", "good.safetensors")?;
        if files::exists(&self.file("best.safetensors")) {
            self.copy("best.safetensors", "good-best.safetensors")
        } else {
            Ok(())
        }
    }

    fn copy(&self, from: &str, to: &str) -> Result<(), CheckpointError> {
        let file = self.file(from);
        let bytes = files::read(&file).map_err(|error| CheckpointError::io(&file, &error))?;
        write_whole(&self.file(to), &bytes)
    }

    /// Removes the last good state.
    ///
    /// # Errors
    /// [`CheckpointError::Io`].
    pub fn forget_good(&self) -> Result<(), CheckpointError> {
        self.remove("good.safetensors")?;
        self.remove("good-best.safetensors")
    }

    /// Commits the last good state again, with its best weights, and returns it; `None` if there is none.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn return_to_good(&self) -> Result<Option<ResumeState>, CheckpointError> {
        self.remove("part.safetensors")?;
        if let Some(good) = self.read_state("good.safetensors")? {
            // The good state itself last: until then this can be done again.
            if good.progress.best_epoch == 0 {
                self.remove("best.safetensors")?;
            } else if files::exists(&self.file("good-best.safetensors")) {
                self.rename("good-best.safetensors", "best.safetensors")?;
            }
            self.rename("good.safetensors", "resume.safetensors")?;
        }
        let Some(state) = self.read_state("resume.safetensors")? else { return Ok(None) };
        if state.progress.suspect() {
            // It looked wrong from its first epoch on.
            self.remove("resume.safetensors")?;
            return Ok(None);
        }
        Ok(Some(state))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), CheckpointError> {
        let to = self.file(to);
        files::rename(&self.file(from), &to).map_err(|error| CheckpointError::io(&to, &error))
    }

    /// Removes the state of an unfinished epoch, so that it starts again.
    ///
    /// # Errors
    /// [`CheckpointError::Io`].
    pub fn forget_part(&self) -> Result<(), CheckpointError> {
        self.remove("part.safetensors")
    }

    /// Removes the best weights, which another measure chose.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn forget_best(&self) -> Result<(), CheckpointError> {
        if let Some(mut state) = self.read_state("resume.safetensors")? {
            (state.progress.best_epoch, state.progress.best_robust) = (0, 0.0);
            self.write_state("resume.safetensors", &state)?;
        }
        self.remove("best.safetensors")
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

    /// The state to resume from: in the middle of an epoch after a stop, else after the last finished epoch; `None` before the first.
    ///
    /// # Errors
    /// [`CheckpointError`] for an unusable file.
    pub fn resume_state(&self) -> Result<Option<ResumeState>, CheckpointError> {
        let (whole, part) = (self.read_state("resume.safetensors")?, self.read_state("part.safetensors")?);
        let finished = whole.as_ref().map_or(0, |state| state.progress.epoch);
        // A part of an older epoch is what a kill left between a commit and its tidying up.
        Ok(part.filter(|part| part.progress.epoch == finished).or(whole))
    }

    fn remove(&self, name: &str) -> Result<(), CheckpointError> {
        let file = self.file(name);
        if files::exists(&file) { files::remove(&file).map_err(|error| CheckpointError::io(&file, &error)) } else { Ok(()) }
    }

    fn write_state(&self, name: &str, state: &ResumeState) -> Result<(), CheckpointError> {
        let mut tensors = Parameters::new();
        let flat = |values: &Vec<f32>| NamedTensor { shape: vec![values.len()], values: values.clone() };
        for (name, tensor) in &state.weights {
            tensors.insert(format!("weights/{name}"), tensor.clone());
        }
        for (place, velocity) in state.velocities.iter().enumerate() {
            tensors.insert(format!("velocity/{place:05}"), flat(velocity));
        }
        tensors.insert("measured".to_owned(), flat(&state.measured));
        if !state.memory.is_empty() {
            tensors.insert("memory".to_owned(), flat(&state.memory));
        }
        for (name, tensor) in &state.average {
            tensors.insert(format!("average/{name}"), tensor.clone());
        }
        let file = self.file(name);
        let about = serde_json::to_string(&state.progress).unwrap_or_default();
        write_whole(&file, &to_bytes(&file, &tensors, &about)?)
    }

    fn read_state(&self, name: &str) -> Result<Option<ResumeState>, CheckpointError> {
        let file = self.file(name);
        if !files::exists(&file) {
            return Ok(None);
        }
        let bytes = files::read(&file).map_err(|error| CheckpointError::io(&file, &error))?;
        let (tensors, about) = from_bytes(&file, &bytes)?;
        let progress = about.and_then(|about| serde_json::from_str(&about).ok()).ok_or_else(|| CheckpointError::Malformed {
            path: file,
            found: "no progress in its metadata".to_owned(),
            expected: "a state that a run wrote".to_owned(),
        })?;
        let mut state = ResumeState { progress, ..ResumeState::default() };
        // The map runs in the order of names, and velocities are numbered with leading zeros.
        for (name, tensor) in tensors {
            if let Some(name) = name.strip_prefix("weights/") {
                state.weights.insert(name.to_owned(), tensor);
            } else if let Some(name) = name.strip_prefix("average/") {
                state.average.insert(name.to_owned(), tensor);
            } else if name == "memory" {
                state.memory = tensor.values;
            } else if name.starts_with("velocity/") {
                state.velocities.push(tensor.values);
            } else if name == "measured" {
                state.measured = tensor.values;
            }
        }
        Ok(Some(state))
    }
}
