//! What one sees: the state, the panels that show it, and the frame around them. The desktop opens it as a window; the page
//! puts it on a canvas.

pub(crate) mod actions;
mod layout;
pub(crate) mod model;
mod narrow;
pub(crate) mod panels;
mod stage;
mod theme;

use std::path::PathBuf;

use egui::{Context, Ui};
use gairat::settings::{MethodChoice, Settings};
use web_time::Instant;

use actions::Action;
use panels::{files, help, links, palette, saved};

pub(crate) use model::{Launcher, State};

/// The state of a window that was just opened, with a run to go on with, or a method for a twin.
pub(crate) fn begin(
    ctx: &Context,
    settings: Settings,
    (resume, twin): (Option<PathBuf>, Option<MethodChoice>),
    theme: egui::ThemePreference,
    launcher: Launcher,
) -> State {
    theme::install(ctx);
    ctx.set_theme(theme);
    let mut state = State::new(settings, Some(launcher), resume, twin);
    state.theme = theme;
    state
}

/// One frame: what the runs told, what the person wants, and the panels.
pub(crate) fn frame(ui: &mut Ui, state: &mut State, now: Instant) {
    let ctx = ui.ctx().clone();
    state.tick(&ctx, now);
    narrow::targets(&ctx, state);
    actions::lessons::drive(state);
    shortcuts(&ctx, state);
    actions::files::arrived(ui, state);
    layout::window_ui(ui, state);
    palette::palette_ui(ui, state);
    help::help_ui(ui, state);
    help::rewind_ui(ui, state);
    files::open_ui(ui, state);
    files::drop_ui(ui);
    links::builder_ui(ui, state);
    saved::table_ui(ui, state);
}

/// Keys do what the list of actions says, unless somebody is typing.
fn shortcuts(ctx: &Context, state: &mut State) {
    let typing = ctx.egui_wants_keyboard_input();
    for action in Action::here() {
        let Some(keys) = action.keys() else { continue };
        let plain = keys.modifiers.is_none();
        // The palette has the arrows and Enter for itself; Escape closes what is open.
        if plain && (typing || state.palette.is_some()) && action != Action::Deselect {
            continue;
        }
        if ctx.input_mut(|input| input.consume_shortcut(&keys)) {
            state.act(action, ctx);
        }
    }
}

#[cfg(test)]
#[path = "../../../tests/window/mod.rs"]
mod tests;
