//! Files of weights. One file a format, and [`FORMATS`], the list.

mod element;
mod pytorch;
mod pytorch_legacy;
mod pytorch_zip;
mod safetensors;
mod state_dict;

use crate::model::NamedTensor;

pub(super) use self::safetensors::{from_bytes, to_bytes};

/// What a file of weights holds, by the names that it has there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Container {
    /// Tensors of numbers in the order of the file, in the names there. PyTorch's counters of batches are left out.
    pub(super) tensors: Vec<(String, NamedTensor)>,
    /// The kinds of numbers that were not `f32`, as PyTorch calls them.
    pub(super) converted: Vec<&'static str>,
    /// Where in the file's dictionaries the weights were.
    pub(super) found_under: Option<String>,
    /// Weights elsewhere in the file, which were not read.
    pub(super) beside: Vec<String>,
    /// What the metadata says, where this program wrote it.
    pub(super) about: Option<String>,
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// What is there.
    pub(super) found: String,
    /// What should be, and what to do.
    pub(super) expected: String,
}

impl Unreadable {
    fn new(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { found: found.into(), expected: expected.into() }
    }
}

/// A format of files of weights.
pub(super) struct Format {
    /// What it is called.
    pub(super) title: &'static str,
    /// Whether bytes look like it.
    sniff: fn(&[u8]) -> bool,
    /// Reads it.
    read: fn(&[u8]) -> Result<Container, Unreadable>,
}

/// What can be read, found by content and not by name.
const FORMATS: [&Format; 3] = [&pytorch_zip::FORMAT, &pytorch_legacy::FORMAT, &safetensors::FORMAT];

/// How weights are saved so that they can be read here.
const SAVE_PLAIN: &str = "plain weights: `torch.save(model.state_dict(), FILE)` or `safetensors.torch.save_file`";

/// Reads bytes of any format that is known.
///
/// # Errors
/// [`Unreadable`] says what the bytes are, if they are not what is wanted.
pub(super) fn read(bytes: &[u8]) -> Result<(&'static Format, Container), Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::new("an empty file", "weights; copy or download it again"));
    }
    if let Some(format) = FORMATS.into_iter().find(|format| (format.sniff)(bytes)) {
        return Ok((format, (format.read)(bytes)?));
    }
    let is = crate::files::what_else(bytes).unwrap_or("is no file of weights that is known");
    Err(Unreadable::new(format!("it {is}"), "weights as PyTorch (.pth, .pt) or safetensors writes them"))
}

#[cfg(test)]
mod tests;
