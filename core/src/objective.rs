//! From what the network says about adversarial samples to the number that is minimised.

use burn::tensor::Tensor;

use crate::weight::Omega;

/// The weighted mean of the samples' losses, `(1/N) Σ ω_i CE_i` (GAIRAT, equation 5; the weights have mean 1).
///
/// `losses` are the cross-entropies of the adversarial samples (N, tracked); the weights carry no gradient.
pub fn weighted_mean(losses: Tensor<1>, omega: &Omega) -> Tensor<1> {
    match omega {
        Omega::Ones => losses.mean(),
        Omega::PerSample(omega) => (losses * omega.clone()).mean(),
    }
}
