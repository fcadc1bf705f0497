//! Links: what opens the program, here or in the page, in the situation that is shown.

use egui::{Context, ThemePreference};

use super::{lessons, projector};
use crate::{
    link::{self, Link, Read, Start, Theme},
    platform::address,
    window::model::{
        State,
        views::{LinkBuilder, Made},
    },
};

/// Puts the link of what is shown on the clipboard.
pub(crate) fn copy(state: &mut State, ctx: &Context) {
    let text = format!("{}{}", address(), link::write(&state.link_of_now()));
    ctx.copy_text(text.clone());
    state.say(format!("Copied: {text}"), false);
}

/// A link to be made of what is shown.
pub(crate) fn builder(state: &State) -> LinkBuilder {
    LinkBuilder { link: state.link_of_now(), address: address(), made: Made::default() }
}

/// Opens a link in a program that is open already.
#[allow(dead_code, reason = "an address changes under a page alone")]
pub(crate) fn open(state: &mut State, ctx: &Context, read: Read) {
    // A lesson that is open would go on to play and to stop runs that are not its own.
    lessons::left(state);
    // Before the runs are there: none may do a step that the link does not want.
    state.gate.play(read.link.start != Some(Start::Paused));
    state.open_link(read.link.settings.clone(), read.link.twin.clone());
    state.question = None;
    apply(state, ctx, read);
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
    if let Some(speed) = read.link.speed {
        state.set_speed(speed);
    }
    state.to_select = read.link.select;
    if let Some(lesson) = read.link.lesson {
        lessons::begin(state, usize::from(lesson) - 1);
    }
    // A lesson is begun once; the address that one copies from here on is of what one has made of it.
    // So are its settings, its twin, its selection and its speed.
    let projector = read.link.projector;
    state.link = Link { lesson: None, twin: None, select: None, speed: None, projector: state.link.projector, ..read.link };
    projector::set(state, ctx, projector);
}
