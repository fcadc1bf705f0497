//! Opening and saving: a list of runs, a field for paths, the system's own dialogs, and files that are dropped on the window.

use std::path::{Path, PathBuf};

use egui::{Id, Modal, ScrollArea, TextEdit, Ui};
use gairat::{checkpoint::write_whole, settings::Settings};

use super::state::State;
use crate::run_folders;

/// Runs that are listed at most.
const LISTED: usize = 60;

/// The choice of what to open.
#[derive(Clone, Debug)]
pub(crate) struct OpenDialog {
    path: String,
    runs: Vec<PathBuf>,
}

impl OpenDialog {
    /// With the runs in `root`.
    pub(crate) fn new(root: Option<&Path>) -> Self {
        let mut runs = root.map(run_folders::list).unwrap_or_default();
        runs.truncate(LISTED);
        Self { path: String::new(), runs }
    }
}

/// The dialog, if it is open.
pub(crate) fn open_ui(ui: &mut Ui, state: &mut State) {
    let Some(mut dialog) = state.open.take() else { return };
    let mut chosen = None;
    let modal = Modal::new(Id::unique("open")).show(ui.ctx(), |ui| {
        ui.set_width(480.0);
        ui.heading("Open");
        ui.label("Go on with a saved run, or start one from a settings file. The run that is open is saved and kept.");
        ScrollArea::vertical().max_height(260.0).show(ui, |ui| {
            if dialog.runs.is_empty() {
                ui.weak("There is no run here yet.");
            }
            for run in &dialog.runs {
                let name = run.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if ui.add_sized([ui.available_width(), 22.0], egui::Button::new(name)).clicked() {
                    chosen = Some(run.clone());
                }
            }
        });
        ui.separator();
        let label = ui.label("Run folder, or settings.json:");
        let edit = ui.add(TextEdit::singleline(&mut dialog.path).desired_width(f32::INFINITY)).labelled_by(label.id);
        let enter = edit.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        ui.horizontal(|ui| {
            if (ui.button("Open").clicked() || enter) && !dialog.path.trim().is_empty() {
                chosen = Some(PathBuf::from(dialog.path.trim()));
            }
            if ui.button("Browse…").on_hover_text("The system's own dialog").clicked()
                && let Some(folder) = rfd::FileDialog::new().set_title("Run folder").pick_folder()
            {
                chosen = Some(folder);
            }
            ui.button("Cancel").clicked()
        })
        .inner
    });
    match chosen {
        Some(path) => {
            // What cannot be opened leaves the dialog open, so that the path can be mended.
            state.open = Some(dialog);
            open_path(state, &path);
        }
        None if modal.inner || modal.should_close() => {}
        None => state.open = Some(dialog),
    }
}

/// Opens a run folder, one of its files, or settings.
pub(crate) fn open_path(state: &mut State, path: &Path) {
    let folder_of = |file: &Path| file.parent().filter(|folder| folder.join("resume.safetensors").is_file()).map(Path::to_owned);
    if path.is_dir() {
        state.open_run(path);
    } else if path.extension().is_some_and(|kind| kind == "json") {
        // A run's own settings mean the run, if it got anywhere.
        match folder_of(path).filter(|_| path.file_name().is_some_and(|name| name == "settings.json")) {
            Some(folder) => state.open_run(&folder),
            None => match settings_in(path) {
                Ok(settings) => state.open_settings(settings),
                Err(problem) => state.say(problem, true),
            },
        }
    } else if path.extension().is_some_and(|kind| kind == "safetensors") {
        match folder_of(path) {
            Some(folder) => state.open_run(&folder),
            None => state.say(
                format!("{}: weights alone cannot be trained on; open the run folder that they are from.", path.display()),
                true,
            ),
        }
    } else if path.extension().is_some_and(|kind| kind == "npz") {
        let mut settings = state.form.clone();
        match settings.set("data", &format!("npz:{}", path.display())) {
            Ok(()) => state.open_settings(Settings::recipe(settings.data)),
            Err(error) => state.say(error.to_string(), true),
        }
    } else if path.exists() {
        state.say(format!("{}: expected a run folder, a settings file (.json) or data (.npz).", path.display()), true);
    } else {
        state.say(format!("{}: there is no such file or folder.", path.display()), true);
    }
}

fn settings_in(path: &Path) -> Result<Settings, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text)
        .map_err(|error| format!("{}: {error}; expected a JSON object such as a run's settings.json", path.display()))
}

/// A name for a new file beside the run that is open; it does not exist yet.
pub(crate) fn new_file(state: &mut State, name: &str, kind: &str) -> Option<PathBuf> {
    let Some(folder) = state.run().folder.clone() else {
        state.say("The run has no folder yet: wait until it has begun.", true);
        return None;
    };
    let file = (1..1000)
        .map(|number| folder.join(if number == 1 { format!("{name}.{kind}") } else { format!("{name}-{number}.{kind}") }))
        .find(|file| !file.exists());
    if file.is_none() {
        state.say(format!("{}: there are 999 such files already.", folder.display()), true);
    }
    file
}

/// Writes a file and says where it is.
pub(crate) fn write(state: &mut State, file: &Path, bytes: &[u8]) {
    match write_whole(file, bytes) {
        Ok(()) => state.say(format!("Written: {}", file.display()), false),
        Err(error) => state.say(error.to_string(), true),
    }
}

/// Writes the settings of the form.
pub(crate) fn save_settings(state: &mut State) {
    let Some(file) = new_file(state, "settings-saved", "json") else { return };
    match serde_json::to_vec_pretty(&state.form) {
        Ok(bytes) => write(state, &file, &bytes),
        Err(error) => state.say(error.to_string(), true),
    }
}

/// Takes what is dropped on the window.
pub(crate) fn dropped(ui: &Ui, state: &mut State) {
    let (dropped, hovering) = ui.input(|input| {
        let dropped: Vec<PathBuf> = input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect();
        (dropped, !input.raw.hovered_files.is_empty())
    });
    if let Some(path) = dropped.first() {
        open_path(state, path);
    }
    if hovering {
        let painter = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Foreground, Id::unique("drop")));
        let rect = ui.ctx().content_rect();
        painter.rect_filled(rect, 0.0, egui::Color32::from_black_alpha(160));
        let text = "Drop a run folder, settings (.json) or data (.npz)";
        painter.text(rect.center(), egui::Align2::CENTER_CENTER, text, egui::FontId::proportional(24.0), egui::Color32::WHITE);
    }
}
