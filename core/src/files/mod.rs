//! Access to files: on disk, or in a page in memory.
//!
//! All reads and writes of runs, data and checkpoints pass through this module, so that all doors keep the same files. A page's door copies
//! the files in memory to the browser's storage: see [`memory`].

#[cfg(not(target_arch = "wasm32"))]
mod disk;
pub mod memory;
pub(crate) mod pickle;
mod strangers;

#[cfg(not(target_arch = "wasm32"))]
pub use disk::{
    Lock, Opened, create_dir, create_dir_all, exists, is_dir, is_file, list, lock, open, read, remove, rename, write_with,
};
#[cfg(target_arch = "wasm32")]
pub use memory::{
    Lock, Opened, create_dir, create_dir_all, exists, is_dir, is_file, list, lock, open, read, remove, rename, write_with,
};

pub(crate) use strangers::{is_pickle, is_zip, names_in_zip, what_else};

use std::{
    io::{self, Seek, Write},
    path::{Path, PathBuf},
};

/// The writer of a file.
pub trait Out: Write + Seek {}

impl<T: Write + Seek> Out for T {}

/// A path whose `~` at the beginning is the user's home, as shells have it: none of them does that behind `npz:`.
pub fn expanded(path: &Path) -> PathBuf {
    let home = || std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
    match (path.strip_prefix("~"), home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

/// The text of a file.
///
/// # Errors
/// The system's, or that it is no UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Writes `bytes` so that `path` holds the old bytes or the new, never half.
///
/// # Errors
/// The system's; nothing has changed then.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(path, |out| out.write_all(bytes))
}
