//! The page has a browser around it: files come by upload and go by download.

use std::path::{Path, PathBuf};

use egui::{Context, Ui};

use super::super::state::State;
use crate::page::exchange;

/// The button that asks for a file, and what it does.
pub(crate) const BROWSE: (&str, &str) =
    ("Upload…", "Settings (.json), data (.npz) or a downloaded run (.zip) from this computer");

/// The name that a download gets.
pub(crate) fn new_file(_state: &mut State, name: &str, kind: &str) -> Option<PathBuf> {
    Some(PathBuf::from(format!("gairat-{name}.{kind}")))
}

/// Downloads a file; gives what is to be said.
pub(crate) fn put(file: &Path, bytes: &[u8]) -> Result<String, String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    exchange::download(&name, bytes)?;
    Ok(format!("Downloaded: {name}"))
}

/// Asks for files; they arrive later.
pub(crate) fn browse(ctx: &Context) -> Option<PathBuf> {
    exchange::upload(ctx);
    None
}

/// Room for what [`run_ui`] shows.
pub(crate) const RUN_BUTTONS: f32 = 160.0;

/// What can be done with a run, besides opening it; gives what is to be said of what was done.
pub(crate) fn run_ui(ui: &mut Ui, run: &Path, open: bool) -> Option<Result<String, String>> {
    if ui.button("Download").on_hover_text("As a .zip, which Upload… takes in again").clicked() {
        return Some(exchange::download_run(run));
    }
    let delete = ui.add_enabled(!open, egui::Button::new("Delete")).on_hover_text("Out of this browser, for good");
    if delete.clicked() {
        exchange::delete_run(run);
        let name = run.file_name().unwrap_or_default().to_string_lossy();
        return Some(Ok(format!("Deleted: {name}")));
    }
    None
}

/// What was dropped on the page or chosen, as soon as it is read.
pub(crate) fn arrived(ui: &Ui) -> Vec<Result<PathBuf, String>> {
    for file in ui.input(|input| input.raw.dropped_files.clone()) {
        exchange::read_dropped(file, ui.ctx());
    }
    exchange::arrived()
}
