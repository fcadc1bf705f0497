//! Whole networks on the CPU, one sample in every lane of a SIMD register: forwards, back to the samples, and back to the parameters.
//!
//! A *tile* is as many samples as fit: a signal of C channels and P pixels is C x P x columns x lanes numbers, and a lane never
//! looks at another one. So there are no edges, no shuffles and no transpositions inside: a convolution, a linear layer and their
//! ways back are the same loop of multiply-adds over whole registers, and what a sample comes to does not depend on the samples
//! around it, bit for bit. Two or three tiles are in work at a time, which stay in the cache from layer to layer.
//!
//! The instruction set is chosen when the program runs (AVX-512, AVX2, NEON, SIMD128 in a page, else what the compiler makes of
//! it). Where fused multiply-add is missing, results differ in the last place; and so do gradients of parameters, which are sums over
//! samples, where registers are of another width.

/// Columns of a tile for networks of linear layers: there the columns are what is in work at once.
const COLUMNS: usize = 4;

mod axis;
mod buffer;
mod convolution;
mod finish;
mod isa;
mod linear;
mod network;
mod norm;
mod parallel;
mod passes;
mod product;
mod products;
mod unrolled;
mod weight_gradient;
mod winograd;

pub(crate) use isa::instructions;
pub(crate) use network::{InLanes, Norm, Tile, Training};
pub(crate) use parallel::{for_each_part, threads};
pub(crate) use passes::{Passes, into_lanes, out_of_lanes};
