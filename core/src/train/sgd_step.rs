//! One step of SGD on one parameter: `shaders/sgd_step.wgsl` launched, and its CPU twin.

use burn::{
    backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor},
    tensor::{Tensor, TensorData},
};
use burn_wgpu::{CubeBackend, CubeDim, KernelSource, SourceKernel, SourceTemplate, into_contiguous, kernel_source};
use cubecl::prelude::KernelId;
use derive_new::new;

use crate::launch;

/// The hyperparameters of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdSettings {
    /// mu, from 0 to below 1; 0 in the first step, when there is no velocity yet.
    pub momentum: f32,
    /// The L2 penalty, at least 0.
    pub decay: f32,
    /// The learning rate, above 0.
    pub rate: f32,
}

/// The twin: `v ← μ v + (g + decay θ)`, `θ ← θ − rate v`; gives θ and v. All slices have the same length.
pub fn sgd_step(theta: &[f32], velocity: &[f32], gradient: &[f32], settings: SgdSettings) -> (Vec<f32>, Vec<f32>) {
    let SgdSettings { momentum, decay, rate } = settings;
    let mut next_velocity: Vec<f32> = gradient.iter().zip(theta).map(|(g, theta)| g + decay * theta).collect();
    if momentum > 0.0 {
        next_velocity.iter_mut().zip(velocity).for_each(|(next, v)| *next += momentum * v);
    }
    (theta.iter().zip(&next_velocity).map(|(theta, v)| theta - rate * v).collect(), next_velocity)
}

/// The operation that a backend implements.
#[backend_extension(Cube, Flex)]
trait SgdKernel: Backend {
    fn sgd_step(
        theta: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        settings: SgdSettings,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

kernel_source!(SgdStepText, "../../../shaders/sgd_step.wgsl");

/// The kernel for CubeCL's cache: one text, no templates.
#[derive(Debug)]
struct SgdStepKernel;

impl KernelSource for SgdStepKernel {
    fn source(&self) -> SourceTemplate {
        SgdStepText::new().source()
    }

    fn id(&self) -> KernelId {
        KernelId::new::<Self>()
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

impl SgdKernel for CubeBackend {
    fn sgd_step(
        theta: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        settings: SgdSettings,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (theta, velocity, gradient) = (into_contiguous(theta), into_contiguous(velocity), into_contiguous(gradient));
        let shape = theta.meta.shape().clone();
        let numbers = shape.num_elements();
        let (next_theta, next_velocity) = (launch::empty(&theta, shape.clone()), launch::empty(&theta, shape));
        let SgdSettings { momentum, decay, rate } = settings;
        let words = [numbers as u32, momentum.to_bits(), decay.to_bits(), rate.to_bits()];
        theta.client.launch(
            Box::new(SourceKernel::new(SgdStepKernel, CubeDim::new_1d(launch::WORKGROUP as u32))),
            launch::grid(numbers),
            launch::arguments([&theta, &velocity, &gradient, &next_theta, &next_velocity], &words),
        );
        (next_theta, next_velocity)
    }
}

impl SgdKernel for Flex {
    fn sgd_step(
        theta: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        settings: SgdSettings,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (theta, velocity, gradient) = (theta.to_contiguous(), velocity.to_contiguous(), gradient.to_contiguous());
        let (next_theta, next_velocity) = sgd_step(theta.storage(), velocity.storage(), gradient.storage(), settings);
        let shape = theta.layout().shape();
        let tensor = |values: Vec<f32>| FloatTensor::<Self>::from_data(TensorData::new(values, shape.clone()));
        (tensor(next_theta), tensor(next_velocity))
    }
}

/// θ and v after a step, from tensors outside the autodiff graph that have the same number of elements; see
/// [`sgd_step`](fn@sgd_step). Both results have the shape of `theta`.
pub fn step_of_sgd<const D: usize>(
    theta: Tensor<D>,
    velocity: Tensor<D>,
    gradient: Tensor<D>,
    settings: SgdSettings,
) -> (Tensor<D>, Tensor<D>) {
    let (theta, velocity) =
        <Dispatch as SgdKernel>::sgd_step(theta.into_dispatch(), velocity.into_dispatch(), gradient.into_dispatch(), settings);
    (Tensor::from_dispatch(theta), Tensor::from_dispatch(velocity))
}
