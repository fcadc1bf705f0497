//! Judging a run's network in the middle of the run: a suite on the test part, at any moment, and the same attacks on one sample.

use std::{future::Future, pin::Pin};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{Door, Event, Session, SessionError};
use crate::{
    checkpoint::{read_weights, write_whole},
    dataset::Samples,
    device,
    evaluate::{
        self, CurvePoint, Evaluation, Flag, Halt, Judgement, Ledger, Norm, Onlooker, Order, Score, Stage, Suite, Target, Told,
        interval, judge,
    },
    files,
    model::{LoadError, Network, named_tensors},
};

/// Where judgements are kept, in the run's folder.
const KEPT: &str = "judgements.json";

/// Which weights are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Weights {
    /// Those of this moment.
    #[default]
    Now,
    /// Those of the best epoch so far.
    Best,
}

/// What is to be judged, and by what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The name of a suite: see [`SUITES`](crate::evaluate::SUITES), or attacks, separated by commas.
    pub attacks: String,
    /// Which weights.
    pub weights: Weights,
    /// Whether the test part is judged, or the sample alone.
    pub test: bool,
    /// Multiples of the run's ε at which robust accuracy is wanted as well, in ascending order; none for no curve.
    pub radii: Vec<f32>,
    /// The row of a training sample that each attack of the suite is run on as well.
    pub sample: Option<u32>,
}

/// What became of the samples under one attack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// The attack's name for people.
    pub attack: String,
    /// The share of samples that are correct before and after it; of a stage on survivors, after all up to it.
    pub accuracy: f64,
    /// Samples that it was tried on.
    pub tried: usize,
    /// Samples that it broke.
    pub broke: usize,
    /// Whether it was run on those alone that nothing before it broke.
    pub on_survivors: bool,
}

/// What one attack did to the selected sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fate {
    /// The attack's name for people.
    pub attack: String,
    /// Whether it found a misclassified image in ball and box.
    pub broken: bool,
    /// The least z_y − max other that it found there, in logits.
    pub margin: f32,
    /// How far the misclassified image is, if there is one.
    pub distance: Option<f32>,
}

/// The selected sample under every attack of the suite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleTrial {
    /// Its row in the training part.
    pub row: u32,
    /// Whether it is correct before any attack; if not, none is run.
    pub natural: bool,
    /// What each attack did.
    pub fates: Vec<Fate>,
}

/// The robust accuracy of a network, and all that belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// How many test samples.
    pub samples: usize,
    /// Every attack, in the order in which they were run.
    pub bars: Vec<Bar>,
    /// The share that stays correct under all of them.
    pub robust: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
    /// The attack whose score alone is lowest.
    pub strongest: String,
    /// Robust accuracy over the radius.
    pub curve: Vec<CurvePoint>,
    /// Signs that it may not be what it seems.
    pub flags: Vec<Flag>,
    /// What to say of a network that has learned nothing.
    pub at_chance: Option<String>,
}

/// What a trial has come to.
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
    /// The test part; none where the sample alone was judged.
    pub verdict: Option<Verdict>,
    /// The selected sample.
    pub sample: Option<SampleTrial>,
}

/// What a door is told of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Judging {
    /// What was judged before, when a run is opened.
    Kept(Vec<Judged>),
    /// It has begun; these attacks will be run.
    Begun(Vec<String>),
    /// An attack has tried so many samples, of so many; 0 of 0 before it knows.
    Progress {
        /// Its place among the attacks.
        attack: usize,
        /// Samples that are done.
        done: usize,
        /// Samples in all.
        all: usize,
    },
    /// An attack is done.
    Bar(Bar),
    /// It is over.
    Done(Box<Judged>),
    /// It was stopped, and nothing of it counts.
    Stopped,
}

/// A door that is asked and told meanwhile, and given its turn.
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

/// A door that is asked, and given its turn.
struct Quietly<'a, D>(&'a mut D);

impl<D: Door> Onlooker for Quietly<'_, D> {
    fn stops(&mut self) -> Pin<Box<dyn Future<Output = bool> + '_>> {
        Box::pin(stops(self.0))
    }
}

