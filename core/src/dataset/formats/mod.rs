//! The files that samples come in, one format each, and the list of them.
//!
//! A new format is one file with a [`Format`] in it and one line in [`FORMATS`]. What its usage says is what help texts and errors say.

mod bundle;
mod cifar;
#[cfg(not(target_arch = "wasm32"))]
mod codecs;
#[cfg(target_arch = "wasm32")]
#[path = "codecs_outside.rs"]
mod codecs;
mod csv;
mod found;
mod idx;
mod image_folder;
mod labels;
mod mat;
mod mnist;
mod npy;
mod npy_pair;
pub(super) mod npz;
mod parquet;
mod picture;
mod pixels;
mod svhn;

#[cfg(target_arch = "wasm32")]
pub use codecs::{Decode, set_codecs};
pub use image_folder::is_picture;
pub(in crate::dataset) use labels::strange;
pub(in crate::dataset) use mnist::source_of as of_idx_files;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use found::Found;

use crate::dataset::{DataRange, DatasetError, Raw};

/// A format that samples come in.
pub struct Format {
    /// What stands before the colon, as in `npz:FILE`.
    pub name: &'static str,
    /// How it is written after `--data`.
    pub usage: &'static str,
    /// What it is, in half a sentence.
    pub about: &'static str,
    /// Whether what lies at a path is of this format, by its content.
    sniff: fn(&Found) -> bool,
    /// Reads the files of one set.
    read: Reader,
}

/// How a format is read.
enum Reader {
    /// Its numbers are bytes, whatever is in a file.
    Bytes(fn(&[PathBuf]) -> Result<Raw, DatasetError>),
    /// The same, but bytes come of it only through decoders that a page has to load first.
    Pictures(fn(&[PathBuf]) -> Result<Raw, DatasetError>),
    /// Its numbers may have any range.
    Numbers(fn(&[PathBuf], &DataRange) -> Result<Raw, DatasetError>),
}

/// All formats; where a file could be of two, the earlier one is taken.
pub const FORMATS: &[&Format] = &[
    &npz::FORMAT,
    &npy_pair::FORMAT,
    &mnist::FORMAT,
    &idx::FORMAT,
    &cifar::FORMAT,
    &svhn::FORMAT,
    &parquet::FORMAT,
    &image_folder::FORMAT,
    &csv::FORMAT,
];

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Format {}

impl Format {
    /// The format of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().copied().find(|format| format.name == name)
    }

    /// The format of what lies at these paths, by its content.
    ///
    /// # Errors
    /// What cannot be read, or is of no format here; then what it looks like instead.
    pub(super) fn of(paths: &[PathBuf]) -> Result<&'static Self, DatasetError> {
        let path = paths.first().map_or(Path::new(""), PathBuf::as_path);
        let found = Found::at(path)?;
        FORMATS.iter().copied().find(|format| (format.sniff)(&found)).ok_or_else(|| {
            let known = FORMATS.iter().map(|format| format.about).collect::<Vec<_>>().join("; ");
            DatasetError::malformed(path, found.looks(), format!("one of: {known}"))
        })
    }

    /// Whether a page has to load decoders before this is read.
    pub(super) fn needs_codecs(&self) -> bool {
        matches!(self.read, Reader::Pictures(_))
    }

    /// Reads the samples of these files.
    pub(super) fn read(&self, paths: &[PathBuf], range: &DataRange) -> Result<Raw, DatasetError> {
        match self.read {
            Reader::Numbers(read) => read(paths, range),
            Reader::Bytes(read) | Reader::Pictures(read) if *range == DataRange::Auto => read(paths),
            Reader::Bytes(_) | Reader::Pictures(_) => {
                let path = paths.first().map_or(Path::new(""), PathBuf::as_path);
                Err(DatasetError::malformed(path, format!("holds bytes, as all {} files do", self.name), "--data-range auto"))
            }
        }
    }
}

/// What lies at a path, in a few words, where no format takes it.
pub(super) fn looks(path: &Path) -> String {
    Found::at(path).map_or_else(|error| error.to_string(), |found| found.looks())
}

/// The only path of a format that takes one.
fn only(paths: &[PathBuf]) -> Result<&Path, DatasetError> {
    match paths {
        [path] => Ok(path),
        [] => Err(DatasetError::malformed(Path::new(""), "no file is named", "one file or folder")),
        [first, second, ..] => {
            let found = format!("came together with {}, and each of the two is a whole set", first.display());
            Err(DatasetError::malformed(second, found, "one file or folder alone"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_whole_sets_are_both_named() {
        let error = only(&["one.npz".into(), "two.npz".into()]).expect_err("there are two").to_string();
        assert!(error.contains("one.npz") && error.contains("two.npz"), "{error}");
    }
}
