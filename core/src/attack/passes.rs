//! Passes of a network for step-by-step attacks: the logits, and the input gradient of a loss of the logits.

use burn::tensor::Tensor;

use crate::{
    kernels::wgpu,
    model::{Classifier, logits_in_slices},
};

pub(super) enum Passes<'a, M: ?Sized> {
    /// Layer by layer through the tensor library, so many samples at a time.
    Composed { model: &'a M, together: Option<usize> },
    /// The whole network on a GPU.
    OnGpu(wgpu::Passes),
}

/// A pass forwards.
pub(super) struct Pass {
    /// N x C, tracked.
    pub(super) logits: Tensor<2>,
    /// The tracked samples, where the graph goes back to them.
    images: Option<Tensor<2>>,
}

impl<M: Classifier + ?Sized> Passes<'_, M> {
    /// How many samples may go forwards together to come back.
    pub(super) fn together(&self) -> Option<usize> {
        match self {
            Self::Composed { together, .. } => *together,
            Self::OnGpu(passes) => Some(passes.together()),
        }
    }

    /// The logits of `images` (N x D), outside the graph: N x C.
    pub(super) fn logits(&mut self, images: &Tensor<2>) -> Tensor<2> {
        match self {
            Self::Composed { model, together } => logits_in_slices(*model, images.clone(), *together),
            Self::OnGpu(passes) => passes.logits(images),
        }
    }

    /// A pass of `images` (N x D), so that [`Self::backward`] can follow.
    pub(super) fn forward(&mut self, images: &Tensor<2>) -> Pass {
        match self {
            Self::Composed { model, .. } => {
                let tracked = images.clone().autodiff().require_grad();
                Pass { logits: model.logits(tracked.clone()), images: Some(tracked) }
            }
            Self::OnGpu(passes) => Pass { logits: passes.forward(images).autodiff().require_grad(), images: None },
        }
    }

    /// The gradient of `losses` (N), which were computed from the logits of the last pass, at its images: N x D. `None` where they do
    /// not depend on them.
    pub(super) fn backward(&mut self, pass: Pass, losses: Tensor<1>) -> Option<Tensor<2>> {
        let mut gradients = losses.backward();
        match (self, pass.images) {
            (Self::OnGpu(passes), _) => Some(passes.backward(&pass.logits.grad_remove(&mut gradients)?)),
            (Self::Composed { .. }, Some(images)) => images.grad_remove(&mut gradients),
            (Self::Composed { .. }, None) => None,
        }
    }
}
