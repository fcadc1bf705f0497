//! Whole networks without the tensor library between their layers.

pub(crate) mod cpu;
pub(crate) mod perceptron;
pub(crate) mod wgpu;
