//! Weights from kappa: a rule, and λ over the epochs.

use crate::{
    method::{Clock, Condition, Evidence, Parameter, Parameters, Weights},
    weight::{LambdaKind, LambdaSchedule, RuleName},
};

pub(crate) const WEIGHTING: Parameter = Parameter::choice(
    ("weighting", "weighting"),
    "tanh",
    &["tanh", "sigmoid", "discrete"],
    "How a weight follows from kappa: tanh, sigmoid or discrete.",
);
/// How λ moves.
pub(crate) const LAMBDA_SCHEDULE: Parameter = Parameter::choice(
    ("lambda_schedule", "λ schedule"),
    "fixed",
    &["fixed", "linear", "piecewise"],
    "How λ moves after burn-in: fixed, linear (from lambda-max to lambda) or piecewise (λ, λ - 1 after 3/4, λ - 1.5 after 11/12).",
)
.only_with(NEEDS_LAMBDA);
/// The rules that know λ; the third knows only whether it is infinite.
const NEEDS_LAMBDA: &[Condition] = &[("weighting", &["tanh", "sigmoid"]), ("lambda", &["inf"])];
/// Where the linear schedule starts.
pub(crate) const LAMBDA_MAX: Parameter = Parameter::number(
    ("lambda_max", "λ max"),
    3.0,
    (-1000.0, f64::INFINITY),
    (-4.0, 4.0),
    "Where the linear schedule starts; must be finite for it.",
)
.only_with(&[("lambda_schedule", &["linear"])]);

pub(crate) const fn lambda(default: f64) -> Parameter {
    Parameter::number(
        ("lambda", "λ"),
        default,
        (-1000.0, f64::INFINITY),
        (-4.0, 4.0),
        "λ of the weights: lower values leave weight to fewer samples; inf gives every sample the weight 1.",
    )
    .only_with(NEEDS_LAMBDA)
}

/// Whether the parameters go together.
pub(crate) fn check(parameters: &Parameters, _steps: u32) -> Result<(), (&'static str, String)> {
    let finite = parameters.number("lambda_max").is_finite() && parameters.number("lambda").is_finite();
    if parameters.choice("lambda_schedule") == "linear" && !finite {
        return Err(("lambda_max", "the linear schedule needs a finite lambda-max and a finite lambda".to_owned()));
    }
    Ok(())
}

/// 1 / (1 + e^(−x)).
pub(crate) fn sigmoid(x: f64) -> f64 {
    super::log_sigmoid(x).exp()
}

/// A rule, and λ over the epochs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KappaWeights {
    rule: RuleName,
    kind: LambdaKind,
    lambda: f64,
    lambda_max: f64,
    /// Whether λ has an effect.
    uses_lambda: bool,
}

impl KappaWeights {
    pub(crate) fn new(parameters: &Parameters) -> Self {
        Self {
            rule: parameters.choice("weighting").parse().unwrap_or_default(),
            kind: parameters.choice("lambda_schedule").parse().unwrap_or_default(),
            lambda: parameters.number("lambda"),
            lambda_max: parameters.number("lambda_max"),
            uses_lambda: parameters.has_effect("lambda"),
        }
    }

    /// λ; +inf in burn-in.
    pub(crate) fn lambda(&self, clock: Clock) -> f64 {
        let Self { kind, lambda, lambda_max, .. } = *self;
        LambdaSchedule { kind, lambda, lambda_max, burn_in: clock.burn_in, epochs: clock.epochs }.at(clock.epoch)
    }

    /// λ as it was given: where every schedule but the piecewise one ends.
    pub(crate) fn last_lambda(&self) -> f64 {
        self.lambda
    }

    /// The weights of a batch, with mean 1; `None` for infinite λ, which makes the step plain adversarial training bit for bit.
    pub(crate) fn of(&self, evidence: &Evidence, clock: Clock) -> Option<Weights> {
        let lambda = self.lambda(clock);
        if lambda == f64::INFINITY {
            return None;
        }
        let omega = evidence.normalised_by_kappa(self.rule.rule().log_weights(evidence.steps, lambda));
        Some(Weights { omega, axis: evidence.kappa() })
    }

    /// The raw weight of a kappa.
    pub(crate) fn curve(&self, kappa: f64, steps: u32, clock: Clock) -> f64 {
        match self.lambda(clock) {
            f64::INFINITY => 1.0,
            lambda => self.rule.rule().log_weight(kappa, steps, lambda).exp(),
        }
    }

    /// λ of an epoch, where it has an effect.
    pub(crate) fn scheduled(&self, clock: Clock) -> Option<(&'static str, f64)> {
        self.uses_lambda.then(|| ("lambda", self.lambda(clock)))
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        if self.lambda == f64::INFINITY {
            vec!["lambda inf gives every sample the weight 1: no sample is weighted".to_owned()]
        } else {
            Vec::new()
        }
    }
}
