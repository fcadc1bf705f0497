//! The probability margin attack.

use burn::tensor::{Tensor, activation::softmax};

use super::{About, Adversary, Entry, Norm, Number, Pursuit, Subjects, Threat, Victim};
use crate::{
    evaluate::{Aim, Kept, LogitLoss},
    loss,
    random::Stream,
};

pub(super) const ENTRY: Entry = Entry { about: &ABOUT, build: |numbers| Box::new(Pma { steps: numbers[0] }) };

const ABOUT: About = About {
    name: "pma",
    title: "PMA",
    summary: "Twice: first lowers the label's probability or raises the strongest other's, then climbs the margin between the two. Blind where probabilities are saturated.",
    source: "Ma et al., 2024 (taiadv), PMA.py",
    numbers: &[Number::of_a_hundred_steps()],
    gradient: true,
    classes: 2,
    norms: &Norm::ALL,
    nearest: false,
};

#[derive(Debug)]
struct Pma {
    steps: u32,
}

fn own(logits: Tensor<2>, aim: &Aim) -> Tensor<1> {
    loss::of_label(softmax(logits, 1), &aim.labels)
}

fn minus_own(logits: Tensor<2>, aim: &Aim) -> Tensor<1> {
    own(logits, aim).neg()
}

fn other(logits: Tensor<2>, aim: &Aim) -> Tensor<1> {
    loss::largest_other(softmax(logits, 1), &aim.labels)
}

fn minus_margin(logits: Tensor<2>, aim: &Aim) -> Tensor<1> {
    loss::probability_margin(softmax(logits, 1), &aim.labels).neg()
}

/// What step `step` of a run of so many climbs.
fn climbed(step: u32, steps: u32, run: u32) -> LogitLoss<'static> {
    match (step, run) {
        (0, _) => &own,
        (step, 0) if step < steps / 2 => &minus_own,
        (step, _) if step < steps / 2 => &other,
        _ => &minus_margin,
    }
}

/// The length of step `step` of so many, in radii: from 2 to 0 along a cosine, twice.
fn size(step: u32, steps: u32) -> f64 {
    let half = f64::from(steps) / 2.0;
    let step = f64::from(step);
    let done = if step <= half { step - 1.0 } else { step - half - 1.0 };
    1.0 + (std::f64::consts::PI * done / half).cos()
}

impl Adversary for Pma {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn numbers(&self) -> Vec<u32> {
        vec![self.steps]
    }

    fn passes(&self, _classes: usize) -> u64 {
        2 * (2 * u64::from(self.steps) + 1)
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(async move {
            let (ball, aim) = (subjects.ball(threat), subjects.aim());
            let mut kept: Option<Kept> = None;
            for run in 0..2 {
                let noise = subjects.noise(threat, &format!("pma {run}"), Stream::symmetric);
                let mut images = ball.project(ball.natural.clone() + noise.mul_scalar(ball.epsilon()));
                for step in 0..self.steps {
                    let slope = victim.gradient(&images, climbed(step, self.steps, run), &aim).await?;
                    match &mut kept {
                        Some(kept) => kept.see(&images, &slope.logits, &subjects.labels),
                        None => kept = Some(Kept::new(images.clone(), &slope.logits, &subjects.labels)),
                    }
                    let along = ball.direction(slope.gradient).mul_scalar(size(step, self.steps) * ball.epsilon());
                    images = ball.project(images + along);
                }
                let logits = victim.logits(&images).await?;
                if let Some(kept) = &mut kept {
                    kept.see(&images, &logits, &subjects.labels);
                    if kept.all().await? {
                        break;
                    }
                }
            }
            Ok(kept.map_or_else(|| subjects.natural.clone(), |kept| kept.images))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_shrink_along_a_cosine_twice() {
        assert!((size(1, 100) - 2.0).abs() < 1e-12 && (size(51, 100) - 2.0).abs() < 1e-12);
        assert!((size(26, 100) - 1.0).abs() < 1e-12);
        assert!((1..100).all(|step| (0.0..=2.0).contains(&size(step, 100))));
    }
}
