//! Hard samples weighed down: the opposite of GAIRAT.

use std::sync::Arc;

use burn::tensor::activation::log_softmax;

use super::{About, Axis, Clock, Entry, Evidence, Memory, Method, Parameter, Passes, Side, Weights};
use crate::{loss, weight::normalise};

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| {
    Arc::new(HardInstance {
        measure: match parameters.choice("measure") {
            "one_minus_p_adversarial" => Measured::Doubt,
            "confidence" => Measured::Confidence,
            "p_natural" => Measured::Natural,
            _ => Measured::Adversarial,
        },
    })
});

const ABOUT: About = About {
    name: "hard-instance",
    title: "Hard instances",
    summary: "Samples that stay hard under attack count less: its authors trace robust overfitting to them.",
    formula: "(1/n) Σ ω CE(f(x~), y), ω ∝ p_y(x~), mean 1 over the batch",
    source: "Liu et al., On the Impact of Hard Adversarial Instances on Overfitting in Adversarial Training, JMLR 2024; adv_fast.py",
    caveats: &[],
    parameters: &[Parameter::choice(
        ("measure", "weight by"),
        "p_adversarial",
        &["p_adversarial", "one_minus_p_adversarial", "confidence", "p_natural"],
        "What a weight is: the label's probability under attack (p_adversarial), 1 minus it (one_minus_p_adversarial), the largest probability under attack (confidence) or the label's on natural data (p_natural).",
    )],
    axis: Axis::ADVERSARIAL_CONFIDENCE,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::PLAIN,
    measure: None,
};

/// The least weight before normalisation: all of a batch may be at 0.
const LEAST: f64 = 1e-30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measured {
    Adversarial,
    Doubt,
    Confidence,
    Natural,
}

#[derive(Debug)]
struct HardInstance {
    measure: Measured,
}

impl Method for HardInstance {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn needs_natural(&self, clock: Clock) -> bool {
        self.measure == Measured::Natural && clock.weighs()
    }

    fn passes(&self) -> Passes {
        if self.measure == Measured::Natural { Passes::NATURAL_FORWARD } else { ABOUT.passes }
    }

    fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        let side = if self.measure == Measured::Natural { Side::Natural } else { Side::Adversarial };
        let logs = log_softmax(evidence.logits(side), 1);
        let own = evidence.confidence(Side::Adversarial);
        let logs = match self.measure {
            Measured::Adversarial | Measured::Natural => loss::of_label(logs, &evidence.labels),
            Measured::Confidence => logs.max_dim(1).reshape([evidence.labels.len()]),
            Measured::Doubt => own.clone().neg().add_scalar(1.0).clamp_min(LEAST).log(),
        };
        Some(Weights { omega: normalise(logs), axis: own })
    }

    fn curve(&self, at: f64, _steps: u32, clock: Clock) -> Option<f64> {
        match self.measure {
            _ if !clock.weighs() => Some(1.0),
            Measured::Adversarial => Some(at),
            Measured::Doubt => Some(1.0 - at),
            // They follow from another number than that of the axis.
            Measured::Confidence | Measured::Natural => None,
        }
    }
}
