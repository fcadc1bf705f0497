//! A whole run, from its settings to its summary: epochs, evaluations, checkpoints, and recovery from divergence.
//!
//! A run is one `async fn`, driven by its [`Door`]: natively by a thread with `pollster`, in a page by the event loop. It stays on one thread
//! from start to end, because the GPU runtime orders work by thread. It reports through [`Event`]s.

mod changes;
mod divergence;
mod door;
mod error;
mod evaluation;
mod event;
mod saving;
mod start;
mod trial;
mod watch;

use std::collections::BTreeMap;

use web_time::{Duration, Instant};

pub use changes::{CHANGES, Changed, Turn, carry_over, turn, turns};
pub use door::{Command, Door, Place};
pub use error::{Remedy, SessionError};
pub use event::{Ending, Event};
pub use start::{Start, StartError};
pub use trial::{Bar, Fate, Judged, Judging, SampleTrial, Trial, Verdict, Weights, judgements};
pub use watch::{Look, Looked, Margins, NextBatch, Region, Seen, Traced, View};

use divergence::only_answer;
use door::Unseen;
use evaluation::Part;
use watch::Watch;

use crate::{
    attack::{Path, multiplications},
    checkpoint::{EventFile, Progress, RunFolder},
    dataset::Dataset,
    device::{self, Chosen},
    metrics::{EpochMetrics, score_name},
    model::{Classifier as _, named_tensors, parameter_count},
    pace,
    settings::Checked,
    train::{EpochLog, SampleRecord, Trainer},
};

const TELL_EVERY: Duration = Duration::from_millis(200);
/// How long the loop hands steps to the GPU before it waits.
const AHEAD: Duration = Duration::from_millis(10);
/// The message about a run whose numbers have overflowed.
const NOT_FINITE: &str = "the loss or a weight is no longer a finite number";
/// The first remedy against overflow.
const LOWER_RATE: Remedy = Remedy { how: "a lower", setting: "lr", value: None };

/// Runs the rest of a run in `folder`, without views.
///
/// After every step, `stop` returns whether to save and stop. `emit` receives the events.
///
/// # Errors
/// [`SessionError`]. The folder then holds the last good state, from which the run can resume.
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

/// Runs the rest of a run in `folder` under the control of `door`, which paces, observes and changes it.
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
    carry_over(folder.path(), folder, (session.progress.epoch, session.progress.step))?;
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
        // The run is over but still observed; more epochs continue it.
        while session.progress.epoch >= session.trainer.plan.settings.epochs {
            match door.next(session.place(0)).await {
                Command::Go => {}
                Command::Save => door.emit(Event::Saved { epoch: session.progress.epoch, step: 0 }),
                Command::Look => session.show(door).await?,
                Command::Judge(trial) => session.put_to_trial(&trial, door).await?,
                Command::Stop => return Ok(ending),
                Command::Change(plan) => {
                    let more = plan.settings.epochs > session.progress.epoch;
                    session.change(*plan, 0, door)?;
                    if more {
                        session.folder.reopen()?;
                    }
                }
            }
        }
    }
}

/// A run in progress.
struct Session<'a> {
    trainer: Trainer,
    dataset: &'a Dataset,
    folder: &'a RunFolder,
    progress: Progress,
    metrics: Vec<EpochMetrics>,
    events: EventFile,
    log: EpochLog,
    /// Multiplications of the attack on a sample; 0 if unknown.
    per_sample: u64,
    /// Whether the first step, which compiles the kernels, is done.
    compiled: bool,
    watch: Watch,
}

impl Session<'_> {
    /// Trains the rest of the next epoch. Returns its samples, or how the run was stopped.
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
                        self.change(*plan, step, door)?;
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
            // The time that the door waited is not the device's.
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

    /// The position in the run, given the finished steps of the next epoch.
    fn place(&self, step: usize) -> Place {
        let steps = self.dataset.train.len().div_ceil(self.trainer.plan.settings.batch.max(1));
        let epochs = self.trainer.plan.settings.epochs;
        Place { epoch: self.progress.epoch, step, steps, epochs }
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

    /// Measures, evaluates, checks for divergence and saves a finished epoch. Returns its samples.
    ///
    /// Returns `None`, and saves nothing, if it was stopped during the evaluation.
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
}

/// The mean; 0 without values.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}
