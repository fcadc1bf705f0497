//! What several panels are made of.

use egui::{Button, Ui, Vec2};

use crate::window::{
    actions::{Action, keys::printed},
    model::State,
};

/// A button for an action, with its tooltip and its keys.
pub(crate) fn action_button(ui: &mut Ui, state: &mut State, action: Action, face: &str, selected: bool) {
    large_action_button(ui, state, action, (face, selected), Vec2::ZERO);
}

/// The same at least as large as this.
pub(crate) fn large_action_button(ui: &mut Ui, state: &mut State, action: Action, (face, selected): (&str, bool), size: Vec2) {
    let button = Button::selectable(selected, face).frame(true).min_size(size);
    let response = ui.add(button).on_hover_ui(|ui| {
        ui.strong(action.name());
        ui.label(action.doc());
        if let Some(keys) = action.keys() {
            ui.weak(printed(ui.ctx(), &keys));
        }
    });
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, selected, action.name()));
    if response.clicked() {
        let ctx = ui.ctx().clone();
        state.act(action, &ctx);
    }
}
