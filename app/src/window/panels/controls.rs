//! What several panels are made of.

use egui::{Button, Ui};

use crate::window::{
    actions::{Action, keys::printed},
    model::State,
};

/// A button for an action, with its tooltip and its keys.
pub(crate) fn action_button(ui: &mut Ui, state: &mut State, action: Action, face: &str, selected: bool) {
    let button = Button::selectable(selected, face).frame(true);
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
