//! The published code's second rule.

use super::{Rule, log_sigmoid};

/// ω = sigmoid(s) with s = λ + 5 (1 − 2κ/K): the tanh rule at half its steepness.
#[derive(Debug)]
pub(crate) struct Sigmoid;

impl Rule for Sigmoid {
    fn log_weight(&self, kappa: f64, steps: u32, lambda: f64) -> f64 {
        log_sigmoid(lambda + 5.0 * (1.0 - 2.0 * kappa / f64::from(steps)))
    }
}
