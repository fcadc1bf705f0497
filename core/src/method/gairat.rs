//! Geometry-aware instance-reweighted adversarial training.

use std::sync::Arc;

use super::{About, Axis, Clock, Entry, Evidence, Memory, Method, Passes, Weights};
use crate::weight::{KappaWeights, kappa};

pub(super) const ENTRY: Entry =
    Entry { about: &ABOUT, build: |parameters| Arc::new(Gairat { weights: KappaWeights::new(parameters) }), check: kappa::check };

const ABOUT: About = About {
    name: "gairat",
    title: "GAIRAT",
    summary: "Samples near the boundary, which few attack steps break, count more.",
    formula: "(1/n) Σ ω CE(f(x~), y), ω = (1 + tanh(λ + 5 (1 − 2κ/K))) / 2, mean 1 over the batch",
    source: "Zhang et al., Geometry-aware Instance-reweighted Adversarial Training, ICLR 2021, equations 5 and 6",
    caveats: &[
        "It gains under PGD and loses under CW and AutoAttack, as its authors say themselves (issue 1 of their repository).",
    ],
    parameters: &[kappa::WEIGHTING, kappa::lambda(-1.0), kappa::LAMBDA_SCHEDULE, kappa::LAMBDA_MAX],
    axis: Axis::KAPPA,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::PLAIN,
    measure: None,
};

#[derive(Debug)]
struct Gairat {
    weights: KappaWeights,
}

impl Method for Gairat {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn weigh(&self, evidence: &Evidence, clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        self.weights.of(evidence, clock)
    }

    fn is_weighted_cross_entropy(&self) -> bool {
        true
    }

    fn curve(&self, at: f64, steps: u32, clock: Clock) -> Option<f64> {
        Some(self.weights.curve(at, steps, clock))
    }

    fn scheduled(&self, clock: Clock) -> Vec<(&'static str, f64)> {
        self.weights.scheduled(clock).into_iter().collect()
    }

    fn warnings(&self) -> Vec<String> {
        self.weights.warnings()
    }
}
