//! The window has a disk beside it.

use std::path::{Path, PathBuf};

use egui::{Context, Ui};
use gairat::files;

use super::super::state::State;

/// The button that asks for a file, and what it does.
pub(crate) const BROWSE: (&str, &str) = ("Browse…", "The system's own dialog");

/// A name for a new file beside the run that is open; it does not exist yet.
pub(crate) fn new_file(state: &mut State, name: &str, kind: &str) -> Option<PathBuf> {
    let Some(folder) = state.run().folder.clone() else {
        state.say("The run has no folder yet: wait until it has begun.", true);
        return None;
    };
    let file = (1..1000)
        .map(|number| folder.join(if number == 1 { format!("{name}.{kind}") } else { format!("{name}-{number}.{kind}") }))
        .find(|file| !files::exists(file));
    if file.is_none() {
        state.say(format!("{}: there are 999 such files already.", folder.display()), true);
    }
    file
}

/// Writes a file; gives what is to be said.
pub(crate) fn put(file: &Path, bytes: &[u8]) -> Result<String, String> {
    gairat::checkpoint::write_whole(file, bytes).map_err(|error| error.to_string())?;
    Ok(format!("Written: {}", file.display()))
}

/// A run folder, chosen in the system's own dialog.
pub(crate) fn browse(_ctx: &Context) -> Option<PathBuf> {
    rfd::FileDialog::new().set_title("Run folder").pick_folder()
}

/// Room for what [`run_ui`] shows.
pub(crate) const RUN_BUTTONS: f32 = 0.0;

/// What can be done with a run, besides opening it: on a disk other programs do that.
pub(crate) fn run_ui(_ui: &mut Ui, _run: &Path, _open: bool) -> Option<Result<String, String>> {
    None
}

/// What was dropped on the window.
pub(crate) fn arrived(ui: &Ui) -> Vec<Result<PathBuf, String>> {
    ui.input(|input| input.raw.dropped_files.first().map(|file| Ok(file.path().to_owned())).into_iter().collect())
}
