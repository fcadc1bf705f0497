//! Whole networks on a GPU: frozen, forwards to the logits and back to the samples from any gradient of these. The twin is
//! [`cpu`](super::cpu).
//!
//! The tensor library needs some 50 us for a launch, and its convolutions reach a few percent of a card's peak. Here a network's
//! pipelines, buffers and bind groups are made once for a number of samples ([`plan`]), and a pass is a list of dispatches in a command
//! encoder of our own, on the device and the queue that the tensor library uses.
//!
//! A signal is channels x rows x columns x samples, the samples filled up to a multiple of four. What is read together is four samples
//! of one pixel (a quad): the border, the stride and its parity are the same for all four, odd widths need no tail, and a channel is
//! contiguous. The cost: samples are transposed on the way in and out, and one sample is computed as four.
//!
//! Batch normalisation, the addition at the end of a block and ReLU are part of the product before them, on the way back the mask of
//! ReLU and the sum of gradients as well. No dispatch reads what another invocation of it writes, and every sum has a fixed order: two
//! runs come to the same bits.

mod attack;
mod borrowed;
mod convolution;
mod engine;
mod gpu;
mod layout;
mod passes;
pub(crate) mod perceptron;
mod plan;
mod sgd;
mod tensors;
mod text;
mod tile;
mod training;
mod update;
mod weight_gradient;

pub(crate) use attack::Climb;
pub(crate) use passes::{Passes, supports};
pub(crate) use sgd::sgd_step;
pub(crate) use training::{Training, trains};
