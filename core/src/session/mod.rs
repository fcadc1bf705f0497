//! A run from its settings to its summary: epochs, evaluations, checkpoints, and what goes wrong on the way.
//!
//! One `async fn`, driven by whoever opened the door (a thread with `pollster` natively, the page's event loop on the web), on one
//! thread from start to end: the GPU runtime orders work by thread. What happens comes out as [`Event`]s.

mod divergence;
mod door;
mod start;
mod trial;
mod watch;

use std::{collections::BTreeMap, path::PathBuf};

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};
use web_time::{Duration, Instant};

pub use door::{Command, Door, Place};
pub use start::{Start, StartError};
pub use trial::{Bar, Fate, Judged, Judging, SampleTrial, Trial, Verdict, Weights, judgements};
pub use watch::{Look, Looked, Margins, NextBatch, Region, Seen, Traced, View};

use divergence::only_answer;
use door::Unseen;
use watch::Watch;

use crate::{
    attack::{Path, PathError, multiplications},
    checkpoint::{CheckpointError, EventFile, Progress, ResumeState, RunFolder},
    dataset::{Dataset, Samples},
    device::{self, Chosen, DeviceError},
    evaluate::{self, Evaluation, Halt, Norm, Report, Suite, Target, Threat},
    metrics::{Beside, EpochMetrics, Summary, score_name},
    model::{Classifier as _, ModelError, Network, Parameters, WeightsError, named_tensors, parameter_count, with_tensors},
    pace,
    settings::{Checked, fields, may_change},
    snapshot::{Regions, Snapshot},
    train::{EpochLog, SampleRecord, Trainer},
};

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(200);
/// How long steps are handed to the GPU before the loop waits for it.
const AHEAD: Duration = Duration::from_millis(10);
/// What is said of a run whose numbers have overflowed.
const NOT_FINITE: &str = "the loss or a weight is no longer a finite number";
/// Cells of the decision regions in a snapshot.
const REGION_CELLS: (usize, usize) = (64, 64);

/// What happens in a run. Small facts without tensors; `--json` prints them as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
        /// Its name for people, and that it is on the averaged weights where it is.
        attack: String,
    },
    /// Something a person should know.
    Warning {
        /// A sentence.
        message: String,
    },
    /// Settings were changed while the run was on its way; they hold from the next step on.
    Changed {
        /// The epoch, counted from 1.
        epoch: u32,
        /// Finished steps of it.
        step: usize,
        /// What was changed.
        changes: Vec<Changed>,
    },
    /// The run can be resumed from here.
    Saved {
        /// Finished epochs.
        epoch: u32,
        /// Finished steps of the next one.
        step: usize,
    },
    /// The run is over.
    Summary(Summary),
}

/// A setting that was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// Its name.
    pub name: String,
    /// Its value before, as text.
    pub from: String,
    /// Its value from now on.
    pub to: String,
}

/// How a run ended that nothing went wrong with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "there is one at the end of a run")]
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
    /// A checkpoint does not go together with the run's settings.
    #[error("{0}")]
    Load(String),
    /// A setting that a run is made with was to change on its way.
    #[error("{name}: the run was made with `{from}`, and that cannot change; start a new run for `{to}`")]
    Fixed {
        /// The setting.
        name: String,
        /// Its value.
        from: String,
        /// The value that was asked for.
        to: String,
    },
    /// A run folder could not say what it was made with.
    #[error(
        "method: the plan trains with `{given}`, its settings name `{named}`, and a folder keeps settings alone; train a method of your own with Trainer"
    )]
    OwnMethod {
        /// The name of the plan's method.
        given: &'static str,
        /// The name in its settings.
        named: &'static str,
    },
    /// Training went wrong in a way that more of it does not mend.
    #[error("epoch {epoch}: {what}. {}", match .good {
        Some(good) => format!("The last good state, of epoch {good}, is kept"),
        None => "No epoch before was good".to_owned(),
    })]
    Diverged {
        /// Where it was seen.
        epoch: u32,
        /// What was seen.
        what: String,
        /// The epoch of the last good state, which is the committed one again; none where there is none that can be used.
        good: Option<u32>,
        /// The run's folder.
        folder: PathBuf,
        /// What may help, one of these.
        remedies: Vec<Remedy>,
    },
}

