//! Files of a run: weights that PyTorch reads and writes, and the run folder from which a run resumes.

mod formats;
mod layouts;
mod onnx;
mod run_folder;
mod tensorboard;
mod weights;

pub use onnx::{INPUT as ONNX_INPUT, OPSET as ONNX_OPSET, write_onnx};
pub use run_folder::{Progress, ResumeState, RunFolder, RunLock};
pub(crate) use tensorboard::EventFile;
pub use weights::{Reading, Weights, open_weights, read_weights, weights_in, write_weights};

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::files;

/// Why a file could not be written or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The system refused an operation.
    #[error("{}: {cause}. Check the path, its permissions and the space left.", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's message.
        cause: String,
    },
    /// The file has unexpected content.
    #[error("{}: {found}; expected {expected}.", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// The folder already exists.
    #[error("{} exists already and is never overwritten", .0.display())]
    Exists(PathBuf),
    /// Another process uses the folder.
    #[error("{}: a run is at work in this folder", .0.display())]
    Busy(PathBuf),
    /// The folder holds no run.
    #[error("{}: there is no run: it has no settings.json", .0.display())]
    NoRun(PathBuf),
}

impl CheckpointError {
    pub(crate) fn io(path: &Path, cause: &io::Error) -> Self {
        Self::Io { path: path.to_owned(), cause: cause.to_string() }
    }
}

/// Writes a file atomically: under a temporary name beside `path`, then renames it.
///
/// # Errors
/// [`CheckpointError::Io`] with the system's message; the temporary file is removed.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    files::write(path, bytes).map_err(|error| CheckpointError::io(path, &error))
}
