//! The files that samples come in, one format each.

pub(super) mod idx;
mod labels;
mod npy;
pub(super) mod npz;
mod pixels;
mod strangers;

pub(crate) use strangers::what_else;
