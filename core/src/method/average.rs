//! The plain average of the natural and the adversarial gradient: the baseline of CA-AT.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{About, Axis, Clock, Entry, Loss, Method, Outputs, Parameter, Passes, weighted};

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| Arc::new(Average { beta: parameters.number("beta") }));

const ABOUT: About = About {
    name: "average",
    title: "Average",
    summary: "Follows a fixed mixture of the natural and the adversarial gradient.",
    formula: "(1/n) Σ (1 − β) CE(f(x), y) + β CE(f(x~), y)",
    source: "Baseline of conflict-aware adversarial training (CA-AT), which calls it vanilla adversarial training",
    caveats: &["It is not the adversarial training of Madry et al., which has no natural term: that is `at`."],
    parameters: &[Parameter::number(("beta", "β"), 0.5, (0.0, 1.0), (0.0, 1.0), "β: share of the adversarial gradient.")],
    axis: Axis::KAPPA,
    omega_is_share: true,
    burns_in: false,
    passes: Passes::BOTH,
    measure: None,
};

#[derive(Debug)]
struct Average {
    beta: f64,
}

impl Method for Average {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn needs_natural(&self, _clock: Clock) -> bool {
        true
    }

    fn loss(&self, outputs: &Outputs, omega: Option<&Tensor<1>>) -> Loss {
        let adversarial = weighted(outputs.adversarial_cross_entropy(), omega).mul_scalar(self.beta);
        Loss::both(outputs.natural_cross_entropy().mul_scalar(1.0 - self.beta), adversarial)
    }

    fn combines(&self) -> bool {
        true
    }

    fn curve(&self, _at: f64, _steps: u32, _clock: Clock) -> Option<f64> {
        Some(1.0)
    }
}
