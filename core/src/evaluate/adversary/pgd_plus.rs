//! PGD+: five runs of 40 steps, of which every image counts.

use burn::tensor::Tensor;

use super::{About, Adversary, Entry, Norm, Pursuit, Subjects, Threat, Victim, restarts};
use crate::{
    evaluate::{Aim, Kept},
    loss,
    random::Stream,
};

pub(super) const ENTRY: Entry = Entry { about: &ABOUT, build: |_| Box::new(PgdPlus) };

const ABOUT: About = About {
    name: "pgd+",
    title: "PGD+",
    summary: "Five runs of 40 steps on the cross-entropy; a sample must be correct at every image on the way.",
    source: "eval_PGD_plus.py of the GAIRAT code (α 0.01 at ε 0.031)",
    numbers: &[],
    gradient: true,
    classes: 2,
    norms: &Norm::ALL,
    nearest: false,
};

const RESTARTS: u32 = 5;
const STEPS: u32 = 40;
/// A step's length, in radii.
const SIZE: f64 = 0.01 / 0.031;

#[derive(Debug)]
struct PgdPlus;

impl Adversary for PgdPlus {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn passes(&self, _classes: usize) -> u64 {
        u64::from(RESTARTS * (2 * STEPS + 1))
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(async move {
            let rounds = RESTARTS as usize;
            let (ball, aim) = (subjects.ball(threat).select(&subjects.repeat(rounds)), restarts::aim(subjects, rounds));
            let noise = (0..RESTARTS).map(|restart| subjects.noise(threat, &format!("pgd+ {restart}"), Stream::symmetric));
            let noise = Tensor::cat(noise.collect(), 0).mul_scalar(ball.epsilon());
            let mut images = ball.project(ball.natural.clone() + noise);
            let mut kept: Option<Kept> = None;
            for step in 0..STEPS {
                let slope = victim.gradient(&images, &|logits, aim| loss::cross_entropy(logits, &aim.labels), &aim).await?;
                let along = ball.direction(slope.gradient).mul_scalar(ball.epsilon() * SIZE);
                // The start itself is not judged.
                if step > 0 {
                    see(&mut kept, &images, &slope.logits, &aim);
                }
                images = ball.project(images + along);
            }
            let logits = victim.logits(&images).await?;
            see(&mut kept, &images, &logits, &aim);
            Ok(kept.map_or_else(|| subjects.natural.clone(), |kept| kept.best_of_rounds(subjects.len()).images))
        })
    }
}

fn see(kept: &mut Option<Kept>, images: &Tensor<2>, logits: &Tensor<2>, aim: &Aim) {
    match kept {
        Some(kept) => kept.see(images, logits, &aim.labels),
        None => *kept = Some(Kept::new(images.clone(), logits, &aim.labels)),
    }
}
