//! Opening and saving: a list of runs, a field for paths, the system's own dialogs, and files that are dropped on the window.

use std::path::{Path, PathBuf};

use egui::{Id, Modal, ScrollArea, TextEdit, Ui};
use gairat::{
    dataset::{FORMATS, Source},
    files,
    settings::Settings,
};

use super::{
    outside::{self, Shelf},
    state::State,
};
use crate::run_folders;

/// Runs that are listed at most.
const LISTED: usize = 60;

/// The choice of what to open.
#[derive(Clone, Debug)]
pub(crate) struct OpenDialog {
    path: String,
    root: Option<PathBuf>,
    runs: Vec<PathBuf>,
    shelf: Shelf,
}

impl OpenDialog {
    /// With the runs in `root`.
    pub(crate) fn new(root: Option<&Path>, ctx: &egui::Context) -> Self {
        let mut dialog = Self { path: String::new(), root: root.map(Path::to_owned), runs: Vec::new(), shelf: Shelf::new(ctx) };
        dialog.list();
        dialog
    }

    fn list(&mut self) {
        self.runs = self.root.as_deref().map(run_folders::list).unwrap_or_default();
        self.runs.truncate(LISTED);
    }
}

/// The dialog, if it is open.
pub(crate) fn open_ui(ui: &mut Ui, state: &mut State) {
    let Some(mut dialog) = state.open.take() else { return };
    if dialog.shelf.has_news(ui.ctx()) {
        dialog.list();
    }
    let mut chosen = None;
    let modal = Modal::new(Id::unique("open")).show(ui.ctx(), |ui| {
        ui.set_width((ui.ctx().content_rect().width() - 32.0).min(480.0));
        ui.heading("Open");
        ui.label("Go on with a saved run, or start one from a settings file. The run that is open is saved and kept.");
        let room = (ui.ctx().content_rect().height() - 260.0).clamp(80.0, 260.0);
        ScrollArea::vertical().max_height(room).show(ui, |ui| {
            if dialog.runs.is_empty() {
                ui.weak("There is no run here yet.");
            }
            for run in &dialog.runs {
                let name = run.file_name().unwrap_or_default().to_string_lossy().into_owned();
                ui.horizontal(|ui| {
                    let here = state.runs.iter().any(|one| one.folder.as_ref() == Some(run));
                    let elsewhere = !here && dialog.shelf.is_elsewhere(run);
                    let face = if elsewhere { format!("at work in another tab: {name}") } else { name.clone() };
                    let button = egui::Button::new(face).truncate();
                    let button = ui
                        .add_enabled_ui(!elsewhere, |ui| ui.add_sized([ui.available_width() - Shelf::BUTTONS, 22.0], button))
                        .inner
                        .on_disabled_hover_text("It is at work in another tab");
                    let about = if elsewhere { format!("{name}, at work in another tab") } else { name };
                    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, !elsewhere, &about));
                    if button.clicked() {
                        chosen = Some(run.clone());
                    }
                    dialog.shelf.run_ui(ui, run, here);
                });
            }
            dialog.shelf.rest_ui(ui);
        });
        ui.separator();
        let mut enter = false;
        if Shelf::PATHS {
            let label = ui.label("Run folder, or settings.json:");
            let edit = ui.add(TextEdit::singleline(&mut dialog.path).desired_width(f32::INFINITY)).labelled_by(label.id);
            enter = edit.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        }
        ui.horizontal(|ui| {
            if Shelf::PATHS && (ui.button("Open").clicked() || enter) && !dialog.path.trim().is_empty() {
                chosen = Some(PathBuf::from(dialog.path.trim()));
            }
            if ui.button(outside::BROWSE.0).on_hover_text(outside::BROWSE.1).clicked() {
                chosen = outside::browse(ui.ctx());
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
    let folder_of =
        |file: &Path| file.parent().filter(|folder| files::is_file(&folder.join("resume.safetensors"))).map(Path::to_owned);
    if files::is_dir(path) {
        // A folder is a run, unless it is data.
        let run = ["settings.json", "metrics.jsonl"].iter().any(|file| files::is_file(&path.join(file)));
        match if run { Ok(None) } else { Source::of_files(&[path.to_owned()]) } {
            Ok(Some(source)) => state.open_settings(Settings::recipe(source)),
            _ => state.open_run(path),
        }
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
    } else if files::exists(path) {
        match Source::of_files(&[path.to_owned()]) {
            Ok(Some(source)) => state.open_settings(Settings::recipe(source)),
            Ok(None) => {
                state.say(format!("{}: expected a run, settings (.json) or data: {}.", path.display(), known_data()), true)
            }
            Err(problem) => state.say(problem, true),
        }
    } else {
        state.say(format!("{}: there is no such file or folder.", path.display()), true);
    }
}

/// The formats of data, as they are told a person.
pub(crate) fn known_data() -> String {
    FORMATS.iter().map(|format| format.about).collect::<Vec<_>>().join("; ")
}

fn settings_in(path: &Path) -> Result<Settings, String> {
    let text = files::read_text(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text)
        .map_err(|error| format!("{}: {error}; expected a JSON object such as a run's settings.json", path.display()))
}

/// Writes the settings of the form.
pub(crate) fn save_settings(state: &mut State) {
    let Some(file) = outside::new_file(state, "settings-saved", "json") else { return };
    match serde_json::to_vec_pretty(&state.form) {
        Ok(bytes) => write(state, &file, &bytes),
        Err(error) => state.say(error.to_string(), true),
    }
}

/// Gives a file away and says where it is.
pub(crate) fn write(state: &mut State, file: &Path, bytes: &[u8]) {
    match outside::put(file, bytes) {
        Ok(told) => state.say(told, false),
        Err(problem) => state.say(problem, true),
    }
}

/// Takes what is dropped on the window, and what was chosen in a dialog.
pub(crate) fn arrived(ui: &Ui, state: &mut State) {
    for told in outside::done() {
        match told {
            Ok(done) => state.say(done, false),
            Err(problem) => state.say(problem, true),
        }
    }
    let mut paths = Vec::new();
    for arrived in outside::arrived(ui) {
        match arrived {
            Ok(path) => paths.push(path),
            Err(problem) => state.say(problem, true),
        }
    }
    match if paths.len() > 1 { Source::of_files(&paths) } else { Ok(None) } {
        Ok(Some(source)) => state.open_settings(Settings::recipe(source)),
        Ok(None) => {
            // Of several runs the last is opened; all are listed.
            if let Some(path) = paths.last() {
                open_path(state, path);
            }
        }
        Err(problem) => state.say(problem, true),
    }
    if ui.input(|input| !input.raw.hovered_files.is_empty()) {
        let painter = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Foreground, Id::unique("drop")));
        let rect = ui.ctx().content_rect();
        painter.rect_filled(rect, 0.0, egui::Color32::from_black_alpha(160));
        let text = outside::DROP;
        painter.text(rect.center(), egui::Align2::CENTER_CENTER, text, egui::FontId::proportional(24.0), egui::Color32::WHITE);
    }
}
