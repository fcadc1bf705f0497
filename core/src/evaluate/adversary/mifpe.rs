//! Auto-PGD on a cross-entropy that does not change with the scale of the logits.

use burn::tensor::Tensor;

use super::{About, Adversary, Entry, Norm, Number, Pursuit, Subjects, Threat, Victim, apgd};
use crate::{evaluate::Aim, loss};

pub(super) const ENTRY: Entry =
    Entry { about: &ABOUT, build: |numbers| Box::new(Mifpe { steps: numbers[0], restarts: numbers[1] }) };

const ABOUT: About = About {
    name: "mifpe",
    title: "MIFPE",
    summary: "Auto-PGD on the cross-entropy of logits divided by the gap between the largest two, which does not vanish on confident networks.",
    source: "Yamamura et al., 2022 (minimal logit gap scaling), as MIFPE",
    numbers: &[Number::of_a_hundred_steps(), Number::restarts(1)],
    gradient: true,
    classes: 2,
    norms: &Norm::ALL,
    nearest: false,
};

#[derive(Debug)]
struct Mifpe {
    steps: u32,
    restarts: u32,
}

fn climbed(logits: Tensor<2>, aim: &Aim) -> Tensor<1> {
    loss::scale_free_cross_entropy(logits, &aim.labels)
}

impl Adversary for Mifpe {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn numbers(&self) -> Vec<u32> {
        vec![self.steps, self.restarts]
    }

    fn passes(&self, _classes: usize) -> u64 {
        2 * u64::from(self.restarts) * (u64::from(self.steps) + 1)
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(apgd::restarted(victim, subjects, threat, (self.steps, self.restarts), (ABOUT.name, &climbed)))
    }
}
