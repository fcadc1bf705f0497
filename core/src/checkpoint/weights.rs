//! Weights as safetensors, with PyTorch's names and layouts.

use std::{collections::HashMap, path::Path};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{CheckpointError, write_whole};
use crate::{
    files,
    model::{NamedTensor, Parameters},
};

/// The one key of the file's metadata. One, because safetensors keeps metadata in an unordered map, and files of equal runs are
/// equal byte for byte.
const METADATA_KEY: &str = "gairat";

/// Tensors as a safetensors file, `about` in its metadata.
pub(super) fn to_bytes(path: &Path, tensors: &Parameters, about: &str) -> Result<Vec<u8>, CheckpointError> {
    let malformed = |found: String| CheckpointError::Malformed {
        path: path.to_owned(),
        found,
        expected: "tensors whose sizes match their shapes".to_owned(),
    };
    let views: Vec<(&String, TensorView<'_>)> = tensors
        .iter()
        .map(|(name, tensor)| {
            TensorView::new(Dtype::F32, tensor.shape.clone(), bytemuck::cast_slice(&tensor.values)).map(|view| (name, view))
        })
        .collect::<Result<_, _>>()
        .map_err(|error| malformed(error.to_string()))?;
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), about.to_owned())]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| malformed(error.to_string()))
}

/// The tensors of a safetensors file and what its metadata says about it, if this program wrote it.
pub(super) fn from_bytes(path: &Path, bytes: &[u8]) -> Result<(Parameters, Option<String>), CheckpointError> {
    let malformed = |found: String, expected: &str| CheckpointError::Malformed {
        path: path.to_owned(),
        found,
        expected: expected.to_owned(),
    };
    let unreadable = |error: safetensors::SafeTensorError| malformed(format!("not readable ({error})"), "a safetensors file");
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
    let about = metadata.metadata().as_ref().and_then(|map| map.get(METADATA_KEY).cloned());
    let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
    let mut tensors = Parameters::new();
    for (name, view) in file.iter() {
        // Counters of PyTorch's batch norm are whole numbers, and not needed.
        if name.ends_with("num_batches_tracked") {
            continue;
        }
        if view.dtype() != Dtype::F32 {
            return Err(malformed(format!("`{name}` holds {:?}", view.dtype()), "32-bit floats (`tensor.float()` in PyTorch)"));
        }
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        // What nn.DataParallel puts before every name.
        let name = name.strip_prefix("module.").unwrap_or(name);
        tensors.insert(name.to_owned(), NamedTensor { shape: view.shape().to_vec(), values });
    }
    Ok((tensors, about))
}

/// Writes weights; `torch.nn.Module.load_state_dict(safetensors.torch.load_file(path))` reads them.
///
/// # Errors
/// [`CheckpointError`] with the path; an older file is left as it was.
pub fn write_weights(path: &Path, tensors: &Parameters, about: &str) -> Result<(), CheckpointError> {
    write_whole(path, &to_bytes(path, tensors, about)?)
}

/// Reads weights that this program or `safetensors.torch.save_file` wrote.
///
/// # Errors
/// [`CheckpointError`] names the file, what was found and what was expected.
pub fn read_weights(path: &Path) -> Result<Parameters, CheckpointError> {
    let bytes = files::read(path).map_err(|error| CheckpointError::io(path, &error))?;
    Ok(from_bytes(path, &bytes)?.0)
}
