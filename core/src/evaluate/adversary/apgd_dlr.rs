//! Auto-PGD on the difference of logits ratio.

use super::{About, Entry, Norm, Number, apgd::Untargeted};
use crate::{evaluate::Aim, loss};

pub(super) const ENTRY: Entry = Entry {
    about: &ABOUT,
    build: |numbers| {
        let loss = |logits, aim: &Aim| loss::difference_of_logits_ratio(logits, &aim.labels);
        Box::new(Untargeted { about: &ABOUT, numbers: [numbers[0], numbers[1]], loss })
    },
};

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
