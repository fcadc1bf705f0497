//! Trials of a network during its run: a suite on the test part, and the same attacks on one sample.

use std::{future::Future, pin::Pin};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{Door, Event, Session, SessionError};
use crate::{
    checkpoint::{RunFolder, read_weights, write_whole},
    dataset::Samples,
    device,
    evaluate::{
        self, CurvePoint, Evaluation, Flag, Halt, Judgement, Ledger, Norm, Onlooker, Order, Score, Stage, Suite, Target, Told,
        interval, judge,
    },
    files,
    model::{Classifier as _, LoadError, Network, Parameters, named_tensors},
};

/// Multiplications that are put to an attack at once, at least, where the batch of the run is smaller,
const TOGETHER: usize = 1 << 23;
/// and samples at most.
const MOST: usize = 1024;
/// The file with the judgements of a run.
const KEPT: &str = "judgements.json";

/// The weights to judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Weights {
    /// The current weights.
    #[default]
    Now,
    /// The weights of the best epoch so far.
    Best,
}

/// The request of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The name of a suite ([`SUITES`](crate::evaluate::SUITES)), or attacks separated by commas.
    pub attacks: String,
    /// Which weights.
    pub weights: Weights,
    /// Whether the test part is judged, or the sample alone.
    pub test: bool,
    /// Multiples of the run's ε for a curve of robust accuracy, in ascending order; empty for no curve.
    pub radii: Vec<f32>,
    /// The row of a training sample that each attack of the suite also attacks.
    pub sample: Option<u32>,
}

/// The result of one attack on the test part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// The attack's name for people.
    pub attack: String,
    /// The share of samples that are correct before and after it; for a stage on survivors, after all stages up to it.
    pub accuracy: f64,
    /// How many samples it attacked.
    pub tried: usize,
    /// How many samples it broke.
    pub broke: usize,
    /// Whether it ran only on samples that no earlier stage broke.
    pub on_survivors: bool,
}

/// The result of one attack on the selected sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fate {
    /// The attack's name for people.
    pub attack: String,
    /// Whether it found a misclassified image in ball and box.
    pub broken: bool,
    /// The least z_y − max other found there, in logits.
    pub margin: f32,
    /// The distance of the misclassified image, if any.
    pub distance: Option<f32>,
}

/// The selected sample under every attack of the suite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleTrial {
    /// Its row in the training part.
    pub row: u32,
    /// Whether it is correct before any attack; otherwise no attack runs.
    pub natural: bool,
    /// The result of each attack.
    pub fates: Vec<Fate>,
}

/// The robust accuracy of a network, with its details.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The number of test samples.
    pub samples: usize,
    /// All attacks, in order.
    pub bars: Vec<Bar>,
    /// The share that stays correct under all of them.
    pub robust: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
    /// The attack with the lowest accuracy of its own.
    pub strongest: String,
    /// Robust accuracy over the radius.
    pub curve: Vec<CurvePoint>,
    /// Signs that the robust accuracy may mislead.
    pub flags: Vec<Flag>,
    /// A sentence about a network that has learned nothing.
    pub at_chance: Option<String>,
}

/// The result of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// The suite, or the attacks.
    pub attacks: String,
    /// Which weights.
    pub weights: Weights,
    /// Finished epochs of these weights,
    pub epoch: u32,
    /// and finished steps of the next one.
    pub step: usize,
    /// The radius of the L∞ ball.
    pub epsilon: f32,
    /// The result on the test part; `None` if only the sample was judged.
    pub verdict: Option<Verdict>,
    /// The selected sample.
    pub sample: Option<SampleTrial>,
}

