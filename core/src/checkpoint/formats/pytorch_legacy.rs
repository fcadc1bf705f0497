//! What `torch.save` wrote before PyTorch 1.6, and still writes with `_use_new_zipfile_serialization=False`: five pickles one after the
//! other (a magic number, the version, the machine, the object, the keys of its storages), then the storages.

use std::collections::HashMap;

use super::{
    Container, Format, Unreadable,
    pytorch::{self, Pickled, Storage},
    state_dict::{self, Piece},
};
use crate::files::pickle::Node;

/// Found by its magic number, 0x1950a86a20f9469cfc6c, in the first pickle.
pub(super) const FORMAT: Format = Format { title: "PyTorch before 1.6", sniff, read };

const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// Also a plain pickle: `read` says what is wrong with it.
fn sniff(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x80) && bytes.get(1).is_some_and(|protocol| *protocol <= 5) && bytes.get(8) != Some(&b'{')
}

fn read(bytes: &[u8]) -> Result<Container, Unreadable> {
    let mut rest = bytes;
    let mut next = || -> Result<Pickled, Unreadable> {
        let (pickled, length) = Pickled::of(rest).map_err(|error| pytorch::unreadable(error, false))?;
        rest = &rest[length..];
        Ok(pickled)
    };
    let magic = next()?;
    if *magic.graph.at(magic.root) != Node::Long(MAGIC.to_vec()) {
        return Err(Unreadable::new("a Python pickle that `torch.save` did not write", super::SAVE_PLAIN));
    }
    let version = next()?;
    if *version.graph.at(version.root) != Node::Int(1001) {
        return Err(Unreadable::new("another version of PyTorch's old format", "1001, which all since 0.1.10 write"));
    }
    let machine = next()?;
    let little = machine.entry(machine.root, "little_endian").is_none_or(|place| *machine.graph.at(place) != Node::Bool(false));
    if !little {
        return Err(Unreadable::new("numbers of a machine with the highest byte first", "those of usual machines"));
    }
    let pickled = next()?;
    let keys = next()?;
    let ends_early = || Unreadable::new("a PyTorch file that ends early", "a whole one; copy or download it again");
    // A storage is its count of numbers in eight bytes, and its bytes.
    let mut storages: HashMap<String, &[u8]> = HashMap::new();
    for key in keys.graph.sequence(keys.root).ok_or_else(ends_early)? {
        let key = keys.graph.text(*key).ok_or_else(ends_early)?;
        let (head, tail) = rest.split_first_chunk::<8>().ok_or_else(ends_early)?;
        let size = pickled.size_of(key).ok_or_else(ends_early)?;
        let length = usize::try_from(u64::from_le_bytes(*head)).ok().and_then(|count| count.checked_mul(size));
        let (storage, tail) = length.and_then(|length| tail.split_at_checked(length)).ok_or_else(ends_early)?;
        storages.insert(key.to_owned(), storage);
        rest = tail;
    }
    state_dict::read(&pickled, &mut |storage: &Storage, piece: Piece| {
        piece.of(storages.get(&storage.key).copied().ok_or_else(ends_early)?)
    })
}
