//! Weights from the probabilistic margin (MAIL).

use burn::tensor::Tensor;

use crate::{
    loss,
    method::{Clock, Evidence, Parameter, Parameters, Side, Weights},
    weight::{kappa, normalise},
};

pub(crate) const MARGIN: Parameter = Parameter::choice(
    ("margin", "margin of"),
    "adversarial",
    &["adversarial", "natural", "difference"],
    "Whose margin: of the adversarial sample, of the natural one, or the label's probability under attack less the strongest other on natural data (difference: that formula could not be checked).",
);
pub(crate) const WEIGHT_NORM: Parameter = Parameter::choice(
    ("weight_norm", "normalise weights"),
    "three",
    &["three", "batch"],
    "three (the published code's constant factor 3) or batch (mean 1 over the batch).",
);

pub(crate) const fn gamma(default: f64) -> Parameter {
    Parameter::number(("gamma", "γ"), default, (0.0, 1000.0), (0.0, 20.0), "γ: how steeply the weight falls with the margin.")
}

pub(crate) const fn bias(default: f64) -> Parameter {
    Parameter::number(
        ("bias", "bias"),
        default,
        (-10.0, 10.0),
        (-1.0, 1.0),
        "The margin at which the weight is half of its greatest.",
    )
}

/// The factor of the published code.
const THREE: f64 = 3.0;

/// `sigmoid(−γ (PM − bias))`, times 3 or with mean 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MarginWeights {
    gamma: f64,
    bias: f64,
    margin: &'static str,
    mean_one: bool,
}

impl MarginWeights {
    pub(crate) fn new(parameters: &Parameters) -> Self {
        Self {
            gamma: parameters.number("gamma"),
            bias: parameters.number("bias"),
            margin: parameters.choice("margin"),
            mean_one: parameters.choice("weight_norm") == "batch",
        }
    }

    /// Whether the margin needs the natural prediction.
    pub(crate) fn need_natural(&self) -> bool {
        self.margin != "adversarial"
    }

    fn margin(&self, evidence: &Evidence) -> Tensor<1> {
        match self.margin {
            "natural" => evidence.probability_margin(Side::Natural),
            "difference" => {
                evidence.confidence(Side::Adversarial)
                    - loss::largest_other(evidence.probabilities(Side::Natural), &evidence.labels)
            }
            _ => evidence.probability_margin(Side::Adversarial),
        }
    }

    pub(crate) fn of(&self, evidence: &Evidence) -> Weights {
        let margin = self.margin(evidence);
        // sigmoid(-x) = 1 / (1 + e^x), and its logarithm is -softplus(x): neither overflows nor vanishes.
        let x = margin.clone().sub_scalar(self.bias).mul_scalar(self.gamma);
        let omega = if self.mean_one {
            normalise(burn::tensor::activation::softplus(x, 1.0).neg())
        } else {
            burn::tensor::activation::sigmoid(x.neg()).mul_scalar(THREE)
        };
        Weights { omega, axis: margin }
    }

    pub(crate) fn curve(&self, margin: f64, clock: Clock) -> f64 {
        if !clock.weighs() {
            return 1.0;
        }
        kappa::sigmoid(-self.gamma * (margin - self.bias)) * if self.mean_one { 1.0 } else { THREE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_the_closed_form() {
        let clock = Clock { epoch: 2, epochs: 2, burn_in: 1 };
        for (gamma, bias, expected) in
            [(10.0, -0.5, [8.31528e-7, 4.53979e-5, 0.00669285, 0.5]), (2.0, 0.0, [0.141851, 0.268941, 0.5, 0.731059])]
        {
            for (margin, expected) in [0.9, 0.5, 0.0, -0.5].into_iter().zip(expected) {
                let raw = MarginWeights { gamma, bias, margin: "adversarial", mean_one: true }.curve(margin, clock);
                assert!((raw - expected).abs() < 1e-5 * expected, "{raw} is not {expected}");
                let three = MarginWeights { gamma, bias, margin: "adversarial", mean_one: false }.curve(margin, clock);
                assert_eq!(three, 3.0 * raw);
            }
        }
    }
}
