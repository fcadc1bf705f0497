//! Stochastic gradient descent with momentum and weight decay, as PyTorch computes it and every published recipe uses it.
//!
//! burn's optimiser computes the same with `dampening = 0`, but keys its state by identifiers that change with every start of the
//! program. A resumed run must find every velocity again and write the same bytes.

use std::sync::Arc;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Tensor, TensorData},
};

use super::sgd_step::{SgdSettings, step_of_sgd};
use crate::{
    device::{self, DeviceError},
    kernels::wgpu,
    model::{Gradient, Layers, Network},
};

/// The optimiser: `v ← μ v + (g + decay θ)`, `θ ← θ − lr v`; the first velocity is the first gradient.
#[derive(Debug, Clone)]
pub struct Sgd {
    /// μ, from 0 to below 1.
    pub momentum: f64,
    /// The L2 penalty, on every parameter.
    pub weight_decay: f64,
    /// One flat velocity per parameter, in burn's visiting order; empty before the first step.
    velocities: Vec<Tensor<1>>,
    /// A perceptron's velocities as its kernels laid them out; newer than `velocities`.
    packed: Option<(Arc<Layers>, Tensor<1>)>,
}

impl Sgd {
    /// An optimiser that has not stepped yet.
    pub fn new(momentum: f64, weight_decay: f64) -> Self {
        Self { momentum, weight_decay, velocities: Vec::new(), packed: None }
    }

    /// One step along concatenated gradients, in burn's visiting order.
    pub fn step_along(&mut self, network: Network, gradients: &[f32], lr: f64) -> Network {
        network.map(&mut Step { sgd: self, gradients: Along::Numbers(gradients), lr, index: 0 })
    }

    /// One step along a gradient on the device.
    pub fn step_along_gradient(&mut self, network: Network, gradient: Gradient, lr: f64) -> Network {
        if let Some(theta) = self.step_in_one(&network, &gradient, lr) {
            return network.map(&mut Replace { theta: theta.into_iter() });
        }
        network.map(&mut Step { sgd: self, gradients: Along::Tensors(gradient.tensors.into_iter()), lr, index: 0 })
    }

    /// The parameters after a step of all of them at once, where the device can do that; the velocities follow.
    fn step_in_one(&mut self, network: &Network, gradient: &Gradient, lr: f64) -> Option<Vec<Tensor<1>>> {
        let device = gradient.tensors.first()?.device();
        if device::is_cpu(&device) {
            return None;
        }
        let mut collect = Collect { theta: Vec::new() };
        network.visit(&mut collect);
        let velocities = Some(self.each().clone()).filter(|velocities| !velocities.is_empty());
        let settings = self.settings(velocities.is_some(), lr);
        let [theta, velocities] = wgpu::sgd_step(collect.theta, velocities, gradient.tensors.clone(), settings, &device)?;
        self.velocities = velocities;
        Some(theta)
    }

    /// One velocity for each parameter.
    fn each(&mut self) -> &mut Vec<Tensor<1>> {
        if let Some((layers, packed)) = self.packed.take() {
            self.velocities = layers.unpack(&packed);
        }
        &mut self.velocities
    }

    /// All velocities of a perceptron, as its kernels lay them out; none before the first step.
    pub(super) fn packed(&self, layers: &Layers) -> Option<Tensor<1>> {
        let packed = self.packed.as_ref().map(|(_, packed)| packed.clone());
        packed.or_else(|| (!self.velocities.is_empty()).then(|| layers.pack(&self.velocities)))
    }

    /// Replaces the velocities by those of the perceptron's kernels.
    pub(super) fn keep_packed(&mut self, layers: &Arc<Layers>, velocities: Tensor<1>) {
        self.packed = Some((layers.clone(), velocities));
    }

    /// Without a velocity so far it is the first step.
    pub(super) fn settings(&self, has_velocity: bool, lr: f64) -> SgdSettings {
        SgdSettings {
            momentum: if has_velocity { self.momentum as f32 } else { 0.0 },
            decay: self.weight_decay as f32,
            rate: lr as f32,
        }
    }

    /// The velocities on the host, for a checkpoint.
    ///
    /// # Errors
    /// [`DeviceError::Lost`] when the device no longer answers.
    pub async fn velocities(&self) -> Result<Vec<Vec<f32>>, DeviceError> {
        let each = self.clone().each().clone();
        let mut host = Vec::with_capacity(each.len());
        for velocity in each {
            host.push(device::read(velocity).await?);
        }
        Ok(host)
    }

    /// Restores the velocities of a checkpoint.
    pub fn restore(&mut self, velocities: Vec<Vec<f32>>, device: &burn::tensor::Device) {
        let on_device = velocities.into_iter().map(|velocity| {
            let len = velocity.len();
            Tensor::from_data(TensorData::new(velocity, [len]), device)
        });
        self.velocities = on_device.collect();
        self.packed = None;
    }
}

/// Where a parameter's gradient comes from.
enum Along<'a> {
    Numbers(&'a [f32]),
    Tensors(std::vec::IntoIter<Tensor<1>>),
}

impl Along<'_> {
    /// The gradient of the next parameter; `None` for what is not trained.
    fn next<const D: usize>(&mut self, parameter: &Tensor<D>) -> Option<Tensor<D>> {
        match self {
            Self::Tensors(rest) => {
                if !parameter.is_require_grad() {
                    return None;
                }
                rest.next().map(|gradient| gradient.reshape(parameter.dims()))
            }
            Self::Numbers(rest) => {
                if !parameter.is_require_grad() {
                    return None;
                }
                let shape = parameter.dims();
                let (numbers, behind) = rest.split_at_checked(shape.iter().product())?;
                *rest = behind;
                Some(Tensor::from_data(TensorData::new(numbers.to_vec(), shape), &parameter.device().inner()))
            }
        }
    }
}

struct Step<'a> {
    sgd: &'a mut Sgd,
    gradients: Along<'a>,
    lr: f64,
    index: usize,
}

impl ModuleMapper for Step<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // Running statistics and constants pass here too; they have no gradient.
        let Some(gradient) = self.gradients.next(&param.val()) else { return param };
        let index = self.index;
        self.index += 1;
        param.map(|tracked| {
            let theta = tracked.inner();
            let shape = theta.dims();
            let known = index < self.sgd.each().len();
            let settings = self.sgd.settings(known, self.lr);
            let velocities = self.sgd.each();
            let kept = velocities.get_mut(index);
            let velocity = kept.as_ref().map_or_else(|| gradient.clone(), |kept| (*kept).clone().reshape(shape));
            let (theta, velocity) = step_of_sgd(theta, velocity, gradient, settings);
            let flat = velocity.reshape([shape.iter().product::<usize>()]);
            match kept {
                Some(kept) => *kept = flat,
                None => velocities.push(flat),
            }
            theta.autodiff().require_grad()
        })
    }
}

/// The learned tensors, flat, outside the autodiff graph.
struct Collect {
    theta: Vec<Tensor<1>>,
}

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        if value.is_require_grad() {
            let len = value.dims().iter().product::<usize>();
            self.theta.push(value.inner().reshape([len]));
        }
    }
}

/// Puts other numbers in the place of the learned ones.
struct Replace {
    theta: std::vec::IntoIter<Tensor<1>>,
}

impl ModuleMapper for Replace {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !param.val().is_require_grad() {
            return param;
        }
        match self.theta.next() {
            Some(theta) => param.map(|old| theta.reshape(old.dims()).autodiff().require_grad()),
            None => param,
        }
    }
}
