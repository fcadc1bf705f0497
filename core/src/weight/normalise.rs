//! Scales raw weights to mean 1 over the batch: launches `shaders/normalise_weights.wgsl`, and holds its CPU twin.

use burn::{
    backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor},
    tensor::{Tensor, TensorData},
};
use burn_wgpu::{CubeBackend, CubeDim, KernelSource, SourceKernel, SourceTemplate, into_contiguous, kernel_source};
use cubecl::{CubeCount, prelude::KernelId};
use derive_new::new;

use crate::launch;

/// Invocations in the workgroup, as `@workgroup_size` in the shader says.
const WORKGROUP: u32 = 256;

/// The twin: weights with mean 1 from the logarithms of raw ones, `N exp(l_i − max l) / Σ_j exp(l_j − max l)`.
///
/// Equals division of the raw weights by their mean, and is safe even if all are below the least f32: the largest term is 1, so the sum is
/// never 0.
pub fn normalised(logs: &[f32]) -> Vec<f32> {
    let largest = logs.iter().copied().fold(f32::MIN, f32::max);
    let mut weights: Vec<f32> = logs.iter().map(|log| (log - largest).exp()).collect();
    let scale = logs.len() as f32 / weights.iter().sum::<f32>();
    weights.iter_mut().for_each(|weight| *weight *= scale);
    weights
}

/// The operation that a backend implements to weigh samples.
#[backend_extension(Cube, Flex)]
trait WeightKernel: Backend {
    fn normalise_weights(numbers: FloatTensor<Self>, curve: FloatTensor<Self>, of: Logs) -> FloatTensor<Self>;
}

/// Which logarithms are those of the raw weights, of a row of numbers a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Logs {
    /// Numbers of a sample.
    width: usize,
    /// The one that counts.
    place: usize,
    /// Whether that is the index of the logarithm in a curve.
    looked_up: bool,
}

impl Logs {
    /// The logarithms themselves.
    fn of(self, numbers: &[f32], curve: &[f32]) -> Vec<f32> {
        let numbers = numbers.iter().skip(self.place).step_by(self.width.max(1)).copied();
        let last = curve.len().saturating_sub(1);
        if self.looked_up { numbers.map(|index| curve[(index as usize).min(last)]).collect() } else { numbers.collect() }
    }
}

kernel_source!(NormaliseText, "../../../shaders/normalise_weights.wgsl");

/// The kernel for CubeCL's cache: one text, no templates.
#[derive(Debug)]
struct NormaliseKernel;

impl KernelSource for NormaliseKernel {
    fn source(&self) -> SourceTemplate {
        NormaliseText::new().source()
    }

    fn id(&self) -> KernelId {
        KernelId::new::<Self>()
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

impl WeightKernel for CubeBackend {
    fn normalise_weights(numbers: FloatTensor<Self>, curve: FloatTensor<Self>, of: Logs) -> FloatTensor<Self> {
        let (numbers, curve) = (into_contiguous(numbers), into_contiguous(curve));
        let samples = numbers.meta.shape()[0];
        let weights = launch::empty(&numbers, [samples]);
        let words = [samples, of.width, of.place, if of.looked_up { curve.meta.shape()[0] } else { 0 }].map(|word| word as u32);
        numbers.client.launch(
            Box::new(SourceKernel::new(NormaliseKernel, CubeDim::new_1d(WORKGROUP))),
            CubeCount::Static(1, 1, 1),
            launch::arguments([&numbers, &curve, &weights], &words),
        );
        weights
    }
}

impl WeightKernel for Flex {
    fn normalise_weights(numbers: FloatTensor<Self>, curve: FloatTensor<Self>, of: Logs) -> FloatTensor<Self> {
        let (numbers, curve) = (numbers.to_contiguous(), curve.to_contiguous());
        let weights = normalised(&of.of(numbers.storage(), curve.storage()));
        let samples = weights.len();
        FloatTensor::<Self>::from_data(TensorData::new(weights, [samples]))
    }
}

/// [`normalised`] of a tensor of N logarithms, outside the autodiff graph.
pub fn normalise(log_weights: Tensor<1>) -> Tensor<1> {
    let logs = log_weights.into_dispatch();
    let of = Logs { width: 1, place: 0, looked_up: false };
    Tensor::from_dispatch(<Dispatch as WeightKernel>::normalise_weights(logs.clone(), logs, of))
}

/// The same from `numbers` (N rows), of which the one at `place` is the index of a sample's logarithm in `curve`.
pub(crate) fn normalise_by(numbers: Tensor<2>, place: usize, curve: Vec<f32>) -> Tensor<1> {
    let of = Logs { width: numbers.dims()[1], place, looked_up: true };
    let len = curve.len();
    let curve = Tensor::<1>::from_data(TensorData::new(curve, [len]), &numbers.device());
    Tensor::from_dispatch(<Dispatch as WeightKernel>::normalise_weights(numbers.into_dispatch(), curve.into_dispatch(), of))
}

/// The effective share of samples, `(Σω)² / (N Σω²)`: 1 when all weights are equal, 1/N when one sample has all the weight.
///
/// 1 without samples; 0 if all weights are 0.
pub fn effective_share(omega: &[f32]) -> f64 {
    let sum: f64 = omega.iter().copied().map(f64::from).sum();
    let squares: f64 = omega.iter().map(|&w| f64::from(w).powi(2)).sum();
    if omega.is_empty() {
        1.0
    } else if squares == 0.0 {
        0.0
    } else {
        sum * sum / (omega.len() as f64 * squares)
    }
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
        assert_eq!(effective_share(&[0.0; 8]), 0.0);
    }
}
