//! Auto-PGD on the cross-entropy.

use super::{About, Entry, Norm, Number, apgd::Untargeted};
use crate::{evaluate::Aim, loss};

pub(super) const ENTRY: Entry = Entry {
    about: &ABOUT,
    build: |numbers| {
        let loss = |logits, aim: &Aim| loss::cross_entropy(logits, &aim.labels);
        Box::new(Untargeted { about: &ABOUT, numbers: [numbers[0], numbers[1]], loss })
    },
};

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