/// Gives the door its turn; whether it wants no more of this.
async fn stops<D: Door>(door: &mut D) -> bool {
    door.breathe().await;
    door.stopping() || door.stops_judging()
}

impl Session<'_> {
    /// Judges as `trial` says, tells the door, and keeps the result with the run.
    pub(super) async fn put_to_trial<D: Door>(&mut self, trial: &Trial, door: &mut D) -> Result<(), SessionError> {
        let epsilon = self.trainer.plan.attack.epsilon;
        let radii = trial.radii.iter().map(|multiple| multiple * epsilon).collect();
        let order = match order_of(&trial.attacks, self.dataset.classes, radii) {
            Ok(order) => order,
            Err(message) => {
                door.emit(Event::Warning { message });
                door.judging(Judging::Stopped);
                return Ok(());
            }
        };
        let (weights, epoch, step) = match trial.weights {
            Weights::Now => (named_tensors(&self.trainer.frozen()).await?, self.progress.epoch, self.progress.step),
            Weights::Best if self.progress.best_epoch > 0 => {
                (read_weights(&self.folder.file("best.safetensors"))?, self.progress.best_epoch, 0)
            }
            Weights::Best => {
                let message =
                    "there is no best epoch yet: none has been checked so far; judge the weights as they are".to_owned();
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
        let network = Network::with_weights(&model, self.dataset.shape, &weights, &settings.normalise, &device).map_err(
            |error| match error {
                LoadError::Model(error) => SessionError::Model(error),
                LoadError::Weights(error) => SessionError::Weights(error),
            },
        )?;
        let outcome = self.run_trial(trial, &order, (&network, &device), door).await;
        let (verdict, sample) = match outcome {
            Ok(found) => found,
            Err(Halt::Stopped) => {
                door.judging(Judging::Stopped);
                return Ok(());
            }
            Err(Halt::Device(error)) => return Err(error.into()),
            Err(Halt::Ledger(error)) => return Err(error.into()),
        };
        let judged = Judged { attacks: trial.attacks.clone(), weights: trial.weights, epoch, step, epsilon, verdict, sample };
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

    /// Tells the door what was judged when the run was open before.
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

    /// What was judged in this run, oldest first.
    fn kept_judgements(&self) -> Result<Vec<Judged>, String> {
        let file = self.folder.file(KEPT);
        if !files::is_file(&file) {
            return Ok(Vec::new());
        }
        let bytes = files::read(&file).map_err(|error| error.to_string())?;
        serde_json::from_slice(&bytes).map_err(|error| error.to_string())
    }

    /// Runs the attacks on the test part and on the sample, as far as they are wanted.
    async fn run_trial<D: Door>(
        &self,
        trial: &Trial,
        order: &Order,
        (network, device): (&Network, &Device),
        door: &mut D,
    ) -> Result<(Option<Verdict>, Option<SampleTrial>), Halt> {
        let place = trial.sample.and_then(|row| self.dataset.train.rows.binary_search(&row).ok());
        let sample = match place {
            Some(place) => {
                let alone = self.dataset.train.select(&[place], self.dataset.shape.len());
                Some(
                    on_sample(
                        (Target { device, ..self.target(network, &alone) }, self.dataset.classes),
                        &order.stages,
                        &alone,
                        door,
                    )
                    .await?,
                )
            }
            None => None,
        };
        if !trial.test || self.dataset.test.is_empty() {
            return Ok((None, sample));
        }
        let target = Target { device, ..self.target(network, &self.dataset.test) };
        let mut through = Through { door, order, done: 0 };
        let judged = judge(target, self.dataset.classes, order, &mut Ledger::in_memory(), &mut through).await?;
        Ok((Some(verdict(&judged, order)), sample))
    }
}

/// What is to be run: a suite and its curve, or a list of attacks.
fn order_of(attacks: &str, classes: usize, radii: Vec<f32>) -> Result<Order, String> {
    match (Suite::named(attacks), attacks.split(',').map(evaluate::parse).collect::<Result<Vec<_>, _>>()) {
        (Ok(suite), _) => Ok(Order::suite(suite, classes, Norm::LInf, radii)),
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
