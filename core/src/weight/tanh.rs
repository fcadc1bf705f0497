//! The paper's rule.

use super::{Rule, log_sigmoid};

/// ω = (1 + tanh(s)) / 2 with s = λ + 5 (1 − 2κ/K) (GAIRAT, equation 6).
#[derive(Debug)]
pub(crate) struct Tanh;

impl Rule for Tanh {
    fn log_weight(&self, kappa: f64, steps: u32, lambda: f64) -> f64 {
        // (1 + tanh s) / 2 = sigmoid(2 s), which does not round to 0 for s < -9 as 1 + tanh s does.
        log_sigmoid(2.0 * (lambda + 5.0 * (1.0 - 2.0 * kappa / f64::from(steps))))
    }
}
