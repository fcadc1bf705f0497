//! The update of a perceptron on a GPU: a pass of the batch (`shaders/perceptron/pass.wgsl`), and the sum over the samples of what that
//! wrote with a step of SGD (`shaders/perceptron/step.wgsl`). Two dispatches, unless submissions must be shorter.

use burn::tensor::Tensor;
use burn_wgpu::{CubeDim, KernelSource, SourceKernel, SourceTemplate};
use cubecl::{CubeCount, prelude::KernelId};

use super::{gpu::MAX_SIDE, tensors::OnGpu};
use crate::{
    attack::{
        attack_mlp,
        attack_mlp::{samples_of_workgroup, slices, wide, with_layers, words_of_sizes},
    },
    kernels::perceptron::{Attacked, Numbers, ROW},
    launch,
    model::Layers,
    pace,
    train::SgdSettings,
};

/// Invocations of a workgroup that takes a step, as in `step.wgsl`.
const STEP_WORKGROUP: u32 = 64;
/// Blocks of parameters of such a workgroup, as in `step.wgsl`.
const BLOCKS: usize = 4;
/// Bytes of the largest buffer that every device with WebGPU binds.
const LARGEST: usize = 1 << 27;

macro_rules! kernel {
    ($name:ident, $text:expr) => {
        /// A kernel for CubeCL's cache: one text, no templates.
        #[derive(Debug)]
        struct $name;

        impl KernelSource for $name {
            fn source(&self) -> SourceTemplate {
                SourceTemplate::new($text)
            }

            fn id(&self) -> KernelId {
                KernelId::new::<Self>()
            }

            fn lang(&self) -> &'static str {
                "wgsl"
            }
        }
    };
}

kernel!(PassKernel, with_layers(include_str!("../../../../shaders/perceptron/pass.wgsl")));
kernel!(StepKernel, include_str!("../../../../shaders/perceptron/step.wgsl"));

/// Slots before all layers, and behind all of them.
fn slots_of_traces(layers: &Layers) -> usize {
    let slots = |signals: &[[usize; 3]]| -> usize {
        signals.iter().map(|signal| signal.iter().product::<usize>().div_ceil(Layers::SLOT)).sum()
    };
    slots(&layers.signals[..layers.layers.len()]) + slots(&layers.signals[1..])
}

/// Whether the kernels take such a network and so many samples.
pub(crate) fn fits(layers: &Layers, samples: usize) -> bool {
    let bytes = slots_of_traces(layers) * Layers::SLOT * samples * size_of::<f32>();
    attack_mlp::sizes(layers).is_ok() && bytes <= LARGEST
}

/// The numbers after a step of SGD along the gradient of `(1/N) Σ ω_i CE_i`, and of every sample its records, the one at x^(K) included, and
/// ω: N x [`ROW`]. Ask [`fits`] before. `None` where the tensors are not on a GPU.
pub(crate) fn update(
    layers: &Layers,
    numbers: &Numbers,
    batch: Attacked<'_>,
    settings: SgdSettings,
) -> Option<(Numbers, Tensor<2>)> {
    let (rows, traces) = pass(layers, &numbers.parameters, batch)?;
    let samples = batch.labels.dims()[0];
    Some((step(layers, numbers, (traces, samples), settings)?, rows))
}

/// The rows of the samples, and signals and deltas of all layers.
fn pass(layers: &Layers, parameters: &Tensor<1>, batch: Attacked<'_>) -> Option<(Tensor<2>, Tensor<1>)> {
    let samples = batch.labels.dims()[0];
    let device = parameters.device();
    let rows = Tensor::<2>::empty([samples, ROW], &device);
    let traces = Tensor::<1>::empty([slots_of_traces(layers) * Layers::SLOT * samples], &device);
    let images = OnGpu::of(batch.images.clone())?;
    let omega = OnGpu::of(batch.omega.unwrap_or(parameters).clone())?;
    let (labels, parameters) = (OnGpu::of_classes(batch.labels.clone())?, OnGpu::of(parameters.clone())?);
    let records = OnGpu::of(batch.records.clone())?;
    let [written, kept] = [OnGpu::of(rows.clone())?, OnGpu::of(traces.clone())?];
    let together = samples_of_workgroup(layers, false, samples);
    // Forwards, and back but for the samples themselves.
    for [first, end] in slices(samples, together, 2 * layers.multiplications() as u64) {
        let mut words = [first, end, samples, together].map(|word| word as u32).to_vec();
        words.extend([
            wide(together),
            layers.layers.len() as u32,
            batch.steps,
            u32::from(batch.omega.is_some()),
            (1.0 / samples as f32).to_bits(),
        ]);
        words.extend(words_of_sizes(layers));
        let buffers = [&images, &labels, &parameters, &omega, &records, &written, &kept].map(|found| &found.tensor);
        images.tensor.client.launch(
            Box::new(SourceKernel::new(PassKernel, CubeDim::new_1d(attack_mlp::WORKGROUP as u32))),
            CubeCount::Static((end - first).div_ceil(together) as u32, 1, 1),
            launch::arguments(buffers, &words),
        );
        if end < samples {
            images.flush()?;
        }
    }
    Some((rows, traces))
}

/// The numbers after a step along what a pass of so many samples wrote.
fn step(layers: &Layers, numbers: &Numbers, (traces, samples): (Tensor<1>, usize), settings: SgdSettings) -> Option<Numbers> {
    let theta = &numbers.parameters;
    let [next_theta, next_velocity] = [(); 2].map(|()| Tensor::<1>::empty([theta.dims()[0]], &theta.device()));
    let traces = OnGpu::of(traces)?;
    let velocity = OnGpu::of(numbers.velocity.as_ref().unwrap_or(theta).clone())?;
    let theta = OnGpu::of(theta.clone())?;
    let [written, moved] = [OnGpu::of(next_theta.clone())?, OnGpu::of(next_velocity.clone())?];
    let sizes = words_of_sizes(layers).map(|size| size as usize);
    let of_layer = |pair: &[usize]| (pair[0] + 1).div_ceil(Layers::SLOT) * pair[1].div_ceil(Layers::SLOT);
    // The last one fills up what is behind the parameters.
    let blocks = sizes[..=layers.layers.len()].windows(2).map(of_layer).sum::<usize>() + 1;
    let work = (samples * Layers::SLOT * Layers::SLOT) as u64;
    let slice = ((pace::allowed() / work.max(1)) as usize / BLOCKS * BLOCKS).clamp(BLOCKS, MAX_SIDE * BLOCKS);
    for first in (0..blocks).step_by(slice) {
        let end = (first + slice).min(blocks);
        let mut words =
            [samples, layers.layers.len(), first, layers.zeros_behind() / Layers::SLOT].map(|word| word as u32).to_vec();
        let momentum = if numbers.velocity.is_some() { settings.momentum } else { 0.0 };
        words.extend([momentum, settings.decay, settings.rate].map(f32::to_bits));
        words.extend(words_of_sizes(layers));
        let buffers = [&traces, &theta, &velocity, &written, &moved].map(|found| &found.tensor);
        theta.tensor.client.launch(
            Box::new(SourceKernel::new(StepKernel, CubeDim::new_1d(STEP_WORKGROUP))),
            CubeCount::Static((end - first).div_ceil(BLOCKS) as u32, 1, 1),
            launch::arguments(buffers, &words),
        );
        if end < blocks {
            theta.flush()?;
        }
    }
    Some(Numbers { parameters: next_theta, velocity: Some(next_velocity) })
}
