//! CoW: smoothed labels for natural data, and a divergence that counts more where the natural prediction is sure.

use std::sync::Arc;

use burn::tensor::{Tensor, activation::log_softmax};

use super::{
    About, Axis, Clock, Craft, Entry, Evidence, Loss, Memory, Method, Outputs, Passes, Side, Weights, arow::SMOOTHING,
    trades::beta,
};
use crate::loss;

pub(super) const ENTRY: Entry =
    Entry::new(&ABOUT, |parameters| Arc::new(Cow { beta: parameters.number("beta"), smoothing: parameters.number("smoothing") }));

const ABOUT: About = About {
    name: "cow",
    title: "CoW",
    summary: "TRADES with smoothed labels, whose divergence counts more where the natural prediction of the label is sure.",
    formula: "(1/n) Σ CE_smooth(f(x), y) + β KL(p(x) ‖ p(x~)) p_y(x)",
    source: "Counterpart of ARoW in its code, loss.py",
    caveats: &[
        "β is twice the paper's λ: the authors' command says 7 for 3.5.",
        "The authors' code starts the attack on the divergence anywhere in the ball; here it starts beside the sample, as TRADES does.",
    ],
    parameters: &[beta(7.0), SMOOTHING],
    axis: Axis::NATURAL_CONFIDENCE,
    omega_is_share: false,
    burns_in: false,
    passes: Passes::BOTH_BY_DIVERGENCE,
    measure: None,
};

#[derive(Debug)]
struct Cow {
    beta: f64,
    smoothing: f64,
}

impl Method for Cow {
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
        let confidence = evidence.confidence(Side::Natural);
        Some(Weights { omega: confidence.clone(), axis: confidence })
    }

    fn loss(&self, outputs: &Outputs, _omega: Option<&Tensor<1>>) -> Loss {
        let confidence = loss::of_label(log_softmax(outputs.natural(), 1).exp(), &outputs.labels);
        Loss::both(
            loss::smoothed_cross_entropy(outputs.natural(), &outputs.labels, self.smoothing),
            (outputs.divergence() * confidence).mul_scalar(self.beta),
        )
    }

    fn curve(&self, at: f64, _steps: u32, _clock: Clock) -> Option<f64> {
        Some(at)
    }
}