/// A change of a setting that may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// How it should be: `a lower`, `a longer`, `another`.
    pub how: &'static str,
    /// The setting.
    pub setting: &'static str,
    /// Its value, where there is one to be tried.
    pub value: Option<&'static str>,
}

/// The first thing to try where numbers run away.
const LOWER_RATE: Remedy = Remedy { how: "a lower", setting: "lr", value: None };

/// Runs what is left of a run in `folder`, without views on the way.
///
/// `stop` is asked after every step whether to save and stop; `emit` is told what happens.
///
/// # Errors
/// [`SessionError`]. The folder then holds the last good state, and the run can be resumed from it.
pub async fn run(
    plan: &Checked,
    dataset: &Dataset,
    chosen: &Chosen,
    folder: &RunFolder,
    stop: &mut dyn FnMut() -> bool,
    emit: &mut dyn FnMut(Event),
) -> Result<Ending, SessionError> {
    run_with(plan, dataset, chosen, folder, &mut Unseen { poll: stop, emit, begun: false }).await
}

/// Runs what is left of a run in `folder` behind `door`, which paces it, looks at it and changes it.
///
/// # Errors
/// As [`run`].
pub async fn run_with<D: Door>(
    plan: &Checked,
    dataset: &Dataset,
    chosen: &Chosen,
    folder: &RunFolder,
    door: &mut D,
) -> Result<Ending, SessionError> {
    let (given, named) = (plan.method.about().name, plan.settings.method.name());
    if given != named {
        return Err(SessionError::OwnMethod { given, named });
    }
    let trainer = Trainer::new(plan, dataset, &chosen.device)?;
    let path = plan.attack.path.taken(&trainer.frozen(), &chosen.device)?;
    let program = trainer.frozen().program();
    let mut session = Session {
        per_sample: program.map_or(0, |program| multiplications(&program.layers, plan.attack.steps)),
        compiled: chosen.cpu,
        trainer,
        dataset,
        folder,
        progress: Progress::default(),
        metrics: Vec::new(),
        events: EventFile::within(folder.path()),
        log: EpochLog::default(),
        watch: Watch::default(),
    };
    let mut last_samples = match folder.resume_state()? {
        Some(state) => session.restore(state)?,
        None => {
            session.start_from_weights().await?;
            Vec::new()
        }
    };
    session.announce(chosen, path, &mut |event| door.emit(event));
    session.tell_kept(door);
    session.watch.put(&session.log.samples(), &last_samples);
    if session.progress == Progress::default() {
        let weights = named_tensors(session.trainer.network()).await?;
        door.keep(session.state(weights).await?);
    }
    loop {
        while session.progress.epoch < session.trainer.plan.settings.epochs {
            match session.epoch(chosen, door).await? {
                Ok(samples) => last_samples = samples,
                Err(stopped) => return Ok(stopped),
            }
        }
        let ending = session.conclude(last_samples.clone(), door).await?;
        if !matches!(ending, Ending::Finished { .. }) || !door.stays() {
            return Ok(ending);
        }
        // The run is over, and still looked at; more epochs make it go on.
        while session.progress.epoch >= session.trainer.plan.settings.epochs {
            match door.next(session.place(0)).await {
                Command::Go => {}
                Command::Save => door.emit(Event::Saved { epoch: session.progress.epoch, step: 0 }),
                Command::Look => session.show(door).await?,
                Command::Judge(trial) => session.put_to_trial(&trial, door).await?,
                Command::Stop => return Ok(ending),
                Command::Change(plan) => {
                    let more = plan.settings.epochs > session.progress.epoch;
                    session.change(*plan, door)?;
                    if more {
                        session.folder.reopen()?;
                    }
                }
            }
        }
    }
}

