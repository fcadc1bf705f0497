//! The panels, driven by their accessible labels. They are part of the program's own tests because they look at its inside; the runs are
//! canned but for one, which is real.

mod canned;
mod commands;
mod judge;
mod lessons;
mod links;
mod methods;
mod numbers;
mod panels;
mod phone;
mod pictures;
mod saved;

use std::time::Instant;

use egui::{Vec2, vec2};
use egui_kittest::Harness;

use super::{State, frame, theme};

/// A window without a screen.
fn window(state: State, size: Vec2) -> Harness<'static, State> {
    Harness::builder()
        .with_size(size)
        .with_max_steps(40)
        .with_context_setup(theme::install)
        .build_ui_state(|ui, state| frame(ui, state, Instant::now()), state)
}

/// A wide window with a canned run in it.
fn wide() -> Harness<'static, State> {
    let mut window = window(canned::state(), vec2(1280.0, 800.0));
    window.run_steps(3);
    window
}
