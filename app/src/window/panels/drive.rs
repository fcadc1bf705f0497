//! What all bars have: the menus, the speed, and how far the run is.

use egui::{Button, Ui, containers::menu::MenuButton};

use super::controls::action_button;
use crate::window::{
    actions::{Action, Menu, keys::printed},
    model::{SPEEDS, State},
    theme,
};

/// All menus behind one button.
pub(super) fn menus_ui(ui: &mut Ui, state: &mut State, button: Button<'_>) {
    let (response, _) = MenuButton::from_button(button).ui(ui, |ui| {
        for menu in Menu::ALL {
            ui.menu_button(menu.name(), |ui| menu_ui(ui, state, menu));
        }
    });
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "☰ gairat"));
    response.on_hover_text("All menus");
}

fn menu_ui(ui: &mut Ui, state: &mut State, menu: Menu) {
    for action in Action::here().filter(|action| action.menu() == menu) {
        let mut button = Button::new(action.name());
        if let Some(keys) = action.keys() {
            button = button.shortcut_text(printed(ui.ctx(), &keys));
        }
        if ui.add(button).on_hover_text(action.doc()).clicked() {
            let ctx = ui.ctx().clone();
            state.act(action, &ctx);
            ui.close();
        }
    }
}

/// The speed, as a list of this width. Where there is little room it does without the buttons beside it.
pub(super) fn speed_ui(ui: &mut Ui, state: &mut State, width: f32, beside: bool) {
    let name = |speed: f64| if speed.is_finite() { pace(speed) } else { "full speed".to_owned() };
    if beside {
        action_button(ui, state, Action::Slower, "−", false);
    }
    let before = state.speed;
    egui::ComboBox::from_id_salt("speed")
        .width(width)
        .selected_text(name(SPEEDS[state.speed]))
        .show_ui(ui, |ui| {
            for (place, speed) in SPEEDS.into_iter().enumerate() {
                ui.selectable_value(&mut state.speed, place, name(speed));
            }
        })
        .response
        .on_hover_text("How many batches a second are trained on");
    if state.speed != before {
        state.gate.set_speed(SPEEDS[state.speed]);
    }
    if beside {
        action_button(ui, state, Action::Faster, "+", false);
    }
}

/// How far the run is, as a thin line.
pub(super) fn progress_ui(ui: &mut Ui, state: &State) {
    let place = state.run().place;
    let all = (place.epochs as usize * place.steps).max(1);
    let part = place.steps_done() as f32 / all as f32;
    let (rect, response) = ui.allocate_exact_size(egui::vec2(ui.available_width(), 3.0), egui::Sense::hover());
    let dark = ui.visuals().dark_mode;
    ui.painter().rect_filled(rect, 1.0, ui.visuals().faint_bg_color);
    let done = egui::Rect::from_min_size(rect.min, egui::vec2(rect.width() * part, rect.height()));
    ui.painter().rect_filled(done, 1.0, theme::accent(dark));
    let text = format!("{} of {} batches", place.steps_done(), all);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, format!("Progress: {text}")));
}

/// Batches a second, in words.
pub(super) fn pace(batches: f64) -> String {
    if batches == 1.0 { "1 batch/s".to_owned() } else { format!("{batches} batches/s") }
}
