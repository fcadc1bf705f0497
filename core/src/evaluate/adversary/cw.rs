//! CW-k: PGD on the margin of Carlini and Wagner.

use super::{About, Adversary, Entry, Norm, Number, Pursuit, Subjects, Threat, Victim, pgd::of_quarters};
use crate::attack::LossKind;

pub(super) const ENTRY: Entry =
    Entry { about: &ABOUT, build: |numbers| Box::new(Cw { steps: numbers[0], restarts: numbers[1] }) };

const ABOUT: About = About {
    name: "cw",
    title: "CW",
    summary: "PGD that climbs the margin of the strongest other class instead of the cross-entropy.",
    source: "Carlini and Wagner, 2017, as PGD in the GAIRAT and MAIL codes",
    numbers: &[Number::steps(20), Number::restarts(1)],
    gradient: true,
    classes: 2,
    norms: &Norm::ALL,
    nearest: false,
};

#[derive(Debug)]
struct Cw {
    steps: u32,
    restarts: u32,
}

impl Adversary for Cw {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn numbers(&self) -> Vec<u32> {
        vec![self.steps, self.restarts]
    }

    fn passes(&self, _classes: usize) -> u64 {
        u64::from(self.restarts) * of_quarters(self.steps, LossKind::CwMargin).passes()
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(
            async move { of_quarters(self.steps, LossKind::CwMargin).restart(victim, subjects, threat, self.restarts).await },
        )
    }
}
