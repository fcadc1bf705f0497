//! Whole batches of tensors on a GPU: to their logits, and back from any gradient of these. Nothing is read back.

use std::sync::{Arc, PoisonError};

use burn::tensor::{Device, Tensor, s};
use burn_wgpu::{CubeTensor, Wgpu, into_contiguous};
use cubecl::wgpu::{AutoCompiler, WgpuServer};
use wgpu::Buffer;

use super::{
    gpu::{Gpu, WORD},
    plan::{Engine, together},
};
use crate::model::{Layers, Program};

/// Networks whose buffers are kept while nobody uses them.
const IDLE: usize = 2;

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
    gpu: Arc<Gpu>,
    /// There as long as this lives.
    engine: Option<Box<Engine>>,
    together: usize,
    device: Device,
}

impl Passes {
    /// Of a frozen program whose numbers are on the device; `None` where [`supports`] says why not.
    pub(crate) fn new(program: &Program, device: &Device) -> Option<Self> {
        let gpu = Gpu::of(device)?;
        let together = together(&program.layers, &gpu).ok()?;
        let parameters = OnGpu::of(program.parameters())?;
        let engine = {
            let mut idle = gpu.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let known = idle.iter().position(|engine| engine.layers == program.layers);
            known.map(|index| idle.remove(index))
        };
        let engine = engine.unwrap_or_else(|| Engine::new(&program.layers, parameters.numbers, &gpu));
        let source = parameters.found()?;
        gpu.copy((&source.0, source.1), (&engine.parameters, 0), parameters.numbers);
        gpu.run(&engine.arrange);
        Some(Self { gpu, engine: Some(Box::new(engine)), together, device: device.clone() })
    }

    /// How many logits a sample has.
    pub(crate) fn classes(&self) -> usize {
        self.engine.as_ref().map_or(0, |engine| engine.layers.classes())
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
        if let (Some(engine), Some(source), Some(target)) =
            (&mut self.engine, OnGpu::of(images.clone()), OnGpu::of(logits.clone()))
        {
            let plan = engine.plan(samples, &gpu);
            through(&gpu, &source, &plan.images[0], &plan.forward, &plan.logits[0], &target);
        }
        logits
    }

    /// From the gradient of the logits of the last [`Self::forward`] (N x C) to that of its images: N x D.
    pub(crate) fn backward(&mut self, slopes: &Tensor<2>) -> Tensor<2> {
        let samples = slopes.dims()[0];
        let inputs = self.engine.as_ref().map_or(0, |engine| engine.layers.inputs());
        let gradient = Tensor::<2>::empty([samples, inputs], &self.device);
        let plan = self.engine.as_deref().and_then(Engine::last_plan).filter(|plan| plan.samples == samples);
        if let (Some(plan), Some(source), Some(target)) = (plan, OnGpu::of(slopes.clone()), OnGpu::of(gradient.clone())) {
            through(&self.gpu, &source, &plan.logits[1], &plan.backward, &plan.images[1], &target);
        }
        gradient
    }
}

/// Keeps the network's buffers for the next passes of the same layers.
impl Drop for Passes {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            let mut idle = self.gpu.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(*engine);
            let surplus = idle.len().saturating_sub(IDLE);
            idle.drain(..surplus);
        }
    }
}

/// Numbers of a tensor to a buffer of the plan, through its dispatches, and from another of its buffers to a tensor.
///
/// A device that is gone leaves the tensor as it was: the next reading says so.
fn through(gpu: &Gpu, source: &OnGpu, input: &Buffer, steps: &[super::gpu::Step], output: &Buffer, target: &OnGpu) {
    let (Some(from), Some(to)) = (source.found(), target.found()) else { return };
    gpu.copy((&from.0, from.1), (input, 0), source.numbers);
    gpu.run(steps);
    gpu.copy((output, 0), (&to.0, to.1), target.numbers);
}

/// A tensor in memory of the GPU that is its own as long as this lives.
struct OnGpu {
    tensor: CubeTensor,
    numbers: usize,
}

impl OnGpu {
    /// Has everything that makes the tensor computed; `None` on another backend.
    fn of<const D: usize>(tensor: Tensor<D>) -> Option<Self> {
        let tensor = tensor.try_into_primitive::<Wgpu>().ok()?;
        #[cfg(feature = "fusion")]
        let tensor = tensor.client.clone().resolve_tensor_float::<burn_wgpu::CubeBackend>(tensor);
        let tensor = into_contiguous(tensor);
        let numbers = tensor.meta.shape().num_elements();
        Some(Self { tensor, numbers })
    }

    /// Its buffer and where in it the numbers begin, in bytes. What was queued before is submitted then.
    fn found(&self) -> Option<(Buffer, u64)> {
        self.tensor.client.flush().ok()?;
        let found = self.tensor.client.get_resource::<WgpuServer<AutoCompiler>>(self.tensor.handle.clone()).ok()?;
        let resource = found.resource();
        debug_assert!(resource.offset.is_multiple_of(WORD));
        Some((resource.buffer.clone(), resource.offset))
    }
}
