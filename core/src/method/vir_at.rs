//! VIR-AT: weights from how far the attack moves the prediction.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{
    About, Axis, Clock, Craft, Entry, Evidence, Loss, Memory, Method, Outputs, Parameters, Passes, Weights, trades::beta,
    weighted,
};
use crate::weight::{VulnerabilityWeights, vulnerability};

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| {
    let shipped = parameters.choice("form") == "shipped";
    let weights = if shipped { VulnerabilityWeights::SHIPPED } else { VulnerabilityWeights::new(parameters) };
    let (given, defaults) =
        (VulnerabilityWeights::new(parameters), VulnerabilityWeights::new(&Parameters::defaults(ABOUT.parameters)));
    // What was left alone was not asked for.
    let given = if given == defaults { weights } else { given };
    Arc::new(VirAt { beta: parameters.number("beta"), shipped, weights, given })
});

const ABOUT: About = About {
    name: "vir-at",
    title: "VIR-AT",
    summary: "Samples whose prediction the attack moves far, and whose natural prediction is unsure, count more.",
    formula: "(1/n) Σ ω CE(f(x~), y), ω = α exp(−γ p_y(x)) KL(p(x) ‖ p(x~)) + floor",
    source: "Vulnerability-aware instance reweighting for adversarial training (VIR); code of the paper's first author",
    caveats: &[
        "The published script never reaches this loss: it passes `vir-at` where the loss tests for `at`. `shipped` is what it runs instead.",
        "The weights are not normalised and small, so the effective learning rate falls when they set in.",
    ],
    parameters: &[
        vulnerability::alpha(7.0),
        vulnerability::gamma(10.0),
        vulnerability::floor(0.007),
        vulnerability::FORM,
        beta(5.0).only_with("form", "shipped"),
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
    /// What was asked for.
    given: VulnerabilityWeights,
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

    fn warnings(&self) -> Vec<String> {
        if self.shipped && self.given != self.weights {
            vec!["the shipped form has constants of its own: α 8, γ 3 and floor 1.7, whatever is given".to_owned()]
        } else {
            Vec::new()
        }
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
