//! Weights of samples: pure functions of measurements, shared by the methods that weigh by the same quantity.

mod discrete;
pub(crate) mod kappa;
mod lambda;
pub(crate) mod margin;
mod normalise;
mod sigmoid;
mod tanh;
pub(crate) mod vulnerability;

use std::{fmt, str::FromStr};

pub(crate) use kappa::KappaWeights;
pub use lambda::{LambdaKind, LambdaSchedule};
pub(crate) use margin::MarginWeights;
pub(crate) use normalise::normalise_by;
pub use normalise::{effective_share, normalise, normalised};
pub(crate) use vulnerability::VulnerabilityWeights;

/// A rule for the raw weight of a sample, from the attack's measurements.
///
/// Rules return logarithms, because tanh weights far from the boundary fall below the least f32 while their ratios still matter.
pub trait Rule: fmt::Debug + Send + Sync {
    /// The natural logarithm of the raw weight of a sample with `kappa` in 0..=`steps`.
    ///
    /// This is the curve that a viewer draws; it is never `+inf` or NaN for finite `lambda`.
    fn log_weight(&self, kappa: f64, steps: u32, lambda: f64) -> f64;

    /// Logarithms of the raw weights of kappa 0 … `steps`.
    fn log_weights(&self, steps: u32, lambda: f64) -> Vec<f32> {
        (0..=steps).map(|kappa| self.log_weight(f64::from(kappa), steps, lambda) as f32).collect()
    }
}

/// The rules by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RuleName {
    /// The paper's rule.
    #[default]
    Tanh,
    /// A sigmoid: the same curve at half the steepness.
    Sigmoid,
    /// A straight line, independent of λ.
    Discrete,
}

impl RuleName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tanh, Self::Sigmoid, Self::Discrete];

    /// The rule itself.
    pub fn rule(self) -> &'static dyn Rule {
        match self {
            Self::Tanh => &tanh::Tanh,
            Self::Sigmoid => &sigmoid::Sigmoid,
            Self::Discrete => &discrete::Discrete,
        }
    }

    /// The raw weight of `kappa` after `steps` attack steps, from 0 to 1; 1 for every rule at λ = +inf.
    pub fn raw(self, kappa: u32, steps: u32, lambda: f64) -> f64 {
        if lambda == f64::INFINITY { 1.0 } else { self.rule().log_weight(f64::from(kappa), steps, lambda).exp() }
    }
}

impl FromStr for RuleName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|rule| rule.to_string() == text)
            .ok_or_else(|| format!("`{text}` is no weighting: expected `tanh`, `sigmoid` or `discrete`"))
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Discrete => "discrete",
        })
    }
}

/// log(sigmoid(x)), finite for every finite x: -log(1 + exp(-x)) without overflow.
fn log_sigmoid(x: f64) -> f64 {
    x.min(0.0) - (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 6e-6 * expected.abs(), "{found} is not {expected}");
    }

    fn curve(rule: RuleName, steps: u32, lambda: f64, expected: &[f64]) {
        for (kappa, &expected) in expected.iter().enumerate() {
            close(rule.raw(kappa as u32, steps, lambda), expected);
        }
    }

    /// The published weights at K = 10.
    #[test]
    fn raw_weights_are_the_published_ones() {
        let tanh =
            [0.999665, 0.997527, 0.982014, 0.880797, 0.5, 0.119203, 0.0179862, 0.00247262, 3.3535e-4, 4.53979e-5, 6.14417e-6];
        curve(RuleName::Tanh, 10, -1.0, &tanh);
        curve(RuleName::Tanh, 10, 0.0, &[&[0.999955][..], &tanh[..10]].concat());
        let sigmoid =
            [0.993307, 0.982014, 0.952574, 0.880797, 0.731059, 0.5, 0.268941, 0.119203, 0.0474259, 0.0179862, 0.00669285];
        curve(RuleName::Sigmoid, 10, 0.0, &sigmoid);
        curve(RuleName::Sigmoid, 10, -1.0, &[&sigmoid[1..], &[0.00247262]].concat());
        let discrete: Vec<f64> = (0..=10).map(|kappa| f64::from(11 - kappa) / 11.0).collect();
        curve(RuleName::Discrete, 10, -1.0, &discrete);
    }

    /// At odd K the paper's formula divides by K where the published code divides by int(K/2).
    #[test]
    fn odd_numbers_of_steps_follow_the_paper() {
        let paper = [0.999665, 0.994193, 0.907687, 0.360907, 0.0314144, 0.00185926, 1.0697e-4, 6.14417e-6];
        curve(RuleName::Tanh, 7, -1.0, &paper);
        assert!(RuleName::Tanh.raw(0, 1, -1.0).is_finite(), "K = 1 divides by zero in the published code");
    }

    #[test]
    fn an_infinite_lambda_gives_every_rule_a_weight_of_exactly_one() {
        for rule in RuleName::ALL {
            for kappa in 0..=10 {
                assert_eq!(rule.raw(kappa, 10, f64::INFINITY), 1.0);
            }
        }
    }

    #[test]
    fn weights_never_rise_with_kappa() {
        for rule in RuleName::ALL {
            for lambda in [-900.0, -4.0, -1.0, 0.0, 3.0, 900.0] {
                for steps in [1, 2, 7, 10, 40] {
                    for kappa in 0..steps {
                        let (near, far) = (f64::from(kappa), f64::from(kappa + 1));
                        let rule = rule.rule();
                        assert!(rule.log_weight(near, steps, lambda) >= rule.log_weight(far, steps, lambda));
                        assert!(rule.log_weight(far, steps, lambda).is_finite());
                    }
                }
            }
        }
    }
}
