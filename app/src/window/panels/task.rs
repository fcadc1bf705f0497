//! What who made the link wants to be done, in their words.

use egui::{CollapsingHeader, Frame, Margin, Panel, RichText, Ui};

use crate::window::model::State;

/// How much larger its words are than others.
const LARGER: f32 = 1.2;

/// The task, if there is one; it can be folded away.
pub(crate) fn task_ui(ui: &mut Ui, state: &State) {
    if state.link.task.is_empty() {
        return;
    }
    let frame = Frame::side_top_panel(ui.style()).fill(ui.visuals().faint_bg_color).inner_margin(Margin::symmetric(10, 6));
    let size = LARGER * egui::TextStyle::Body.resolve(ui.style()).size;
    Panel::top("task").frame(frame).show(ui, |ui| {
        CollapsingHeader::new(RichText::new("Task").strong()).default_open(true).show(ui, |ui| {
            ui.label(RichText::new(&state.link.task).size(size));
        });
    });
}
