//! VIR-TRADES: weights from how far the attack moves the prediction, on the divergence of TRADES.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{About, Axis, Clock, Craft, Entry, Evidence, Loss, Memory, Method, Outputs, Passes, Weights, trades::beta, weighted};
use crate::weight::{VulnerabilityWeights, vulnerability};

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| {
    Arc::new(VirTrades {
        beta: parameters.number("beta"),
        shipped: parameters.choice("form") == "shipped",
        weights: VulnerabilityWeights::new(parameters),
    })
});

const ABOUT: About = About {
    name: "vir-trades",
    title: "VIR-TRADES",
    summary: "TRADES in which the divergence of samples that the attack moves far counts more.",
    formula: "(1/n) Σ CE(f(x), y) + β ω KL(p(x) ‖ p(x~)), ω = α exp(−γ p_y(x)) KL(p(x) ‖ p(x~)) + floor",
    source: "Vulnerability-aware instance reweighting for adversarial training (VIR); code of the paper's first author",
    caveats: &[
        "The published script attacks cross-entropy where it means the divergence; `shipped` does so too.",
        "In burn-in all samples count alike here; the published script trains on adversarial cross-entropy alone.",
        "The floor multiplies β: every sample has an effective β of at least 8.5, so compare with TRADES at β 8.5.",
    ],
    parameters: &[
        beta(5.0),
        vulnerability::alpha(8.0),
        vulnerability::gamma(3.0),
        vulnerability::floor(1.7),
        vulnerability::FORM,
    ],
    axis: Axis::DIVERGENCE,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::BOTH_BY_DIVERGENCE,
    measure: None,
};

#[derive(Debug)]
struct VirTrades {
    beta: f64,
    shipped: bool,
    weights: VulnerabilityWeights,
}

impl Method for VirTrades {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn crafts(&self, _clock: Clock) -> Vec<Craft> {
        vec![if self.shipped { Craft::GAUSSIAN } else { Craft::DIVERGENCE }]
    }

    fn needs_natural(&self, _clock: Clock) -> bool {
        true
    }

    fn passes(&self) -> Passes {
        if self.shipped { Passes::BOTH } else { ABOUT.passes }
    }

    fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        Some(self.weights.of(evidence))
    }

    fn loss(&self, outputs: &Outputs, omega: Option<&Tensor<1>>) -> Loss {
        Loss::both(outputs.natural_cross_entropy(), weighted(outputs.divergence(), omega).mul_scalar(self.beta))
    }
}
