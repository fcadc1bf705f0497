//! A step of SGD on all parameters of a network in one dispatch: `shaders/sgd_step.wgsl`.

use std::sync::PoisonError;

use burn::tensor::{Device, Tensor};
use wgpu::Buffer;

use super::{gpu::Gpu, tensors::OnGpu};
use crate::train::SgdSettings;

/// Buffers for so many numbers: parameters, velocity and gradient, then the next parameters and the next velocity.
#[derive(Debug)]
pub(super) struct Sgd {
    numbers: usize,
    buffers: [Buffer; 5],
}

/// The next parameters and velocities, each tensor as long as its gradient; without velocities it is the first step. `None` on a device
/// that this program did not open, and where the device is gone.
pub(crate) fn sgd_step(
    theta: Vec<Tensor<1>>,
    velocity: Option<Vec<Tensor<1>>>,
    gradient: Vec<Tensor<1>>,
    settings: SgdSettings,
    device: &Device,
) -> Option<[Vec<Tensor<1>>; 2]> {
    let gpu = Gpu::of(device)?;
    let lengths: Vec<usize> = gradient.iter().map(|tensor| tensor.dims()[0]).collect();
    let numbers = lengths.iter().sum();
    let mut kept = gpu.sgd.lock().unwrap_or_else(PoisonError::into_inner);
    let known = kept.take().filter(|sgd| sgd.numbers == numbers);
    let sgd = known.unwrap_or_else(|| Sgd { numbers, buffers: [(); 5].map(|()| gpu.buffer(numbers)) });
    let mut copies = Vec::new();
    for (tensors, buffer) in [Some(theta), velocity, Some(gradient)].into_iter().zip(&sgd.buffers) {
        let mut offset = 0;
        for (tensor, len) in tensors.into_iter().flatten().zip(&lengths) {
            copies.push((OnGpu::of(tensor)?, buffer, offset));
            offset += len;
        }
    }
    gpu.copy_from(&copies)?;
    let SgdSettings { momentum, decay, rate } = settings;
    let words = [numbers as u32, momentum.to_bits(), decay.to_bits(), rate.to_bits()];
    let text = include_str!("../../../../shaders/sgd_step.wgsl");
    gpu.run(&[gpu.shared(text, &sgd.buffers.each_ref(), &words, numbers)]);
    let next = [(); 2].map(|()| lengths.iter().map(|&len| Tensor::<1>::empty([len], device)).collect::<Vec<_>>());
    let mut copies = Vec::new();
    for (tensors, buffer) in next.iter().zip(&sgd.buffers[3..]) {
        let mut offset = 0;
        for (tensor, len) in tensors.iter().zip(&lengths) {
            copies.push((OnGpu::of(tensor.clone())?, buffer, offset));
            offset += len;
        }
    }
    gpu.copy_to(&copies)?;
    *kept = Some(sgd);
    Some(next)
}
