//! The format of `torch.save` since PyTorch 1.6: a zip archive with the pickle `data.pkl` and a file of bytes for every storage.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
};

use zip::ZipArchive;

use super::{
    Container, Format, Unreadable,
    pytorch::{Pickled, Refusal, Storage},
    state_dict::{self, Piece},
};
use crate::files::{is_zip, names_in_zip, pickle};

pub(super) const FORMAT: Format = Format { title: "PyTorch zip", sniff: is_zip, read };

/// Pickles that are larger hold something other than weights: a network of a thousand layers has one of some hundred kilobytes.
const LARGEST_PICKLE: u64 = 64 << 20;

fn read(bytes: &[u8]) -> Result<Container, Unreadable> {
    let damaged = |error: zip::result::ZipError| {
        Unreadable::new(
            format!("a damaged zip archive ({error}); `torch.save` writes such archives"),
            "a whole one; copy or download it again",
        )
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let names = names_in_zip(&archive);
    let Some(root) = names.iter().find_map(|name| name.strip_suffix("data.pkl")).map(str::to_owned) else {
        let is = if names.iter().any(|name| name.ends_with(".npy")) {
            "a zip archive of NumPy arrays (NPZ)"
        } else {
            "a zip archive without `data.pkl`"
        };
        return Err(Unreadable::new(is, "one that `torch.save` wrote"));
    };
    let torch_script = names.iter().any(|name| name.starts_with(&format!("{root}code/")));
    let mut of = |name: &str, most: u64| -> Result<Vec<u8>, Unreadable> {
        let file = archive.by_name(&format!("{root}{name}")).map_err(damaged)?;
        if file.size() > most {
            return Err(Unreadable::new(format!("{name} of {} bytes", file.size()), format!("at most {most} bytes")));
        }
        let mut content = Vec::new();
        // The size in the archive may lie.
        file.take(most).read_to_end(&mut content).map_err(|error| damaged(error.into()))?;
        Ok(content)
    };
    if names.contains(&format!("{root}byteorder")) && of("byteorder", 16)? == b"big" {
        return Err(Unreadable::new("numbers of a machine with the highest byte first", "those of usual machines"));
    }
    let bytes_of_file = bytes.len();
    let bytes = of("data.pkl", LARGEST_PICKLE)?;
    let refused = |refusal: Refusal| refusal.unreadable(torch_script);
    let pickle = pickle::read(&bytes).map_err(|error| refused(error.into()))?;
    let pickled = Pickled::of(&pickle).map_err(refused)?;
    // A storage that several tensors look into is unpacked once.
    let mut unpacked: HashMap<String, Vec<u8>> = HashMap::new();
    state_dict::read(&pickled, bytes_of_file, &mut |storage: &Storage<'_>, piece: Piece<'_>| {
        let content = match unpacked.remove(storage.key) {
            Some(content) => content,
            None => of(&format!("data/{}", storage.key), (storage.bytes as u64).max(1))?,
        };
        let values = piece.of(&content);
        if !piece.is_last() {
            unpacked.insert(storage.key.to_owned(), content);
        }
        values
    })
}
