//! A few pictures of the whole window, wide and narrow, dark and light.

use egui::{Theme, vec2};
use egui_kittest::{
    Harness, SnapshotOptions,
    wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup},
};

use super::canned;
use crate::{
    platform::drawing,
    window::{State, actions::lessons, frame, theme},
};

fn picture(name: &str, size: egui::Vec2, theme: Theme) {
    let mut state = canned::state();
    state.select(Some(canned::BROKEN));
    state.runs[0].traced = Some(canned::traced(canned::BROKEN));
    state.scrub = 4;
    picture_of(state, name, size, theme);
}

fn picture_of(state: State, name: &str, size: egui::Vec2, theme: Theme) {
    let render = create_render_state(default_wgpu_setup(), eframe::egui_wgpu::RendererOptions::PREDICTABLE);
    drawing::install(&render);
    let mut window: Harness<'static, State> = Harness::builder()
        .with_size(size)
        .with_max_steps(40)
        .with_theme(theme)
        .with_context_setup(theme::install)
        .renderer(WgpuTestRenderer::from_render_state(render))
        .build_ui_state(
            |ui, state| {
                // A window is cleared in this colour.
                ui.painter().rect_filled(ui.ctx().content_rect(), 0.0, ui.visuals().window_fill);
                frame(ui, state, std::time::Instant::now());
            },
            state,
        );
    window.state_mut().theme = theme.into();
    window.run_steps(4);
    // Another driver draws edges a little differently; what moves, is lost or changes its colour is thousands of pixels.
    let options = SnapshotOptions::new().output_path("../tests/window/snapshots").threshold(1.5).max_failed_pixels(400);
    window.snapshot_options(name, &options);
}

#[test]
fn a_wide_dark_window() {
    picture("wide_dark", vec2(1280.0, 800.0), Theme::Dark);
}

#[test]
fn a_wide_light_window() {
    picture("wide_light", vec2(1280.0, 800.0), Theme::Light);
}

#[test]
fn a_narrow_dark_window() {
    picture("narrow_dark", vec2(390.0, 844.0), Theme::Dark);
}

#[test]
fn a_narrow_light_window() {
    picture("narrow_light", vec2(390.0, 844.0), Theme::Light);
}

/// A lesson whose first step is there, with two runs where it has a twin.
fn lesson(number: usize) -> State {
    let mut state = canned::state();
    lessons::begin(&mut state, number);
    state.runs.iter_mut().for_each(canned::tell);
    if let Some(lesson) = &mut state.lesson {
        lesson.want(&[]);
    }
    state.gate.play(false);
    state
}

#[test]
fn a_lesson_beside_the_stage() {
    picture_of(lesson(2), "lesson_wide_dark", vec2(1280.0, 800.0), Theme::Dark);
}

#[test]
fn a_lesson_of_two_runs() {
    picture_of(lesson(3), "lesson_twins_light", vec2(1280.0, 800.0), Theme::Light);
}

#[test]
fn a_lesson_as_a_sheet() {
    picture_of(lesson(1), "lesson_narrow_light", vec2(390.0, 844.0), Theme::Light);
}

/// What is asked is not to be seen before the answer.
#[test]
fn a_box_that_is_covered_until_the_answer() {
    let mut state = lesson(0);
    state.select(Some(canned::BROKEN));
    if let Some(lesson) = &mut state.lesson {
        lesson.go_to(1);
        lesson.want(&[]);
    }
    state.runs[0].traced = Some(canned::traced(canned::BROKEN));
    picture_of(state, "lesson_covered_light", vec2(1024.0, 768.0), Theme::Light);
}
