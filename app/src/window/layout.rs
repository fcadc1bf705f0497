//! Where panels stand: beside each other where there is room, in drawers and tabs where there is less.

use egui::{CentralPanel, Frame, Margin, Panel, Ui};

use crate::link::Part;

use super::{
    model::{State, views::Side},
    narrow,
    panels::{bar, curves, form, grid, inspector, judge, lesson, margins, short_bar, task, weighting},
    stage, theme,
};

/// From this width on, settings and inspector stand beside the stage.
const WIDE: f32 = 1100.0;

/// The stage has so much height at least, or nothing is shown below it.
const LOW: f32 = 240.0;

/// The whole window.
pub(crate) fn window_ui(ui: &mut Ui, state: &mut State) {
    let width = ui.available_width();
    if width < theme::NARROW {
        return narrow::window_ui(ui, state);
    }
    let shows = |state: &State, part: Part| state.link.shows(part);
    if state.link.embed {
        Panel::bottom("bar").show(ui, |ui| bar::embedded_ui(ui, state));
    } else if state.link.projector && shows(state, Part::Bar) {
        Panel::top("bar").show(ui, |ui| short_bar::room_ui(ui, state));
    } else if shows(state, Part::Bar) {
        Panel::top("bar").show(ui, |ui| bar::bar_ui(ui, state, width < WIDE));
    }
    if shows(state, Part::Status) {
        Panel::bottom("status").show(ui, |ui| bar::status_ui(ui, state, state.link.projector));
    }
    bar::notices_ui(ui, state);
    task::task_ui(ui, state);
    if state.lesson.is_some() {
        Panel::top("lesson").show(ui, |ui| lesson::lesson_ui(ui, state));
    }
    // A lesson takes its room from the stage first.
    let height = ui.available_height();
    let strip = (height * 0.3).max((height - LOW).min(190.0)).clamp(150.0, 260.0);
    // What a link names is there at once; a room sees the inspector when it is asked for.
    let (wide, room) = (width >= WIDE || state.link.show.is_some(), state.link.projector);
    let (settings, inspector) = (wide || state.settings_drawer, (wide && !room) || state.inspector_drawer);
    let inspected = shows(state, Part::Inspector) || shows(state, Part::Judge);
    let (settings, inspector) = (settings && shows(state, Part::Settings), inspector && inspected);
    let strips = STRIP.into_iter().any(|part| shows(state, part));
    let staged = shows(state, Part::Stage);
    // Where a window is so low that nothing would be left of the stage, the stage goes first.
    let high = ui.available_height() - strip >= LOW;
    if strips && staged && high && (wide || !(settings || inspector)) {
        Panel::bottom("strip").exact_size(strip).show(ui, |ui| strip_ui(ui, state));
    }
    if settings {
        Panel::left("settings").exact_size(276.0).show(ui, |ui| form::form_ui(ui, state));
    }
    if inspector {
        Panel::right("inspector").exact_size(if room { 380.0 } else { 286.0 }).show(ui, |ui| side_ui(ui, state));
    }
    CentralPanel::default().frame(Frame::central_panel(ui.style()).inner_margin(Margin::same(6))).show(ui, |ui| {
        match (staged, state.is_plane()) {
            (true, true) => stage::stages_ui(ui, state),
            (true, false) => grid::grid_ui(ui, state),
            // What would stand below the stage has its place.
            (false, _) if strips => strip_ui(ui, state),
            (false, _) => {}
        }
    });
}

/// The selected sample or the judge, chosen by a tab.
fn side_ui(ui: &mut Ui, state: &mut State) {
    let (sample, judge) = (state.link.shows(Part::Inspector), state.link.shows(Part::Judge));
    if sample && judge {
        ui.horizontal(|ui| {
            ui.selectable_value(&mut state.side, Side::Sample, "Sample");
            ui.selectable_value(&mut state.side, Side::Judge, "Judge");
        });
    } else {
        state.side = if judge { Side::Judge } else { Side::Sample };
    }
    match state.side {
        Side::Sample => inspector::inspector_ui(ui, state),
        Side::Judge => judge::judge_ui(ui, state),
    }
}

/// What stands in the strip below the stage.
const STRIP: [Part; 3] = [Part::Weights, Part::Curves, Part::Margins];

/// Weights, curves and margins beside each other.
fn strip_ui(ui: &mut Ui, state: &mut State) {
    let shown: Vec<Part> = STRIP.into_iter().filter(|part| state.link.shows(*part)).collect();
    ui.columns(shown.len(), |columns| {
        for (ui, part) in columns.iter_mut().zip(shown) {
            match part {
                Part::Weights => weighting::weighting_ui(ui, state),
                Part::Curves => curves::curves_ui(ui, state),
                _ => margins::margins_ui(ui, state),
            }
        }
    });
}
