//! The window has a disk beside it.

use std::path::{Path, PathBuf};

use egui::{Context, Ui};
use gairat::files;

/// What is said while files are held over the program.
pub(crate) const DROP: &str = "Drop a run folder, settings (.json), weights (.pth, .safetensors) or data (NPZ, NPY, IDX, CIFAR, SVHN, CSV, Parquet, pictures by class)";

/// The buttons that ask for a file and for a folder, and what each does.
pub(crate) const BROWSE: [(&str, &str); 2] = [
    ("File…", "Data, weights (.pth, .safetensors) or settings (.json), chosen in the system's own dialog"),
    ("Folder…", "A run, or a folder of data, chosen in the system's own dialog"),
];

/// A name for a new file beside the run that is open; it does not exist yet.
///
/// # Errors
/// What is to be said where there can be none.
pub(crate) fn new_file(folder: Option<&Path>, name: &str, kind: &str) -> Result<PathBuf, String> {
    let folder = folder.ok_or("The run has no folder yet: wait until it has begun.")?;
    (1..1000)
        .map(|number| folder.join(if number == 1 { format!("{name}.{kind}") } else { format!("{name}-{number}.{kind}") }))
        .find(|file| !files::exists(file))
        .ok_or_else(|| format!("{}: there are 999 such files already.", folder.display()))
}

/// Writes a file; gives what is to be said.
pub(crate) fn put(file: &Path, bytes: &[u8]) -> Result<String, String> {
    gairat::checkpoint::write_whole(file, bytes).map_err(|error| error.to_string())?;
    Ok(format!("Written: {}", file.display()))
}

/// Does what takes its time beside the window.
pub(crate) fn beside(work: impl FnOnce() + Send + 'static) {
    std::thread::spawn(work);
}

/// Writes files, name and bytes, into a new folder `name` beside the run that is open; gives what is to be said.
///
/// # Errors
/// What is to be said where there is no folder, or it cannot be written to.
pub(crate) fn put_all(folder: Option<&Path>, name: &str, files: &[(String, Vec<u8>)]) -> Result<String, String> {
    let folder = folder.ok_or("The run has no folder yet: wait until it has begun.")?;
    if !files::is_dir(folder) {
        return Err(format!("{}: the folder of the run is gone, so there is nowhere to write to.", folder.display()));
    }
    let new = (1..1000)
        .map(|number| folder.join(if number == 1 { name.to_owned() } else { format!("{name}-{number}") }))
        .find(|folder| !files::exists(folder))
        .ok_or_else(|| format!("{}: there are 999 such folders already.", folder.display()))?;
    let failed = |error: std::io::Error| format!("{}: {error}", new.display());
    files::create_dir_all(&new).map_err(failed)?;
    for (name, bytes) in files {
        files::write(&new.join(name), bytes).map_err(failed)?;
    }
    Ok(format!("Written: {} files in {}", files.len(), new.display()))
}

/// A file, chosen in the system's own dialog.
pub(crate) fn browse_file(_ctx: &Context) -> Option<PathBuf> {
    rfd::FileDialog::new().set_title("Data, weights or settings").pick_file()
}

/// A folder, chosen in the system's own dialog.
pub(crate) fn browse_folder(_ctx: &Context) -> Option<PathBuf> {
    rfd::FileDialog::new().set_title("Folder of a run or of data").pick_folder()
}

/// What the list of what can be opened says besides the names of runs: on a disk nothing, because other programs do.
#[derive(Clone, Debug)]
pub(crate) struct Shelf;

impl Shelf {
    /// Whether a path can be typed.
    pub(crate) const PATHS: bool = true;
    /// Room for what [`Self::run_ui`] shows.
    pub(crate) const BUTTONS: f32 = 0.0;

    pub(crate) fn new(_ctx: &Context) -> Self {
        Self
    }

    /// Whether something is known anew, so that the list is to be made again.
    pub(crate) fn has_news(&mut self, _ctx: &Context) -> bool {
        false
    }

    /// Whether a run is known to be at work elsewhere; its lock file tells when it is opened.
    pub(crate) fn is_elsewhere(&self, _run: &Path) -> bool {
        false
    }

    /// What can be done with a run, besides opening it.
    pub(crate) fn run_ui(&mut self, _ui: &mut Ui, _run: &Path, _here: bool) {}

    /// What lies there besides runs.
    pub(crate) fn rest_ui(&mut self, _ui: &mut Ui) {}
}

/// What was done that takes its time; on a disk nothing does.
pub(crate) fn done() -> Vec<Result<String, String>> {
    Vec::new()
}

/// What was dropped on the window.
pub(crate) fn arrived(ui: &Ui) -> Vec<Result<PathBuf, String>> {
    ui.input(|input| input.raw.dropped_files.iter().map(|file| Ok(file.path().to_owned())).collect())
}
