//! Both directions combined: early-stopped PGD, and weights from kappa.

use std::sync::Arc;

use super::{
    About, Axis, Clock, Craft, Entry, Evidence, Memory, Method, Passes, Weights,
    fat::{Patience, STOPPED_EARLY, TAU_SCHEDULE, tau},
};
use crate::weight::{KappaWeights, kappa};

pub(super) const ENTRY: Entry = Entry {
    about: &ABOUT,
    build: |parameters| Arc::new(GairFat { patience: Patience::new(parameters, [4, 7]), weights: KappaWeights::new(parameters) }),
    check: kappa::check,
};

const ABOUT: About = About {
    name: "gair-fat",
    title: "GAIR-FAT",
    summary: "Early-stopped PGD whose samples count the more, the fewer checks found them correct.",
    formula: "(1/n) Σ ω CE(f(x~), y), x~ of early-stopped PGD, ω = (1 + tanh(λ + 5 (1 − 2κ/K))) / 2, mean 1 over the batch",
    source: "Zhang et al., Geometry-aware Instance-reweighted Adversarial Training, ICLR 2021; GAIR_FAT.py, earlystop.py",
    caveats: &[
        "The published script mixes up the labels of samples that stop early (GAIR_FAT.py line 154, earlystop.py line 44); this does not.",
    ],
    parameters: &[tau(6), TAU_SCHEDULE, kappa::WEIGHTING, kappa::lambda(0.0), kappa::LAMBDA_SCHEDULE, kappa::LAMBDA_MAX],
    axis: Axis::KAPPA,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::STOPS_EARLY,
    measure: Some(STOPPED_EARLY),
};

#[derive(Debug)]
struct GairFat {
    patience: Patience,
    weights: KappaWeights,
}

impl Method for GairFat {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn crafts(&self, clock: Clock) -> Vec<Craft> {
        vec![Craft { patience: Some(self.patience.at(clock)), ..Craft::UNIFORM }]
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
        [self.patience.scheduled(clock)].into_iter().chain(self.weights.scheduled(clock)).collect()
    }

    fn warnings(&self) -> Vec<String> {
        self.weights.warnings()
    }
}
