//! MAIL-TRADES: weights from the probabilistic margin on the divergence of TRADES.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{About, Axis, Clock, Craft, Entry, Evidence, Loss, Memory, Method, Outputs, Passes, Weights, trades::beta, weighted};
use crate::weight::{MarginWeights, margin};

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| {
    Arc::new(MailTrades { beta: parameters.number("beta"), weights: MarginWeights::new(parameters) })
});

const ABOUT: About = About {
    name: "mail-trades",
    title: "MAIL-TRADES",
    summary: "TRADES in which the divergence of samples with a small probability margin counts more.",
    formula: "(1/n) Σ CE(f(x), y) + β ω KL(p(x) ‖ p(x~)), ω = 3 sigmoid(−γ (PM − bias)), PM = p_y − max other p",
    source: "Liu et al., Probabilistic Margins for Instance Reweighting in Adversarial Training, NeurIPS 2021; mail_loss.py",
    caveats: &[],
    parameters: &[beta(5.0), margin::gamma(2.0), margin::bias(0.0), margin::MARGIN, margin::WEIGHT_NORM],
    axis: Axis::PROBABILITY_MARGIN,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::BOTH_BY_DIVERGENCE,
    measure: None,
};

#[derive(Debug)]
struct MailTrades {
    beta: f64,
    weights: MarginWeights,
}

impl Method for MailTrades {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn crafts(&self, _clock: Clock) -> Vec<Craft> {
        vec![Craft::DIVERGENCE]
    }

    fn needs_natural(&self, _clock: Clock) -> bool {
        true
    }

    fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        Some(self.weights.of(evidence))
    }

    fn loss(&self, outputs: &Outputs, omega: Option<&Tensor<1>>) -> Loss {
        Loss::both(outputs.natural_cross_entropy(), weighted(outputs.divergence(), omega).mul_scalar(self.beta))
    }

    fn curve(&self, at: f64, _steps: u32, clock: Clock) -> Option<f64> {
        Some(self.weights.curve(at, clock))
    }
}
