//! λ over the epochs.

use std::{fmt, str::FromStr};

/// The schedule of λ after burn-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LambdaKind {
    /// Constant.
    #[default]
    Fixed,
    /// Linear from `lambda_max`, at the end of burn-in, to `lambda`, at the last epoch.
    Linear,
    /// λ, then λ − 1 after 3/4 of the epochs, then λ − 1.5 after 11/12.
    Piecewise,
}

impl FromStr for LambdaKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "fixed" => Ok(Self::Fixed),
            "linear" => Ok(Self::Linear),
            "piecewise" => Ok(Self::Piecewise),
            _ => Err(format!("`{text}` is no λ schedule: expected `fixed`, `linear` or `piecewise`")),
        }
    }
}

impl fmt::Display for LambdaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fixed => "fixed",
            Self::Linear => "linear",
            Self::Piecewise => "piecewise",
        })
    }
}

/// λ as a function of the epoch, counted from 1.
///
/// These are the intended schedules, not those of the published code (GAIRAT.py, adjust_Lambda). There the linear one is NaN with its own
/// default (inf − inf) and otherwise starts half-way, and later branches of the piecewise one are unreachable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LambdaSchedule {
    /// The kind.
    pub kind: LambdaKind,
    /// λ.
    pub lambda: f64,
    /// The start of the linear schedule; finite for that schedule.
    pub lambda_max: f64,
    /// Epochs without weights.
    pub burn_in: u32,
    /// Epochs in all.
    pub epochs: u32,
}

impl LambdaSchedule {
    /// λ in `epoch`; +inf (every weight is 1) up to and including the last epoch of burn-in.
    pub fn at(&self, epoch: u32) -> f64 {
        if epoch <= self.burn_in {
            return f64::INFINITY;
        }
        match self.kind {
            LambdaKind::Fixed => self.lambda,
            LambdaKind::Linear => {
                let whole = f64::from(self.epochs.saturating_sub(self.burn_in).max(1));
                let done = f64::from(epoch - self.burn_in) / whole;
                self.lambda_max + done.min(1.0) * (self.lambda - self.lambda_max)
            }
            LambdaKind::Piecewise => {
                // The official thresholds are epochs 90 and 110 of 120, the epoch itself included.
                let (epoch, epochs) = (u64::from(epoch), u64::from(self.epochs));
                if 12 * epoch >= 11 * epochs {
                    self.lambda - 1.5
                } else if 4 * epoch >= 3 * epochs {
                    self.lambda - 1.0
                } else {
                    self.lambda
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: LambdaKind) -> LambdaSchedule {
        LambdaSchedule { kind, lambda: -1.0, lambda_max: 1.0, burn_in: 60, epochs: 120 }
    }

    #[test]
    fn no_schedule_weighs_before_the_end_of_burn_in() {
        for kind in [LambdaKind::Fixed, LambdaKind::Linear, LambdaKind::Piecewise] {
            for epoch in 1..=60 {
                assert_eq!(schedule(kind).at(epoch), f64::INFINITY);
            }
            assert!(schedule(kind).at(61).is_finite());
        }
    }

    #[test]
    fn linear_goes_from_the_greatest_lambda_to_lambda_over_what_burn_in_leaves() {
        let linear = schedule(LambdaKind::Linear);
        assert_eq!(linear.at(90), 0.0);
        assert_eq!(linear.at(120), -1.0);
        assert!((linear.at(61) - (1.0 - 2.0 / 60.0)).abs() < 1e-12);
        // The official formula from the first epoch on, Lmax - e / E (Lmax - L), is this one without burn-in.
        let official = LambdaSchedule { burn_in: 0, ..linear };
        assert_eq!([60, 90, 120].map(|epoch| official.at(epoch)), [0.0, -0.5, -1.0]);
    }

    #[test]
    fn piecewise_reaches_the_branches_that_the_official_code_cannot() {
        let piecewise = schedule(LambdaKind::Piecewise);
        let table: Vec<f64> = [61, 89, 90, 109, 110, 120].iter().map(|&epoch| piecewise.at(epoch)).collect();
        assert_eq!(table, [-1.0, -1.0, -2.0, -2.0, -2.5, -2.5]);
    }

    #[test]
    fn fixed_is_lambda() {
        assert_eq!(schedule(LambdaKind::Fixed).at(61), -1.0);
        assert_eq!(schedule(LambdaKind::Fixed).at(120), -1.0);
    }
}
