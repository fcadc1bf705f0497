//! A run from its settings to its summary: epochs, evaluations, checkpoints, and what goes wrong on the way.
//!
//! One `async fn`, driven by whoever opened the door (a thread with `pollster` natively, the page's event loop on the web), on one
//! thread from start to end: the GPU runtime orders work by thread. What happens comes out as [`Event`]s.

use serde::Serialize;
use web_time::{Duration, Instant};

use crate::{
    attack::{Path, PathError, multiplications},
    batch::Batch,
    checkpoint::{CheckpointError, Progress, ResumeState, RunFolder},
    dataset::{Dataset, Samples},
    device::{self, Chosen, DeviceError},
    evaluate::{self, EvaluationAttack, Report, Score, Target, Threat},
    metrics::{EpochMetrics, Summary},
    model::{Classifier as _, ModelError, Network, Parameters, WeightsError, named_tensors, parameter_count, with_tensors},
    pace,
    settings::Checked,
    snapshot::{Regions, Snapshot},
    train::{EpochLog, SampleRecord, Trainer},
};

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(200);
/// Epochs in a row under the effective share before a run is stopped.
const LOW_EPOCHS: u32 = 3;
/// Epochs in a row of one answer for everything before a run is stopped,
const COLLAPSED_EPOCHS: u32 = 2;
/// and steps in these epochs: many networks begin with one answer and leave it after some dozen steps.
const COLLAPSED_STEPS: usize = 100;
/// What is said of a run whose numbers have overflowed.
const NOT_FINITE: &str = "the loss or a weight is no longer a finite number";
/// Samples of train that are shown to a network that seems to know one answer only.
const CONFIRMED_ON: usize = 1000;
/// Cells of the decision regions in a snapshot.
const REGION_CELLS: (usize, usize) = (64, 64);

/// What a door may ask of a running session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Save and stop after the current step.
    Stop,
}

/// What happens in a run. Small facts without tensors; `--json` prints them as they are.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The run begins, or goes on.
    Started {
        /// The network as it was resolved.
        model: String,
        /// How many numbers it learns.
        parameters: usize,
        /// The device's name.
        device: String,
        /// The graphics API, or `flex`.
        api: String,
        /// The way the attack takes: `fused` or `composed`.
        path: String,
        /// Training, validation and test samples.
        train: usize,
        /// Samples held out for choosing the best checkpoint.
        validation: usize,
        /// Samples held out from everything.
        test: usize,
        /// Epochs in all.
        epochs: u32,
        /// Steps in an epoch.
        steps: usize,
        /// Finished epochs, where a run goes on.
        resumed_epoch: u32,
    },
    /// The first step takes longer than the others: its kernels are compiled.
    Compiling,
    /// Part of an epoch is done.
    Progress {
        /// The epoch, counted from 1.
        epoch: u32,
        /// Finished steps of it.
        step: usize,
        /// Steps of an epoch.
        steps: usize,
        /// The mean loss of the step last measured.
        loss: f64,
    },
    /// An epoch is done.
    Epoch(EpochMetrics),
    /// A checkpoint is better than all before.
    Best {
        /// The epoch.
        epoch: u32,
        /// Robust accuracy on the validation part.
        robust: f64,
    },
    /// An evaluation attack is running on the test part.
    Evaluating {
        /// Its name for people.
        attack: String,
    },
    /// Something a person should know.
    Warning {
        /// A sentence.
        message: String,
    },
    /// The run is over.
    Summary(Summary),
}

/// How a run ended that nothing went wrong with.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one at the end of a run")]
pub enum Ending {
    /// All epochs are done.
    Finished {
        /// The final evaluation.
        summary: Summary,
        /// The last epoch's samples and, for 2-D data, the regions of the evaluated weights.
        snapshot: Snapshot,
    },
    /// It was stopped, and saved.
    Stopped {
        /// Finished epochs.
        epoch: u32,
        /// Finished steps of the next one.
        step: usize,
    },
}

/// What a run fails with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The network does not take the data.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The way that the attack was to take is not there.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The device is gone.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A file could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint is of another network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Training went wrong in a way that more of it does not mend.
    #[error("epoch {epoch}: {what}. {advice}")]
    Diverged {
        /// Where it was seen.
        epoch: u32,
        /// What was seen.
        what: String,
        /// The way back, and what to change.
        advice: String,
    },
}

