//! The format of `torch.save` before PyTorch 1.6, and still with `_use_new_zipfile_serialization=False`: five consecutive pickles (a magic
//! number, the version, the machine, the object, the keys of its storages), then the storages.

use std::{borrow::Cow, collections::HashMap};

use super::{
    Container, Format, Unreadable,
    pytorch::{Pickled, Refusal, Storage},
    state_dict::{self, Piece},
};
use crate::files::{
    is_pickle,
    pickle::{self, Node, Pickle},
};

/// Found by its magic number, 0x1950a86a20f9469cfc6c, in the first pickle.
pub(super) const FORMAT: Format = Format { title: "PyTorch before 1.6", sniff, read };

const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// Also a plain pickle: `read` says what is wrong with it.
fn sniff(bytes: &[u8]) -> bool {
    is_pickle(bytes) && bytes.get(8) != Some(&b'{')
}

fn read(bytes: &[u8]) -> Result<Container, Unreadable> {
    let mut rest = bytes;
    let refused = |refusal: Refusal| refusal.unreadable(false);
    let mut next = || -> Result<Pickle<'_>, Unreadable> {
        let pickle = pickle::read(rest).map_err(|error| refused(error.into()))?;
        Pickled::of(&pickle).map_err(refused)?;
        rest = &rest[pickle.length()..];
        Ok(pickle)
    };
    if *next()?.root().node() != Node::LongInt(Cow::Borrowed(&MAGIC)) {
        return Err(Unreadable::new("a Python pickle that `torch.save` did not write", super::SAVE_PLAIN));
    }
    if *next()?.root().node() != Node::Int(1001) {
        return Err(Unreadable::new("another version of PyTorch's old format", "1001, which all since 0.1.10 write"));
    }
    if next()?.root().get("little_endian").is_some_and(|little| *little.node() == Node::Bool(false)) {
        return Err(Unreadable::new("numbers of a machine with the highest byte first", "those of usual machines"));
    }
    let (pickle, keys) = (next()?, next()?);
    let pickled = Pickled::of(&pickle).map_err(refused)?;
    let ends_early = || Unreadable::new("a PyTorch file that ends early", "a whole one; copy or download it again");
    // A storage is its count of numbers in eight bytes, and its bytes.
    let mut storages: HashMap<&str, &[u8]> = HashMap::new();
    for key in keys.root().sequence().ok_or_else(ends_early)? {
        let key = key.text().ok_or_else(ends_early)?;
        let (head, tail) = rest.split_first_chunk::<8>().ok_or_else(ends_early)?;
        let size = pickled.size_of(key).ok_or_else(ends_early)?;
        let length = usize::try_from(u64::from_le_bytes(*head)).ok().and_then(|count| count.checked_mul(size));
        let (storage, tail) = length.and_then(|length| tail.split_at_checked(length)).ok_or_else(ends_early)?;
        storages.insert(key, storage);
        rest = tail;
    }
    state_dict::read(&pickled, bytes.len(), &mut |storage: &Storage<'_>, piece: Piece<'_>| {
        piece.of(storages.get(storage.key).copied().ok_or_else(ends_early)?)
    })
}
