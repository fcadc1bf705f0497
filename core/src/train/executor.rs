//! Executors of an update's passes: layer by layer through the tensor library, tile by tile in SIMD lanes on the CPU, or whole networks in
//! our own kernels on a GPU.

use std::cell::RefCell;

use burn::{
    module::Module as _,
    tensor::{Device, Tensor, TensorData},
};

use super::whole_gradient::gradient_along;
use crate::{
    device::is_cpu,
    kernels::{
        cpu::{Norm, Passes, Training},
        wgpu,
    },
    model::{
        Channels, Classifier as _, EPSILON, Gradient, MOMENTUM, Network, Program, RunningStatistics, Walk, logits_in_slices,
    },
};

/// A forward pass of a batch.
#[derive(Debug)]
pub(super) struct Pass {
    /// N x C, tracked.
    pub(super) logits: Tensor<2>,
    images: Tensor<2>,
    /// The index of this pass in the update.
    index: usize,
}

/// Computes passes and their gradients.
#[derive(Debug)]
pub(super) enum Executor<'a> {
    /// Layer by layer, `together` samples at a time.
    Composed { network: &'a Network, together: Option<usize> },
    /// In lanes, for networks whose training pass equals their evaluation pass.
    Lanes {
        program: Program,
        /// Lengths of the learned tensors.
        trained: Vec<usize>,
        parameters: Vec<f32>,
        device: Device,
    },
    /// In lanes, for networks with batch normalisation: all tiles pass one layer before any tile enters the next.
    TilesTogether { network: &'a Network, training: RefCell<Training>, order: Order, device: Device },
    /// The whole network on a GPU.
    OnGpu { network: &'a Network, training: RefCell<wgpu::Training>, order: Order },
}

/// The positions of a network's tensors in its program.
#[derive(Debug)]
pub(super) struct Order {
    /// For each learned tensor, in burn's visiting order, its index in [`Program::learned`].
    learned: Vec<usize>,
    /// For each running statistic, the index of its batch normalisation in the order of the layers, and 0 for a mean, 1 for a variance.
    running: Vec<(usize, usize)>,
}

impl Order {
    /// `None` if network and program do not train the same tensors.
    fn of(network: &Network, program: &Program) -> Option<Self> {
        let walk = Walk::of(network);
        let ids: Vec<_> = program.learned().map(|learned| learned.id).collect();
        let norms: Vec<_> = program
            .tensors()
            .iter()
            .filter_map(|tensors| match &tensors.channels {
                Channels::Norm(norm) => Some(norm.learned[1].id),
                Channels::None | Channels::Fixed(_) | Channels::Bias(_) => None,
            })
            .collect();
        let learned: Option<Vec<usize>> = walk.learned.iter().map(|id| ids.iter().position(|other| other == id)).collect();
        let norm_of = |(index, id): (usize, _)| norms.iter().position(|other| other == id).map(|norm| (norm, index % 2));
        let running: Option<Vec<(usize, usize)>> = walk.running.iter().enumerate().map(norm_of).collect();
        Some(Self { learned: learned.filter(|learned| learned.len() == ids.len())?, running: running? })
    }

    /// Moves the running statistics towards those of a batch. `newest` holds mean and variance of each batch normalisation in the order of the
    /// layers, each with its correction factor.
    fn follow(&self, network: &Network, newest: &[[(&Vec<f32>, f64); 2]]) {
        let kept = RunningStatistics::of(network).values();
        let moved = kept.into_iter().zip(&self.running).map(|(kept, &(norm, which))| {
            let (newest, factor) = newest[norm][which];
            let newest = Tensor::<1>::from_data(TensorData::new(newest.clone(), [newest.len()]), &kept.device());
            kept.mul_scalar(1.0 - MOMENTUM) + newest.mul_scalar(MOMENTUM * factor)
        });
        RunningStatistics::from_values(moved.collect()).restore(network);
    }

    /// Reorders gradients from the order of the layers. They are empty if the loss depends on no pass.
    fn gradient(&self, mut of_layers: Vec<Vec<f32>>, device: &Device) -> Gradient {
        let tensors = self.learned.iter().map(|&index| {
            let numbers = of_layers.get_mut(index).map(std::mem::take).unwrap_or_default();
            let len = numbers.len();
            Tensor::from_data(TensorData::new(numbers, [len]), device)
        });
        Gradient { tensors: tensors.collect() }
    }
}

impl<'a> Executor<'a> {
    /// An executor in lanes for the frozen network's layers.
    pub(super) fn lanes(program: Program, trained: Vec<usize>, device: &Device) -> Self {
        let parameters = on_host(program.parameters());
        Self::Lanes { program, trained, parameters, device: device.clone() }
    }

    /// The network with batch normalisation in lanes; `None` where it cannot be trained so.
    pub(super) fn tiles_together(network: &'a Network, device: &Device) -> Option<Self> {
        // Masks are not applied in lanes.
        if network.drops() {
            return None;
        }
        let program = network.valid().program()?;
        let order = Order::of(network, &program)?;
        let norms: Vec<Option<Norm>> = (program.tensors().iter())
            .map(|tensors| match &tensors.channels {
                Channels::Norm(norm) => {
                    let [gamma, beta] = norm.learned.each_ref().map(|learned| on_host(learned.numbers.clone()));
                    Some(Norm { gamma, beta })
                }
                Channels::None | Channels::Fixed(_) | Channels::Bias(_) => None,
            })
            .collect();
        if norms.iter().all(Option::is_none) {
            return None;
        }
        let training = RefCell::new(Training::new(&program.layers, &on_host(program.parameters()), norms, EPSILON));
        Some(Self::TilesTogether { network, training, order, device: device.clone() })
    }

    /// The whole network on a GPU; `None` where that cannot compute an update of so many samples in so many passes.
    pub(super) fn on_gpu(network: &'a Network, samples: usize, passes: usize, device: &Device) -> Option<Self> {
        // Masks are drawn on the host, and no kernel applies them.
        if is_cpu(device) || network.drops() {
            return None;
        }
        let program = network.program()?;
        wgpu::trains(&program, samples, passes, device).ok()?;
        let order = Order::of(network, &program)?;
        let training = RefCell::new(wgpu::Training::new(&program, device)?);
        Some(Self::OnGpu { network, training, order })
    }

    /// A pass of `images` (N x D).
    pub(super) fn pass(&self, images: &Tensor<2>) -> Pass {
        let mut index = 0;
        let logits = match self {
            Self::OnGpu { network, training, order } => {
                let mut training = training.borrow_mut();
                index = training.passes();
                let logits = training.forward(images);
                let statistics = training.statistics();
                let values = order.running.iter().map(|&(norm, which)| statistics[norm][which].clone().autodiff());
                RunningStatistics::from_values(values.collect()).restore(network);
                logits.autodiff().require_grad()
            }
            Self::Composed { network, together } => logits_in_slices(*network, images.clone().autodiff(), *together),
            Self::Lanes { program, parameters, device, .. } => {
                let [samples, _] = images.dims();
                let logits = Passes::new(&program.layers, parameters).logits(&on_host(images.clone()));
                let logits = TensorData::new(logits, [samples, program.layers.classes()]);
                Tensor::<2>::from_data(logits, device).autodiff().require_grad()
            }
            Self::TilesTogether { network, training, order, device } => {
                let mut training = training.borrow_mut();
                index = training.passes();
                let [samples, _] = images.dims();
                let logits = training.forward(&on_host(images.clone()));
                let classes = logits.len() / samples;
                let statistics = training.statistics().map(|found| {
                    // A single number has no unbiased variance.
                    let unbiased = if found.count > 1 { found.count as f64 / (found.count - 1) as f64 } else { 1.0 };
                    [(&found.mean, 1.0), (&found.variance, unbiased)]
                });
                order.follow(network, &statistics.collect::<Vec<_>>());
                Tensor::<2>::from_data(TensorData::new(logits, [samples, classes]), device).autodiff().require_grad()
            }
        };
        Pass { logits, images: images.clone(), index }
    }

    /// The gradient of `loss`, a number or the sum of numbers that were computed from the logits of `passes`, with respect to the parameters.
    pub(super) fn gradient(&self, loss: Tensor<1>, passes: &[&Pass]) -> Gradient {
        let gradients = loss.backward();
        match self {
            Self::Composed { network, .. } => Gradient::of(network, &gradients),
            Self::OnGpu { training, order, .. } => {
                let slopes = |pass: &&Pass| pass.logits.grad(&gradients).map(|slopes| (pass.index, slopes));
                let slopes: Vec<_> = passes.iter().filter_map(slopes).collect();
                let tensors = training.borrow().gradient(&slopes);
                Gradient { tensors: order.learned.iter().map(|&index| tensors[index].clone()).collect() }
            }
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
            Self::TilesTogether { training, order, device, .. } => {
                let mut training = training.borrow_mut();
                let mut sum: Vec<Vec<f32>> = Vec::new();
                for pass in passes {
                    let Some(slopes) = pass.logits.grad(&gradients) else { continue };
                    let part = training.backward(pass.index, &on_host(slopes));
                    if sum.is_empty() {
                        sum = part;
                    } else {
                        sum.iter_mut().flatten().zip(part.iter().flatten()).for_each(|(sum, part)| *sum += part);
                    }
                }
                order.gradient(sum, device)
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
pub(crate) fn on_host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = tensor.inner().into_data();
    data.try_to_vec().unwrap_or_else(|_| data.iter::<f32>().collect())
}
