//! Doubly robust weights: the worst mixture of samples that is not too far from the even one.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{About, Axis, Clock, Entry, Evidence, Memory, Method, Parameter, Parameters, Passes, Surroundings, Weights};
use crate::{model::Gradient, weight::normalise};

pub(super) const ENTRY: Entry = Entry {
    about: &ABOUT,
    build: |parameters| {
        Arc::new(Dro {
            r: parameters.number("r"),
            nu: parameters.number("nu"),
            stabiliser: parameters.number("stabiliser"),
            implicit: match parameters.choice("implicit") {
                "barrier" => Implicit::Barrier(parameters.number("barrier")),
                "fast-bat" => Implicit::FastBat(parameters.number("curvature")),
                _ => Implicit::None,
            },
        })
    },
    check,
};

const ABOUT: About = About {
    name: "dro",
    title: "DRO",
    summary: "Samples with a large loss count more, as the worst case over all weightings near the even one asks.",
    formula: "(1/n) Σ ω CE(f(x~), y), ω = exp(l/r) / u, u a moving average of the mean of exp(l/r)",
    source: "Our reading of Doubly Robust Instance-Reweighted Adversarial Training, ICLR 2024, whose code is not public; the implicit term after Fast-BAT, Zhang et al., ICML 2022",
    caveats: &[
        "This is our reading of the paper: neither its code nor its hyper-parameters r, ν and c could be checked.",
        "Weights that grow with the loss chase wrong labels.",
        "The implicit term grows without bound where the barrier or the curvature is small, and can end a run.",
    ],
    parameters: &[
        Parameter::number(
            ("r", "r"),
            1.0,
            (1e-3, 1e9),
            (0.05, 10.0),
            "r: how far the weights may go; near 0 the worst sample alone counts, large values weigh all alike.",
        ),
        Parameter::number(
            ("nu", "ν"),
            0.5,
            (1e-6, 1.0),
            (0.01, 1.0),
            "ν: share of the newest batch in the moving average that weights are divided by; 1 normalises in every batch.",
        ),
        Parameter::number(
            ("stabiliser", "stabiliser"),
            0.0,
            (0.0, 100.0),
            (0.0, 5.0),
            "s: maps the losses of a batch to -s … s before they become weights (from a later paper of the first author); 0 leaves them.",
        ),
        Parameter::choice(
            ("implicit", "implicit term"),
            "none",
            &["none", "barrier", "fast-bat"],
            "What follows from how x~ depends on the weights: none, barrier (log-barrier at the sides of the ball) or fast-bat. Costs two more gradients and a pass to the input.",
        ),
        Parameter::number(
            ("barrier", "barrier c"),
            0.1,
            (1e-3, 1e9),
            (0.03, 3.0),
            "c: strength of the log-barrier, for the implicit term barrier.",
        )
        .only_with(&[("implicit", &["barrier"])]),
        Parameter::number(
            ("curvature", "curvature"),
            10.0,
            (1e-3, 1e9),
            (3.0, 300.0),
            "Curvature of the attack's objective that the implicit term fast-bat assumes.",
        )
        .only_with(&[("implicit", &["fast-bat"])]),
    ],
    axis: Axis::LOSS,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::PLAIN,
    measure: None,
};

fn check(parameters: &Parameters, _steps: u32) -> Result<(), (&'static str, String)> {
    let (s, r) = (parameters.number("stabiliser"), parameters.number("r"));
    if s > 0.0 && s / r > 60.0 {
        return Err(("stabiliser", format!("{s} over r {r} is more than e^60 between two weights; expected at most 60 r")));
    }
    Ok(())
}

/// What follows from how x~ depends on the network.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Implicit {
    None,
    Barrier(f64),
    FastBat(f64),
}

#[derive(Debug)]
struct Dro {
    r: f64,
    nu: f64,
    stabiliser: f64,
    implicit: Implicit,
}

impl Dro {
    /// l/r of a batch: N numbers.
    fn exponents(&self, losses: Tensor<1>) -> Tensor<1> {
        if self.stabiliser == 0.0 {
            return losses.div_scalar(self.r);
        }
        let least = losses.clone().min();
        let span = (losses.clone().max() - least.clone()).clamp_min(1e-12);
        ((losses - least) / span).mul_scalar(2.0).sub_scalar(1.0).mul_scalar(self.stabiliser / self.r)
    }
}

