//! MLCAT-LS: samples with a small loss are scaled up to a least one.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{About, Axis, Clock, Entry, Evidence, Loss, Memory, Method, Outputs, Parameter, Passes, Weights, weighted};

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| {
    Arc::new(Mlcat { floor: parameters.number("floor"), shipped: parameters.choice("form") == "shipped" })
});

const ABOUT: About = About {
    name: "mlcat",
    title: "MLCAT-LS",
    summary: "Samples whose loss is below a floor count as much more as brings it there.",
    formula: "(1/n) Σ ω CE(f(x~), y), ω = max(1, floor / CE)",
    source: "Yu et al., Understanding Robust Overfitting of Adversarial Training and Beyond, ICML 2022; its code",
    caveats: &[
        "The shipped code lets the gradient through the weight: a sample below the floor then is a constant and drops out.",
    ],
    parameters: &[
        Parameter::number(("floor", "floor"), 1.5, (0.0, 100.0), (0.0, 3.0), "The least loss of a sample, in nats."),
        Parameter::choice(
            ("form", "form"),
            "detached",
            &["detached", "shipped"],
            "detached (the weight is a number) or shipped (the gradient flows through it, as in the published code).",
        ),
    ],
    axis: Axis::LOSS,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::PLAIN,
    measure: None,
};

/// Losses are taken for at least so much, in nats.
const LEAST: f64 = 1e-6;

#[derive(Debug)]
struct Mlcat {
    floor: f64,
    shipped: bool,
}

impl Method for Mlcat {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        let losses = evidence.losses();
        if self.shipped {
            // Below the floor the loss is constant: such a sample has no gradient.
            return Some(Weights { omega: losses.clone().greater_equal_elem(self.floor).float(), axis: losses });
        }
        let omega = losses.clone().clamp_min(LEAST).recip().mul_scalar(self.floor).clamp_min(1.0);
        Some(Weights { omega, axis: losses })
    }

    fn loss(&self, outputs: &Outputs, omega: Option<&Tensor<1>>) -> Loss {
        let losses = outputs.adversarial_cross_entropy();
        match omega {
            Some(_) if self.shipped => Loss::adversarial(losses.clamp_min(self.floor)),
            _ => Loss::adversarial(weighted(losses, omega)),
        }
    }

    fn curve(&self, at: f64, _steps: u32, clock: Clock) -> Option<f64> {
        if self.shipped && clock.weighs() {
            return Some(f64::from(u8::from(at >= self.floor)));
        }
        Some(if clock.weighs() { (self.floor / at.max(LEAST)).max(1.0) } else { 1.0 })
    }
}
