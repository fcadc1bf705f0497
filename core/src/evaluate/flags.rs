//! Signs that a robust accuracy may mislead: the network hides its gradient, an attack could not run, or the data are unusual. Each sign is a
//! function of the report and of a few probing passes.

use std::borrow::Cow;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{
    Evaluation, Halt, Norm, Onlooker, Report, Stage, Subjects, Target, Threat, Victim, adversary, onlooker::Untold, share,
};
use crate::{device, loss};

/// The most samples of a probe.
const PROBED: usize = 200;
/// Repeated passes of the same samples, which must agree.
const PASSES: usize = 3;
/// The greatest difference between two passes, of logits at length 1 (AutoAttack's).
const SAME: f32 = 1e-4;
/// The tolerance within which logits pass for probabilities (AutoAttack's).
const PROBABILITY: f32 = 1e-5;

/// A sign, and its meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// Its name for programs.
    pub name: Cow<'static, str>,
    /// A sentence for people.
    pub message: String,
}

/// The results of a few probing passes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Probes {
    /// Whether two passes of the same samples differ.
    pub randomised: bool,
    /// Whether all outputs are probabilities.
    pub probabilities: bool,
    /// How many correct samples were probed.
    pub probed: usize,
    /// How many of them have a zero gradient of the cross-entropy.
    pub without_gradient: usize,
    /// Their robust accuracy under PGD-20 and CW-20 in balls of ε, 4 ε, and of a radius at which every ball contains the grey image, so that
    /// only one class can stay correct.
    pub robust: Option<[f64; 3]>,
    /// The share of the largest class among them.
    pub largest_class: f64,
    /// The network's number of classes.
    pub classes: usize,
}

impl Probes {
    /// Probes the first samples of `target` that the network classifies correctly.
    ///
    /// # Errors
    /// [`Halt`].
    pub async fn of(target: Target<'_>, onlooker: &mut dyn Onlooker) -> Result<Self, Halt> {
        let Target { network, samples, shape, threat, device, .. } = target;
        let mut victim = Victim::new(network, shape, threat.path, device, onlooker);
        let classes = victim.classes();
        let first: Vec<usize> = (0..samples.len().min(2 * PROBED)).collect();
        let shown = Subjects::new(samples.select(&first, shape.len()), shape, classes, device);
        let mut passes = Vec::with_capacity(PASSES);
        for _ in 0..PASSES {
            let logits = victim.logits(&shown.natural).await?;
            passes.push(device::read(logits).await?);
        }
        let rows = |pass: usize| passes[pass].chunks_exact(classes);
        let far = |a: &[f32], b: &[f32]| {
            let length = |row: &[f32]| row.iter().map(|z| z * z).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            let (of_a, of_b) = (length(a), length(b));
            a.iter().zip(b).map(|(a, b)| (a / of_a - b / of_b).powi(2)).sum::<f32>().sqrt() > SAME
        };
        let randomised = (1..PASSES).any(|pass| rows(0).zip(rows(pass)).any(|(a, b)| far(a, b)));
        let probability = |row: &[f32]| {
            row.iter().all(|z| (-PROBABILITY..1.0 + PROBABILITY).contains(z))
                && (row.iter().sum::<f32>() - 1.0).abs() < PROBABILITY
        };
        let probabilities = !passes[0].is_empty() && rows(0).all(probability);
        let correct: Vec<usize> = (rows(0).zip(&first))
            .filter(|(row, index)| crate::snapshot::best_class(row) == samples.labels[**index] as usize)
            .map(|(_, index)| *index)
            .take(PROBED)
            .collect();
        if correct.is_empty() {
            return Ok(Self { randomised, probabilities, classes, ..Self::default() });
        }
        let probed = samples.select(&correct, shape.len());
        let subjects = Subjects::new(probed.clone(), shape, classes, device);
        let slope =
            victim.gradient(&subjects.natural, &|logits, aim| loss::cross_entropy(logits, &aim.labels), &subjects.aim()).await?;
        let sizes: Tensor<2> = slope.gradient.abs().sum_dim(1);
        let without_gradient = device::read(sizes).await?.iter().filter(|size| **size == 0.0).count();
        let to_grey = match threat.norm {
            Norm::LInf => 0.5,
            Norm::L2 => 0.5 * (shape.len() as f32).sqrt(),
        };
        let mut robust = [0.0; 3];
        for (robust, epsilon) in robust.iter_mut().zip([threat.epsilon, 4.0 * threat.epsilon, to_grey.max(4.0 * threat.epsilon)])
        {
            let threat = Threat { epsilon, ..threat };
            let mut evaluation = Evaluation::new(Target { threat, samples: &probed, ..target });
            for attack in ["pgd:20", "cw:20"] {
                let Ok(adversary) = adversary::parse(attack) else { continue };
                evaluation.run(&Stage { adversary, on_survivors: true }, &mut Untold(onlooker)).await?;
            }
            *robust = share(evaluation.report().robust_samples(), probed.len());
        }
        let of_class = |class: usize| probed.labels.iter().filter(|label| **label as usize == class).count();
        let largest_class = share((0..classes).map(of_class).max().unwrap_or_default(), probed.len());
        let probed = probed.len();
        Ok(Self { randomised, probabilities, probed, without_gradient, robust: Some(robust), largest_class, classes })
    }
}

