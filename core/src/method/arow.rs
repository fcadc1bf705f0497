//! ARoW: smoothed labels for natural data, and a divergence that counts more where the attack succeeds.

use std::sync::Arc;

use burn::tensor::{Tensor, activation::log_softmax};

use super::{
    About, Axis, Clock, Craft, Entry, Evidence, Loss, Memory, Method, Outputs, Parameter, Passes, Side, Weights, trades::beta,
};
use crate::loss;

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| {
    Arc::new(Arow { beta: parameters.number("beta"), smoothing: parameters.number("smoothing") })
});

const ABOUT: About = About {
    name: "arow",
    title: "ARoW",
    summary: "TRADES with smoothed labels, whose divergence counts more where the label is unlikely under attack.",
    formula: "(1/n) Σ CE_smooth(f(x), y) + β KL(p(x) ‖ p(x~)) (1 − p_y(x~))",
    source: "Yang et al., Improving Adversarial Robustness by Putting More Regularizations on Less Robust Samples, ICML 2023; loss.py",
    caveats: &[
        "β is twice the paper's λ: the authors' command says 7 for 3.5.",
        "The authors' code starts the attack on the divergence anywhere in the ball; here it starts beside the sample, as TRADES does.",
    ],
    parameters: &[beta(7.0), SMOOTHING],
    axis: Axis::ADVERSARIAL_CONFIDENCE,
    omega_is_share: false,
    burns_in: false,
    passes: Passes::BOTH_BY_DIVERGENCE,
    measure: None,
};

pub(super) const SMOOTHING: Parameter = Parameter::number(
    ("smoothing", "label smoothing"),
    0.2,
    (0.0, 0.999),
    (0.0, 0.5),
    "Share of a label that is spread evenly over all classes.",
);

#[derive(Debug)]
struct Arow {
    beta: f64,
    smoothing: f64,
}

impl Method for Arow {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn crafts(&self, _clock: Clock) -> Vec<Craft> {
        vec![Craft::DIVERGENCE]
    }

    fn needs_natural(&self, _clock: Clock) -> bool {
        true
    }

    /// The factor of the divergence, for display; the loss computes it with its gradient.
    fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        let confidence = evidence.confidence(Side::Adversarial);
        Some(Weights { omega: confidence.clone().neg().add_scalar(1.0), axis: confidence })
    }

    fn loss(&self, outputs: &Outputs, _omega: Option<&Tensor<1>>) -> Loss {
        let doubt = loss::of_label(log_softmax(outputs.adversarial.clone(), 1).exp(), &outputs.labels).neg().add_scalar(1.0);
        Loss::both(
            loss::smoothed_cross_entropy(outputs.natural(), &outputs.labels, self.smoothing),
            (outputs.divergence() * doubt).mul_scalar(self.beta),
        )
    }

    fn curve(&self, at: f64, _steps: u32, _clock: Clock) -> Option<f64> {
        Some(1.0 - at)
    }
}
