//! MAIL-AT: weights from the probabilistic margin.

use std::sync::Arc;

use super::{About, Axis, Clock, Craft, Entry, Evidence, Memory, Method, Passes, Weights};
use crate::weight::{MarginWeights, margin};

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| Arc::new(MailAt { weights: MarginWeights::new(parameters) }));

const ABOUT: About = About {
    name: "mail-at",
    title: "MAIL-AT",
    summary: "Samples with a small margin between the probability of their label and the next count more.",
    formula: "(1/n) Σ ω CE(f(x~), y), ω = 3 sigmoid(−γ (PM − bias)), PM = p_y − max other p",
    source: "Liu et al., Probabilistic Margins for Instance Reweighting in Adversarial Training, NeurIPS 2021; mail_loss.py",
    caveats: &[
        "AutoAttack finds it no better than plain adversarial training (44.2 % against 44.9 %, ResNet-18, as quoted by others).",
    ],
    parameters: &[margin::gamma(10.0), margin::bias(-0.5), margin::MARGIN, margin::WEIGHT_NORM],
    axis: Axis::PROBABILITY_MARGIN,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::PLAIN,
    measure: None,
};

#[derive(Debug)]
struct MailAt {
    weights: MarginWeights,
}

impl Method for MailAt {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn crafts(&self, _clock: Clock) -> Vec<Craft> {
        vec![Craft::GAUSSIAN]
    }

    fn needs_natural(&self, clock: Clock) -> bool {
        clock.weighs() && self.weights.need_natural()
    }

    fn passes(&self) -> Passes {
        if self.weights.need_natural() { Passes::NATURAL_FORWARD } else { ABOUT.passes }
    }

    fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        Some(self.weights.of(evidence))
    }

    fn curve(&self, at: f64, _steps: u32, clock: Clock) -> Option<f64> {
        Some(self.weights.curve(at, clock))
    }
}
