//! The update of a perceptron as a whole, from its batch after the attack to the numbers after a step of SGD: two dispatches on a GPU, tiles
//! in lanes on the CPU. Layer by layer through the tensor library, what goes between such small layers would take most of the time.

use burn::tensor::{Int, Tensor, TensorData};

use super::wgpu;
use crate::{
    attack::RECORD,
    device::is_cpu,
    model::{Layer, Layers},
    train::{SgdSettings, WeightedBatch, on_host, sgd_step, whole_gradient},
};

/// Numbers of a sample's row: its three records and its weight.
pub(crate) const ROW: usize = 3 * RECORD + 1;

/// The most parameters of an update in lanes: up to 32 sums over parts of a batch lie beside each other, and a batch of few tiles has no work
/// for many threads.
const MOST_IN_LANES: usize = 1 << 16;

/// A perceptron's numbers, as [`Layers::pack`] lays them out.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    /// θ.
    pub(crate) parameters: Tensor<1>,
    /// v; none before the first step.
    pub(crate) velocity: Option<Tensor<1>>,
}

/// A batch of N samples after its attack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attacked<'a> {
    /// x^(K): N x D.
    pub(crate) images: &'a Tensor<2>,
    /// N classes.
    pub(crate) labels: &'a Tensor<1, Int>,
    /// N weights, where not all are 1.
    pub(crate) omega: Option<&'a Tensor<1>>,
    /// The records after x⁰ and after x^(K−1): N x 8.
    pub(crate) records: &'a Tensor<2>,
    /// K.
    pub(crate) steps: u32,
}

/// Whether an update of such a network and so many samples is computed as a whole, on the CPU (`on_cpu`) or on a GPU.
pub(crate) fn fits(layers: &Layers, samples: usize, on_cpu: bool) -> bool {
    if on_cpu {
        let numbers = layers.trained().map_or(usize::MAX, |lengths| lengths.iter().sum());
        layers.layers.iter().all(|layer| matches!(layer, Layer::Linear { .. })) && numbers <= MOST_IN_LANES
    } else {
        wgpu::perceptron::fits(layers, samples)
    }
}

/// The numbers after a step of SGD along the gradient of `(1/N) Σ ω_i CE_i`, and of every sample its records, the one at x^(K) included, and
/// ω: N x [`ROW`]. Ask [`fits`] before. `None` where a GPU is gone.
pub(crate) fn update(
    layers: &Layers,
    numbers: &Numbers,
    batch: Attacked<'_>,
    settings: SgdSettings,
) -> Option<(Numbers, Tensor<2>)> {
    if is_cpu(&numbers.parameters.device()) {
        update_in_lanes(layers, numbers, batch, settings)
    } else {
        wgpu::perceptron::update(layers, numbers, batch, settings)
    }
}

/// [`update`] on the CPU. The sums are whole tiles' in a fixed order, so that threads change no bit.
fn update_in_lanes(
    layers: &Layers,
    numbers: &Numbers,
    batch: Attacked<'_>,
    settings: SgdSettings,
) -> Option<(Numbers, Tensor<2>)> {
    let trained = layers.trained()?;
    let device = numbers.parameters.device();
    let records = on_host(batch.records.clone());
    let omega = batch.omega.map(|omega| on_host(omega.clone())).unwrap_or_default();
    let on_path: Vec<f32> = records.chunks_exact(2 * RECORD).flat_map(|both| &both[RECORD..]).copied().collect();
    let theta = on_host(numbers.parameters.clone());
    let weighted = WeightedBatch {
        images: &on_host(batch.images.clone()),
        labels: &batch.labels.clone().into_data().iter::<i32>().collect::<Vec<_>>(),
        omega: &omega,
        on_path: &on_path,
        steps: batch.steps,
    };
    let whole = whole_gradient(layers, &trained, &theta, weighted);
    let velocity = numbers.velocity.as_ref().map(|velocity| on_host(velocity.clone()));
    let (theta, velocity) = sgd_step(&theta, &velocity.unwrap_or_default(), &layers.packed(&whole.parameters), settings);
    let mut rows = Vec::with_capacity(whole.records.len() / RECORD * ROW);
    for (sample, (before, end)) in records.chunks_exact(2 * RECORD).zip(whole.records.chunks_exact(RECORD)).enumerate() {
        rows.extend(before.iter().chain(end));
        rows.push(omega.get(sample).copied().unwrap_or(1.0));
    }
    let flat = |numbers: Vec<f32>| {
        let len = numbers.len();
        Tensor::from_data(TensorData::new(numbers, [len]), &device)
    };
    let samples = rows.len() / ROW;
    let rows = Tensor::from_data(TensorData::new(rows, [samples, ROW]), &device);
    Some((Numbers { parameters: flat(theta), velocity: Some(flat(velocity)) }, rows))
}
