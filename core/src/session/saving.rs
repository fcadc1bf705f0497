//! Saves the state of a run, and restores it.

use burn::tensor::{Tensor, TensorData};

use super::{Door, Ending, Event, Session, SessionError, Start, StartError};
use crate::{
    checkpoint::{CheckpointError, ResumeState},
    device,
    metrics::EpochMetrics,
    model::{Parameters, named_tensors, parameter_count, with_tensors},
    train::{EpochLog, SampleRecord},
};

impl Session<'_> {
    /// Loads the initial weights that the settings name, if any.
    pub(super) async fn start_from_weights(&mut self) -> Result<(), SessionError> {
        let start = Start::of(&self.trainer.plan.settings, self.dataset).map_err(|error| match error {
            StartError::Checkpoint(error) => SessionError::Checkpoint(error),
            StartError::Load(error) => SessionError::Load(error.to_string()),
        })?;
        if let Some(start) = start {
            let tensors = named_tensors(&start.network).await?;
            self.trainer.set_network(with_tensors(self.trainer.network().clone(), &tensors)?);
        }
        Ok(())
    }

    /// Restores a committed state. Returns the samples of its last finished epoch, if the state is at the end of one.
    pub(super) fn restore(&mut self, state: ResumeState) -> Result<Vec<SampleRecord>, SessionError> {
        let malformed = |found: String, expected: String| {
            SessionError::Checkpoint(CheckpointError::Malformed { path: self.folder.path().to_owned(), found, expected })
        };
        let ResumeState { progress, weights, velocities, measured, memory, average } = state;
        if progress.data != self.dataset.fingerprint() {
            return Err(malformed(
                format!("a run on other data ({})", progress.data),
                format!("the data that it was made with; now it is {}", self.dataset.fingerprint()),
            ));
        }
        let learned = parameter_count(self.trainer.network());
        let velocity_numbers: usize = velocities.iter().map(Vec::len).sum();
        if velocity_numbers != learned {
            return Err(malformed(
                format!("{velocity_numbers} numbers of momentum"),
                format!("{learned}, one for each parameter"),
            ));
        }
        // At the end of an epoch its measurements are kept for the summary, in the middle of the next one those of its first steps.
        let (epoch, steps) = if progress.step == 0 { (progress.epoch, usize::MAX) } else { (progress.epoch + 1, progress.step) };
        let rows: Vec<Vec<u32>> = self
            .trainer
            .steps_of(self.dataset, epoch)
            .iter()
            .take(steps)
            .map(|places| places.iter().map(|&place| self.dataset.train.rows[place]).collect())
            .collect();
        let log = EpochLog::from_parts(rows, measured).map_err(|(found, expected)| {
            malformed(format!("{found} measured numbers"), format!("{expected}, as many as the steps of epoch {epoch} give"))
        })?;
        self.trainer.set_network(with_tensors(self.trainer.network().clone(), &weights)?);
        self.trainer.sgd.restore(velocities, &self.trainer.device);
        if !memory.is_empty() && progress.memory_of == self.trainer.plan.method_key() {
            let len = memory.len();
            self.trainer.memory.numbers = Some(Tensor::from_data(TensorData::new(memory, [len]), &self.trainer.device));
        }
        if !average.is_empty() {
            let averaged = with_tensors(self.trainer.frozen(), &average)?;
            self.trainer.restore_average(&averaged);
        }
        self.metrics = self.folder.read_metrics(progress.epoch)?;
        if progress.step == 0 && progress.best_epoch == progress.epoch {
            // The commit comes before the best weights are written; a kill may have come between.
            self.folder.write_weights("best.safetensors", &weights, &self.about(progress.epoch))?;
        }
        let finished = progress.step == 0;
        self.progress = progress;
        if finished {
            return Ok(log.samples());
        }
        self.log = log;
        Ok(Vec::new())
    }

    /// The metadata of a weights file.
    pub(super) fn about(&self, epoch: u32) -> serde_json::Value {
        serde_json::json!({
            "model": self.trainer.plan.settings.model.resolve(self.dataset.shape).to_string(),
            "shape": self.dataset.shape.to_string(),
            "classes": self.dataset.classes,
            "epoch": epoch,
        })
    }

    /// Saves in the middle of an epoch.
    pub(super) async fn save_part(&mut self, step: usize) -> Result<(), SessionError> {
        self.progress.step = step;
        self.progress.data = self.dataset.fingerprint();
        self.log.fetch().await?;
        let weights = named_tensors(self.trainer.network()).await?;
        let state = self.state(weights).await?;
        Ok(self.folder.commit_part(&state)?)
    }

    /// Saves in the middle of an epoch, and stops.
    pub(super) async fn stop(&mut self, step: usize) -> Result<Ending, SessionError> {
        self.save_part(step).await?;
        Ok(Ending::Stopped { epoch: self.progress.epoch, step })
    }

    /// The state from which the run resumes.
    pub(super) async fn state(&self, weights: Parameters) -> Result<ResumeState, SessionError> {
        let velocities = self.trainer.sgd.velocities().await?;
        let measured = self.log.numbers().to_vec();
        let memory = match &self.trainer.memory.numbers {
            Some(numbers) => device::read(numbers.clone()).await?,
            None => Vec::new(),
        };
        let average = match self.trainer.averaged() {
            Some(averaged) => named_tensors(&averaged).await?,
            None => Parameters::new(),
        };
        let mut progress = self.progress.clone();
        progress.memory_of = if memory.is_empty() { String::new() } else { self.trainer.plan.method_key() };
        Ok(ResumeState { progress, weights, velocities, measured, memory, average })
    }

    /// Writes all files of a finished epoch. A resumed run writes the files before the commit again if a kill prevented the commit, and restores
    /// the best weights, which follow the commit, from the committed state.
    pub(super) async fn save(
        &mut self,
        metrics: &EpochMetrics,
        weights: Parameters,
        samples: &[SampleRecord],
        door: &mut impl Door,
    ) -> Result<(), SessionError> {
        let epoch = metrics.epoch;
        let about = self.about(epoch);
        // Until the end of burn-in it is plain adversarial training: the first epoch of the method itself takes the place of all of these.
        let plan = &self.trainer.plan;
        if plan.in_force(epoch) && !plan.in_force(self.progress.best_epoch) {
            (self.progress.best_epoch, self.progress.best_robust) = (0, 0.0);
        }
        // Without a validation part there is nothing to choose by: the last is the best there is.
        let best = match metrics.get("validation_robust") {
            Some(robust) if self.progress.best_epoch == 0 || robust > self.progress.best_robust => Some(robust),
            Some(_) => None,
            None => self.dataset.validation.is_empty().then_some(0.0),
        };
        if let Some(robust) = best {
            (self.progress.best_epoch, self.progress.best_robust) = (epoch, robust);
        }
        self.progress.data = self.dataset.fingerprint();
        self.folder.write_metrics(&self.metrics)?;
        self.folder.write_samples(samples, |row| self.label_of(row), epoch)?;
        // A page has no files that grow.
        if cfg!(not(target_arch = "wasm32")) {
            self.events.add(metrics, samples)?;
        }
        self.folder.write_weights("last.safetensors", &weights, &about)?;
        let state = self.state(weights).await?;
        if !state.average.is_empty() {
            self.folder.write_weights("average.safetensors", &state.average, &about)?;
        }
        self.folder.commit(&state)?;
        if let Some(robust) = best {
            self.folder.write_weights("best.safetensors", &state.weights, &about)?;
            door.emit(Event::Best { epoch, robust });
        }
        door.keep(state);
        Ok(())
    }
}
