//! Auto-PGD on a cross-entropy that does not change with the scale of the logits.

use super::{About, Entry, Norm, Number, apgd::Untargeted};
use crate::{evaluate::Aim, loss};

pub(super) const ENTRY: Entry = Entry {
    about: &ABOUT,
    build: |numbers| {
        let loss = |logits, aim: &Aim| loss::scale_free_cross_entropy(logits, &aim.labels);
        Box::new(Untargeted { about: &ABOUT, numbers: [numbers[0], numbers[1]], loss })
    },
};

const ABOUT: About = About {
    name: "mifpe",
    title: "MIFPE",
    summary: "Auto-PGD on the cross-entropy of logits divided by the gap between the largest two, which does not vanish on confident networks.",
    source: "Yamamura et al., 2022 (minimal logit gap scaling), as MIFPE",
    numbers: &[Number::of_a_hundred_steps(), Number::restarts(1)],
    gradient: true,
    classes: 2,
    norms: &Norm::ALL,
    nearest: false,
};