/// Progress and results of a trial, for the door.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Judging {
    /// Earlier judgements, when a run is opened.
    Kept(Vec<Judged>),
    /// The trial begins with these attacks.
    Begun(Vec<String>),
    /// Progress of an attack; 0 of 0 before it knows its samples.
    Progress {
        /// Its index among the attacks.
        attack: usize,
        /// Samples that are done.
        done: usize,
        /// Samples in all.
        all: usize,
    },
    /// An attack is done.
    Bar(Bar),
    /// The verdict is complete; the curve over the radius is not.
    Found(Box<Judged>),
    /// The trial is over.
    Done(Box<Judged>),
    /// The trial was stopped before its verdict and does not count.
    Stopped,
}

/// Connects a door to the evaluation: passes on progress, and lets the door stop it.
struct Through<'a, D> {
    door: &'a mut D,
    order: &'a Order,
    /// Attacks that are done.
    done: usize,
}

impl<D: Door> Onlooker for Through<'_, D> {
    fn stops(&mut self) -> Pin<Box<dyn Future<Output = bool> + '_>> {
        Box::pin(stops(self.door))
    }

    fn told(&mut self, told: &Told<'_>) {
        let attack = self.done;
        match told {
            Told::Begun(_) => self.door.judging(Judging::Progress { attack, done: 0, all: 0 }),
            Told::Progress { done, all } => self.door.judging(Judging::Progress { attack, done: *done, all: *all }),
            Told::Score(score) => {
                self.done += 1;
                self.door.judging(Judging::Bar(bar(score, self.order.stages.get(attack))));
            }
            Told::Point(_) => {}
        }
    }
}

/// Connects a door to the evaluation without progress.
struct Quietly<'a, D>(&'a mut D);

impl<D: Door> Onlooker for Quietly<'_, D> {
    fn stops(&mut self) -> Pin<Box<dyn Future<Output = bool> + '_>> {
        Box::pin(stops(self.0))
    }
}

/// Lets the door work. Returns whether it stops the trial.
async fn stops<D: Door>(door: &mut D) -> bool {
    door.breathe().await;
    door.stopping() || door.stops_judging()
}

