//! Files on the disk.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use super::Out;

/// A file that is read.
pub type Opened = BufReader<File>;

/// A file that is held against others; released when it is dropped or its process ends.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock file that stays is harmless: what counts is whether a process holds it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Locks the file at `path`; `None` if another process holds the lock.
///
/// # Errors
/// The system's.
pub fn lock(path: &Path) -> io::Result<Option<Lock>> {
    let file = File::create(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock { path: path.to_owned(), _file: file })),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Opens a file for reading.
///
/// # Errors
/// The system's.
pub fn open(path: &Path) -> io::Result<Opened> {
    Ok(BufReader::new(File::open(path)?))
}

/// The bytes of a file.
///
/// # Errors
/// The system's.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

/// Writes under a temporary name beside `path` and renames it, so that `path` holds the old bytes or the new, never half.
///
/// # Errors
/// The system's, or what `write` says; the temporary file is gone then.
pub fn write_with(path: &Path, write: impl FnOnce(&mut dyn Out) -> io::Result<()>) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?.to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let write = || {
        let mut out = BufWriter::new(File::create(&temporary)?);
        write(&mut out)?;
        // Dropping the buffer would swallow the errors of the last write.
        out.flush()?;
        // Without this a power failure could leave the new name with nothing in it.
        out.get_ref().sync_data()?;
        fs::rename(&temporary, path)
    };
    write().inspect_err(|_| {
        // The write has failed already; a leftover temporary file changes nothing about that.
        let _ = fs::remove_file(&temporary);
    })
}

/// Gives a file another name, in the place of what may be there.
///
/// # Errors
/// The system's.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Removes a file.
///
/// # Errors
/// The system's.
pub fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Whether there is anything at `path`.
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// Whether there is a file at `path`.
pub fn is_file(path: &Path) -> bool {
    path.is_file()
}

/// Whether there is a folder at `path`.
pub fn is_dir(path: &Path) -> bool {
    path.is_dir()
}

/// Makes a folder where nothing is.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], also if two ask at the same moment, or the system's.
pub fn create_dir(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Makes a folder and those above it, where they are not there yet.
///
/// # Errors
/// The system's.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// What is in a folder.
///
/// # Errors
/// The system's.
pub fn list(path: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(fs::read_dir(path)?.flatten().map(|entry| entry.path()).collect())
}
