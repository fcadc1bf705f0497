//! Which way an attack takes: as one operation, or layer by layer through the tensor library.

use std::{fmt, str::FromStr};

use burn::tensor::Device;

use super::attack_mlp;
use crate::{
    device,
    model::{Classifier, Program},
    pace,
};

/// The way that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Path {
    /// Fused where that is possible, else composed.
    #[default]
    Auto,
    /// The whole attack as one operation; faster, with the same result but for rounding. Ask [`Path::taken`] whether it is there:
    /// an attack itself goes the composed way where it is not.
    Fused,
    /// Forward pass, loss, backward pass and step as operations of the tensor library, K times.
    Composed,
}

/// The fused way was asked for and is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("path: fused is not possible here: {why}; use auto or composed")]
pub struct PathError {
    /// What about the network or the device is in the way.
    pub why: String,
}

impl Path {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Fused, Self::Composed];

    /// The way an attack on `model` takes on `device`: never [`Path::Auto`].
    ///
    /// # Errors
    /// [`PathError`] when the fused way is asked for and is not there.
    pub fn taken<M: Classifier + ?Sized>(self, model: &M, device: &Device) -> Result<Self, PathError> {
        match (self, whole(model.program(), device)) {
            (Self::Composed, _) | (Self::Auto, Err(_)) => Ok(Self::Composed),
            (_, Ok(_)) => Ok(Self::Fused),
            (Self::Fused, Err(why)) => Err(PathError { why }),
        }
    }

    /// The same, with what the way needs.
    pub(super) fn way<M: Classifier + ?Sized>(self, model: &M, device: &Device) -> Way {
        let program = model.program();
        let multiplications = program.as_ref().map(|program| program.layers.multiplications());
        match (self, whole(program, device)) {
            (Self::Auto | Self::Fused, Ok(program)) => Way::Fused(program),
            _ => Way::Composed { together: multiplications.filter(|_| !device::is_cpu(device)).map(pace::samples_together) },
        }
    }
}

/// The way an attack takes.
pub(super) enum Way {
    /// This program as a whole.
    Fused(Program),
    /// Layer by layer, so many samples at a time; `None` for all at once.
    Composed { together: Option<usize> },
}

/// The program, if the device can run it as a whole: the CPU every one, a GPU perceptrons of limited size. Else why not.
fn whole(program: Option<Program>, device: &Device) -> Result<Program, String> {
    let program = program.ok_or("this network cannot be written as a list of layers")?;
    if !program.is_frozen() {
        return Err("the network is in training".to_owned());
    }
    if !device::is_cpu(device) {
        attack_mlp::sizes(&program.layers).map_err(|why| format!("{why} into the kernel on a GPU"))?;
    }
    Ok(program)
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
