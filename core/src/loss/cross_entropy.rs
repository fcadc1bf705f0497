//! Cross-entropy, plain and with label smoothing.

use burn::tensor::{Tensor, TensorData, activation::log_softmax};

use super::{Labels, flat};
use crate::attack::{CountSettings, LossKind, count, loss_gradient_and_count::RECORD};

/// `-log softmax(z)_y`, in nats.
pub fn cross_entropy(logits: Tensor<2>, labels: &Labels) -> Tensor<1> {
    let untracked = logits.clone().inner();
    let samples = untracked.dims()[0];
    let nothing = Tensor::from_data(TensorData::new(vec![0.0_f32; samples * RECORD], [samples, RECORD]), &untracked.device());
    let settings = CountSettings { kind: LossKind::CrossEntropy, step: 0, never: 0 };
    count(logits, labels.class.clone(), untracked, nothing, settings).losses
}

/// Cross-entropy against `(1 - s) onehot(y) + s / C` with `smoothing` s, as PyTorch defines label smoothing.
pub fn smoothed_cross_entropy(logits: Tensor<2>, labels: &Labels, smoothing: f64) -> Tensor<1> {
    let classes = logits.dims()[1] as f64;
    let target = labels.one_hot.clone().mul_scalar(1.0 - smoothing).add_scalar(smoothing / classes);
    flat((log_softmax(logits, 1) * target).sum_dim(1)).neg()
}
