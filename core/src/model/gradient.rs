//! The gradient of a loss with respect to all parameters, on the device.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Gradients, Tensor},
};

use super::Network;

/// One flat tensor per learned tensor, in burn's visiting order.
#[derive(Clone, Debug)]
pub struct Gradient {
    /// The tensors.
    pub tensors: Vec<Tensor<1>>,
}

impl Gradient {
    /// The gradient of a backward pass for `network`; 0 for parameters on which the loss does not depend.
    pub fn of(network: &Network, gradients: &Gradients) -> Self {
        struct Collect<'a> {
            gradients: &'a Gradients,
            tensors: Vec<Tensor<1>>,
        }
        impl ModuleVisitor for Collect<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let value = param.val();
                if value.is_require_grad() {
                    let len = value.dims().iter().product::<usize>();
                    let gradient = value.grad(self.gradients).unwrap_or_else(|| value.clone().inner().zeros_like());
                    self.tensors.push(gradient.inner().reshape([len]));
                }
            }
        }
        let mut collect = Collect { gradients, tensors: Vec::new() };
        network.visit(&mut collect);
        Self { tensors: collect.tensors }
    }

    /// `self · other`, one number.
    pub fn dot(&self, other: &Self) -> Tensor<1> {
        let parts = self.tensors.iter().zip(&other.tensors).map(|(a, b)| (a.clone() * b.clone()).sum());
        Tensor::cat(parts.collect(), 0).sum()
    }

    /// `self · self`, one number.
    pub fn squared_norm(&self) -> Tensor<1> {
        self.dot(self)
    }

    /// `f` of every pair of tensors.
    #[must_use]
    pub fn zip(self, other: Self, f: impl Fn(Tensor<1>, Tensor<1>) -> Tensor<1>) -> Self {
        Self { tensors: self.tensors.into_iter().zip(other.tensors).map(|(a, b)| f(a, b)).collect() }
    }

    /// `self + factor other`.
    #[must_use]
    pub fn plus(self, other: Self, factor: f64) -> Self {
        self.zip(other, |a, b| a + b.mul_scalar(factor))
    }
}
