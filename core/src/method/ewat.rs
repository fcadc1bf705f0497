//! EWAT: undecided samples count more.

use std::sync::Arc;

use super::{About, Axis, Clock, Entry, Evidence, Memory, Method, Passes, Side, Weights};
use crate::{loss, weight::normalise};

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |_| Arc::new(Ewat));

const ABOUT: About = About {
    name: "ewat",
    title: "EWAT",
    summary: "Samples whose adversarial prediction is undecided count more.",
    formula: "(1/n) Σ ω CE(f(x~), y), ω ∝ 1 + H(p(x~)), mean 1 over the batch",
    source: "Entropy weighted adversarial training (EWAT), as remembered",
    caveats: &["No code was found and the formula could not be checked against the paper."],
    parameters: &[],
    axis: Axis::ENTROPY,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::PLAIN,
    measure: None,
};

#[derive(Debug)]
struct Ewat;

impl Method for Ewat {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        let entropy = loss::entropy(evidence.logits(Side::Adversarial));
        Some(Weights { omega: normalise(entropy.clone().add_scalar(1.0).log()), axis: entropy })
    }

    fn curve(&self, at: f64, _steps: u32, clock: Clock) -> Option<f64> {
        Some(if clock.weighs() { 1.0 + at } else { 1.0 })
    }
}
