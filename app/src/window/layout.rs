//! Where panels stand: beside each other where there is room, in drawers and tabs where there is less.

use egui::{CentralPanel, Frame, Margin, Panel, Ui, vec2};

use crate::{
    lesson::{Mark, Panel as Shown},
    link::Part,
};

use super::{
    model::{State, views::Side},
    narrow,
    panels::{bar, curves, form, grid, headline, inspector, judge, lesson, margins, short_bar, spotlight, task, weighting},
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
    if !state.link.embed && shows(state, Part::Status) {
        Panel::top("headline").show(ui, |ui| headline::headline_ui(ui, state));
    }
    let learns = state.lesson.is_some();
    if learns {
        // Larger text takes a wider card.
        let card = if state.link.projector { (width * 0.33).clamp(360.0, 620.0) } else { (width * 0.25).clamp(340.0, 460.0) };
        Panel::left("lesson").exact_size(card).show(ui, |ui| lesson::lesson_ui(ui, state));
    }
    // A lesson takes its room from the stage first.
    let height = ui.available_height();
    let strip = (height * 0.33).max((height - LOW).min(190.0)).clamp(150.0, 260.0);
    // What a link names is there at once; a room sees the inspector when it is asked for.
    let (wide, room) = (width >= WIDE || state.link.show.is_some(), state.link.projector);
    let (settings, inspector) = (wide || state.settings_drawer, (wide && !room) || state.inspector_drawer);
    let inspected = shows(state, Part::Inspector) || shows(state, Part::Judge);
    let (settings, inspector) = (settings && shows(state, Part::Settings), inspector && inspected);
    // A lesson shows what it speaks of, and the rest where it is asked for.
    let settings = settings && (!learns || state.settings_drawer);
    let inspector = inspector && (teaches(state, Shown::Sample) || state.inspector_drawer);
    let strips = below(state).next().is_some();
    let staged = shows(state, Part::Stage);
    // Where a window is so low that nothing would be left of the stage, the stage goes first.
    let high = ui.available_height() - strip >= LOW;
    if strips && staged && high && (wide || learns || !(settings || inspector)) {
        Panel::bottom("strip").exact_size(strip).show(ui, |ui| strip_ui(ui, state));
    }
    if settings {
        Panel::left("settings").exact_size(276.0).show(ui, |ui| form::form_ui(ui, state));
    }
    if inspector {
        let across = if room { 380.0 } else { 286.0 };
        let shown = Panel::right("inspector").exact_size(across).show(ui, |ui| side_ui(ui, state)).response;
        spotlight::show(ui, state, &[Mark::Steps], shown.rect);
    }
    let frame = Frame::central_panel(ui.style()).inner_margin(Margin::same(6));
    let shown = CentralPanel::default().frame(frame).show(ui, |ui| {
        match (staged, state.is_plane()) {
            (true, true) => stage::stages_ui(ui, state),
            (true, false) => grid::grid_ui(ui, state),
            // What would stand below the stage has its place.
            (false, _) if strips => strip_ui(ui, state),
            (false, _) => {}
        }
    });
    spotlight::show(ui, state, &ON_STAGE, shown.response.rect);
}

/// What words of lessons name on the stage.
pub(super) const ON_STAGE: [Mark; 4] = [Mark::Boundary, Mark::Ball, Mark::Path, Mark::Cross];

/// Whether something is shown as far as a lesson goes: without one everything is.
fn teaches(state: &State, panel: Shown) -> bool {
    state.lesson.as_ref().is_none_or(|lesson| lesson.plan().panels.contains(&panel))
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

/// What is shown of it.
fn below(state: &State) -> impl Iterator<Item = Part> {
    let panel = |part: Part| match part {
        Part::Weights => Shown::Weights,
        Part::Curves => Shown::Curves,
        _ => Shown::Margins,
    };
    STRIP.into_iter().filter(move |part| !state.link.embed && state.link.shows(*part) && teaches(state, panel(*part)))
}

/// Weights, curves and margins beside each other.
fn strip_ui(ui: &mut Ui, state: &mut State) {
    let shown: Vec<Part> = below(state).collect();
    ui.columns(shown.len(), |columns| {
        for (ui, part) in columns.iter_mut().zip(shown) {
            match part {
                Part::Weights => weighting::weighting_ui(ui, state),
                Part::Curves => curves::curves_ui(ui, state),
                _ => margins::margins_ui(ui, state),
            }
            spotlight::show(ui, state, marks_of(part), ui.min_rect().expand2(vec2(5.0, 2.0)));
        }
    });
}

/// What words of lessons name there.
fn marks_of(part: Part) -> &'static [Mark] {
    match part {
        Part::Weights => &[Mark::Kappa, Mark::Weight, Mark::Lambda, Mark::Axis, Mark::Cosine],
        Part::Curves => &[Mark::Curves],
        _ => &[],
    }
}
