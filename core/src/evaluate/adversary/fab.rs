//! FAB: the fast adaptive boundary attack, towards the class whose linearised boundary is nearest.

use burn::tensor::{Tensor, activation::relu, s};

use super::{
    About, Adversary, Entry, Norm, Number, Pursuit, Subjects, Threat, Victim,
    apgd_t::{ranked_others, towards},
    hyperplane::onto_hyperplane,
};
use crate::{
    device,
    evaluate::{Aim, Halt, Verdict, indices, mask, threat::distance},
    loss,
};

pub(super) const ENTRY: Entry = Entry { about: &ABOUT, build: |numbers| Box::new(Fab { steps: numbers[0] }) };

const ABOUT: About = About {
    name: "fab",
    title: "FAB",
    summary: "Looks for the nearest adversarial image: steps onto the linearised boundary to the strongest other class and pulls back.",
    source: "Croce and Hein, ICML 2020 (Minimally distorted adversarial examples), towards the strongest class of each step",
    numbers: &[Number::of_a_hundred_steps()],
    gradient: true,
    classes: 2,
    norms: &Norm::ALL,
    nearest: true,
};

/// Share of the sample's own projection in a step at most.
const MOST_OWN: f64 = 0.1;
/// By how much a step goes beyond the plane.
const BEYOND: f64 = 1.05;
/// Share of the way that is kept when an image is pulled back.
const BACK: f64 = 0.9;

#[derive(Debug)]
struct Fab {
    steps: u32,
}

impl Adversary for Fab {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn numbers(&self) -> Vec<u32> {
        vec![self.steps]
    }

    fn passes(&self, _classes: usize) -> u64 {
        3 * u64::from(self.steps)
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(nearest(victim, subjects, subjects.aim(), threat, self.steps))
    }
}

/// z_t − z_y, t being the target or the strongest other class.
fn difference(logits: Tensor<2>, aim: &Aim) -> Tensor<1> {
    let other = match &aim.targets {
        Some(targets) => loss::of_label(logits.clone(), targets),
        None => loss::largest_other(logits.clone(), &aim.labels),
    };
    other - loss::of_label(logits, &aim.labels)
}

/// Runs towards so many of each subject's strongest classes.
pub(super) async fn towards_classes(
    victim: &mut Victim<'_>,
    subjects: &Subjects,
    threat: Threat,
    (steps, targets): (u32, u32),
) -> Result<Tensor<2>, Halt> {
    let classes = ranked_others(victim, subjects).await?;
    let targets = (targets as usize).min(victim.classes() - 1);
    let aim = towards(victim, subjects, &classes, targets);
    nearest(victim, subjects, aim, threat, steps).await
}

/// Of each subject the nearest misclassified image that was found, else the sample itself. `aim` has a row for each sample, or several
/// rounds of them. Success is any other class; a target only chooses the plane.
async fn nearest(victim: &mut Victim<'_>, subjects: &Subjects, aim: Aim, threat: Threat, steps: u32) -> Result<Tensor<2>, Halt> {
    let samples = subjects.len();
    let rounds = (aim.labels.len() / samples.max(1)).max(1);
    let natural = subjects.natural.clone().select(0, subjects.repeat(rounds));
    let [rows, width] = natural.dims();
    let mut images = natural.clone();
    let mut best = natural.clone();
    let mut least: Tensor<1> = Tensor::ones([rows], victim.device()).mul_scalar(1e10);
    for _ in 0..steps {
        let slope = victim.gradient(&images, &difference, &aim).await?;
        let w = slope.gradient;
        let b = (w.clone() * images.clone()).sum_dim(1).reshape([rows]) - slope.losses;
        // Both projections at once: of the image, and of the sample.
        let both = onto_hyperplane(
            threat.norm,
            &Tensor::cat(vec![images.clone(), natural.clone()], 0),
            &Tensor::cat(vec![w.clone(), w], 0),
            &Tensor::cat(vec![b.clone(), b], 0),
        )
        .await?;
        let (own, of_sample) = (both.clone().slice(s![0..rows]), both.slice(s![rows..2 * rows]));
        let size = |offset: &Tensor<2>| distance(threat.norm, offset.clone()).clamp_min(1e-8).reshape([rows, 1]);
        let (near, far) = (size(&own), size(&of_sample));
        let alpha = (near.clone() / (near + far)).clamp_max(MOST_OWN);
        let rest = alpha.clone().neg().add_scalar(1.0);
        let next = (images + own.mul_scalar(BEYOND)) * rest + (natural.clone() + of_sample.mul_scalar(BEYOND)) * alpha;
        images = relu(next).clamp_max(1.0);
        let logits = victim.logits(&images).await?;
        let wrong = Verdict::of(&logits, &aim.labels).wrong;
        let distance = distance(threat.norm, images.clone() - natural.clone());
        let closer = wrong.clone() * distance.clone().lower(least.clone()).float();
        best = best.mask_where(mask(&closer, width), images.clone());
        least = least.mask_where(closer.greater_elem(0.5), distance);
        let back = natural.clone() + (images.clone() - natural.clone()).mul_scalar(BACK);
        images = images.mask_where(mask(&wrong, width), back);
    }
    // Of every sample the round that came nearest.
    let distances = device::read(least).await?;
    let nearest = (0..samples).map(|sample| {
        let of_round = |round: &usize| distances[round * samples + sample];
        (0..rounds).min_by(|a, b| of_round(a).total_cmp(&of_round(b))).map_or(0, |round| (round * samples + sample) as i32)
    });
    Ok(best.select(0, indices(&nearest.collect::<Vec<_>>(), victim.device())))
}
