//! Keys and marks, and the way back to an earlier epoch.

use egui::{Grid, Id, Modal, ScrollArea, Ui};

use crate::window::{
    actions::{Action, Menu, keys::printed},
    model::State,
};

/// What the marks mean.
const MARKS: [(&str, &str); 10] = [
    ("shape", "a natural point; each class has a shape and a colour"),
    ("larger", "a greater weight ω: its area is in proportion, beside the mean of all"),
    ("paler", "a higher κ: the attack takes longer to break it (in the dark theme darker)"),
    ("faint", "one of the many behind some 250 that are drawn in full, evenly over the data"),
    ("× or diamond", "the adversarial partner of a point drawn in full: broken / withstood"),
    ("box", "the ball of radius ε that the attack may move in"),
    ("κ", "how many of the K attack steps it is classified correctly before"),
    ("ω", "how much a sample counts; the method says what that depends on"),
    ("λ", "where weights follow from κ, lower: only samples that break early count"),
    ("margin", "z_y − the next greatest logit; below 0 is misclassified"),
];

/// Help, if it is open.
pub(crate) fn help_ui(ui: &mut Ui, state: &mut State) {
    if !state.help {
        return;
    }
    let modal = Modal::new(Id::unique("help")).show(ui.ctx(), |ui| {
        let room = ui.ctx().content_rect();
        ui.set_width((room.width() - 32.0).min(520.0));
        ui.heading("Keys and marks");
        ScrollArea::vertical().max_height((room.height() - 130.0).clamp(80.0, 460.0)).show(ui, |ui| {
            ui.strong("Marks");
            Grid::new("marks").num_columns(2).spacing([16.0, 3.0]).show(ui, |ui| {
                for (mark, text) in MARKS {
                    ui.label(mark);
                    ui.label(text);
                    ui.end_row();
                }
            });
            for menu in Menu::ALL {
                ui.add_space(6.0);
                ui.strong(menu.name());
                Grid::new(menu.name()).num_columns(2).spacing([16.0, 3.0]).show(ui, |ui| {
                    for action in Action::here().filter(|action| action.menu() == menu) {
                        let Some(keys) = action.keys() else { continue };
                        ui.monospace(printed(ui.ctx(), &keys));
                        ui.label(action.name()).on_hover_text(action.doc());
                        ui.end_row();
                    }
                });
            }
        });
        ui.button("Close").clicked()
    });
    if modal.inner || modal.should_close() {
        state.help = false;
    }
}

/// The choice of an epoch to go back to, if it is open.
pub(crate) fn rewind_ui(ui: &mut Ui, state: &mut State) {
    if !state.rewind {
        return;
    }
    let epochs: Vec<u32> = state.run().history.iter().map(|kept| kept.progress.epoch).collect();
    let mut chosen = None;
    let modal = Modal::new(Id::unique("rewind")).show(ui.ctx(), |ui| {
        ui.set_width(340.0);
        ui.heading("Rewind");
        ui.label("Go on from the end of an earlier epoch, in a run of its own. The run that is open is saved and kept.");
        let now = state.run().place.epoch;
        ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
            for epoch in epochs.iter().rev().filter(|epoch| **epoch < now || now == 0) {
                let text = match state.run().metrics.iter().find(|metrics| metrics.epoch == *epoch) {
                    Some(metrics) => format!(
                        "epoch {epoch} · train robust {:.1} % · mean κ {:.1}",
                        100.0 * metrics.train_robust,
                        metrics.mean_kappa
                    ),
                    None => format!("epoch {epoch} · the first weights"),
                };
                if ui.button(text).clicked() {
                    chosen = Some(*epoch);
                }
            }
        });
        ui.button("Cancel").clicked()
    });
    match chosen {
        Some(epoch) => state.rewind_to(epoch),
        None if modal.inner || modal.should_close() => state.rewind = false,
        None => {}
    }
}
