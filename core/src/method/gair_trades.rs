//! Weights from kappa on TRADES, in the definitions that are around.

use std::sync::Arc;

use burn::tensor::{Tensor, activation::sigmoid};

use super::{
    About, Axis, Clock, Condition, Craft, Entry, Evidence, Loss, Memory, Method, Outputs, Parameter, Passes, Weights,
    trades::beta, weighted,
};
use crate::{
    attack::LossKind,
    loss,
    weight::{KappaWeights, kappa},
};

pub(super) const ENTRY: Entry = Entry {
    about: &ABOUT,
    build: |parameters| {
        Arc::new(GairTrades {
            beta: parameters.number("beta"),
            term: match parameters.choice("weighted") {
                "natural" => Term::Natural,
                "rst" => Term::Rst,
                _ => Term::Divergence,
            },
            weights: KappaWeights::new(parameters),
        })
    },
    check: kappa::check,
};

const ABOUT: About = About {
    name: "gair-trades",
    title: "GAIR-TRADES",
    summary: "TRADES in which samples near the boundary count more.",
    formula: "(1/n) Σ CE(f(x), y) + β ω KL(p(x) ‖ p(x~)), ω from κ as GAIRAT's; or ω on another term (weighted)",
    source: "Zhang et al., GAIRAT, ICLR 2021, appendix; losses.py of the authors' GAIR-RST",
    caveats: &[
        "Three definitions are around (a fourth, of the appendix, is remembered to be `natural`) and no published table of them could be checked: the default is none of these and weighs the divergence, as the margin and the vulnerability methods do on TRADES.",
        "`natural` weighs the natural term (a third party's code without its slip; the appendix itself could not be read).",
        "`rst` is the authors' code for semi-supervised training: weights that are not normalised (a slope of 1 a step whatever K is: tanh's curve at K 10), a second attack on the margin. Its script sets λ 3; the default here is that of the other two.",
    ],
    parameters: &[
        beta(6.0),
        Parameter::choice(
            ("weighted", "weighted term"),
            "kl",
            &["kl", "natural", "rst"],
            "What the weights stand on: kl (the divergence), natural (cross-entropy of x) or rst (the divergence under two attacks, shared by ω; twice the cost).",
        ),
        kappa::WEIGHTING.only_with(&[("weighted", &["kl", "natural"])]),
        kappa::lambda(LAMBDA).only_with(NEEDS_LAMBDA),
        kappa::LAMBDA_SCHEDULE.only_with(NEEDS_LAMBDA),
        kappa::LAMBDA_MAX,
    ],
    axis: Axis::KAPPA,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::BOTH_BY_DIVERGENCE,
    measure: None,
};

/// λ of the definitions whose weights are GAIRAT's.
const LAMBDA: f64 = -1.0;

/// `rst` has a rule of its own, and it knows λ.
const NEEDS_LAMBDA: &[Condition] = &[("weighting", &["tanh", "sigmoid"]), ("lambda", &["inf"]), ("weighted", &["rst"])];

/// What the weights stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Term {
    Divergence,
    Natural,
    Rst,
}

#[derive(Debug)]
struct GairTrades {
    beta: f64,
    term: Term,
    weights: KappaWeights,
}

impl GairTrades {
    /// The argument of the sigmoid in GAIR-RST: (1 + tanh s) / 2 = sigmoid(2 s), s = λ + K/2 − κ.
    fn rst(&self, steps: u32, clock: Clock) -> f64 {
        2.0 * (self.weights.lambda(clock) + f64::from(steps) / 2.0)
    }
}

impl Method for GairTrades {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn crafts(&self, clock: Clock) -> Vec<Craft> {
        let second = Craft { loss: LossKind::CwMargin, ..Craft::GAUSSIAN };
        if self.term == Term::Rst && self.weights.lambda(clock).is_finite() {
            vec![Craft::DIVERGENCE, second]
        } else {
            vec![Craft::DIVERGENCE]
        }
    }

    fn needs_natural(&self, _clock: Clock) -> bool {
        true
    }

    fn weigh(&self, evidence: &Evidence, clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        if self.term != Term::Rst {
            return self.weights.of(evidence, clock);
        }
        let kappa = evidence.kappa();
        let top = self.rst(evidence.steps, clock);
        top.is_finite().then(|| Weights { omega: sigmoid(kappa.clone().mul_scalar(-2.0).add_scalar(top)), axis: kappa })
    }

    fn loss(&self, outputs: &Outputs, omega: Option<&Tensor<1>>) -> Loss {
        let (natural, divergence) = (outputs.natural_cross_entropy(), outputs.divergence());
        match (self.term, omega, &outputs.second) {
            (Term::Natural, ..) => Loss::both(weighted(natural, omega), divergence.mul_scalar(self.beta)),
            (Term::Rst, Some(omega), Some(second)) => {
                let other = loss::divergence(outputs.natural(), second.clone());
                let shared = divergence * omega.clone() + other * omega.clone().neg().add_scalar(1.0);
                Loss::both(natural, shared.mul_scalar(self.beta))
            }
            _ => Loss::both(natural, weighted(divergence, omega).mul_scalar(self.beta)),
        }
    }

    fn curve(&self, at: f64, steps: u32, clock: Clock) -> Option<f64> {
        Some(match self.term {
            Term::Rst if clock.weighs() => kappa::sigmoid(self.rst(steps, clock) - 2.0 * at),
            _ => self.weights.curve(at, steps, clock),
        })
    }

    fn passes(&self) -> Passes {
        if self.term == Term::Rst {
            Passes { attacks: 2, references: 1, forward: 3, backward: 3, ..Passes::PLAIN }
        } else {
            ABOUT.passes
        }
    }

    fn scheduled(&self, clock: Clock) -> Vec<(&'static str, f64)> {
        self.weights.scheduled(clock).into_iter().collect()
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.weights.warnings();
        if self.term == Term::Rst && self.weights.last_lambda() == LAMBDA {
            warnings.push(format!(
                "the authors' script runs rst with lambda 3, and lambda is {LAMBDA}, as the other definitions have it"
            ));
        }
        warnings
    }
}
