//! The bar in one row: signs for a hand, or few words for a room.

use egui::{Button, RichText, Ui};

use super::{
    controls::{action_button, large_action_button},
    drive::{menus_ui, progress_ui, speed_ui},
};
use crate::{
    link::Part,
    window::{
        actions::Action,
        model::{Run, State},
    },
};

/// For a phone: each button is as wide as a finger, and what it does is told to readers and in the menus.
pub(crate) fn hand_ui(ui: &mut Ui, state: &mut State) {
    let side = ui.spacing().interact_size.y;
    ui.spacing_mut().interact_size.x = side;
    ui.spacing_mut().item_spacing.x = 4.0;
    ui.horizontal(|ui| {
        let menu = Button::new(RichText::new("☰").strong()).min_size(egui::vec2(side, side));
        menus_ui(ui, state, menu);
        for (action, face, selected) in buttons(state, false) {
            ui.scope(|ui| {
                ui.spacing_mut().button_padding.x = 3.0;
                large_action_button(ui, state, action, (face, selected), egui::Vec2::splat(side));
            });
        }
        speed_ui(ui, state, 92.0, false);
    });
    progress_ui(ui, state);
}

/// For a room that looks on.
pub(crate) fn room_ui(ui: &mut Ui, state: &mut State) {
    ui.horizontal_wrapped(|ui| {
        menus_ui(ui, state, Button::new(RichText::new("☰").strong()));
        for (action, face, selected) in buttons(state, true) {
            action_button(ui, state, action, face, selected);
        }
        speed_ui(ui, state, 140.0, false);
        action_button(ui, state, Action::Projector, "Leave", false);
    });
    progress_ui(ui, state);
}

/// What is in the row, with signs or with words.
fn buttons(state: &State, words: bool) -> Vec<(Action, &'static str, bool)> {
    let playing = state.gate.playing() && state.runs.iter().any(Run::is_at_work);
    let face = |sign: &'static str, word: &'static str| if words { word } else { sign };
    let mut buttons = vec![
        (Action::PlayOrPause, if playing { face("⏸", "⏸ Pause") } else { face("▶", "▶ Play") }, false),
        (Action::OneBatch, face("⏭", "⏭ Batch"), false),
        (Action::AttackStep, face("⏩", "⏩ Attack step"), state.attack_step.is_some()),
        (Action::Twin, "Twin", state.has_twin()),
    ];
    if words {
        buttons.insert(3, (Action::SlowMotion, "🐌 Slow", state.slow_motion.is_some()));
    }
    if words && state.link.shows(Part::Judge) {
        buttons.push((Action::Judge, "⚖ Judge", false));
    }
    if words {
        buttons.push((Action::Help, "?", false));
    }
    buttons
}
