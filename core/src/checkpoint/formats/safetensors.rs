//! safetensors.

use std::{collections::HashMap, path::Path};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{super::CheckpointError, Container, Format, Unreadable, element::Element, state_dict::is_counter};
use crate::model::{NamedTensor, Parameters};

/// The one key of the file's metadata. One, because safetensors keeps metadata in an unordered map, and files of equal runs are
/// equal byte for byte.
const METADATA_KEY: &str = "gairat";

/// Found by the length at its beginning and the JSON behind it.
pub(super) const FORMAT: Format = Format { title: "safetensors", sniff: |bytes| bytes.get(8) == Some(&b'{'), read };

fn element(dtype: Dtype) -> Option<Element> {
    Some(match dtype {
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::BF16,
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        _ => return None,
    })
}

fn read(bytes: &[u8]) -> Result<Container, Unreadable> {
    let unreadable = |error: safetensors::SafeTensorError| {
        Unreadable::new(format!("a damaged safetensors file ({error})"), "a whole one; copy or download it again")
    };
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
    let about = metadata.metadata().as_ref().and_then(|map| map.get(METADATA_KEY).cloned());
    let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
    let mut container = Container { about, ..Container::default() };
    for (name, view) in file.iter() {
        if is_counter(name) {
            continue;
        }
        let element = element(view.dtype()).ok_or_else(|| {
            Unreadable::new(
                format!("`{name}` holds {:?}", view.dtype()),
                "floats of 16, 32 or 64 bits (`tensor.float()` in PyTorch)",
            )
        })?;
        if element != Element::F32 && !container.converted.contains(&element.name()) {
            container.converted.push(element.name());
        }
        let tensor = NamedTensor { shape: view.shape().to_vec(), values: element.values(view.data()) };
        container.tensors.push((name.to_owned(), tensor));
    }
    Ok(container)
}

/// Tensors as a safetensors file, `about` in its metadata.
pub(in crate::checkpoint) fn to_bytes(path: &Path, tensors: &Parameters, about: &str) -> Result<Vec<u8>, CheckpointError> {
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

/// The tensors of a safetensors file that this program wrote, by the names that it gave, and what its metadata says.
pub(in crate::checkpoint) fn from_bytes(path: &Path, bytes: &[u8]) -> Result<(Parameters, Option<String>), CheckpointError> {
    let malformed = |Unreadable { found, expected }| CheckpointError::Malformed { path: path.to_owned(), found, expected };
    let container = read(bytes).map_err(malformed)?;
    Ok((container.tensors.into_iter().collect(), container.about))
}
