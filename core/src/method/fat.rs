//! Friendly adversarial training: early-stopped PGD.

use std::sync::Arc;

use super::{About, Axis, Clock, Craft, Entry, Measure, MeasureKind, Method, Parameter, Parameters, Passes};

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| Arc::new(Fat { patience: Patience::new(parameters, [5, 9]) }));

const ABOUT: About = About {
    name: "fat",
    title: "FAT",
    summary: "The attack on a sample stops soon after it has broken it, so that training sees the least harmful of the broken.",
    formula: "(1/n) Σ CE(f(x~), y), x~ the iterate of PGD that is misclassified after τ earlier ones were",
    source: "Zhang et al., Attacks Which Do Not Kill Training Make Adversarial Learning Stronger, ICML 2020; FAT.py",
    caveats: &[
        "The published script adds Gaussian noise of deviation 0.001 in every step; this does not, as its variants for TRADES and GAIRAT do not.",
    ],
    parameters: &[tau(2), TAU_SCHEDULE],
    axis: Axis::KAPPA,
    omega_is_share: true,
    burns_in: false,
    passes: Passes::STOPS_EARLY,
    measure: Some(STOPPED_EARLY),
};

pub(super) const fn tau(default: u32) -> Parameter {
    Parameter::whole(
        ("tau", "τ"),
        default,
        (0, 1000),
        "How many checks may find a sample misclassified before the attack leaves it where the next one finds it so; K or more never stops early.",
    )
}

pub(super) const TAU_SCHEDULE: Parameter = Parameter::choice(
    ("tau_schedule", "τ schedule"),
    "rising",
    &["rising", "fixed"],
    "How τ moves over the epochs: rising (0, then half of τ, then τ) or fixed.",
);

pub(super) const STOPPED_EARLY: Measure = Measure {
    name: "stopped_early",
    doc: "Share of the samples whose attack stopped before its last step",
    kind: MeasureKind::Share,
};

/// τ over the epochs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    tau: u32,
    rising: bool,
    /// Twelfths of the epochs up to which τ is 0, and half.
    until: [u64; 2],
}

impl Patience {
    pub(super) fn new(parameters: &Parameters, until: [u64; 2]) -> Self {
        Self { tau: parameters.whole("tau"), rising: parameters.choice("tau_schedule") == "rising", until }
    }

    pub(super) fn at(&self, clock: Clock) -> u32 {
        let (epoch, epochs) = (u64::from(clock.epoch), u64::from(clock.epochs));
        let [none, half] = self.until;
        if !self.rising {
            self.tau
        } else if 12 * epoch <= none * epochs {
            0
        } else if 12 * epoch <= half * epochs {
            self.tau / 2
        } else {
            self.tau
        }
    }

    /// τ of an epoch by its name.
    pub(super) fn scheduled(&self, clock: Clock) -> (&'static str, f64) {
        ("tau", f64::from(self.at(clock)))
    }
}

#[derive(Debug)]
struct Fat {
    patience: Patience,
}

impl Method for Fat {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn crafts(&self, clock: Clock) -> Vec<Craft> {
        vec![Craft { patience: Some(self.patience.at(clock)), ..Craft::UNIFORM }]
    }

    fn is_weighted_cross_entropy(&self) -> bool {
        true
    }

    fn curve(&self, _at: f64, _steps: u32, _clock: Clock) -> Option<f64> {
        Some(1.0)
    }

    fn scheduled(&self, clock: Clock) -> Vec<(&'static str, f64)> {
        vec![self.patience.scheduled(clock)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tau_rises_where_the_published_schedules_do() {
        let table = |patience: Patience| {
            [1, 40, 41, 50, 51, 70, 71, 90, 91, 120].map(|epoch| patience.at(Clock { epoch, epochs: 120, burn_in: 0 }))
        };
        assert_eq!(table(Patience { tau: 2, rising: true, until: [5, 9] }), [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]);
        assert_eq!(table(Patience { tau: 6, rising: true, until: [4, 7] }), [0, 0, 3, 3, 3, 3, 6, 6, 6, 6]);
        assert_eq!(table(Patience { tau: 6, rising: false, until: [4, 7] }), [6; 10]);
    }
}
