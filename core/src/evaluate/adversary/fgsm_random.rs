//! What the GAIRAT family's code calls FGSM: one step after a random start.

use super::{About, Adversary, Entry, Norm, Pursuit, Subjects, Threat, Victim, steps::Steps};
use crate::attack::LossKind;

pub(super) const ENTRY: Entry = Entry { about: &ABOUT, build: |_| Box::new(FgsmRandom) };

const ABOUT: About = About {
    name: "fgsm-random",
    title: "FGSM with a random start",
    summary: "One step of length ε from a random point of the ball.",
    source: "FAT.py of the FAT and GAIRAT codes, which call it FGSM",
    numbers: &[],
    gradient: true,
    classes: 2,
    norms: &Norm::ALL,
    nearest: false,
};

#[derive(Debug)]
struct FgsmRandom;

const STEP: Steps = Steps { count: 1, size: 1.0, loss: LossKind::CrossEntropy, start: Some(1) };

impl Adversary for FgsmRandom {
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
