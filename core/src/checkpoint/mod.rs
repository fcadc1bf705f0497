//! What stays on disk: weights that PyTorch reads, and a run folder from which a run goes on.

mod run_folder;
mod weights;

pub use run_folder::{Progress, ResumeState, RunFolder, RunLock};
pub use weights::{read_weights, write_weights};

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Why a file could not be written or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The system refused.
    #[error("{}: {cause}. Check the path, its permissions and the space left.", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// The file is there and is not what it should be.
    #[error("{}: {found}; expected {expected}.", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// The folder is there already.
    #[error("{} exists already and is never overwritten: choose another --out, or go on with `--resume {}`.", .0.display(), .0.display())]
    Exists(PathBuf),
    /// Another process is at work there.
    #[error("{}: a run is at work in this folder; wait for it, or stop it with Ctrl+C.", .0.display())]
    Busy(PathBuf),
    /// There is no run to go on with.
    #[error("{}: no run to resume: it has no settings.json. Name the folder that `gairat train` printed as `run folder`.", .0.display())]
    NoRun(PathBuf),
}

impl CheckpointError {
    fn io(path: &Path, cause: &io::Error) -> Self {
        Self::Io { path: path.to_owned(), cause: cause.to_string() }
    }
}

/// Writes `bytes` under a temporary name beside `path` and renames it, so that `path` holds the old bytes or the new, never half.
///
/// # Errors
/// [`CheckpointError::Io`] with the system's words; the temporary file is gone then.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let write = || {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        // Without this a power failure could leave the new name with nothing in it.
        file.sync_data()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|error| {
        // The write has failed already; a leftover temporary file changes nothing about that.
        let _ = fs::remove_file(&temporary);
        CheckpointError::io(path, &error)
    })
}
