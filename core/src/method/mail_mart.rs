//! MAIL-MART: weights from the probabilistic margin on the boosted cross-entropy of MART.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{
    About, Axis, Clock, Craft, Entry, Evidence, Loss, Memory, Method, Outputs, Passes, Weights, mart::aware_divergence,
    trades::beta, weighted,
};
use crate::{
    loss,
    weight::{MarginWeights, margin},
};

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| {
    Arc::new(MailMart { beta: parameters.number("beta"), weights: MarginWeights::new(parameters) })
});

const ABOUT: About = About {
    name: "mail-mart",
    title: "MAIL-MART",
    summary: "MART in which the boosted cross-entropy of samples with a small probability margin counts more.",
    formula: "(1/n) Σ ω BCE(f(x~), y) + β KL(p(x) ‖ p(x~)) (1 − p_y(x)), ω = 3 sigmoid(−γ (PM − bias))",
    source: "Liu et al., Probabilistic Margins for Instance Reweighting in Adversarial Training, NeurIPS 2021; mail_loss.py",
    caveats: &["The defaults γ 3 and bias 0 could not be checked against the paper."],
    parameters: &[beta(5.0), margin::gamma(3.0), margin::bias(0.0), margin::MARGIN, margin::WEIGHT_NORM],
    axis: Axis::PROBABILITY_MARGIN,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::BOTH,
    measure: None,
};

#[derive(Debug)]
struct MailMart {
    beta: f64,
    weights: MarginWeights,
}

impl Method for MailMart {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn crafts(&self, _clock: Clock) -> Vec<Craft> {
        vec![Craft::GAUSSIAN]
    }

    fn needs_natural(&self, _clock: Clock) -> bool {
        true
    }

    fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        Some(self.weights.of(evidence))
    }

    fn loss(&self, outputs: &Outputs, omega: Option<&Tensor<1>>) -> Loss {
        let boosted = loss::boosted_cross_entropy(outputs.adversarial.clone(), &outputs.labels);
        Loss::adversarial(weighted(boosted, omega) + aware_divergence(outputs, self.beta))
    }

    fn curve(&self, at: f64, _steps: u32, clock: Clock) -> Option<f64> {
        Some(self.weights.curve(at, clock))
    }
}
