//! HAM: samples that a few attack steps do not break are left out.

use std::sync::Arc;

use super::{About, Axis, Clock, Entry, Evidence, Memory, Method, Parameter, Passes, Weights};

pub(super) const ENTRY: Entry = Entry {
    about: &ABOUT,
    build: |parameters| Arc::new(Ham { drop_after: parameters.whole("drop_after") }),
    check: |parameters, steps| {
        let after = parameters.whole("drop_after");
        if after < steps {
            return Ok(());
        }
        Err((
            "drop_after",
            format!("{after} leaves no step of {steps} to tell samples apart; expected less than the steps of the attack"),
        ))
    },
};

const ABOUT: About = About {
    name: "ham",
    title: "HAM",
    summary: "Samples that are still correct after a few attack steps do not count.",
    formula: "(1/n) Σ ω CE(f(x~), y), ω = 1 if one of x⁰ … x^(drop after) is misclassified, else 0",
    source: "HAM, IEEE TIFS 2024; its code, which is built on GAIRAT's",
    caveats: &[
        "The published code looks at one iterate; here a sample counts if any up to it was misclassified.",
        "The published code takes the mean over the samples that are left, here it is the mean over the batch: steps shrink as fewer count, and a lower learning rate is not the cause.",
    ],
    parameters: &[Parameter::whole(
        ("drop_after", "drop after"),
        3,
        (0, 999),
        "Attack steps after which samples that were never misclassified are dropped.",
    )],
    axis: Axis::FIRST_HIT,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::PLAIN,
    measure: None,
};

#[derive(Debug)]
struct Ham {
    drop_after: u32,
}

impl Method for Ham {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        let first_hit = evidence.first_hit();
        Some(Weights { omega: first_hit.clone().lower_equal_elem(self.drop_after).float(), axis: first_hit })
    }

    fn is_weighted_cross_entropy(&self) -> bool {
        true
    }

    fn curve(&self, at: f64, _steps: u32, clock: Clock) -> Option<f64> {
        Some(f64::from(u8::from(!clock.weighs() || at <= f64::from(self.drop_after))))
    }
}
