//! The state from which a run resumes, and the last good one before the run began to look wrong.

use serde::{Deserialize, Serialize};

use super::RunFolder;
use crate::{
    checkpoint::{
        CheckpointError,
        formats::{from_bytes, to_bytes},
        write_whole,
    },
    files,
    model::{NamedTensor, Parameters},
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

impl RunFolder {
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