/// Runs what is left of a run in `folder`.
///
/// `poll` is asked after every step whether somebody wants something; `emit` is told what happens.
///
/// # Errors
/// [`SessionError`]. The folder then holds the last good state, and the run can be resumed from it.
pub async fn run(
    plan: &Checked,
    dataset: &Dataset,
    chosen: &Chosen,
    folder: &RunFolder,
    poll: &mut dyn FnMut() -> Option<Command>,
    emit: &mut dyn FnMut(Event),
) -> Result<Ending, SessionError> {
    let trainer = Trainer::new(plan, dataset, &chosen.device)?;
    let path = plan.attack.path.taken(&trainer.frozen(), &chosen.device)?;
    let mut session =
        Session { trainer, dataset, folder, progress: Progress::default(), metrics: Vec::new(), log: EpochLog::default() };
    let mut last_samples = match folder.resume_state()? {
        Some(state) => session.restore(state)?,
        None => Vec::new(),
    };
    session.announce(chosen, path, emit);
    let mut compiled = chosen.cpu;
    let program = session.trainer.frozen().program();
    let per_sample = program.map_or(0, |program| multiplications(&program.layers, plan.attack.steps));
    let epochs = plan.settings.epochs;
    for epoch in session.progress.epoch + 1..=epochs {
        let steps = session.trainer.steps_of(dataset, epoch);
        let (mut told, mut since) = (Instant::now(), 0);
        for (step, places) in steps.iter().enumerate().skip(session.progress.step) {
            if !compiled {
                emit(Event::Compiling);
            }
            session.trainer.step(dataset, places, (epoch, step), &mut session.log);
            since += places.len();
            if !compiled || told.elapsed() >= TELL_EVERY {
                session.log.fetch().await?;
                if compiled && !chosen.cpu {
                    pace::learn(since as u64 * per_sample, told.elapsed().as_secs_f64());
                }
                since = 0;
                let loss = mean(session.log.last_step().iter().map(|sample| f64::from(sample.measured.loss)));
                emit(Event::Progress { epoch, step: step + 1, steps: steps.len(), loss });
                if !loss.is_finite() {
                    return Err(session.diverged(epoch, NOT_FINITE.to_owned(), "a lower --lr"));
                }
                (compiled, told) = (true, Instant::now());
            }
            if step + 1 < steps.len() && poll() == Some(Command::Stop) {
                return session.stop(step + 1).await;
            }
        }
        if compiled && !chosen.cpu {
            session.log.fetch().await?;
            pace::learn(since as u64 * per_sample, told.elapsed().as_secs_f64());
        }
        last_samples = match session.finish_epoch(epoch, poll, emit).await? {
            Some(samples) => samples,
            None => return session.stop(steps.len()).await,
        };
        if epoch < epochs && poll() == Some(Command::Stop) {
            return Ok(Ending::Stopped { epoch: session.progress.epoch, step: 0 });
        }
    }
    session.conclude(last_samples, poll, emit).await
}

/// A run in the middle of its work.
struct Session<'a> {
    trainer: Trainer,
    dataset: &'a Dataset,
    folder: &'a RunFolder,
    progress: Progress,
    metrics: Vec<EpochMetrics>,
    log: EpochLog,
}

