//! TRADES: natural accuracy, and a prediction that the attack does not move.

use std::sync::Arc;

use super::{About, Axis, Clock, Craft, Entry, Loss, Method, Outputs, Parameter, Passes};

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| Arc::new(Trades { beta: parameters.number("beta") }));

const ABOUT: About = About {
    name: "trades",
    title: "TRADES",
    summary: "Fits natural data, and keeps the prediction from moving under attack.",
    formula: "(1/n) Σ CE(f(x), y) + β KL(p(x) ‖ p(x~)), x~ by PGD on the KL",
    source: "Zhang et al., Theoretically Principled Trade-off between Robustness and Accuracy, ICML 2019; trades.py",
    caveats: &["The published code passes the natural samples twice, so batch norm counts them twice; here they pass once."],
    parameters: &[beta(6.0)],
    axis: Axis::KAPPA,
    omega_is_share: true,
    burns_in: false,
    passes: Passes::BOTH_BY_DIVERGENCE,
    measure: None,
};

pub(super) const fn beta(default: f64) -> Parameter {
    Parameter::number(
        ("beta", "β"),
        default,
        (0.0, 1000.0),
        (0.0, 12.0),
        "β: how much robustness counts against natural accuracy.",
    )
}

#[derive(Debug)]
struct Trades {
    beta: f64,
}

impl Method for Trades {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn crafts(&self, _clock: Clock) -> Vec<Craft> {
        vec![Craft::DIVERGENCE]
    }

    fn needs_natural(&self, _clock: Clock) -> bool {
        true
    }

    fn loss(&self, outputs: &Outputs, _omega: Option<&burn::tensor::Tensor<1>>) -> Loss {
        Loss::both(outputs.natural_cross_entropy(), outputs.divergence().mul_scalar(self.beta))
    }

    fn curve(&self, _at: f64, _steps: u32, _clock: Clock) -> Option<f64> {
        Some(1.0)
    }
}
