//! WMMR: weights that fall exponentially with the probabilistic margin.

use std::sync::Arc;

use super::{About, Axis, Clock, Entry, Evidence, Memory, Method, Parameter, Passes, Side, Weights};
use crate::weight::normalise;

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| {
    Arc::new(Wmmr { alpha: parameters.number("alpha"), normalised: parameters.choice("weight_norm") != "none" })
});

const ABOUT: About = About {
    name: "wmmr",
    title: "WMMR",
    summary: "Samples count the more, the smaller or the more negative their probability margin is.",
    formula: "(1/n) Σ ω CE(f(x~), y), ω = exp(−α PM), PM = p_y − max other p at x~",
    source: "Zeng et al., Are Adversarial Examples Created Equal? A Learnable Weighted Minimax Risk for Robustness under Non-uniform Attacks, as quoted by others",
    caveats: &["The value of α and whether weights are normalised could not be checked."],
    parameters: &[
        Parameter::number(
            ("alpha", "α"),
            3.0,
            (0.0, 40.0),
            (0.0, 10.0),
            "α: how fast the weight falls with the margin (3 could not be checked).",
        ),
        Parameter::choice(
            ("weight_norm", "normalise weights"),
            "batch",
            &["batch", "none"],
            "Whether weights have mean 1 over a batch (batch) or stand as they are (none).",
        ),
    ],
    axis: Axis::PROBABILITY_MARGIN,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::PLAIN,
    measure: None,
};

#[derive(Debug)]
struct Wmmr {
    alpha: f64,
    normalised: bool,
}

impl Method for Wmmr {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        let margin = evidence.probability_margin(Side::Adversarial);
        let logs = margin.clone().mul_scalar(-self.alpha);
        Some(Weights { omega: if self.normalised { normalise(logs) } else { logs.exp() }, axis: margin })
    }

    fn curve(&self, at: f64, _steps: u32, clock: Clock) -> Option<f64> {
        Some(if clock.weighs() { (-self.alpha * at).exp() } else { 1.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_the_closed_form() {
        let clock = Clock { epoch: 2, epochs: 2, burn_in: 1 };
        for (margin, expected) in [(0.9, 0.0672055), (0.5, 0.22313), (0.0, 1.0), (-0.5, 4.48169)] {
            let found = Wmmr { alpha: 3.0, normalised: true }.curve(margin, 10, clock).unwrap();
            assert!((found - expected).abs() < 1e-5 * expected, "{found} is not {expected}");
        }
    }
}
