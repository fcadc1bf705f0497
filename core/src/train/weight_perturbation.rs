//! Adversarial weight perturbation takes the gradient where small changes of the weights hurt most (Wu et al., NeurIPS 2020).

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::Tensor,
};

use crate::model::{Gradient, Network};

/// Avoids a division by a gradient of length 0.
const TINY: f64 = 1e-20;

/// `network` with every weight tensor w of more than one dimension moved by `γ ‖w‖ g / ‖g‖` along its gradient g; biases and batch norm
/// stay. It shares its running statistics with `network`.
pub(super) fn perturbed(network: &Network, gradient: &Gradient, gamma: f64) -> Network {
    struct Move {
        gradient: std::vec::IntoIter<Tensor<1>>,
        gamma: f64,
    }
    impl ModuleMapper for Move {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if !param.val().is_require_grad() {
                return param;
            }
            let Some(gradient) = self.gradient.next() else { return param };
            if D < 2 {
                return param;
            }
            param.map(|tracked| {
                let weight = tracked.inner();
                let norm = |tensor: Tensor<1>| tensor.powi_scalar(2).sum().sqrt();
                let flat = weight.clone().reshape([gradient.dims()[0]]);
                let step = norm(flat.clone()) / norm(gradient.clone()).add_scalar(TINY);
                let moved = flat + gradient * step.mul_scalar(self.gamma);
                moved.reshape(weight.dims()).autodiff().require_grad()
            })
        }
    }
    network.clone().map(&mut Move { gradient: gradient.tensors.clone().into_iter(), gamma })
}