/// All signs.
pub fn flags(report: &Report, probes: &Probes, left_out: &[String]) -> Vec<Flag> {
    let mut flags = Vec::new();
    let mut raise = |name: &'static str, message: String| flags.push(Flag { name: Cow::Borrowed(name), message });
    let points = |share: f64| 100.0 * share;
    let samples = report.samples as f64;
    if probes.randomised {
        raise(
            "randomised",
            "two passes of the same samples differ: attacks of one pass a step are too weak for a randomised network, and these accuracies too high".to_owned(),
        );
    }
    if probes.probabilities {
        raise(
            "probabilities",
            "the outputs look like probabilities; attacks need the logits before softmax, whose gradient does not vanish"
                .to_owned(),
        );
    }
    if probes.without_gradient > 0 {
        raise(
            "zero-gradient",
            format!(
                "the gradient of the cross-entropy is exactly 0 at {} of {} samples: attacks that follow it stand still there; trust the attacks on margins, and Square",
                probes.without_gradient, probes.probed
            ),
        );
    }
    let accuracy = |attack: &str| report.accuracy(attack);
    // What was run on survivors alone says nothing of the others.
    let on_all = |attack: &str| report.scores.iter().find(|score| score.attack == attack && !score.on_survivors);
    if let (Some(pgd), Some(cw)) = (on_all("pgd:20"), on_all("cw:20")) {
        let pairs = || pgd.correct.iter().zip(&cw.correct);
        let more = pairs().filter(|(pgd, cw)| **pgd && !**cw).count() as f64;
        let less = pairs().filter(|(pgd, cw)| !**pgd && **cw).count() as f64;
        // Two points, and three deviations of a fair coin between the samples that the two tell apart.
        if more - less > 0.02 * samples && more - less > 3.0 * (more + less).sqrt() {
            raise(
                "pgd-far-above-cw",
                format!(
                    "PGD-20 says {:.1} %, CW-20 with the same starts {:.1} %: the cross-entropy is a poor guide to this network",
                    points(pgd.accuracy),
                    points(cw.accuracy)
                ),
            );
        }
    }
    if let (Some(fgsm), Some(pgd)) = (on_all("fgsm"), on_all("pgd:20"))
        && let (fgsm, pgd) = (fgsm.accuracy, pgd.accuracy)
        && pgd - fgsm > 0.01
    {
        raise(
            "fgsm-stronger",
            format!(
                "one step (FGSM, {:.1} %) breaks more than twenty (PGD-20, {:.1} %): the gradient misleads",
                points(fgsm),
                points(pgd)
            ),
        );
    }
    for score in &report.scores {
        let broke = share(score.broke, report.samples);
        if score.attack.starts_with("square:")
            && score.on_survivors
            && score.broke >= 2
            && broke > 0.002
            && after_gradients(report, &score.attack)
        {
            raise(
                "square-stronger",
                format!(
                    "Square, which sees no gradient, broke {:.1} % that the attacks before it did not: gradients are masked",
                    points(broke)
                ),
            );
        }
        if score.attack.starts_with("logit-scale:") && score.on_survivors && broke > 0.01 {
            raise(
                "logit-scale",
                format!(
                    "at another scale of its logits the network loses {:.1} more points: its gradient is hidden by their size",
                    points(broke)
                ),
            );
        }
    }
    if let Some([near, far, grey]) = probes.robust
        && far > 0.5 * near
        && grey > probes.largest_class + 0.1
    {
        raise(
            "robust-far-away",
            format!(
                "PGD-20 and CW-20 leave {:.0} % of {} samples, in a ball four times as large {:.0} %, and {:.0} % where all balls hold the same grey image and no network can be right for more than {:.0} %: the attacks do not work on this network",
                points(near),
                probes.probed,
                points(far),
                points(grey),
                points(probes.largest_class)
            ),
        );
    }
    if !left_out.is_empty() {
        raise(
            "left-out",
            format!(
                "{} cannot be run with {} classes or in this norm; the verdict stands on the others",
                left_out.join(", "),
                probes.classes
            ),
        );
    }
    if let Some(natural) = accuracy("natural")
        && report.samples >= 50
        && natural < 0.5 / probes.classes as f64
    {
        raise(
            "labels",
            format!(
                "only {:.1} % of the natural samples are correct, far below chance: the labels may be shifted by one, or belong to other classes",
                points(natural)
            ),
        );
    }
    flags
}

/// Whether attacks with gradients came before `attack`.
fn after_gradients(report: &Report, attack: &str) -> bool {
    report.scores.iter().take_while(|score| score.attack != attack).any(|score| score.attack != "natural")
}
