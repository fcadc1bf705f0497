//! The two losses of MART, with the small numbers of its published code.

use burn::tensor::{Tensor, activation::log_softmax};

use super::{Labels, cross_entropy, flat, largest_other};

/// Keeps a logarithm finite.
const TINY: f64 = 1e-12;

/// `−log a_y − log(1.0001 − max_(c≠y) a_c + 1e-12)`, a = softmax(z): cross-entropy, and a penalty on the strongest other class that
/// ends at −log 1e-4 = 9.21 (mart.py).
pub fn boosted_cross_entropy(logits: Tensor<2>, labels: &Labels) -> Tensor<1> {
    let rival = largest_other(log_softmax(logits.clone(), 1).exp(), labels);
    cross_entropy(logits, labels) - rival.neg().add_scalar(1.0001 + TINY).log()
}

/// `Σ_c q_c (log q_c − log(a_c + 1e-12))`: MART's divergence, which ends at 27.6 nats (mart.py).
pub fn guarded_divergence(natural: Tensor<2>, adversarial: Tensor<2>) -> Tensor<1> {
    let natural = log_softmax(natural, 1);
    let adversarial = log_softmax(adversarial, 1).exp().add_scalar(TINY).log();
    flat((natural.clone().exp() * (natural - adversarial)).sum_dim(1))
}
