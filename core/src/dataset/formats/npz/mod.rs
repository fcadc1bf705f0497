//! NPZ files, NumPy's archives of arrays: samples in, adversarial examples out.
//!
//! An NPZ file is a zip archive with one NPY file per array. The archive is the zip crate's; the NPY header, one line of text, is
//! read and written here: a broken file must cost no memory and no panic, and the crates for it bring C compilers along.

mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{Arrays, GivenAdversarial, read_arrays, read_given};
pub use writer::{
    AdversarialExamples, AttackedSamples, write_adversarial, write_attacked, write_named, write_samples, write_verdicts,
};

use super::{Format, Reader, found::Found, only};
use crate::files::is_zip;

pub(in crate::dataset) const FORMAT: Format = Format {
    name: "npz",
    usage: "npz:FILE",
    about: "NPZ (NumPy's archive) with `x` and `y`",
    sniff,
    read: Reader::Numbers(|paths, range| reader::read(only(paths)?, range)),
};

fn sniff(found: &Found) -> bool {
    !found.folder && is_zip(&found.start) && found.inside.iter().any(|name| name.ends_with(".npy"))
}
