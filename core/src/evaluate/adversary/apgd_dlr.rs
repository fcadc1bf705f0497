//! Auto-PGD on the difference of logits ratio.

use burn::tensor::Tensor;

use super::{About, Adversary, Entry, Norm, Number, Pursuit, Subjects, Threat, Victim, apgd};
use crate::{evaluate::Aim, loss};

pub(super) const ENTRY: Entry =
    Entry { about: &ABOUT, build: |numbers| Box::new(ApgdDlr { steps: numbers[0], restarts: numbers[1] }) };

const ABOUT: About = About {
    name: "apgd-dlr",
    title: "APGD-DLR",
    summary: "Auto-PGD on the difference of logits ratio, which does not change with the scale of the logits.",
    source: "Croce and Hein, ICML 2020 (AutoAttack)",
    numbers: &[Number::of_a_hundred_steps(), Number::restarts(1)],
    gradient: true,
    classes: 3,
    norms: &Norm::ALL,
    nearest: false,
};

#[derive(Debug)]
struct ApgdDlr {
    steps: u32,
    restarts: u32,
}

fn climbed(logits: Tensor<2>, aim: &Aim) -> Tensor<1> {
    loss::difference_of_logits_ratio(logits, &aim.labels)
}

impl Adversary for ApgdDlr {
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
