//! FAB towards each of the strongest other classes.

use super::{About, Adversary, Entry, Norm, Number, Pursuit, Subjects, Threat, Victim, fab::towards_classes};

pub(super) const ENTRY: Entry =
    Entry { about: &ABOUT, build: |numbers| Box::new(FabT { steps: numbers[0], targets: numbers[1] }) };

const ABOUT: About = About {
    name: "fab-t",
    title: "FAB-T",
    summary: "FAB towards each of the strongest other classes; the nearest image counts.",
    source: "Croce and Hein, ICML 2020 (AutoAttack)",
    numbers: &[Number::of_a_hundred_steps(), Number::targets()],
    gradient: true,
    classes: 2,
    norms: &Norm::ALL,
    nearest: true,
};

#[derive(Debug)]
struct FabT {
    steps: u32,
    targets: u32,
}

impl Adversary for FabT {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn numbers(&self) -> Vec<u32> {
        vec![self.steps, self.targets]
    }

    fn passes(&self, classes: usize) -> u64 {
        3 * u64::from(self.steps) * u64::from(self.targets).min(classes as u64 - 1)
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(towards_classes(victim, subjects, threat, (self.steps, self.targets)))
    }
}
