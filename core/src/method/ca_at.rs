//! CA-AT: the natural and the adversarial gradient, combined so that they do not disagree too much.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{About, Axis, Clock, Entry, Loss, Measure, MeasureKind, Method, Outputs, Parameter, Passes, weighted};
use crate::model::Gradient;

pub(super) const ENTRY: Entry = Entry::new(&ABOUT, |parameters| {
    Arc::new(CaAt { gamma: parameters.number("gamma"), per_tensor: parameters.choice("scope") == "tensor" })
});

const ABOUT: About = About {
    name: "ca-at",
    title: "CA-AT",
    summary: "Adds as much of the natural gradient to the adversarial one as brings the cosine between the result and the natural one to γ.",
    formula: "g* = g_a + λ* g_c, cos(g*, g_c) = γ, where cos(g_a, g_c) < γ; else g* = g_c",
    source: "Conflict-aware adversarial training (CA-AT); grad_proj.py of its code",
    caveats: &[
        "Its published gains look like masked gradients: 70 % under PGD at ε 32/255, and no AutoAttack. Judge it by attacks on the margin and without gradients.",
    ],
    parameters: &[
        Parameter::number(
            ("gamma", "γ"),
            0.8,
            (0.0, 0.999),
            (0.0, 0.99),
            "γ: the least cosine between the gradient that is followed and the natural one.",
        ),
        Parameter::choice(
            ("scope", "scope"),
            "global",
            &["global", "tensor"],
            "Whether the angle is that of all parameters together (global) or of each tensor by itself (tensor).",
        ),
    ],
    axis: Axis::KAPPA,
    omega_is_share: true,
    burns_in: false,
    passes: Passes::BOTH,
    measure: Some(Measure {
        name: "gradient_cosine",
        doc: "Cosine between the natural and the adversarial gradient",
        kind: MeasureKind::Cosine,
    }),
};

/// Keeps divisions by norms finite.
const TINY: f64 = 1e-30;

#[derive(Debug)]
struct CaAt {
    gamma: f64,
    per_tensor: bool,
}

impl CaAt {
    /// The cosine, and the factors of the natural and of the adversarial gradient in the combined one; one number each.
    fn factors(&self, dot: Tensor<1>, natural: Tensor<1>, adversarial: Tensor<1>) -> [Tensor<1>; 3] {
        let natural = natural.clamp_min(TINY).sqrt();
        let adversarial = adversarial.clamp_min(TINY).sqrt();
        let cosine = (dot / (natural.clone() * adversarial.clone())).clamp(-1.0, 1.0);
        let side = (1.0 - self.gamma * self.gamma).sqrt();
        let sine = cosine.clone().powi_scalar(2).neg().add_scalar(1.0).clamp_min(0.0).sqrt();
        let lambda = adversarial * (sine.mul_scalar(self.gamma) - cosine.clone().mul_scalar(side)) / natural.mul_scalar(side);
        // Where they agree well enough the adversarial gradient is discarded, as the published code does.
        let agree = cosine.clone().greater_equal_elem(self.gamma);
        [cosine, lambda.mask_fill(agree.clone(), 1.0), agree.bool_not().float()]
    }
}

impl Method for CaAt {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn needs_natural(&self, _clock: Clock) -> bool {
        true
    }

    fn loss(&self, outputs: &Outputs, omega: Option<&Tensor<1>>) -> Loss {
        Loss::both(outputs.natural_cross_entropy(), weighted(outputs.adversarial_cross_entropy(), omega))
    }

    fn combines(&self) -> bool {
        true
    }

    fn combine(&self, natural: Gradient, adversarial: Gradient) -> (Gradient, Option<Tensor<1>>) {
        let (dot, of_natural) = (natural.dot(&adversarial), natural.squared_norm());
        let [cosine, lambda, keep] = self.factors(dot, of_natural, adversarial.squared_norm());
        let combined = natural.zip(adversarial, |natural, adversarial| {
            let (lambda, keep) = if self.per_tensor {
                let dot = (natural.clone() * adversarial.clone()).sum();
                let square = |tensor: &Tensor<1>| tensor.clone().powi_scalar(2).sum();
                let [_, lambda, keep] = self.factors(dot, square(&natural), square(&adversarial));
                (lambda, keep)
            } else {
                (lambda.clone(), keep.clone())
            };
            natural * lambda + adversarial * keep
        });
        (combined, Some(cosine))
    }

    fn curve(&self, _at: f64, _steps: u32, _clock: Clock) -> Option<f64> {
        Some(1.0)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn gradient(values: &[f32]) -> Gradient {
        Gradient { tensors: vec![Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &Device::flex())] }
    }

    #[test]
    fn combined_gradients_are_the_closed_forms() {
        for (gamma, adversarial, expected) in [
            (0.0, [-1.0, 2.0], [0.0, 2.0]),
            (0.5, [-1.0, 2.0], [1.154701, 2.0]),
            (0.8, [-1.0, 2.0], [2.666667, 2.0]),
            (0.9, [-1.0, 2.0], [4.129483, 2.0]),
            (0.5, [3.0, 4.0], [1.0, 0.0]),
            (0.8, [3.0, 4.0], [5.333333, 4.0]),
        ] {
            for per_tensor in [false, true] {
                let method = CaAt { gamma, per_tensor };
                let (combined, cosine) = method.combine(gradient(&[1.0, 0.0]), gradient(&adversarial));
                let found: Vec<f32> = combined.tensors[0].clone().into_data().iter::<f32>().collect();
                assert!(
                    found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 2e-6),
                    "γ {gamma}: {found:?} is not {expected:?}"
                );
                let cosine = cosine.unwrap().into_data().iter::<f32>().next().unwrap();
                let norm = (adversarial[0] * adversarial[0] + adversarial[1] * adversarial[1]).sqrt();
                assert!((cosine - adversarial[0] / norm).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_gradient_of_zero_leaves_numbers() {
        for (natural, adversarial) in [([0.0, 0.0], [1.0, 2.0]), ([1.0, 2.0], [0.0, 0.0]), ([0.0, 0.0], [0.0, 0.0])] {
            let (combined, _) = CaAt { gamma: 0.8, per_tensor: true }.combine(gradient(&natural), gradient(&adversarial));
            assert!(combined.tensors[0].clone().into_data().iter::<f32>().all(f32::is_finite));
        }
    }
}
