//! The divergence of two predictions, and the entropy of one.

use burn::tensor::{Tensor, activation::log_softmax};

use super::flat;

/// `KL(softmax(z) || softmax(z~)) = Σ_c q_c (log q_c − log a_c)`, in nats; the gradient flows into both.
pub fn divergence(natural: Tensor<2>, adversarial: Tensor<2>) -> Tensor<1> {
    let natural = log_softmax(natural, 1);
    let adversarial = log_softmax(adversarial, 1);
    flat((natural.clone().exp() * (natural - adversarial)).sum_dim(1))
}

/// `−Σ_c p_c log p_c` of `softmax(z)`, in nats: from 0 to log C.
pub fn entropy(logits: Tensor<2>) -> Tensor<1> {
    let logs = log_softmax(logits, 1);
    flat((logs.clone().exp() * logs).sum_dim(1)).neg()
}
