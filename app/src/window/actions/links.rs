//! Links: what opens the program, here or in the page, in the situation that is shown.

use egui::{Context, ThemePreference};

use super::lessons;
use crate::{
    link::{self, Link, Read, Theme},
    window::model::State,
};

/// Where the page is, for links that open it. The desktop does not know, and gives the end of an address.
#[cfg(target_arch = "wasm32")]
pub(crate) use crate::page::address;

/// The end of an address alone.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn address() -> String {
    String::new()
}

/// Puts the link of what is shown on the clipboard.
pub(crate) fn copy(state: &mut State, ctx: &Context) {
    let text = format!("{}{}", address(), link::write(&state.link_of_now()));
    ctx.copy_text(text.clone());
    state.say(format!("Copied: {text}"), false);
}

/// Takes what a link says, besides the settings and the twin, which were there from the beginning; names what it cannot.
pub(crate) fn apply(state: &mut State, ctx: &Context, read: Read) {
    if !read.problems.is_empty() {
        // One notice: of many the first would go.
        state.say(read.problems.join("\n"), true);
    }
    if let Some(theme) = read.link.theme {
        state.theme = match theme {
            Theme::Dark => ThemePreference::Dark,
            Theme::Light => ThemePreference::Light,
            Theme::System => ThemePreference::System,
        };
        ctx.set_theme(state.theme);
    }
    if let Some(lesson) = read.link.lesson {
        lessons::begin(state, usize::from(lesson) - 1);
    }
    // A lesson is begun once; the address that one copies from here on is of what one has made of it.
    // So are its settings and its twin.
    state.link = Link { lesson: None, twin: None, ..read.link };
}