impl Session<'_> {
    /// Runs `trial`, reports to the door, and stores the result with the run.
    pub(super) async fn put_to_trial<D: Door>(&mut self, trial: &Trial, door: &mut D) -> Result<(), SessionError> {
        let outcome = self.hold_trial(trial, door).await;
        if outcome.is_err() {
            // Whoever goes on with the run, on another device say, does not go on with this.
            door.judging(Judging::Stopped);
        }
        outcome
    }

    async fn hold_trial<D: Door>(&mut self, trial: &Trial, door: &mut D) -> Result<(), SessionError> {
        let (order, weights, mut judged) = match self.prepare_trial(trial).await? {
            Ok(prepared) => prepared,
            Err(message) => {
                door.emit(Event::Warning { message });
                door.judging(Judging::Stopped);
                return Ok(());
            }
        };
        door.judging(Judging::Begun(order.stages.iter().map(|stage| stage.adversary.label()).collect()));
        let settings = &self.trainer.plan.settings;
        let model = settings.model.resolve(self.dataset.shape);
        // A GPU that the CPU stands in for takes a hundred times as long for what the CPU's own passes do.
        let device = if device::is_software() { Device::flex() } else { self.trainer.device.clone() };
        let network = Network::with_weights(&model, self.dataset.shape, &weights, &settings.normalise, &device);
        let network = network.map_err(|error| match error {
            LoadError::Model(error) => SessionError::Model(error),
            LoadError::Weights { error, .. } => SessionError::Weights(error),
            error => SessionError::Load(error.to_string()),
        })?;
        if !self.try_sample(trial, (&order, &network, &device), &mut judged, door).await?
            || !self.try_test(trial, (&order, &network, &device), &mut judged, door).await?
        {
            door.judging(Judging::Stopped);
            return Ok(());
        }
        if judged.verdict.is_some() {
            let mut all = self.kept_judgements().unwrap_or_default();
            all.push(judged.clone());
            let mut text = serde_json::to_string_pretty(&all).unwrap_or_default();
            text.push('\n');
            write_whole(&self.folder.file(KEPT), text.as_bytes())?;
        }
        door.judging(Judging::Done(Box::new(judged)));
        Ok(())
    }

    /// The attacks, the weights and the initial result; or a sentence on why the trial is impossible.
    async fn prepare_trial(&self, trial: &Trial) -> Result<Result<(Order, Parameters, Judged), String>, SessionError> {
        let order = match order_of(&trial.attacks, self.dataset.classes) {
            Ok(order) => order,
            Err(message) => return Ok(Err(message)),
        };
        let (parameters, epoch, step) = match trial.weights {
            Weights::Now => (named_tensors(&self.trainer.frozen()).await?, self.progress.epoch, self.progress.step),
            Weights::Best if self.progress.best_epoch > 0 => {
                (read_weights(&self.folder.file("best.safetensors"))?, self.progress.best_epoch, 0)
            }
            Weights::Best => {
                let message = "there is no best epoch yet: none has been checked so far; judge the weights of now";
                return Ok(Err(message.to_owned()));
            }
        };
        let epsilon = self.trainer.plan.attack.epsilon;
        let (attacks, weights) = (trial.attacks.clone(), trial.weights);
        Ok(Ok((order, parameters, Judged { attacks, weights, epoch, step, epsilon, verdict: None, sample: None })))
    }

    /// Runs each attack on the sample, if requested. Returns `false` if stopped.
    async fn try_sample<D: Door>(
        &self,
        trial: &Trial,
        (order, network, device): (&Order, &Network, &Device),
        judged: &mut Judged,
        door: &mut D,
    ) -> Result<bool, SessionError> {
        let place = trial.sample.and_then(|row| self.dataset.train.rows.binary_search(&row).ok());
        let Some(place) = place else { return Ok(true) };
        let alone = self.dataset.train.select(&[place], self.dataset.shape.len());
        let target = Target { device, ..self.target(network, &alone) };
        let sample = on_sample((target, self.dataset.classes), &order.stages, &alone, door).await;
        judged.sample = unless_stopped(sample)?;
        Ok(judged.sample.is_some())
    }

    /// Runs the suite on the test part, if requested, and then over the radius. Returns `false` if stopped before the verdict.
    async fn try_test<D: Door>(
        &self,
        trial: &Trial,
        (order, network, device): (&Order, &Network, &Device),
        judged: &mut Judged,
        door: &mut D,
    ) -> Result<bool, SessionError> {
        if !trial.test || self.dataset.test.is_empty() {
            return Ok(true);
        }
        let whole = self.target(network, &self.dataset.test);
        // Tiny networks spend their time between passes: many samples at once share that.
        let cost = network.program().map_or(usize::MAX, |program| program.layers.multiplications());
        let target = Target { device, batch: whole.batch.max((TOGETHER / cost.max(1)).min(MOST)), ..whole };
        let mut ledger = Ledger::in_memory();
        let mut through = Through { door: &mut *door, order, done: 0 };
        let found = judge(target, self.dataset.classes, order, &mut ledger, &mut through).await;
        let Some(found) = unless_stopped(found)? else { return Ok(false) };
        let mut verdict = verdict(&found, order);
        judged.verdict = Some(verdict.clone());
        if trial.radii.is_empty() {
            return Ok(true);
        }
        let Ok(suite) = Suite::named(&trial.attacks) else { return Ok(true) };
        // The number that counts is there; the curve takes as long again.
        door.judging(Judging::Found(Box::new(judged.clone())));
        let radii: Vec<f32> = trial.radii.iter().map(|multiple| multiple * judged.epsilon).collect();
        let curve = evaluate::curve(target, suite, self.dataset.classes, &radii, &mut ledger, &mut Quietly(door)).await;
        // A stop after the verdict keeps the verdict.
        verdict.curve = unless_stopped(curve)?.unwrap_or_default();
        judged.verdict = Some(verdict);
        Ok(true)
    }

    /// Reports earlier judgements of the run to the door.
    pub(super) fn tell_kept<D: Door>(&self, door: &mut D) {
        match self.kept_judgements() {
            Ok(kept) if kept.is_empty() => {}
            Ok(kept) => door.judging(Judging::Kept(kept)),
            Err(found) => {
                let file = self.folder.file(KEPT);
                let message = format!("{}: {found}; expected what a suite has said; the next one replaces it", file.display());
                door.emit(Event::Warning { message });
            }
        }
    }

    /// All judgements of this run, oldest first.
    fn kept_judgements(&self) -> Result<Vec<Judged>, String> {
        judgements(self.folder)
    }
}

