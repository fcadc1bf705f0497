//! Margins of the label over the other classes, in logits and in probabilities.

use burn::tensor::Tensor;

use super::{Labels, flat};

const LEAST: f32 = -3.0e38;

/// The number of the label: N of N x C.
pub fn of_label(numbers: Tensor<2>, labels: &Labels) -> Tensor<1> {
    flat((numbers * labels.one_hot.clone()).sum_dim(1))
}

/// The largest number of another class than the label: N of N x C.
pub fn largest_other(numbers: Tensor<2>, labels: &Labels) -> Tensor<1> {
    flat(numbers.mask_fill(labels.one_hot.clone().greater_elem(0.5), LEAST).max_dim(1))
}

/// `z_y − max_(c≠y) z_c`.
pub fn logit_margin(logits: Tensor<2>, labels: &Labels) -> Tensor<1> {
    of_label(logits.clone(), labels) - largest_other(logits, labels)
}

/// `p_y − max_(c≠y) p_c` of probabilities: from −1 to 1 (MAIL's probabilistic margin).
pub fn probability_margin(probabilities: Tensor<2>, labels: &Labels) -> Tensor<1> {
    of_label(probabilities.clone(), labels) - largest_other(probabilities, labels)
}
