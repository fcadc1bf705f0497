//! A first inspection of a path, from which its format is recognised.

use std::{
    io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;

use super::bundle;
use crate::{
    dataset::DatasetError,
    files::{self, what_else},
};

/// The first bytes of every gzip file. The name says nothing: browsers like to unpack a `.gz` and keep its name.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// How often a file may be packed with gzip: some servers pack what is packed.
const PACKED: usize = 3;
/// How much of a file is looked at.
const LOOK: u64 = 4096;
/// How many names in a tar archive are looked at.
const NAMES: usize = 64;
/// How many names in a folder are looked at: a window that a folder is dropped on must not stand still.
const IN_FOLDER: usize = 2000;

/// A file or folder, looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) folder: bool,
    /// The first bytes of a file, unpacked where it is packed with gzip.
    pub(super) start: Vec<u8>,
    /// How many bytes the file has, as it lies there.
    pub(super) length: u64,
    /// The first names in a folder, at any depth, or in an archive, in order; `/` stands between their parts.
    pub(super) inside: Vec<String>,
}

impl Found {
    pub(super) fn at(path: &Path) -> Result<Self, DatasetError> {
        let mut found = Self { path: path.to_owned(), ..Self::default() };
        if files::is_dir(path) {
            found.folder = true;
            found.inside = bundle::names_in_folder(path, IN_FOLDER)?;
            return Ok(found);
        }
        if !files::is_file(path) && super::mnist::is_prefix(path) {
            return Ok(found);
        }
        let mut file = files::open(path).map_err(|cause| unreadable(path, &cause))?;
        found.length = file.seek(SeekFrom::End(0)).map_err(|cause| unreadable(path, &cause))?;
        let unpacked = unpacked(path)?;
        // What breaks off here says so when it is read.
        let _ = unpacked.take(LOOK).read_to_end(&mut found.start);
        if bundle::is_archive(&found.start) {
            found.inside = bundle::first_names(path, NAMES);
        }
        Ok(found)
    }

    /// The last part of its name.
    pub(super) fn name(&self) -> String {
        name_of(&self.path)
    }

    /// What is to be said where no format takes it.
    pub(super) fn looks(&self) -> String {
        if self.folder && self.inside.is_empty() {
            return "is an empty folder".to_owned();
        }
        if self.folder {
            let some: Vec<&str> = self.inside.iter().take(5).map(String::as_str).collect();
            return format!("is a folder of no format that is known here (in it: {}, …)", some.join(", "));
        }
        if self.start.is_empty() {
            return if self.length == 0 { "is an empty file".to_owned() } else { "cannot be unpacked".to_owned() };
        }
        what_else(&self.start)
            .map_or_else(|| format!("starts with the bytes {:02x?}", &self.start[..self.start.len().min(8)]), str::to_owned)
    }
}

/// The last part of a path as text.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What is said of a file that cannot be opened.
pub(super) fn unreadable(path: &Path, cause: &io::Error) -> DatasetError {
    DatasetError::Unreadable { path: path.to_owned(), cause: cause.to_string() }
}

/// The bytes of a file, without what packed it, be it once or twice.
pub(super) fn unpacked(path: &Path) -> Result<Box<dyn BufRead>, DatasetError> {
    let mut reader: Box<dyn BufRead> = Box::new(files::open(path).map_err(|cause| unreadable(path, &cause))?);
    // A file that a system does not let read says so here, one that is packed badly in its second layer.
    let mut begun = reader.fill_buf().map_err(|cause| unreadable(path, &cause))?.starts_with(&GZIP);
    for _ in 0..PACKED {
        if !begun {
            break;
        }
        reader = Box::new(BufReader::new(MultiGzDecoder::new(reader)));
        begun = match reader.fill_buf() {
            Ok(bytes) => bytes.starts_with(&GZIP),
            Err(cause) => {
                let found = format!("is packed with gzip and cannot be unpacked ({cause})");
                return Err(DatasetError::malformed(path, found, "a whole file; fetch it again"));
            }
        };
    }
    Ok(reader)
}

/// All bytes of a file, unpacked, of which there may be at most `most`.
pub(super) fn bytes_of(path: &Path, most: u64) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    let outcome = unpacked(path)?.take(most + 1).read_to_end(&mut bytes);
    outcome.map_err(|cause| {
        DatasetError::malformed(path, format!("breaks off after {} bytes ({cause})", bytes.len()), "a whole file; fetch it again")
    })?;
    if bytes.len() as u64 > most {
        return Err(DatasetError::malformed(path, format!("holds more than {most} bytes"), "less, which fits into memory"));
    }
    Ok(bytes)
}
