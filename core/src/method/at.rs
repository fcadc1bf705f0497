//! Adversarial training.

use std::sync::Arc;

use super::{About, Axis, Clock, Entry, Method, Passes};

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |_| Arc::new(At));

const ABOUT: About = About {
    name: "at",
    title: "AT",
    summary: "Plain adversarial training: every sample counts the same.",
    formula: "(1/n) Σ CE(f(x~), y)",
    source: "Madry et al., Towards Deep Learning Models Resistant to Adversarial Attacks, ICLR 2018",
    caveats: &[],
    parameters: &[],
    axis: Axis::KAPPA,
    omega_is_share: true,
    burns_in: false,
    passes: Passes::PLAIN,
    measure: None,
};

#[derive(Debug)]
struct At;

impl Method for At {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn is_weighted_cross_entropy(&self) -> bool {
        true
    }

    fn curve(&self, _at: f64, _steps: u32, _clock: Clock) -> Option<f64> {
        Some(1.0)
    }
}
