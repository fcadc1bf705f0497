//! MART: misclassification-aware adversarial training.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{About, Axis, Clock, Craft, Entry, Evidence, Loss, Memory, Method, Outputs, Passes, Side, Weights, trades::beta};
use crate::loss;

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| Arc::new(Mart { beta: parameters.number("beta") }));

const ABOUT: About = About {
    name: "mart",
    title: "MART",
    summary: "Where the natural sample is misclassified already, the divergence under attack counts more.",
    formula: "(1/n) Σ BCE(f(x~), y) + β KL(p(x) ‖ p(x~)) (1 − p_y(x)), BCE = −log p_y(x~) − log(1 − max other p(x~))",
    source: "Wang et al., Improving Adversarial Robustness Requires Revisiting Misclassified Examples, ICLR 2020; mart.py",
    caveats: &[
        "PGD overestimates it: 65.0 % as reported were 56.3 % under AutoAttack (AutoAttack's table, a WRN-28-10 with 500,000 more images).",
    ],
    parameters: &[beta(5.0)],
    axis: Axis::NATURAL_CONFIDENCE,
    omega_is_share: false,
    burns_in: false,
    passes: Passes::BOTH,
    measure: None,
};

/// `β KL(q ‖ a) (1 − q_y)`, with mart.py's small numbers; the gradient flows through the weight.
pub(super) fn aware_divergence(outputs: &Outputs, beta: f64) -> Tensor<1> {
    let doubt = loss::of_label(burn::tensor::activation::log_softmax(outputs.natural(), 1).exp(), &outputs.labels)
        .neg()
        .add_scalar(1.000_000_1);
    (loss::guarded_divergence(outputs.natural(), outputs.adversarial.clone()) * doubt).mul_scalar(beta)
}

#[derive(Debug)]
struct Mart {
    beta: f64,
}

impl Method for Mart {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn crafts(&self, _clock: Clock) -> Vec<Craft> {
        vec![Craft::GAUSSIAN]
    }

    fn needs_natural(&self, _clock: Clock) -> bool {
        true
    }

    /// The factor of the divergence, to be seen; the loss has it with its gradient.
    fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        let confidence = evidence.confidence(Side::Natural);
        Some(Weights { omega: confidence.clone().neg().add_scalar(1.0), axis: confidence })
    }

    fn loss(&self, outputs: &Outputs, _omega: Option<&Tensor<1>>) -> Loss {
        let boosted = loss::boosted_cross_entropy(outputs.adversarial.clone(), &outputs.labels);
        Loss::adversarial(boosted + aware_divergence(outputs, self.beta))
    }

    fn curve(&self, at: f64, _steps: u32, _clock: Clock) -> Option<f64> {
        Some(1.0 - at)
    }
}
