//! All commands and settings by name, found as one types.

use egui::{Id, Key, Modal, ScrollArea, TextEdit, Ui};

use gairat::settings::{Field, fields};

use crate::{
    link::Part,
    window::{
        actions::{Action, keys::printed},
        model::{State, views::Tab},
    },
};

/// What can be found.
#[derive(Clone, Copy, Debug)]
enum Found {
    Action(Action),
    Setting(&'static Field),
}

impl Found {
    fn name(&self) -> &str {
        match self {
            Self::Action(action) => action.name(),
            Self::Setting(field) => &field.label,
        }
    }

    fn doc(&self) -> &str {
        match self {
            Self::Action(action) => action.doc(),
            Self::Setting(field) => field.doc.trim(),
        }
    }

    /// What words are looked for in.
    fn about(&self) -> String {
        match self {
            Self::Action(action) => format!("{} {} {}", action.name(), action.doc(), action.menu().name()),
            Self::Setting(field) => format!("{} {} {} setting", field.label, field.name.replace('_', " "), field.doc),
        }
        .to_lowercase()
    }
}

/// The actions and the settings of the form whose name or doc holds every word of `text`, those whose name begins with it first, and actions
/// before settings.
fn found(text: &str, state: &State) -> Vec<Found> {
    let text = text.trim().to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let shown = state.link.shows(Part::Settings);
    let shown = |field: &Field| shown && state.link.shows_setting(field.name) && field.applies(&state.form);
    let settings = fields().iter().filter(|field| shown(field)).map(Found::Setting);
    let all = Action::here().map(Found::Action).chain(settings);
    let mut found: Vec<Found> = all
        .filter(|found| {
            let about = found.about();
            words.iter().all(|word| about.contains(word))
        })
        .collect();
    let begins = |found: &Found| match found {
        Found::Action(action) => action.name().to_lowercase().starts_with(&text),
        Found::Setting(field) => field.name.replace('_', " ").starts_with(&text) || field.label.to_lowercase().starts_with(&text),
    };
    found.sort_by_key(|found| !begins(found));
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
        let all = found(&palette.text, state);
        if down {
            palette.place = (palette.place + 1).min(all.len().saturating_sub(1));
        }
        if up {
            palette.place = palette.place.saturating_sub(1);
        }
        ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            if all.is_empty() {
                ui.weak("No command or setting is called that.");
            }
            for (place, found) in all.iter().enumerate() {
                let mut button = egui::Button::selectable(place == palette.place, found.name());
                match found {
                    Found::Action(action) => {
                        // Also where there are none: what stands on the right keeps the name on the left.
                        button = button.shortcut_text(action.keys().map(|keys| printed(ui.ctx(), &keys)).unwrap_or_default());
                    }
                    Found::Setting(field) => {
                        button = button.shortcut_text(format!("setting {}", state.form.get(field.name).unwrap_or_default()));
                    }
                }
                let response = ui.add_sized([ui.available_width(), 20.0], button).on_hover_text(found.doc());
                if (down || up) && place == palette.place {
                    response.scroll_to_me(None);
                }
                if response.clicked() || (enter && place == palette.place) {
                    chosen = Some(*found);
                }
            }
        });
    });
    match chosen {
        Some(Found::Action(action)) => {
            let ctx = ui.ctx().clone();
            state.act(action, &ctx);
        }
        Some(Found::Setting(field)) => {
            (state.settings_drawer, state.tab, state.sought) = (true, Tab::Settings, Some(field.name));
        }
        None if modal.should_close() => {}
        None => state.palette = Some(palette),
    }
}

#[cfg(test)]
mod tests {
    use gairat::settings::Settings;

    use super::*;

    #[test]
    fn every_action_and_setting_is_found_by_its_name_and_by_words_of_what_it_does() {
        let state = State::new(Settings::default(), None, None, None);
        let actions = |text: &str| -> Vec<Action> {
            let actions = found(text, &state).into_iter();
            actions.filter_map(|found| if let Found::Action(action) = found { Some(action) } else { None }).collect()
        };
        let settings = |text: &str| -> Vec<&'static str> {
            let settings = found(text, &state).into_iter();
            settings.filter_map(|found| if let Found::Setting(field) = found { Some(field.name) } else { None }).collect()
        };
        for action in Action::all() {
            assert!(actions(action.name()).contains(&action), "{}", action.name());
        }
        for field in fields().iter().filter(|field| field.applies(&state.form)) {
            assert!(settings(&field.name.replace('_', " ")).contains(&field.name), "{}", field.name);
            assert!(settings(&field.label).contains(&field.name), "{}", field.label);
        }
        assert_eq!(actions("rewi")[0], Action::Rewind);
        assert!(actions("earlier epoch").contains(&Action::Rewind));
        assert_eq!(settings("lambda")[0], "lambda");
        assert!(matches!(found("burn", &state)[0], Found::Setting(field) if field.name == "burn_in"));
        assert!(found("no such thing", &state).is_empty());
    }
}
