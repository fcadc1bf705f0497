//! How robust a network is: every evaluation attack on every sample, and the worst of them per sample.
//!
//! An attack is a file here that implements [`EvaluationAttack`], and a line in [`parse`]. One attack alone proves little: a network
//! trained against one attack can hide from it, so the headline is always the worst case over all that were run.

mod chance;
mod fgsm;
mod natural;
mod pgd;

use std::fmt;

use burn::tensor::{Device, Tensor, TensorData};
use serde::Serialize;
use web_time::Instant;

pub use chance::at_chance;
pub use fgsm::Fgsm;
pub use natural::Natural;
pub use pgd::Pgd;

use crate::{
    attack::{
        CountSettings, LossKind, Path, count,
        loss_gradient_and_count::{KAPPA, RECORD},
    },
    batch::Batch,
    dataset::{SampleShape, Samples},
    device::{self, DeviceError},
    model::{Classifier, logits_in_slices},
    pace,
};

/// What the adversary may do, and from which numbers it starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threat {
    /// Radius of the L-infinity ball, in pixel units.
    pub epsilon: f32,
    /// The run's seed.
    pub seed: u64,
    /// The way the attacks take.
    pub path: Path,
}

/// One way to test a network.
pub trait EvaluationAttack: fmt::Debug + Send + Sync {
    /// Its name for files and for the command line, such as `pgd:20`.
    fn spec(&self) -> String;

    /// Its name for people, such as `PGD-20`.
    fn label(&self) -> String;

    /// Passes of a sample through the network, forwards or back: what the time that it takes is measured by.
    fn passes(&self) -> u32;

    /// The inputs that it makes of `samples` against the frozen `network` (N x D in the ball and in [0, 1]), with the batch they
    /// were made from.
    fn perturb(
        &self,
        network: &dyn Classifier,
        samples: Samples,
        shape: SampleShape,
        threat: Threat,
        device: &Device,
    ) -> (Batch, Tensor<2>);
}

/// Reads `natural`, `fgsm`, `pgd:20` or `cw:20`.
///
/// # Errors
/// A sentence that names the text and what was expected.
pub fn parse(text: &str) -> Result<Box<dyn EvaluationAttack>, String> {
    let steps = |steps: &str| {
        steps
            .parse()
            .ok()
            .filter(|steps| (1..=100_000).contains(steps))
            .ok_or_else(|| format!("`{text}`: `{steps}` is no number of steps; expected 1 to 100000"))
    };
    match text.split_once(':') {
        None if text == "natural" => Ok(Box::new(Natural)),
        None if text == "fgsm" => Ok(Box::new(Fgsm)),
        Some(("pgd", count)) => Ok(Box::new(Pgd { steps: steps(count)?, loss: LossKind::CrossEntropy })),
        Some(("cw", count)) => Ok(Box::new(Pgd { steps: steps(count)?, loss: LossKind::CwMargin })),
        _ => Err(format!("`{text}` is no evaluation attack: expected `natural`, `fgsm`, `pgd:STEPS` or `cw:STEPS`")),
    }
}

/// What every run reports at its end.
pub fn usual() -> Vec<Box<dyn EvaluationAttack>> {
    vec![
        Box::new(Natural),
        Box::new(Pgd { steps: 20, loss: LossKind::CrossEntropy }),
        Box::new(Pgd { steps: 20, loss: LossKind::CwMargin }),
    ]
}

/// One attack's result on a set of samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// The attack as it is written on the command line.
    pub attack: String,
    /// Its name for people.
    pub label: String,
    /// The share of samples that are classified correctly after it, from 0 to 1.
    pub accuracy: f64,
    /// Whether each sample is.
    #[serde(skip)]
    pub correct: Vec<bool>,
}

/// The results of several attacks on the same samples.
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
pub struct Report {
    /// How many samples.
    pub samples: usize,
    /// In the order in which they were asked for.
    pub scores: Vec<Score>,
}

impl Report {
    /// The accuracy after `attack` (as on the command line), if it was run.
    pub fn accuracy(&self, attack: &str) -> Option<f64> {
        self.scores.iter().find(|score| score.attack == attack).map(|score| score.accuracy)
    }

    /// The share of samples that stay correct under every attack, and the attack that alone broke most; `None` if there was no
    /// attack besides `natural`.
    pub fn robust(&self) -> Option<(f64, &str)> {
        let attacks = || self.scores.iter().filter(|score| score.attack != "natural");
        let strongest = attacks().min_by(|a, b| a.accuracy.total_cmp(&b.accuracy))?;
        let robust = (0..self.samples).filter(|&sample| attacks().all(|score| score.correct[sample])).count();
        Some((share(robust, self.samples), &strongest.label))
    }
}

/// `part / whole`, 0 of nothing.
pub fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// What is attacked.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The frozen network.
    pub network: &'a dyn Classifier,
    /// The samples.
    pub samples: &'a Samples,
    /// Their shape.
    pub shape: SampleShape,
    /// What the adversary may do.
    pub threat: Threat,
    /// How many samples at a time.
    pub batch: usize,
    /// Where.
    pub device: &'a Device,
}

/// Runs one attack over all samples, a batch at a time; `None` if `stop` said so after a batch.
///
/// # Errors
/// [`DeviceError::Lost`] when the device no longer answers.
pub async fn score(
    attack: &dyn EvaluationAttack,
    target: Target<'_>,
    stop: &mut dyn FnMut() -> bool,
) -> Result<Option<Score>, DeviceError> {
    let Target { network, samples, shape, threat, batch, device } = target;
    let places: Vec<usize> = (0..samples.len()).collect();
    let mut correct = Vec::with_capacity(samples.len());
    // Of one sample forwards; nothing is cut into slices on the CPU.
    let multiplications =
        if device::is_cpu(device) { None } else { network.program().map(|program| program.layers.multiplications()) };
    for places in places.chunks(batch.max(1)) {
        let begun = Instant::now();
        let (batch, images) = attack.perturb(network, samples.select(places, shape.len()), shape, threat, device);
        let logits = logits_in_slices(network, images, multiplications.map(pace::samples_together));
        // One read a batch: it keeps the device's queue short, so that a stop is a stop.
        let verdicts = device::read(correct_of(logits, &batch)).await?;
        // The first batch may have waited for kernels to be compiled.
        if let (Some(forwards), false) = (multiplications, correct.is_empty()) {
            let work = (forwards * places.len()) as u64 * u64::from(attack.passes() + 1);
            pace::learn(work, begun.elapsed().as_secs_f64());
        }
        correct.extend(verdicts.into_iter().map(|count| count > 0.0));
        if correct.len() < samples.len() && stop() {
            return Ok(None);
        }
    }
    let accuracy = share(correct.iter().filter(|&&correct| correct).count(), correct.len());
    Ok(Some(Score { attack: attack.spec(), label: attack.label(), accuracy, correct }))
}

/// 1 for every sample of `batch` whose largest logit is its label's (ties go to the lowest class), else 0: N numbers.
fn correct_of(logits: Tensor<2>, batch: &Batch) -> Tensor<1> {
    let samples = batch.len();
    let nothing = Tensor::from_data(TensorData::new(vec![0.0_f32; samples * RECORD], [samples, RECORD]), &logits.device());
    let settings = CountSettings { kind: LossKind::CrossEntropy, step: 0, never: 0 };
    let records = count(logits.clone(), batch.labels.clone(), logits, nothing, settings).records;
    records.slice([0..samples, KAPPA..KAPPA + 1]).reshape([samples])
}
