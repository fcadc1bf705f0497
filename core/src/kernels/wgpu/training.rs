//! The passes of an update on a GPU: batches to their logits with batch normalisation in training mode, and from any gradients of these to
//! that of the parameters. Nothing is read back.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};

use super::{borrowed::Borrowed, engine, gpu::Gpu, passes::through, tensors::OnGpu};
use crate::model::{Channels, Program};

/// Whether an update of so many samples in so many passes can be computed on such a device.
///
/// # Errors
/// Why not.
pub(crate) fn trains(program: &Program, samples: usize, passes: usize, device: &Device) -> Result<(), String> {
    let gpu = Gpu::of(device).ok_or("the device was not opened by this program")?;
    engine::trains(program, samples, passes, &gpu)
}

/// A network in training on a GPU.
#[derive(Debug)]
pub(crate) struct Training {
    gpu: Arc<Gpu>,
    engine: Borrowed,
    /// Where each learned tensor begins and how long it is, in the order of [`Program::learned`].
    learned: Vec<[usize; 2]>,
    /// Where the running means of each batch normalisation begin and how many they are, in the order of the layers.
    norms: Vec<[usize; 2]>,
    passes: usize,
    device: Device,
}

impl Training {
    /// Of a program whose numbers are on the device, which is not the autodiff one; ask [`trains`] before. `None` where the numbers are
    /// elsewhere.
    pub(crate) fn new(program: &Program, device: &Device) -> Option<Self> {
        let gpu = Gpu::of(device)?;
        let mut engine = Borrowed::of(program, &gpu);
        engine.load(program, &gpu)?;
        engine.train(&gpu);
        gpu.run(&engine.prepare_to_train);
        let lengths = program.learned().map(|learned| learned.numbers.dims()[0]);
        let learned = engine.layout.learned(program).into_iter().zip(lengths).map(|(offset, len)| [offset, len]).collect();
        let mut next = 0;
        let mut norms = Vec::new();
        for tensors in program.tensors() {
            if let Channels::Norm(norm) = &tensors.channels {
                let channels = norm.running[0].dims()[0];
                norms.push([next, channels]);
                next += channels;
            }
        }
        Some(Self { gpu, engine, learned, norms, passes: 0, device: device.clone() })
    }

    /// How many passes there were.
    pub(crate) fn passes(&self) -> usize {
        self.passes
    }

    /// The logits of `images` (N x D): N x C. The running statistics follow.
    pub(crate) fn forward(&mut self, images: &Tensor<2>) -> Tensor<2> {
        let samples = images.dims()[0];
        let pass = self.passes;
        self.passes += 1;
        let logits = Tensor::<2>::empty([samples, self.engine.layers.classes()], &self.device);
        let gpu = self.gpu.clone();
        self.engine.plan_to_train(pass, samples, &gpu);
        if let (Some(plan), Some(source), Some(target)) =
            (self.engine.training_plan(pass), OnGpu::of(images.clone()), OnGpu::of(logits.clone()))
        {
            // A device that is gone leaves the tensor as it was: the next reading says so.
            let _ = through(&gpu, (source, &plan.images[0]), &plan.forward, (target, &plan.logits[0]));
        }
        logits
    }

    /// Running mean and variance of every batch normalisation, in the order of the layers.
    pub(crate) fn statistics(&self) -> Vec<[Tensor<1>; 2]> {
        let tensors: Vec<[Tensor<1>; 2]> =
            self.norms.iter().map(|&[_, channels]| [0, 1].map(|_| Tensor::empty([channels], &self.device))).collect();
        let mut copies = Vec::new();
        for (pair, &[first, _]) in tensors.iter().zip(&self.norms) {
            for (tensor, begin) in pair.iter().zip([0, self.engine.layout.norms]) {
                copies.extend(OnGpu::of(tensor.clone()).map(|tensor| (tensor, &self.engine.statistics, begin + first)));
            }
        }
        let _ = self.gpu.copy_to(&copies);
        tensors
    }

    /// The gradient of the learned tensors, in the order of [`Program::learned`], from those at the logits of passes, which are counted
    /// from 0: each N x C.
    pub(crate) fn gradient(&self, slopes: &[(usize, Tensor<2>)]) -> Vec<Tensor<1>> {
        let tensors: Vec<Tensor<1>> = self.learned.iter().map(|&[_, len]| Tensor::empty([len], &self.device)).collect();
        // A device that is gone leaves the tensors as they were: the next reading says so.
        let _ = self.write_gradient(slopes, &tensors);
        tensors
    }

    fn write_gradient(&self, slopes: &[(usize, Tensor<2>)], tensors: &[Tensor<1>]) -> Option<()> {
        let training = self.engine.training.as_ref()?;
        let [last, sum] = &training.gradients;
        let several = slopes.len() > 1;
        if several || slopes.is_empty() {
            self.gpu.clear(sum);
        }
        for (pass, slopes) in slopes {
            let plan = self.engine.training_plan(*pass).filter(|plan| plan.samples == slopes.dims()[0])?;
            self.gpu.copy_from(&[(OnGpu::of(slopes.clone())?, &plan.logits[1], 0)])?;
            self.gpu.run(&plan.backward);
            if several {
                self.gpu.run([&training.sum]);
            }
        }
        let source = if several || slopes.is_empty() { sum } else { last };
        let mut copies = Vec::new();
        for (tensor, &[offset, _]) in tensors.iter().zip(&self.learned) {
            copies.push((OnGpu::of(tensor.clone())?, source, offset));
        }
        self.gpu.copy_to(&copies)
    }
}