/// A run in the middle of its work.
struct Session<'a> {
    trainer: Trainer,
    dataset: &'a Dataset,
    folder: &'a RunFolder,
    progress: Progress,
    metrics: Vec<EpochMetrics>,
    events: EventFile,
    log: EpochLog,
    /// Multiplications of the attack on a sample, as far as they are known.
    per_sample: u64,
    /// Whether a first step has been done, which compiles kernels.
    compiled: bool,
    watch: Watch,
}

impl Session<'_> {
    /// Trains what is left of the next epoch; gives its samples back, or how the run was stopped.
    async fn epoch<D: Door>(&mut self, chosen: &Chosen, door: &mut D) -> Result<Result<Vec<SampleRecord>, Ending>, SessionError> {
        let epoch = self.progress.epoch + 1;
        let steps = self.trainer.steps_of(self.dataset, epoch);
        let (mut told, mut since) = (Instant::now(), 0);
        let mut ahead = Instant::now();
        for (step, places) in steps.iter().enumerate().skip(self.progress.step) {
            let asked = Instant::now();
            loop {
                match door.next(self.place(step)).await {
                    Command::Go => break,
                    Command::Stop if step == 0 => return Ok(Err(Ending::Stopped { epoch: self.progress.epoch, step })),
                    Command::Stop => return Ok(Err(self.stop(step).await?)),
                    Command::Change(plan) => {
                        self.change(*plan, door)?;
                    }
                    Command::Look => self.show(door).await?,
                    Command::Judge(trial) => self.put_to_trial(&trial, door).await?,
                    Command::Save => {
                        // The end of an epoch is saved already.
                        if step > 0 {
                            self.save_part(step).await?;
                        }
                        door.emit(Event::Saved { epoch: self.progress.epoch, step });
                    }
                }
            }
            // What the door waited for is not the device's time.
            told += asked.elapsed();
            if !self.compiled {
                door.emit(Event::Compiling);
            }
            let images = self.trainer.step(self.dataset, places, (epoch, step), &mut self.log);
            if door.stays() {
                self.watch.keep(images, self.dataset.shape);
            }
            since += places.len();
            if !self.compiled || told.elapsed() >= TELL_EVERY {
                self.log.fetch().await?;
                if self.compiled && !chosen.cpu {
                    pace::learn(since as u64 * self.per_sample, told.elapsed().as_secs_f64());
                }
                since = 0;
                let loss = mean(self.log.last_step().iter().map(|sample| f64::from(sample.measured.loss)));
                door.emit(Event::Progress { epoch, step: step + 1, steps: steps.len(), loss });
                if !loss.is_finite() {
                    return Err(self.diverged(epoch, NOT_FINITE.to_owned(), &[LOWER_RATE]));
                }
                (self.compiled, told) = (true, Instant::now());
            }
            if !chosen.cpu && device::may_run_ahead() && ahead.elapsed() >= AHEAD {
                self.log.fetch().await?;
                ahead = Instant::now();
            }
            self.progress.step = step + 1;
            if step + 1 < steps.len() && door.looks() {
                self.show(door).await?;
            }
        }
        if self.compiled && !chosen.cpu {
            self.log.fetch().await?;
            pace::learn(since as u64 * self.per_sample, told.elapsed().as_secs_f64());
        }
        match self.finish_epoch(epoch, door).await? {
            Some(samples) => Ok(Ok(samples)),
            None => Ok(Err(self.stop(steps.len()).await?)),
        }
    }

    /// Where the run is, with so many steps of the next epoch done.
    fn place(&self, step: usize) -> Place {
        let steps = self.dataset.train.len().div_ceil(self.trainer.plan.settings.batch.max(1));
        let epochs = self.trainer.plan.settings.epochs;
        Place { epoch: self.progress.epoch, step, steps, epochs }
    }

    /// Goes on with other settings, those that may change while a run is on its way.
    fn change<D: Door>(&mut self, plan: Checked, door: &mut D) -> Result<(), SessionError> {
        let before = &self.trainer.plan.settings;
        let changes: Vec<Changed> = fields()
            .iter()
            .filter_map(|field| {
                // A parameter that one of two methods has not is "-".
                let (from, to) = (before.get(field.name), plan.settings.get(field.name));
                let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
                let (from, to) = (text(from), text(to));
                (from != to).then_some(Changed { name: field.name.to_owned(), from, to })
            })
            .collect();
        if let Some(fixed) = changes.iter().find(|change| !may_change(&change.name)) {
            return Err(SessionError::Fixed { name: fixed.name.clone(), from: fixed.from.clone(), to: fixed.to.clone() });
        }
        if changes.is_empty() {
            return Ok(());
        }
        if plan.settings.epochs <= self.progress.epoch {
            // Nothing is touched: the results of the run stay those of the settings that it was made with.
            let begun = self.progress.epoch + 1;
            let message = format!(
                "{} epochs: the run has had {}; give at least {begun}, or start a new run",
                plan.settings.epochs, self.progress.epoch
            );
            door.emit(Event::Warning { message });
            return Ok(());
        }
        if changes.iter().any(|change| change.name == "epsilon") {
            // Robust accuracies in balls of two sizes do not compare.
            (self.progress.best_epoch, self.progress.best_robust) = (0, 0.0);
            self.folder.forget_best()?;
        }
        self.folder.write_settings(&plan.settings)?;
        self.trainer.change(plan);
        door.emit(Event::Changed { epoch: self.progress.epoch + 1, step: self.progress.step, changes });
        Ok(())
    }

    fn announce(&self, chosen: &Chosen, path: Path, emit: &mut dyn FnMut(Event)) {
        let settings = &self.trainer.plan.settings;
        emit(Event::Started {
            model: settings.model.resolve(self.dataset.shape).to_string(),
            parameters: parameter_count(self.trainer.network()),
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
        for note in &self.dataset.notes {
            emit(Event::Warning { message: note.clone() });
        }
        for message in settings.warnings() {
            emit(Event::Warning { message });
        }
        // What is left of the network that the average begins with, once the run is over.
        let steps = self.dataset.train.len().div_ceil(settings.batch)
            * (settings.epochs + 1).saturating_sub(settings.average_from) as usize;
        let first = settings.average.powf(steps as f64);
        if settings.average > 0.0 && steps > 0 && first > 0.1 {
            let message = format!(
                "an average of {} still holds {:.0} % of the network it begins with after {steps} steps; give a smaller one, more epochs or a later average-from",
                settings.average,
                100.0 * first
            );
            emit(Event::Warning { message });
        }
    }

    /// Puts the weights in place that the run is to start from, if it is.
    async fn start_from_weights(&mut self) -> Result<(), SessionError> {
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

    /// Takes over a committed state; gives the samples of its last finished epoch back, if the state is at the end of one.
    fn restore(&mut self, state: ResumeState) -> Result<Vec<SampleRecord>, SessionError> {
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
    async fn save_part(&mut self, step: usize) -> Result<(), SessionError> {
        self.progress.step = step;
        self.progress.data = self.dataset.fingerprint();
        self.log.fetch().await?;
        let weights = named_tensors(self.trainer.network()).await?;
        let state = self.state(weights).await?;
        Ok(self.folder.commit_part(&state)?)
    }

    /// Saves in the middle of an epoch, for good.
    async fn stop(&mut self, step: usize) -> Result<Ending, SessionError> {
        self.save_part(step).await?;
        Ok(Ending::Stopped { epoch: self.progress.epoch, step })
    }

    /// What going on from here needs, besides the files.
    async fn state(&self, weights: Parameters) -> Result<ResumeState, SessionError> {
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

    /// Measures, evaluates, checks for divergence and saves a finished epoch; gives its samples back.
    ///
    /// `None` if it was stopped while it evaluated; nothing is saved then.
    async fn finish_epoch(&mut self, epoch: u32, door: &mut impl Door) -> Result<Option<Vec<SampleRecord>>, SessionError> {
        self.log.fetch().await?;
        self.watch.see(&self.log).await?;
        let samples = self.log.samples();
        let settings = &self.trainer.plan.settings;
        let plan = &self.trainer.plan;
        let mut more = BTreeMap::new();
        for (name, value) in plan.method.scheduled(plan.clock(epoch)) {
            more.insert(name.to_owned(), Some(value).filter(|value| value.is_finite()));
        }
        if let Some(measure) = plan.method.about().measure {
            more.insert(measure.name.to_owned(), Some(mean(samples.iter().map(|sample| f64::from(sample.extra)))));
        }
        let mut metrics = EpochMetrics {
            epoch,
            lr: plan.learning_rate.at(epoch),
            loss: mean(samples.iter().map(SampleRecord::minimised)),
            train_robust: mean(samples.iter().map(|sample| f64::from(u8::from(!sample.measured.broken)))),
            mean_kappa: mean(samples.iter().map(|sample| f64::from(sample.measured.kappa))),
            effective: plan.method.about().omega_is_share.then(|| self.log.effective_share()),
            more,
        };
        let weights = named_tensors(self.trainer.network()).await?;
        let finite = metrics.loss.is_finite() && weights.values().all(|tensor| tensor.values.iter().all(|w| w.is_finite()));
        let frozen = self.trainer.frozen();
        let due = epoch.is_multiple_of(settings.evaluate_every) || epoch == settings.epochs;
        if finite && due && !self.dataset.validation.is_empty() {
            let networks = [("", Some(frozen.clone())), ("average_", self.trainer.averaged())];
            for (prefix, network) in networks {
                let Some(network) = network else { continue };
                let report = self.evaluate(&network, &self.dataset.validation, Part::Validation, door).await?;
                let Some(report) = report else { return Ok(None) };
                for attack in ["natural", "pgd:20"] {
                    metrics.more.insert(format!("{prefix}validation_{}", score_name(attack)), report.accuracy(attack));
                }
                metrics.more.insert(format!("{prefix}validation_robust"), report.robust().map(|(robust, _)| robust));
            }
        }
        door.emit(Event::Epoch(metrics.clone()));
        if !finite {
            return Err(self.diverged(epoch, NOT_FINITE.to_owned(), &[LOWER_RATE]));
        }
        let answer = match only_answer(&samples, &self.dataset.train, settings.steps, settings.batch) {
            Some(_) => self.confirmed_answer(&frozen).await?,
            None => None,
        };
        self.stop_if_diverged(&metrics, answer)?;
        (self.progress.epoch, self.progress.step) = (epoch, 0);
        self.metrics.push(metrics.clone());
        self.save(&metrics, weights, &samples, door).await?;
        self.log = EpochLog::default();
        self.watch.next_epoch();
        if door.looks() {
            self.show(door).await?;
        }
        Ok(Some(samples))
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

    /// `network` on `samples`, to be evaluated.
    fn target<'a>(&'a self, network: &'a Network, samples: &'a Samples) -> Target<'a> {
        let settings = &self.trainer.plan.settings;
        let threat =
            Threat { norm: Norm::LInf, epsilon: self.trainer.plan.attack.epsilon, seed: settings.seed, path: settings.path };
        Target { network, samples, shape: self.dataset.shape, threat, batch: settings.batch, device: &self.trainer.device }
    }

    /// Runs the suite of `part` on `samples`; `None` if it was stopped.
    async fn evaluate(
        &self,
        network: &Network,
        samples: &Samples,
        part: Part,
        door: &mut impl Door,
    ) -> Result<Option<Report>, SessionError> {
        let target = self.target(network, samples);
        let mut evaluation = Evaluation::new(target);
        let suite = match part {
            Part::Validation => Suite::FAST,
            Part::Test | Part::Beside(_) => Suite::QUICK,
        };
        for stage in suite.stages(self.dataset.classes, target.threat.norm).0 {
            match part {
                Part::Validation => {}
                Part::Test => door.emit(Event::Evaluating { attack: stage.adversary.label() }),
                Part::Beside(beside) => {
                    door.emit(Event::Evaluating { attack: format!("{}, {}", stage.adversary.label(), beside.label()) });
                }
            }
            match evaluation.run(&stage, &mut || door.stopping()).await {
                Ok(_) => {}
                Err(Halt::Stopped) => return Ok(None),
                Err(Halt::Device(error)) => return Err(error.into()),
                Err(Halt::Ledger(error)) => return Err(error.into()),
            }
        }
        Ok(Some(evaluation.into_report()))
    }

    /// The final evaluation, of the best weights on the test part.
    async fn conclude(&mut self, samples: Vec<SampleRecord>, door: &mut impl Door) -> Result<Ending, SessionError> {
        if self.progress.best_epoch == 0 {
            // Stopped before its first evaluation, and then not given more epochs: what there is is the best.
            self.progress.best_epoch = self.progress.epoch;
            let last = named_tensors(self.trainer.network()).await?;
            self.folder.write_weights("best.safetensors", &last, &self.about(self.progress.epoch))?;
        }
        let best = crate::checkpoint::read_weights(&self.folder.file("best.safetensors"))?;
        let network = with_tensors(self.trainer.frozen(), &best)?;
        let report = self.evaluate(&network, &self.dataset.test, Part::Test, door).await?;
        let Some(report) = report else { return Ok(Ending::Stopped { epoch: self.progress.epoch, step: 0 }) };
        let regions = Regions::of(&network, self.dataset.shape, REGION_CELLS, &self.trainer.device).await?;
        let epochs = self.trainer.plan.settings.epochs;
        let natural = report.scores.iter().find(|score| score.attack == "natural");
        let test_correct = natural.map(|score| score.correct.clone()).unwrap_or_default();
        let snapshot = Snapshot { epoch: epochs, samples, regions, test_correct };
        let mut scores: BTreeMap<String, f64> =
            report.scores.iter().map(|score| (score_name(&score.attack), score.accuracy)).collect();
        let mut beside_at_chance = [None, None];
        for (beside, at_chance) in Beside::ALL.into_iter().zip(&mut beside_at_chance) {
            let other = match beside {
                Beside::Last => (self.progress.best_epoch != self.progress.epoch).then(|| self.trainer.frozen()),
                Beside::Average => self.trainer.averaged(),
            };
            let Some(other) = other else { continue };
            let report = self.evaluate(&other, &self.dataset.test, Part::Beside(beside), door).await?;
            let Some(report) = report else { return Ok(Ending::Stopped { epoch: self.progress.epoch, step: 0 }) };
            let name = |attack: &str| format!("{}{attack}", beside.prefix());
            scores.extend(report.scores.iter().map(|score| (name(&score_name(&score.attack)), score.accuracy)));
            scores.extend(report.robust().map(|(robust, _)| (name("robust"), robust)));
            *at_chance = evaluate::at_chance(self.target(&other, &self.dataset.test), self.dataset.classes).await?;
        }
        let [last_at_chance, average_at_chance] = beside_at_chance;
        let whole = self.target(&network, &self.dataset.test);
        let at_chance = evaluate::at_chance(whole, self.dataset.classes).await?;
        let (robust, strongest) = report.robust().unwrap_or_default();
        let summary = Summary {
            robust,
            strongest: strongest.to_owned(),
            samples: report.samples,
            epoch: self.progress.best_epoch,
            epochs,
            kappa: snapshot.kappa_histogram(self.trainer.plan.attack.steps),
            at_chance,
            last_at_chance,
            average_at_chance,
            scores,
        };
        self.folder.finish(&summary)?;
        door.emit(Event::Summary(summary.clone()));
        Ok(Ending::Finished { summary, snapshot })
    }
}

/// What an evaluation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Choosing an epoch.
    Validation,
    /// The report.
    Test,
    /// The report on other weights.
    Beside(Beside),
}

/// The mean; 0 of nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}
