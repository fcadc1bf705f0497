//! The published code's third rule.

use super::Rule;

/// ω = (K + 1 − κ) / (K + 1); λ plays no part unless it is infinite.
#[derive(Debug)]
pub(crate) struct Discrete;

impl Rule for Discrete {
    fn log_weight(&self, kappa: f64, steps: u32, _lambda: f64) -> f64 {
        let all = f64::from(steps) + 1.0;
        ((all - kappa) / all).ln()
    }
}
