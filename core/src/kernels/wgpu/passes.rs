//! Whole batches of tensors on a GPU: to their logits, and back from any gradient of these. Nothing is read back.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, s};
use wgpu::Buffer;

use super::{
    borrowed::Borrowed,
    engine::together,
    gpu::{Gpu, Step},
    tensors::OnGpu,
};
use crate::model::{Layers, Program};

/// Whether [`Passes`] take such layers on such a device.
///
/// # Errors
/// What about them it does not take.
pub(crate) fn supports(layers: &Layers, device: &Device) -> Result<(), String> {
    let gpu = Gpu::of(device).ok_or("the device was not opened by this program")?;
    together(layers, &gpu).map(drop)
}

/// A network on a GPU and the memory for batches that go through it. The twin is [`cpu::Passes`](crate::kernels::cpu::Passes).
#[derive(Debug)]
pub(crate) struct Passes {
    pub(super) gpu: Arc<Gpu>,
    pub(super) engine: Borrowed,
    together: usize,
    device: Device,
}

impl Passes {
    /// Of a frozen program whose numbers are on the device; `None` where [`supports`] says why not.
    pub(crate) fn new(program: &Program, device: &Device) -> Option<Self> {
        let gpu = Gpu::of(device)?;
        let together = together(&program.layers, &gpu).ok()?;
        let engine = Borrowed::of(program, &gpu);
        engine.load(program, &gpu)?;
        gpu.run(&engine.prepare);
        Some(Self { gpu, engine, together, device: device.clone() })
    }

    /// How many logits a sample has.
    pub(crate) fn classes(&self) -> usize {
        self.engine.layers.classes()
    }

    /// How many samples may go forwards together to come back.
    pub(crate) fn together(&self) -> usize {
        self.together
    }

    /// The logits of `images` (N x D): N x C.
    pub(crate) fn logits(&mut self, images: &Tensor<2>) -> Tensor<2> {
        let samples = images.dims()[0];
        if samples <= self.together {
            return self.forward(images);
        }
        let slices = (0..samples).step_by(self.together).map(|first| {
            let slice = images.clone().slice(s![first..(first + self.together).min(samples)]);
            self.forward(&slice)
        });
        Tensor::cat(slices.collect(), 0)
    }

    /// The same for at most [`Self::together`] samples, so that [`Self::backward`] can follow.
    pub(crate) fn forward(&mut self, images: &Tensor<2>) -> Tensor<2> {
        let samples = images.dims()[0];
        let logits = Tensor::<2>::empty([samples, self.classes()], &self.device);
        let gpu = self.gpu.clone();
        if let (Some(source), Some(target)) = (OnGpu::of(images.clone()), OnGpu::of(logits.clone())) {
            let plan = self.engine.plan(samples, &gpu);
            // A device that is gone leaves the tensor as it was: the next reading says so.
            let _ = through(&gpu, (source, &plan.images[0]), &plan.forward, (target, &plan.logits[0]));
        }
        logits
    }

    /// From the gradient of the logits of the last [`Self::forward`] (N x C) to that of its images: N x D.
    pub(crate) fn backward(&mut self, slopes: &Tensor<2>) -> Tensor<2> {
        let samples = slopes.dims()[0];
        let inputs = self.engine.layers.inputs();
        let gradient = Tensor::<2>::empty([samples, inputs], &self.device);
        let plan = self.engine.last_plan().filter(|plan| plan.samples == samples);
        if let (Some(plan), Some(source), Some(target)) = (plan, OnGpu::of(slopes.clone()), OnGpu::of(gradient.clone())) {
            let _ = through(&self.gpu, (source, &plan.logits[1]), &plan.backward, (target, &plan.images[1]));
        }
        gradient
    }
}

/// Numbers of a tensor to a buffer of the plan, through its dispatches, and from another of its buffers to a tensor.
pub(super) fn through(gpu: &Gpu, source: (OnGpu, &Buffer), steps: &[Step], target: (OnGpu, &Buffer)) -> Option<()> {
    gpu.copy_from(&[(source.0, source.1, 0)])?;
    gpu.run(steps);
    gpu.copy_to(&[(target.0, target.1, 0)])
}
