//! Which keys the program takes; all others belong to what it runs in, such as a browser.

use egui::{Context, Key, KeyboardShortcut, Modifiers};

use super::Action;

/// Who gets a key that is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "a page alone shares its keys with what it runs in")]
pub(crate) enum Goes {
    /// The program alone: it does something of its own with it.
    ToProgram,
    /// The program and what it runs in, which types, copies and pastes.
    ToBoth,
    /// What it runs in alone.
    Elsewhere,
}

/// Keys as they are printed on a keyboard: a sign where the key bears one.
pub(crate) fn printed(ctx: &Context, keys: &KeyboardShortcut) -> String {
    let (key, text) = (keys.logical_key, ctx.format_shortcut(keys));
    match text.strip_suffix(key.name()) {
        Some(before) if key.symbol_or_name().is_ascii() => format!("{before}{}", key.symbol_or_name()),
        _ => text,
    }
}

/// Keys that edit text together with Ctrl or ⌘.
const EDIT: [Key; 13] = [
    Key::A,
    Key::C,
    Key::X,
    Key::V,
    Key::ArrowLeft,
    Key::ArrowRight,
    Key::ArrowUp,
    Key::ArrowDown,
    Key::Home,
    Key::End,
    Key::Backspace,
    Key::Delete,
    Key::Insert,
];

/// Who gets `key`. `busy` is whether something that is drawn has the keyboard, such as a field that one types into.
#[allow(dead_code, reason = "a page alone shares its keys with what it runs in")]
pub(crate) fn goes(key: Key, modifiers: Modifiers, busy: bool) -> Goes {
    let command = modifiers.command || modifiers.ctrl || modifiers.mac_cmd;
    // AltGr, which types, is Ctrl and Alt to some browsers.
    if command && modifiers.alt {
        return if busy { Goes::ToBoth } else { Goes::Elsewhere };
    }
    if modifiers.alt {
        return Goes::Elsewhere;
    }
    let means = |action: Action| action.keys().is_some_and(|keys| keys.logical_key == key && keys.modifiers.is_none() != command);
    // Ctrl+Shift and a key is another key than Ctrl and the key: browsers have their tools there.
    let acts = Action::here().any(means) && !(command && modifiers.shift);
    let editing = EDIT.contains(&key);
    let is_function = key.name().strip_prefix('F').is_some_and(|rest| rest.parse::<u8>().is_ok());
    match (command, busy) {
        (true, _) if acts => Goes::ToProgram,
        (true, _) if editing => Goes::ToBoth,
        (true, _) => Goes::Elsewhere,
        (false, _) if is_function => Goes::Elsewhere,
        (false, true) => Goes::ToBoth,
        (false, false) if acts || key == Key::Tab => Goes::ToProgram,
        // What has no keyboard has nothing to press either.
        (false, false) => Goes::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CTRL: Modifiers = Modifiers { ctrl: true, command: true, ..Modifiers::NONE };

    #[test]
    fn every_key_of_an_action_goes_to_the_program_alone() {
        for action in Action::here() {
            let Some(keys) = action.keys() else { continue };
            let modifiers = if keys.modifiers.is_none() { Modifiers::NONE } else { CTRL };
            assert_eq!(goes(keys.logical_key, modifiers, false), Goes::ToProgram, "{}", action.name());
            // While one types, a letter is a letter.
            let typed = if keys.modifiers.is_none() { Goes::ToBoth } else { Goes::ToProgram };
            assert_eq!(goes(keys.logical_key, modifiers, true), typed, "{}", action.name());
        }
    }

    #[test]
    fn what_a_browser_does_with_keys_it_goes_on_doing() {
        let shift = Modifiers { shift: true, ..CTRL };
        for busy in [false, true] {
            for (key, modifiers) in [
                (Key::T, CTRL),
                (Key::W, CTRL),
                (Key::P, CTRL),
                (Key::R, CTRL),
                (Key::F, CTRL),
                (Key::Comma, CTRL),
                (Key::K, shift),
                (Key::F5, Modifiers::NONE),
                (Key::F12, Modifiers::NONE),
                (Key::ArrowLeft, Modifiers::ALT),
            ] {
                assert_eq!(goes(key, modifiers, busy), Goes::Elsewhere, "{key:?} {modifiers:?} {busy}");
            }
        }
        // Not one of the program's own.
        assert_eq!(goes(Key::Slash, Modifiers::NONE, false), Goes::Elsewhere);
    }

    #[test]
    fn copying_and_typing_are_both_their_business() {
        for key in [Key::C, Key::V, Key::X, Key::A] {
            assert_eq!(goes(key, CTRL, true), Goes::ToBoth, "{key:?}");
            assert_eq!(goes(key, CTRL, false), Goes::ToBoth, "{key:?}");
        }
        assert_eq!(goes(Key::Q, Modifiers { alt: true, ..CTRL }, true), Goes::ToBoth, "AltGr types");
        assert_eq!(goes(Key::Tab, Modifiers::SHIFT, false), Goes::ToProgram);
    }
}