impl Session<'_> {
    fn announce(&self, chosen: &Chosen, path: Path, emit: &mut dyn FnMut(Event)) {
        let settings = &self.trainer.plan.settings;
        emit(Event::Started {
            model: settings.model.resolve(self.dataset.shape).to_string(),
            parameters: parameter_count(&self.trainer.network),
            device: chosen.name.clone(),
            api: chosen.api.clone(),
            path: path.to_string(),
            train: self.dataset.train.len(),
            validation: self.dataset.validation.len(),
            test: self.dataset.test.len(),
            epochs: settings.epochs,
            steps: self.dataset.train.len().div_ceil(settings.batch),
            resumed_epoch: self.progress.epoch,
        });
        for message in settings.warnings() {
            emit(Event::Warning { message });
        }
    }

    /// Takes over a committed state; gives the samples of its last finished epoch back, if the state is at the end of one.
    fn restore(&mut self, state: ResumeState) -> Result<Vec<SampleRecord>, SessionError> {
        let malformed = |found: String, expected: String| {
            SessionError::Checkpoint(CheckpointError::Malformed { path: self.folder.path().to_owned(), found, expected })
        };
        let ResumeState { progress, weights, velocities, measured } = state;
        if progress.data != self.dataset.fingerprint() {
            return Err(malformed(
                format!("a run on other data ({})", progress.data),
                format!("the data that it was made with; now it is {}", self.dataset.fingerprint()),
            ));
        }
        let learned = parameter_count(&self.trainer.network);
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
        self.trainer.network = with_tensors(self.trainer.network.clone(), &weights)?;
        self.trainer.sgd.restore(velocities, &self.trainer.device);
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

    /// What a weights file says about itself.
    fn about(&self, epoch: u32) -> serde_json::Value {
        serde_json::json!({
            "model": self.trainer.plan.settings.model.resolve(self.dataset.shape).to_string(),
            "shape": self.dataset.shape.to_string(),
            "classes": self.dataset.classes,
            "epoch": epoch,
        })
    }

    /// Saves in the middle of an epoch.
    async fn stop(&mut self, step: usize) -> Result<Ending, SessionError> {
        self.progress.step = step;
        self.progress.data = self.dataset.fingerprint();
        self.log.fetch().await?;
        let weights = named_tensors(&self.trainer.network).await?;
        let state = self.state(weights).await?;
        self.folder.commit_part(&state)?;
        Ok(Ending::Stopped { epoch: self.progress.epoch, step })
    }

    /// What going on from here needs, besides the files.
    async fn state(&self, weights: Parameters) -> Result<ResumeState, SessionError> {
        let velocities = self.trainer.sgd.velocities().await?;
        let measured = self.log.numbers().to_vec();
        Ok(ResumeState { progress: self.progress.clone(), weights, velocities, measured })
    }

    /// Measures, evaluates, judges and saves a finished epoch; gives its samples back.
    ///
    /// `None` if it was stopped while it evaluated; nothing is saved then.
    async fn finish_epoch(
        &mut self,
        epoch: u32,
        poll: &mut dyn FnMut() -> Option<Command>,
        emit: &mut dyn FnMut(Event),
    ) -> Result<Option<Vec<SampleRecord>>, SessionError> {
        self.log.fetch().await?;
        let samples = self.log.samples();
        let settings = &self.trainer.plan.settings;
        let mut metrics = EpochMetrics {
            epoch,
            lr: self.trainer.plan.learning_rate.at(epoch),
            lambda: Some(self.trainer.lambda(epoch)).filter(|lambda| lambda.is_finite()),
            loss: mean(samples.iter().map(|sample| f64::from(sample.omega) * f64::from(sample.measured.loss))),
            train_robust: mean(samples.iter().map(|sample| f64::from(u8::from(!sample.measured.broken)))),
            mean_kappa: mean(samples.iter().map(|sample| f64::from(sample.measured.kappa))),
            effective: self.log.effective_share(),
            validation_natural: None,
            validation_pgd20: None,
        };
        let weights = named_tensors(&self.trainer.network).await?;
        let finite = metrics.loss.is_finite() && weights.values().all(|tensor| tensor.values.iter().all(|w| w.is_finite()));
        let frozen = self.trainer.frozen();
        let due = epoch.is_multiple_of(settings.evaluate_every) || epoch == settings.epochs;
        if finite && due && !self.dataset.validation.is_empty() {
            let report = self.evaluate(&frozen, &self.dataset.validation, &validation_attacks(), poll, &mut |_| ()).await?;
            let Some(report) = report else { return Ok(None) };
            metrics.validation_natural = report.accuracy("natural");
            metrics.validation_pgd20 = report.accuracy("pgd:20");
        }
        emit(Event::Epoch(metrics.clone()));
        if !finite {
            return Err(self.diverged(epoch, NOT_FINITE.to_owned(), "a lower --lr"));
        }
        let answer = match only_answer(&samples, &self.dataset.train, settings.steps, settings.batch) {
            Some(_) => self.confirmed_answer(&frozen).await?,
            None => None,
        };
        self.judge(&metrics, answer, emit)?;
        (self.progress.epoch, self.progress.step) = (epoch, 0);
        self.metrics.push(metrics.clone());
        self.save(&metrics, weights, &samples, emit).await?;
        self.log = EpochLog::default();
        Ok(Some(samples))
    }

    /// The one class that the network gives to natural training samples, if there is one.
    async fn confirmed_answer(&self, frozen: &Network) -> Result<Option<u32>, DeviceError> {
        let shown: Vec<usize> = (0..self.dataset.train.len().min(CONFIRMED_ON)).collect();
        let samples = self.dataset.train.select(&shown, self.dataset.shape.len());
        let labels = samples.labels;
        let batch = Batch::new(samples.pixels, &labels, None, &self.trainer.device);
        let logits = device::read(frozen.logits(batch.natural)).await?;
        let mut answers = logits
            .chunks_exact(self.dataset.classes)
            .map(|row| (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best }));
        let first = answers.next();
        Ok(first.filter(|first| answers.all(|answer| answer == *first)).map(|class| class as u32))
    }

    /// Stops a run that has gone wrong for good. When an epoch first looks like the beginning of that, the state before it is kept
    /// aside, so that there is a way back.
    ///
    /// `answer` is the one class that the network gives to everything, if it does.
    fn judge(&mut self, metrics: &EpochMetrics, answer: Option<u32>, emit: &mut dyn FnMut(Event)) -> Result<(), SessionError> {
        let settings = &self.trainer.plan.settings;
        let epoch = metrics.epoch;
        let steps = self.dataset.train.len().div_ceil(settings.batch);
        let was_suspect = self.progress.suspect();
        self.progress.collapsed_epochs = if answer.is_some() { self.progress.collapsed_epochs + 1 } else { 0 };
        self.progress.low_epochs = if metrics.effective < settings.min_effective { self.progress.low_epochs + 1 } else { 0 };
        let collapsed = self.progress.collapsed_epochs;
        if let Some(class) = answer {
            let what = format!("the network answers class {class} whatever it is shown, which is chance level");
            if collapsed >= COLLAPSED_EPOCHS && collapsed as usize * steps >= COLLAPSED_STEPS {
                return Err(self.diverged(
                    epoch,
                    format!("training has collapsed: {what}"),
                    "a lower --lr, a smaller --epsilon or --init he",
                ));
            }
            if epoch == settings.epochs {
                emit(Event::Warning { message: what });
            }
        }
        if self.progress.low_epochs >= LOW_EPOCHS {
            let what = format!(
                "for {LOW_EPOCHS} epochs the weights have let only {:.2} % of the samples count, under --min-effective {}",
                100.0 * metrics.effective,
                settings.min_effective
            );
            return Err(self.diverged(epoch, what, "a higher --lambda, a longer --burn-in or --weighting sigmoid"));
        }
        match (was_suspect, self.progress.suspect()) {
            (false, true) => self.folder.keep_good()?,
            (true, false) => self.folder.forget_good()?,
            _ => {}
        }
        Ok(())
    }

    /// The error of a run that has gone wrong; puts the last good state back in place.
    fn diverged(&self, epoch: u32, what: String, change: &str) -> SessionError {
        let path = self.folder.path().display();
        let advice = match self.return_to_good() {
            Ok(Some(good)) => format!(
                "The last good state, of epoch {good}, is kept: `gairat train --resume {path}` goes on from it; change something, such as {change}"
            ),
            Ok(None) => format!("No epoch before was good: start again with {change}"),
            Err(error) => format!("The last good state cannot be used ({error}): start again with {change}"),
        };
        SessionError::Diverged { epoch, what, advice }
    }

    /// Puts the last good state back in place, and all files that speak of a later one; gives its epoch, if there is a good one.
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

    /// The label of the training sample of `row`.
    fn label_of(&self, row: u32) -> u32 {
        let train = &self.dataset.train;
        train.rows.binary_search(&row).map_or(0, |place| train.labels[place])
    }

    /// Writes all files of a finished epoch. What is written before the committing one is written again if it is not reached; the
    /// best weights come after it, and are written again from the committed state if they are not reached.
    async fn save(
        &mut self,
        metrics: &EpochMetrics,
        weights: Parameters,
        samples: &[SampleRecord],
        emit: &mut dyn FnMut(Event),
    ) -> Result<(), SessionError> {
        let epoch = metrics.epoch;
        let about = self.about(epoch);
        // Without a validation part there is nothing to choose by: the last is the best there is.
        let best = match metrics.validation_pgd20 {
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
        self.folder.write_weights("last.safetensors", &weights, &about)?;
        let state = self.state(weights).await?;
        self.folder.commit(&state)?;
        if let Some(robust) = best {
            self.folder.write_weights("best.safetensors", &state.weights, &about)?;
            emit(Event::Best { epoch, robust });
        }
        Ok(())
    }

    /// Runs `attacks` on `samples`; `None` if it was stopped.
    async fn evaluate(
        &self,
        network: &Network,
        samples: &Samples,
        attacks: &[Box<dyn EvaluationAttack>],
        poll: &mut dyn FnMut() -> Option<Command>,
        begin: &mut dyn FnMut(&dyn EvaluationAttack),
    ) -> Result<Option<Report>, DeviceError> {
        let settings = &self.trainer.plan.settings;
        let threat = Threat { epsilon: self.trainer.plan.attack.epsilon, seed: settings.seed, path: settings.path };
        let mut scores: Vec<Score> = Vec::new();
        for attack in attacks {
            begin(attack.as_ref());
            let device = &self.trainer.device;
            let target = Target { network, samples, shape: self.dataset.shape, threat, batch: settings.batch, device };
            match evaluate::score(attack.as_ref(), target, &mut || poll() == Some(Command::Stop)).await? {
                Some(score) => scores.push(score),
                None => return Ok(None),
            }
        }
        Ok(Some(Report { samples: samples.len(), scores }))
    }

    /// The final evaluation, of the best weights on the test part.
    async fn conclude(
        mut self,
        samples: Vec<SampleRecord>,
        poll: &mut dyn FnMut() -> Option<Command>,
        emit: &mut dyn FnMut(Event),
    ) -> Result<Ending, SessionError> {
        if self.progress.best_epoch == 0 {
            // Stopped before its first evaluation, and then not given more epochs: what there is is the best.
            self.progress.best_epoch = self.progress.epoch;
            let last = named_tensors(&self.trainer.network).await?;
            self.folder.write_weights("best.safetensors", &last, &self.about(self.progress.epoch))?;
        }
        let best = crate::checkpoint::read_weights(&self.folder.file("best.safetensors"))?;
        let network = with_tensors(self.trainer.frozen(), &best)?;
        let mut begin = |attack: &dyn EvaluationAttack| emit(Event::Evaluating { attack: attack.label() });
        let report = self.evaluate(&network, &self.dataset.test, &evaluate::usual(), poll, &mut begin).await?;
        let Some(report) = report else { return Ok(Ending::Stopped { epoch: self.progress.epoch, step: 0 }) };
        let regions = Regions::of(&network, self.dataset.shape, REGION_CELLS, &self.trainer.device).await?;
        let epochs = self.trainer.plan.settings.epochs;
        let natural = report.scores.iter().find(|score| score.attack == "natural");
        let test_correct = natural.map(|score| score.correct.clone()).unwrap_or_default();
        let snapshot = Snapshot { epoch: epochs, samples, regions, test_correct };
        let accuracy = |attack| report.accuracy(attack).unwrap_or_default();
        let (robust, strongest) = report.robust().unwrap_or_default();
        let summary = Summary {
            natural: accuracy("natural"),
            pgd20: accuracy("pgd:20"),
            cw20: accuracy("cw:20"),
            robust,
            strongest: strongest.to_owned(),
            samples: report.samples,
            epoch: self.progress.best_epoch,
            epochs,
            kappa: snapshot.kappa_histogram(self.trainer.plan.attack.steps),
        };
        self.folder.finish(&summary)?;
        emit(Event::Summary(summary.clone()));
        Ok(Ending::Finished { summary, snapshot })
    }
}

/// What the validation part is judged by.
fn validation_attacks() -> Vec<Box<dyn EvaluationAttack>> {
    evaluate::usual().into_iter().filter(|attack| attack.spec() != "cw:20").collect()
}

/// The mean; 0 of nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

/// The class that the network answers for everything, if in nearly every step of `batch` samples it had one answer; which one may
/// change from step to step, and the last is given.
///
/// Then, and in practice only then, the attack never breaks a sample of that class (kappa = K) and finds every other broken at once
/// (kappa = 0). This needs no further pass over the data.
fn only_answer(samples: &[SampleRecord], train: &Samples, steps: u32, batch: usize) -> Option<u32> {
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
