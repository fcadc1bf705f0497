//! Opening and saving: a list of runs, a field for paths, the system's own dialogs, and files that are dropped on the window.

use std::path::PathBuf;

use egui::{Id, Modal, ScrollArea, TextEdit, Ui};

use crate::{
    platform::outside::{self, Shelf},
    window::{actions::files::open_path, model::State},
};

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
            for ((face, about), browse) in outside::BROWSE.into_iter().zip([outside::browse_file, outside::browse_folder]) {
                if ui.button(face).on_hover_text(about).clicked() {
                    chosen = browse(ui.ctx());
                }
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

/// Says what may be dropped, while files are held over the window.
pub(crate) fn drop_ui(ui: &Ui) {
    if ui.input(|input| !input.raw.hovered_files.is_empty()) {
        let painter = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Foreground, Id::unique("drop")));
        let rect = ui.ctx().content_rect();
        painter.rect_filled(rect, 0.0, egui::Color32::from_black_alpha(160));
        let text = outside::DROP;
        painter.text(rect.center(), egui::Align2::CENTER_CENTER, text, egui::FontId::proportional(24.0), egui::Color32::WHITE);
    }
}
