//! The learning rate over the epochs.

use std::{fmt, str::FromStr};

/// How the learning rate falls. `t` is the share of the epochs that is done when an epoch starts, from 0 to just under 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LearningRateSchedule {
    /// lr, a tenth of it from t = 1/2 on, a hundredth from t = 3/4 on.
    #[default]
    Piecewise,
    /// lr (1 + cos(π t)) / 2.
    Cosine,
    /// lr up to t = 1/3, in a straight line to a tenth at 2/3 and to a hundredth at 1.
    Linear,
    /// lr, a tenth of it from t = 1/2 on.
    OneDrop,
    /// In a straight line up to lr at t = 2/5 and down to 0 at 1 (it starts one epoch's share above 0).
    SuperConverge,
}

impl LearningRateSchedule {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Piecewise, Self::Cosine, Self::Linear, Self::OneDrop, Self::SuperConverge];
}

impl FromStr for LearningRateSchedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|schedule| schedule.to_string() == text).ok_or_else(|| {
            let names: Vec<String> = Self::ALL.iter().map(|schedule| format!("`{schedule}`")).collect();
            format!("`{text}` is no learning-rate schedule: expected {}", names.join(", "))
        })
    }
}

impl fmt::Display for LearningRateSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Piecewise => "piecewise",
            Self::Cosine => "cosine",
            Self::Linear => "linear",
            Self::OneDrop => "one-drop",
            Self::SuperConverge => "super-converge",
        })
    }
}

/// The learning rate as a function of the epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningRate {
    /// The schedule.
    pub schedule: LearningRateSchedule,
    /// The greatest learning rate.
    pub lr: f64,
    /// Epochs in all.
    pub epochs: u32,
}

impl LearningRate {
    /// The learning rate in `epoch`, counted from 1; positive.
    pub fn at(&self, epoch: u32) -> f64 {
        let epochs = f64::from(self.epochs);
        let t = (f64::from(epoch.max(1)) - 1.0) / epochs;
        let line = |from: (f64, f64), to: (f64, f64)| from.1 + (t - from.0) / (to.0 - from.0) * (to.1 - from.1);
        let factor = match self.schedule {
            LearningRateSchedule::Piecewise if t >= 0.75 => 0.01,
            LearningRateSchedule::Piecewise | LearningRateSchedule::OneDrop if t >= 0.5 => 0.1,
            LearningRateSchedule::Piecewise | LearningRateSchedule::OneDrop => 1.0,
            LearningRateSchedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * t).cos()),
            LearningRateSchedule::Linear if t <= 1.0 / 3.0 => 1.0,
            LearningRateSchedule::Linear if t <= 2.0 / 3.0 => line((1.0 / 3.0, 1.0), (2.0 / 3.0, 0.1)),
            LearningRateSchedule::Linear => line((2.0 / 3.0, 0.1), (1.0, 0.01)),
            // The middle of the epoch, so that the first epoch is not lost at a rate of 0.
            LearningRateSchedule::SuperConverge => {
                let middle = t + 0.5 / epochs;
                if middle < 0.4 { middle / 0.4 } else { (1.0 - middle) / 0.6 }
            }
        };
        self.lr * factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: LearningRateSchedule, epochs: u32) -> Vec<f64> {
        let rate = LearningRate { schedule, lr: 1.0, epochs };
        (1..=epochs).map(|epoch| rate.at(epoch)).collect()
    }

    #[test]
    fn piecewise_drops_after_half_and_after_three_quarters() {
        assert_eq!(rates(LearningRateSchedule::Piecewise, 4), [1.0, 1.0, 0.1, 0.01]);
        let sixty = rates(LearningRateSchedule::Piecewise, 60);
        assert_eq!((sixty[29], sixty[30], sixty[44], sixty[45]), (1.0, 0.1, 0.1, 0.01));
    }

    #[test]
    fn every_schedule_is_positive_and_never_above_lr() {
        for schedule in LearningRateSchedule::ALL {
            for epochs in [1, 2, 3, 7, 100] {
                let rates = rates(schedule, epochs);
                assert!(rates.iter().all(|&rate| rate > 0.0 && rate <= 1.0), "{schedule} over {epochs}: {rates:?}");
            }
        }
    }

    #[test]
    fn all_but_super_converge_never_rise() {
        for schedule in &LearningRateSchedule::ALL[..4] {
            assert!(rates(*schedule, 50).windows(2).all(|pair| pair[0] >= pair[1]), "{schedule}");
        }
        let rising = rates(LearningRateSchedule::SuperConverge, 50);
        assert!(rising[0] < rising[10] && rising[10] < rising[19] && rising[49] < rising[25]);
    }
}
