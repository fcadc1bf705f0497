//! The fast gradient sign method, as it was published: one step from the sample itself.

use super::{About, Adversary, Entry, Norm, Pursuit, Subjects, Threat, Victim, steps::Steps};
use crate::attack::LossKind;

pub(super) const ENTRY: Entry = Entry { about: &ABOUT, build: |_| Box::new(Fgsm) };

const ABOUT: About = About {
    name: "fgsm",
    title: "FGSM",
    summary: "One step to the surface of the ball along the gradient's sign (in L2, along the gradient).",
    source: "Goodfellow, Shlens and Szegedy, ICLR 2015",
    numbers: &[],
    gradient: true,
    classes: 2,
    norms: &Norm::ALL,
    nearest: false,
};

/// `x + ε sign(∇ CE)`.
#[derive(Debug)]
struct Fgsm;

const STEP: Steps = Steps { count: 1, size: 1.0, loss: LossKind::CrossEntropy, start: None };

impl Adversary for Fgsm {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn passes(&self, _classes: usize) -> u64 {
        STEP.passes()
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(async move { STEP.run(victim, subjects, threat).await })
    }
}
