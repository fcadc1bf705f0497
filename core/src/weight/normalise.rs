//! Raw weights made to have mean 1 over the batch.

use burn::tensor::Tensor;

/// Weights with mean 1 from the logarithms of raw ones: `N exp(l_i − max l) / Σ_j exp(l_j − max l)`.
///
/// The same as dividing raw weights by their mean, and safe where these are all below the least f32: the largest term is 1, so
/// the sum is never 0.
pub fn normalise(log_weights: Tensor<1>) -> Tensor<1> {
    let samples = log_weights.dims()[0] as f32;
    let largest = log_weights.clone().max();
    let relative = (log_weights - largest).exp();
    let sum = relative.clone().sum();
    relative * samples / sum
}

/// The effective share of samples, `(Σω)² / (N Σω²)`: 1 when all weights are equal, 1/N when one sample has all the weight.
///
/// 1 for no samples at all.
pub fn effective_share(omega: &[f32]) -> f64 {
    let sum: f64 = omega.iter().copied().map(f64::from).sum();
    let squares: f64 = omega.iter().map(|&w| f64::from(w).powi(2)).sum();
    if squares == 0.0 { 1.0 } else { sum * sum / (omega.len() as f64 * squares) }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::weight::RuleName;

    fn normalised(rule: RuleName, lambda: f64, kappas: &[u32]) -> Vec<f32> {
        let logs: Vec<f32> = kappas.iter().map(|&k| rule.rule().log_weight(f64::from(k), 10, lambda) as f32).collect();
        let logs = Tensor::<1>::from_data(TensorData::new(logs, [kappas.len()]), &Device::flex());
        normalise(logs).into_data().iter::<f32>().collect()
    }

    fn close(found: &[f32], expected: &[f64]) {
        for (&found, &expected) in found.iter().zip(expected) {
            assert!((f64::from(found) - expected).abs() <= 1e-5 * expected, "{found} is not {expected}");
        }
    }

    #[test]
    fn normalised_weights_are_the_published_ones() {
        close(&normalised(RuleName::Tanh, -1.0, &[0, 5, 10]), &[2.68037, 0.319615, 1.64742e-5]);
        close(&normalised(RuleName::Tanh, -1.0, &[0, 0, 10, 10]), &[1.99999, 1.99999, 1.22924e-5, 1.22924e-5]);
        close(&normalised(RuleName::Tanh, -1.0, &[10, 10, 10]), &[1.0, 1.0, 1.0]);
        close(&normalised(RuleName::Tanh, -1.0, &[3, 7]), &[1.9944, 0.005_598_8]);
        close(&normalised(RuleName::Tanh, 0.0, &[0, 5, 10]), &[1.99991, 1.0, 9.07957e-5]);
        close(&normalised(RuleName::Discrete, 0.0, &[0, 5, 10]), &[1.83333, 1.0, 0.166667]);
        close(&normalised(RuleName::Sigmoid, -1.0, &[0, 5, 10]), &[2.35039, 0.643694, 0.005_918_07]);
    }

    #[test]
    fn weights_that_all_vanish_still_have_mean_one() {
        for weights in [normalised(RuleName::Tanh, -900.0, &[10, 10]), normalised(RuleName::Tanh, -900.0, &[8, 9, 10])] {
            let mean = weights.iter().sum::<f32>() / weights.len() as f32;
            assert!((mean - 1.0).abs() < 1e-6, "{weights:?}");
        }
    }

    #[test]
    fn the_effective_share_counts_samples_that_count() {
        assert_eq!(effective_share(&[1.0; 8]), 1.0);
        assert_eq!(effective_share(&[4.0, 0.0, 0.0, 0.0]), 0.25);
        assert_eq!(effective_share(&[]), 1.0);
    }
}