/// `log((1/n) Σ exp(x))`, one number.
fn log_mean_exp(exponents: Tensor<1>) -> Tensor<1> {
    let top = exponents.clone().max();
    (exponents - top.clone()).exp().mean().log() + top
}

/// `log(e^a + e^b)`, one number.
fn log_add_exp(a: Tensor<1>, b: Tensor<1>) -> Tensor<1> {
    let top = a.clone().max_pair(b.clone());
    ((a - top.clone()).exp() + (b - top.clone()).exp()).log() + top
}

impl Method for Dro {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn weigh(&self, evidence: &Evidence, _clock: Clock, memory: &mut Memory) -> Option<Weights> {
        let losses = evidence.losses();
        let exponents = self.exponents(losses.clone());
        let newest = log_mean_exp(exponents.clone());
        let log_u = match memory.numbers.take() {
            Some(kept) if self.nu < 1.0 => log_add_exp(kept.add_scalar((1.0 - self.nu).ln()), newest.add_scalar(self.nu.ln())),
            _ => newest,
        };
        memory.numbers = Some(log_u.clone());
        // A batch far above the average would have weights without bound: e^30 is more than any sample should ever count.
        let omega = if self.nu == 1.0 { normalise(exponents) } else { (exponents - log_u).clamp_max(30.0).exp() };
        Some(Weights { omega, axis: losses })
    }

    fn refine(&self, gradient: Gradient, around: &Surroundings<'_>, omega: Option<&Tensor<1>>) -> Gradient {
        let slope = match self.implicit {
            Implicit::None => return gradient,
            _ => around.input_gradient(),
        };
        let (below, above) = around.distances_to_the_sides();
        let direction = match self.implicit {
            Implicit::Barrier(c) => {
                let curvature = below.powi_scalar(-2) + above.powi_scalar(-2);
                slope / curvature.mul_scalar(c)
            }
            Implicit::FastBat(curvature) => {
                let inside = below.min_pair(above).greater_elem(around.least_distance()).float();
                (slope * inside).div_scalar(curvature)
            }
            Implicit::None => return gradient,
        };
        // The term is -∇θ Σ ω_i <∇δ l'_i, v_i> / n with l' = -CE, so +∇θ Σ ω_i <∇δ CE_i, v_i> / n.
        gradient.plus(around.mixed_product(direction, omega), 1.0)
    }

    fn passes(&self) -> Passes {
        match self.implicit {
            Implicit::None => ABOUT.passes,
            // A gradient of the input, and two of the parameters at inputs beside x~.
            _ => Passes { input_gradients: 1, forward: 3, backward: 3, ..ABOUT.passes },
        }
    }

    fn curve(&self, at: f64, _steps: u32, clock: Clock) -> Option<f64> {
        if !clock.weighs() {
            return Some(1.0);
        }
        (self.stabiliser == 0.0).then(|| (at / self.r).min(80.0).exp())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn tensor(values: &[f32]) -> Tensor<1> {
        Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &Device::flex())
    }

    fn one(tensor: Tensor<1>) -> f64 {
        f64::from(tensor.into_data().iter::<f32>().next().unwrap())
    }

    #[test]
    fn weights_and_values_are_the_closed_forms() {
        for (r, weights, value) in [
            (1.0, [0.0462241, 0.113693, 0.840083], 2.075642),
            (10.0, [0.291494, 0.318945, 0.389561], 1.441234),
            (0.1, [2.5e-13, 2.1e-9, 1.0], 2.890139),
        ] {
            let exponents = tensor(&[0.1, 1.0, 3.0]).div_scalar(r);
            let found: Vec<f64> = normalise(exponents.clone()).into_data().iter::<f32>().map(|w| f64::from(w) / 3.0).collect();
            for (found, expected) in found.iter().zip(weights) {
                assert!((found - expected).abs() <= 0.03 * expected.min(1e-4) + 1e-6, "{found} is not {expected}");
            }
            let found = r * one(log_mean_exp(exponents));
            assert!((found - value).abs() < 1e-5, "{found} is not {value}");
        }
    }

    #[test]
    fn the_average_in_logarithms_is_the_average() {
        let found = one(log_add_exp(tensor(&[2.0_f32.ln()]), tensor(&[3.0_f32.ln()])));
        assert!((found - 5.0_f64.ln()).abs() < 1e-6);
        assert!(one(log_add_exp(tensor(&[1e4]), tensor(&[-1e4]))) == 1e4);
    }
}
