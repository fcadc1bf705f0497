//! How the passes of an update are computed: layer by layer through the tensor library, or on the CPU a tile of samples after the other.

use burn::{
    module::Module as _,
    tensor::{Device, Tensor, TensorData},
};

use super::whole_gradient::gradient_along;
use crate::{
    kernels::cpu::Passes,
    model::{Classifier as _, Gradient, Network, Program, logits_in_slices},
};

/// A pass of a batch to the logits.
#[derive(Debug)]
pub(super) struct Pass {
    /// N x C, tracked.
    pub(super) logits: Tensor<2>,
    images: Tensor<2>,
}

/// What computes passes and their gradients.
#[derive(Debug)]
pub(super) enum Executor<'a> {
    /// Layer by layer, so many samples at a time.
    Composed { network: &'a Network, together: Option<usize> },
    /// In lanes, for networks that train as they answer.
    Lanes {
        program: Program,
        /// Lengths of the learned tensors.
        trained: Vec<usize>,
        parameters: Vec<f32>,
        device: Device,
    },
}

impl<'a> Executor<'a> {
    /// The frozen network's layers in lanes.
    pub(super) fn lanes(program: Program, trained: Vec<usize>, device: &Device) -> Self {
        let parameters = on_host(program.parameters());
        Self::Lanes { program, trained, parameters, device: device.clone() }
    }

    /// A pass of `images` (N x D).
    pub(super) fn pass(&self, images: &Tensor<2>) -> Pass {
        let logits = match self {
            Self::Composed { network, together } => logits_in_slices(*network, images.clone().autodiff(), *together),
            Self::Lanes { program, parameters, device, .. } => {
                let [samples, _] = images.dims();
                let logits = Passes::new(&program.layers, parameters).logits(&on_host(images.clone()));
                let logits = TensorData::new(logits, [samples, program.layers.classes()]);
                Tensor::<2>::from_data(logits, device).autodiff().require_grad()
            }
        };
        Pass { logits, images: images.clone() }
    }

    /// The gradient of `loss`, one number that was computed from the logits of `passes`, with respect to the parameters.
    pub(super) fn gradient(&self, loss: Tensor<1>, passes: &[&Pass]) -> Gradient {
        let gradients = loss.backward();
        match self {
            Self::Composed { network, .. } => Gradient::of(network, &gradients),
            Self::Lanes { program, trained, parameters, device } => {
                let mut sum = vec![0.0_f32; trained.iter().sum()];
                for pass in passes {
                    let Some(slopes) = pass.logits.grad(&gradients) else { continue };
                    let images = on_host(pass.images.clone());
                    let part = gradient_along(&program.layers, trained, parameters, &images, on_host(slopes));
                    sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
                }
                let mut rest = sum.as_slice();
                let tensors = trained.iter().map(|&len| {
                    let (numbers, behind) = rest.split_at(len);
                    rest = behind;
                    Tensor::from_data(TensorData::new(numbers.to_vec(), [len]), device)
                });
                Gradient { tensors: tensors.collect() }
            }
        }
    }
}

/// The network and the lengths of its parameters, where its update can be computed in lanes.
pub(super) fn in_lanes(network: &Network) -> Option<(Program, Vec<usize>)> {
    let program = network.valid().program()?;
    let trained = program.layers.trained()?;
    Some((program, trained))
}

/// The numbers of a tensor of the CPU backend.
pub(super) fn on_host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.inner().into_data().iter::<f32>().collect()
}
