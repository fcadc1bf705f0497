//! The network of PyTorch's MNIST example, as the TRADES code has it.

use super::Layout;
use crate::model::ModelSpec;

/// The names of `net_mnist.py`.
pub(super) const LAYOUT: Layout = Layout {
    fit: |names| {
        let kernel = |name| names.shape(name).is_some_and(|shape| shape.ends_with(&[5, 5]));
        let is = kernel("conv1.weight") && kernel("conv2.weight") && names.has("fc2.weight") && !names.has("fc3.weight");
        is.then(|| names.as_they_are("the TRADES code", vec![ModelSpec::NetMnist]))
    },
};
