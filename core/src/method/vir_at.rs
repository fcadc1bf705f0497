//! VIR-AT: weights from how far the attack moves the prediction.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{
    About, Axis, Clock, Condition, Craft, Entry, Evidence, Loss, Memory, Method, Outputs, Passes, Weights, trades::beta, weighted,
};
use crate::weight::{VulnerabilityWeights, vulnerability};

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| {
    let shipped = parameters.choice("form") == "shipped";
    let weights = if shipped { VulnerabilityWeights::SHIPPED } else { VulnerabilityWeights::new(parameters) };
    Arc::new(VirAt { beta: parameters.number("beta"), shipped, weights })
});

/// The shipped form has constants of its own.
const INTENDED: &[Condition] = &[("form", &["intended"])];

const ABOUT: About = About {
    name: "vir-at",
    title: "VIR-AT",
    summary: "Samples whose prediction the attack moves far, and whose natural prediction is unsure, count more.",
    formula: "(1/n) Σ ω CE(f(x~), y), ω = α exp(−γ p_y(x)) KL(p(x) ‖ p(x~)) + floor",
    source: "Vulnerability-aware instance reweighting for adversarial training (VIR); code of the paper's first author",
    caveats: &[
        "The published script never reaches this loss: it passes `vir-at` where the loss tests for `at`. `shipped` is what it runs instead, with its own constants α 8, γ 3 and floor 1.7.",
        "The weights are not normalised and small, so the effective learning rate falls when they set in.",
    ],
    parameters: &[
        vulnerability::alpha(7.0).only_with(INTENDED),
        vulnerability::gamma(10.0).only_with(INTENDED),
        vulnerability::floor(0.007).only_with(INTENDED),
        vulnerability::FORM,
        beta(5.0).only_with(&[("form", &["shipped"])]),
    ],
    axis: Axis::DIVERGENCE,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::NATURAL_FORWARD,
    measure: None,
};

#[derive(Debug)]
struct VirAt {
    /// Of the shipped form.
    beta: f64,
    shipped: bool,
    weights: VulnerabilityWeights,
}

impl Method for VirAt {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn crafts(&self, _clock: Clock) -> Vec<Craft> {
        vec![Craft::GAUSSIAN]
    }

    fn needs_natural(&self, clock: Clock) -> bool {
        clock.weighs()
    }

    fn passes(&self) -> Passes {
        if self.shipped { Passes::BOTH } else { ABOUT.passes }
    }

    fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        Some(self.weights.of(evidence))
    }

    fn loss(&self, outputs: &Outputs, omega: Option<&Tensor<1>>) -> Loss {
        match omega {
            Some(omega) if self.shipped => {
                Loss::both(outputs.natural_cross_entropy(), (outputs.divergence() * omega.clone()).mul_scalar(self.beta))
            }
            _ => Loss::adversarial(weighted(outputs.adversarial_cross_entropy(), omega)),
        }
    }
}
