//! No attack: the accuracy on natural data.

use super::{About, Adversary, Entry, Norm, Pursuit, Subjects, Threat, Victim};

pub(super) const ENTRY: Entry = Entry { about: &ABOUT, build: |_| Box::new(Natural) };

const ABOUT: About = About {
    name: "natural",
    title: "natural",
    summary: "Leaves every sample as it is.",
    source: "",
    numbers: &[],
    gradient: false,
    classes: 2,
    norms: &Norm::ALL,
    nearest: false,
};

#[derive(Debug)]
struct Natural;

impl Adversary for Natural {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn passes(&self, _classes: usize) -> u64 {
        0
    }

    fn attack<'a>(&'a self, _victim: &'a mut Victim<'_>, subjects: &'a Subjects, _threat: Threat) -> Pursuit<'a> {
        Box::pin(std::future::ready(Ok(subjects.natural.clone())))
    }
}
