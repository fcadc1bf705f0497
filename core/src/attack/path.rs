//! The path of an attack: fused kernels, or layer by layer through the tensor library.

use std::{fmt, str::FromStr};

use burn::tensor::Device;

use super::attack_mlp;
use crate::{
    device,
    kernels::wgpu,
    model::{Classifier, Program},
    pace,
};

/// The requested path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Path {
    /// Fused if possible, else composed.
    #[default]
    Auto,
    /// Our own kernels, without the tensor library between layers: the whole attack as one operation on the CPU, and on a GPU for small
    /// perceptrons; whole forward and backward passes otherwise. Faster, with the same result up to rounding. An attack falls back to
    /// [`Self::Composed`] if the fused path is unavailable; [`Path::taken`] tells in advance.
    Fused,
    /// Forward pass, loss, backward pass and step as operations of the tensor library, K times.
    Composed,
}

/// The fused path was requested but is unavailable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("path: fused is not possible here: {why}; use auto or composed")]
pub struct PathError {
    /// The reason in the network or the device.
    pub why: String,
}

impl Path {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Fused, Self::Composed];

    /// The path of an attack on `model` on `device`: never [`Path::Auto`].
    ///
    /// # Errors
    /// [`PathError`] if the fused path is requested but unavailable.
    pub fn taken<M: Classifier + ?Sized>(self, model: &M, device: &Device) -> Result<Self, PathError> {
        if self == Self::Composed {
            return Ok(self);
        }
        match frozen(model.program()).and_then(|program| whole(&program, device).or_else(|_| passes(&program, device))) {
            Ok(()) => Ok(Self::Fused),
            Err(why) if self == Self::Fused => Err(PathError { why }),
            Err(_) => Ok(Self::Composed),
        }
    }

    /// The execution plan of this path; `in_one` allows the attack as one operation.
    pub(super) fn execution_plan<M: Classifier + ?Sized>(self, model: &M, device: &Device, in_one: bool) -> ExecutionPlan {
        let program = model.program();
        let multiplications = program.as_ref().map(|program| program.layers.multiplications());
        if let (true, Ok(program)) = (self != Self::Composed, frozen(program)) {
            if in_one && whole(&program, device).is_ok() {
                return ExecutionPlan::Whole(program);
            }
            if let Some(passes) = wgpu::Passes::new(&program, device) {
                return ExecutionPlan::Passes(passes);
            }
        }
        ExecutionPlan::Composed { together: multiplications.filter(|_| !device::is_cpu(device)).map(pace::samples_together) }
    }
}

pub(super) enum ExecutionPlan {
    /// This program as a whole.
    Whole(Program),
    /// Step by step, with whole passes of the network on a GPU.
    Passes(wgpu::Passes),
    /// Layer by layer, `together` samples at a time; `None` for all at once.
    Composed { together: Option<usize> },
}

/// The program, if it exists and is outside the autodiff graph; else the reason.
fn frozen(program: Option<Program>) -> Result<Program, String> {
    let program = program.ok_or("this network cannot be written as a list of layers")?;
    if program.is_frozen() { Ok(program) } else { Err("the network is in training".to_owned()) }
}

/// Whether the device can run the attack as one operation: the CPU on every network, a GPU on perceptrons of limited size.
fn whole(program: &Program, device: &Device) -> Result<(), String> {
    if device::is_cpu(device) { Ok(()) } else { attack_mlp::sizes(&program.layers).map(drop) }
}

/// Whether the device can run whole passes: a GPU all but very large convolutions.
fn passes(program: &Program, device: &Device) -> Result<(), String> {
    wgpu::supports(&program.layers, device)
}

impl FromStr for Path {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|path| path.to_string() == text)
            .ok_or_else(|| format!("`{text}` is no path: expected `auto`, `fused` or `composed`"))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Fused => "fused",
            Self::Composed => "composed",
        })
    }
}
