//! Recognises a run that has diverged, and restores its last good state.

use super::{LOWER_RATE, Remedy, Session, SessionError};
use crate::{
    batch::Batch,
    dataset::Samples,
    device::{self, DeviceError},
    metrics::EpochMetrics,
    model::{Classifier as _, Network},
    snapshot::best_class,
    train::{EpochLog, SampleRecord},
};

/// Consecutive epochs under the least effective share after which a run is stopped.
const LOW_EPOCHS: u32 = 3;
/// Epochs in a row of one answer for everything before a run is stopped,
const COLLAPSED_EPOCHS: u32 = 2;
/// and steps in these epochs: many networks begin with one answer and leave it after some dozen steps.
const COLLAPSED_STEPS: usize = 100;
/// Training samples that test a network suspected of a constant answer.
const CONFIRMED_ON: usize = 1000;

impl Session<'_> {
    /// The class that the network gives to all natural training samples, if they agree.
    pub(super) async fn confirmed_answer(&self, frozen: &Network) -> Result<Option<u32>, DeviceError> {
        let shown: Vec<usize> = (0..self.dataset.train.len().min(CONFIRMED_ON)).collect();
        let samples = self.dataset.train.select(&shown, self.dataset.shape.len());
        let labels = samples.labels;
        let batch = Batch::new(samples.pixels, &labels, None, &self.trainer.device);
        let logits = device::read(frozen.logits(batch.natural)).await?;
        let mut answers = logits.chunks_exact(self.dataset.classes).map(best_class);
        let first = answers.next();
        Ok(first.filter(|first| answers.all(|answer| answer == *first)).map(|class| class as u32))
    }

    /// Stops a run that has diverged. When an epoch first looks suspicious, it sets the state before that epoch aside for recovery.
    ///
    /// `answer` is the class that the network gives to everything, if it does.
    pub(super) fn stop_if_diverged(&mut self, metrics: &EpochMetrics, answer: Option<u32>) -> Result<(), SessionError> {
        let settings = &self.trainer.plan.settings;
        let epoch = metrics.epoch;
        let steps = self.dataset.train.len().div_ceil(settings.batch);
        let was_suspect = self.progress.suspect();
        self.progress.collapsed_epochs = if answer.is_some() { self.progress.collapsed_epochs + 1 } else { 0 };
        // Where ω shares nothing out there is no share to fall.
        let low = metrics.effective.filter(|share| *share < settings.min_effective);
        self.progress.low_epochs = if low.is_some() { self.progress.low_epochs + 1 } else { 0 };
        let collapsed = self.progress.collapsed_epochs;
        if let Some(class) = answer {
            let what = format!("the network answers class {class} whatever it is shown, which is chance level");
            if collapsed >= COLLAPSED_EPOCHS && collapsed as usize * steps >= COLLAPSED_STEPS {
                let smaller = Remedy { how: "a smaller", setting: "epsilon", value: None };
                let init = Remedy { how: "the", setting: "init", value: Some("he") };
                return Err(self.diverged(epoch, format!("training has collapsed: {what}"), &[LOWER_RATE, smaller, init]));
            }
        }
        if let Some(share) = low.filter(|_| self.progress.low_epochs >= LOW_EPOCHS) {
            let what = format!(
                "for {LOW_EPOCHS} epochs the weights have let only {:.2} % of the samples count, less than the {} % that were asked for",
                100.0 * share,
                100.0 * settings.min_effective
            );
            let of_method =
                settings.method.headline().map(|(parameter, _)| Remedy { how: "another", setting: parameter.name, value: None });
            let burn_in = Remedy { how: "a longer", setting: "burn_in", value: None };
            let remedies: Vec<Remedy> = of_method.into_iter().chain([burn_in]).collect();
            return Err(self.diverged(epoch, what, &remedies));
        }
        match (was_suspect, self.progress.suspect()) {
            (false, true) => self.folder.keep_good()?,
            (true, false) => self.folder.forget_good()?,
            _ => {}
        }
        Ok(())
    }

    /// Restores the last good state, and returns the error of the diverged run.
    pub(super) fn diverged(&self, epoch: u32, mut what: String, remedies: &[Remedy]) -> SessionError {
        let good = match self.return_to_good() {
            Ok(good) => good,
            Err(error) => {
                what += &format!("; the last good state cannot be used ({error})");
                None
            }
        };
        SessionError::Diverged { epoch, what, good, folder: self.folder.path().to_owned(), remedies: remedies.to_vec() }
    }

    /// Restores the last good state, and all files that describe a later one. Returns its epoch, if a good state exists.
    fn return_to_good(&self) -> Result<Option<u32>, SessionError> {
        let Some(state) = self.folder.return_to_good()? else { return Ok(None) };
        let epoch = state.progress.epoch;
        self.folder.write_metrics(&self.metrics[..self.metrics.len().min(epoch as usize)])?;
        self.folder.write_weights("last.safetensors", &state.weights, &self.about(epoch))?;
        let rows = self.trainer.steps_of(self.dataset, epoch);
        let rows = rows.iter().map(|places| places.iter().map(|&place| self.dataset.train.rows[place]).collect()).collect();
        if let Ok(log) = EpochLog::from_parts(rows, state.measured) {
            self.folder.write_samples(&log.samples(), |row| self.label_of(row), epoch)?;
        }
        Ok(Some(epoch))
    }
}

/// The last step's constant answer, if the network gave one answer in nearly every step of `batch` samples. The answer may change from step
/// to step.
///
/// With a constant answer, and in practice only then, the attack never breaks a sample of that class (kappa = K) and finds every other sample
/// broken at once (kappa = 0). This needs no further pass over the data.
pub(super) fn only_answer(samples: &[SampleRecord], train: &Samples, steps: u32, batch: usize) -> Option<u32> {
    let label = |sample: &SampleRecord| train.rows.binary_search(&sample.row).map_or(0, |place| train.labels[place]);
    // None: several answers. Some(None): one answer, which no sample of the step has as its label.
    let answer = |step: &[SampleRecord]| -> Option<Option<u32>> {
        let class = step.iter().find(|sample| sample.measured.kappa == steps).map(label);
        let expected = |sample: &SampleRecord| if Some(label(sample)) == class { steps } else { 0 };
        let several_labels = step.iter().any(|sample| Some(label(sample)) != class);
        (several_labels && step.iter().all(|sample| sample.measured.kappa == expected(sample))).then_some(class)
    };
    let answers: Vec<Option<u32>> = samples.chunks(batch).filter_map(answer).collect();
    // An epoch may begin before the collapse is complete, or one sample differ for a moment.
    let all = samples.len().div_ceil(batch);
    if all == 0 || 10 * answers.len() < 9 * all { None } else { answers.into_iter().rev().flatten().next() }
}
