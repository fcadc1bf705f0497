//! All commands by name, found as one types.

use egui::{Id, Key, Modal, ScrollArea, TextEdit, Ui};

use crate::window::{actions::Action, model::State};

/// The actions whose name or doc holds every word of `text`, those whose name begins with it first.
fn found(text: &str) -> Vec<Action> {
    let text = text.trim().to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found: Vec<Action> = Action::here()
        .filter(|action| {
            let about = format!("{} {} {}", action.name(), action.doc(), action.menu().name()).to_lowercase();
            words.iter().all(|word| about.contains(word))
        })
        .collect();
    found.sort_by_key(|action| !action.name().to_lowercase().starts_with(&text));
    found
}

/// The palette, if it is open.
pub(crate) fn palette_ui(ui: &mut Ui, state: &mut State) {
    let Some(mut palette) = state.palette.take() else { return };
    let mut chosen = None;
    let modal = Modal::new(Id::unique("palette")).show(ui.ctx(), |ui| {
        ui.set_width(420.0);
        let (down, up, enter) = ui.input_mut(|input| {
            let none = egui::Modifiers::NONE;
            (input.consume_key(none, Key::ArrowDown), input.consume_key(none, Key::ArrowUp), input.consume_key(none, Key::Enter))
        });
        let before = palette.text.clone();
        let edit =
            ui.add(TextEdit::singleline(&mut palette.text).hint_text("What do you want to do?").desired_width(f32::INFINITY));
        edit.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Command"));
        edit.request_focus();
        if palette.text != before {
            palette.place = 0;
        }
        let actions = found(&palette.text);
        if down {
            palette.place = (palette.place + 1).min(actions.len().saturating_sub(1));
        }
        if up {
            palette.place = palette.place.saturating_sub(1);
        }
        ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            if actions.is_empty() {
                ui.weak("No command is called that.");
            }
            for (place, action) in actions.iter().enumerate() {
                let mut button = egui::Button::selectable(place == palette.place, action.name());
                if let Some(keys) = action.keys() {
                    button = button.shortcut_text(ui.ctx().format_shortcut(&keys));
                }
                let response = ui.add_sized([ui.available_width(), 20.0], button).on_hover_text(action.doc());
                if (down || up) && place == palette.place {
                    response.scroll_to_me(None);
                }
                if response.clicked() || (enter && place == palette.place) {
                    chosen = Some(*action);
                }
            }
        });
    });
    if let Some(action) = chosen {
        let ctx = ui.ctx().clone();
        state.act(action, &ctx);
    } else if !modal.should_close() {
        state.palette = Some(palette);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_found_by_its_name_and_by_words_of_what_it_does() {
        for action in Action::ALL {
            assert!(found(action.name()).contains(&action), "{}", action.name());
        }
        assert_eq!(found("rewi")[0], Action::Rewind);
        assert!(found("earlier epoch").contains(&Action::Rewind));
        assert!(found("no such thing").is_empty());
    }
}
