//! Where runs are kept, on a disk or in a browser, and what data can be read.

#[cfg(feature = "window")]
use std::path::{Path, PathBuf};

#[cfg(feature = "window")]
use gairat::{dataset::FORMATS, files};

/// The default folder of runs.
pub(crate) const RUNS: &str = "runs";

/// The run folders under `root`, the newest first.
#[cfg(feature = "window")]
pub(crate) fn list(root: &Path) -> Vec<PathBuf> {
    let entries = files::list(root).unwrap_or_default();
    let mut folders: Vec<PathBuf> = entries.into_iter().filter(|path| files::is_file(&path.join("settings.json"))).collect();
    // Their names begin with the moment they were made at.
    folders.sort_unstable_by(|a, b| b.cmp(a));
    folders
}

/// The formats of data, as they are told a person.
#[cfg(feature = "window")]
pub(crate) fn known_data() -> String {
    FORMATS.iter().map(|format| format.about).collect::<Vec<_>>().join("; ")
}
