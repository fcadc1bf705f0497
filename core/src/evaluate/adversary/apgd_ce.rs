//! Auto-PGD on the cross-entropy.

use burn::tensor::Tensor;

use super::{About, Adversary, Entry, Norm, Number, Pursuit, Subjects, Threat, Victim, apgd};
use crate::{evaluate::Aim, loss};

pub(super) const ENTRY: Entry =
    Entry { about: &ABOUT, build: |numbers| Box::new(ApgdCe { steps: numbers[0], restarts: numbers[1] }) };

const ABOUT: About = About {
    name: "apgd-ce",
    title: "APGD-CE",
    summary: "Auto-PGD on the cross-entropy.",
    source: "Croce and Hein, ICML 2020 (AutoAttack)",
    numbers: &[Number::of_a_hundred_steps(), Number::restarts(1)],
    gradient: true,
    classes: 2,
    norms: &Norm::ALL,
    nearest: false,
};

#[derive(Debug)]
struct ApgdCe {
    steps: u32,
    restarts: u32,
}

fn climbed(logits: Tensor<2>, aim: &Aim) -> Tensor<1> {
    loss::cross_entropy(logits, &aim.labels)
}

impl Adversary for ApgdCe {
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