/// All judgements of the run in a folder, oldest first.
///
/// # Errors
/// A sentence about an unreadable file.
pub fn judgements(folder: &RunFolder) -> Result<Vec<Judged>, String> {
    let file = folder.file(KEPT);
    if !files::is_file(&file) {
        return Ok(Vec::new());
    }
    let bytes = files::read(&file).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

/// The result; `None` if the door stopped it.
fn unless_stopped<T>(outcome: Result<T, Halt>) -> Result<Option<T>, SessionError> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(Halt::Stopped) => Ok(None),
        Err(Halt::Device(error)) => Err(error.into()),
        Err(Halt::Ledger(error)) => Err(error.into()),
    }
}

/// The attacks to run: a suite, or a list.
fn order_of(attacks: &str, classes: usize) -> Result<Order, String> {
    match (Suite::named(attacks), attacks.split(',').map(evaluate::parse).collect::<Result<Vec<_>, _>>()) {
        (Ok(suite), _) => Ok(Order::suite(suite, classes, Norm::LInf, Vec::new())),
        (_, Ok(adversaries)) => Order::attacks(adversaries, classes, Norm::LInf),
        (Err(problem), Err(_)) => Err(problem),
    }
}

fn bar(score: &Score, stage: Option<&Stage>) -> Bar {
    Bar {
        attack: score.label.clone(),
        accuracy: score.accuracy,
        tried: score.tried,
        broke: score.broke,
        on_survivors: stage.is_some_and(|stage| stage.on_survivors),
    }
}

fn verdict(judged: &Judgement, order: &Order) -> Verdict {
    let report = &judged.report;
    let (robust, strongest) = report.robust().unwrap_or_default();
    Verdict {
        samples: report.samples,
        bars: report.scores.iter().zip(&order.stages).map(|(score, stage)| bar(score, Some(stage))).collect(),
        robust,
        interval: interval(report.robust_samples(), report.samples),
        strongest: strongest.to_owned(),
        curve: judged.curve.clone(),
        flags: judged.flags.clone(),
        at_chance: judged.at_chance.clone(),
    }
}

/// Runs each attack on one sample, whether or not another has broken it.
async fn on_sample<D: Door>(
    (target, classes): (Target<'_>, usize),
    stages: &[Stage],
    sample: &Samples,
    door: &mut D,
) -> Result<SampleTrial, Halt> {
    let row = sample.rows.first().copied().unwrap_or_default();
    let mut trial = SampleTrial { row, natural: true, fates: Vec::new() };
    for stage in stages {
        let mut alone = Evaluation::new(target);
        // Another attack has not been run on it here, so whether this stage sees survivors alone makes no difference.
        let score = alone.run(stage, &mut Quietly(&mut *door)).await?;
        let (attack, tried) = (score.label.clone(), score.tried);
        let Some(known) = alone.samples().first() else { break };
        trial.natural = known.natural;
        if tried == 0 || stage.adversary.passes(classes) == 0 {
            continue;
        }
        let broken = known.broken_by.is_some();
        trial.fates.push(Fate { attack, broken, margin: known.margin, distance: known.distance.filter(|_| broken) });
    }
    Ok(trial)
}
