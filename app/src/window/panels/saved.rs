//! Saved runs in a table, to compare and to open them, and the curves of those that are ticked in one picture.

use std::path::PathBuf;

use egui::{Button, ComboBox, Grid, Id, Modal, ScrollArea, Ui};
use egui_plot::{Legend, Line, Plot, PlotPoints};

use super::axis;
use crate::window::{
    model::{
        State,
        curves::KINDS,
        saved::{SavedRun, SavedRuns},
    },
    theme,
};

/// The table, if it is open.
pub(crate) fn table_ui(ui: &mut Ui, state: &mut State) {
    let Some(mut saved) = state.saved.take() else { return };
    let mut opened = None;
    let modal = Modal::new(Id::unique("saved runs")).show(ui.ctx(), |ui| {
        let room = ui.ctx().content_rect();
        ui.set_width((room.width() - 32.0).min(980.0));
        ui.heading("Runs");
        if saved.rows.is_empty() {
            ui.weak("There is no run here yet.");
        } else {
            ui.label("Tick runs to draw their curves together. Accuracies are those of the test part at the end of a run.");
            let most = (room.height() * 0.36).max(100.0);
            ScrollArea::both().max_height(most).show(ui, |ui| opened = rows_ui(ui, &mut saved.rows));
            ui.separator();
            curves_ui(ui, &mut saved, (room.height() * 0.3).clamp(110.0, 300.0));
        }
        ui.button("Close").clicked()
    });
    match opened {
        Some(folder) => state.open_run(&folder),
        None if modal.inner || modal.should_close() => {}
        None => state.saved = Some(saved),
    }
}

/// The rows; the folder of the one that is to be opened.
fn rows_ui(ui: &mut Ui, rows: &mut [SavedRun]) -> Option<PathBuf> {
    let mut opened = None;
    Grid::new("saved runs").striped(true).spacing([16.0, 4.0]).show(ui, |ui| {
        for heading in ["run", "method", "data", "seed", "epochs", "natural", "PGD-20", "worst", ""] {
            ui.strong(heading);
        }
        ui.end_row();
        for row in rows {
            let of = |attack: &str| row.summary.as_ref().map(|summary| summary.accuracy(attack));
            let worst = row.summary.as_ref().map(|summary| summary.robust);
            let scores = [of("natural"), of("pgd:20"), worst];
            ui.checkbox(&mut row.chosen, row.name.as_str());
            ui.label(row.settings.method.title());
            ui.label(row.settings.data.to_string());
            ui.label(row.settings.seed.to_string());
            ui.label(format!("{} of {}", row.metrics.len(), row.settings.epochs));
            for score in scores {
                ui.monospace(score.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", 100.0 * share)));
            }
            let button = ui.add(Button::new("Open").small());
            button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Open {}", row.name)));
            if button.clicked() {
                opened = Some(row.folder.clone());
            }
            ui.end_row();
        }
    });
    opened
}

/// One curve of every run that is ticked.
fn curves_ui(ui: &mut Ui, saved: &mut SavedRuns, height: f32) {
    ui.horizontal(|ui| {
        let label = ui.label("Curve");
        ComboBox::from_id_salt("curve of saved runs")
            .selected_text(KINDS[saved.curve].name)
            .show_ui(ui, |ui| {
                for (place, kind) in KINDS.iter().enumerate() {
                    ui.selectable_value(&mut saved.curve, place, kind.name).on_hover_text(kind.doc);
                }
            })
            .response
            .labelled_by(label.id);
        if saved.rows.iter().all(|row| !row.chosen) {
            ui.weak("No run is ticked.");
        }
    });
    if saved.rows.iter().all(|row| !row.chosen) {
        // Room for the picture that a tick brings.
        ui.add_space(height);
        return;
    }
    let dark = ui.visuals().dark_mode;
    let value = KINDS[saved.curve].value;
    let plot = Plot::new("curves of saved runs")
        .height(height)
        .legend(Legend::default())
        .show_background(false)
        .grid_spacing(axis::FAINT)
        .x_grid_spacer(axis::few_whole)
        .y_grid_spacer(axis::few)
        .y_axis_formatter(|mark, _| axis::label(mark))
        .x_axis_label("epoch")
        .allow_scroll(false)
        .include_x(0.0)
        .include_y(0.0);
    plot.show(ui, |plot| {
        for (place, row) in saved.rows.iter().filter(|row| row.chosen).enumerate() {
            let points = row.metrics.iter().filter_map(|epoch| Some([f64::from(epoch.epoch), value(epoch)?]));
            let points = PlotPoints::from(points.collect::<Vec<[f64; 2]>>());
            plot.line(Line::new(row.name.clone(), points).color(theme::class(place, dark)).width(1.6));
        }
    });
}
