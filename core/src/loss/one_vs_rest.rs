//! The one-versus-the-rest loss (Kanai et al., SOVR).

use burn::tensor::{Tensor, activation::softplus};

use super::{Labels, flat};

/// `log(1 + exp(−z_y)) + Σ_(c≠y) log(1 + exp(z_c))`: every class is a question of its own, answered yes for the label alone.
pub fn one_vs_rest(logits: Tensor<2>, labels: &Labels) -> Tensor<1> {
    let sign = labels.one_hot.clone().mul_scalar(-2.0).add_scalar(1.0);
    flat(softplus(logits * sign, 1.0).sum_dim(1))
}
