//! PGD-k with a uniform start and steps of ε/4: the evaluation of the GAIRAT paper.

use super::{About, Adversary, Entry, Norm, Number, Pursuit, Subjects, Threat, Victim, steps::Steps};
use crate::attack::LossKind;

pub(super) const ENTRY: Entry =
    Entry { about: &ABOUT, build: |numbers| Box::new(Pgd { steps: numbers[0], restarts: numbers[1] }) };

const ABOUT: About = About {
    name: "pgd",
    title: "PGD",
    summary: "Climbs the cross-entropy in steps of ε/4 from a random start; the last image counts.",
    source: "Madry et al., ICLR 2018; as in the GAIRAT code",
    numbers: &[Number::steps(20), Number::restarts(1)],
    gradient: true,
    classes: 2,
    norms: &Norm::ALL,
    nearest: false,
};

#[derive(Debug)]
struct Pgd {
    steps: u32,
    restarts: u32,
}

impl Adversary for Pgd {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn numbers(&self) -> Vec<u32> {
        vec![self.steps, self.restarts]
    }

    fn passes(&self, _classes: usize) -> u64 {
        u64::from(self.restarts) * of_quarters(self.steps, LossKind::CrossEntropy).passes()
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(
            async move { of_quarters(self.steps, LossKind::CrossEntropy).restart(victim, subjects, threat, self.restarts).await },
        )
    }
}

/// Steps of ε/4. PGD-k and CW-k start at the same points: what differs between them is then the loss, and not the luck of the draw.
pub(super) fn of_quarters(steps: u32, loss: LossKind) -> Steps {
    Steps { count: steps, size: 0.25, loss, start: Some(u64::from(steps)) }
}
