//! Where panels stand: beside each other where there is room, in drawers and tabs where there is less.

use egui::{CentralPanel, Frame, Margin, Panel, ScrollArea, Ui};

use crate::{
    lesson::{Mark, Panel as Shown},
    link::Part,
};

use super::{
    model::{
        State,
        views::{Side, Tab},
    },
    panels::{bar, curves, form, grid, headline, inspector, judge, lesson, margins, spotlight, weighting},
    stage, theme,
};

/// From this width on, settings and inspector stand beside the stage.
const WIDE: f32 = 1100.0;

/// The stage has so much height at least, or nothing is shown below it.
const LOW: f32 = 240.0;

/// The whole window.
pub(crate) fn window_ui(ui: &mut Ui, state: &mut State) {
    let width = ui.available_width();
    let narrow = width < theme::NARROW;
    let embed = state.link.embed;
    let shows = |state: &State, part: Part| !embed && state.link.shows(part);
    if embed {
        Panel::bottom("bar").show(ui, |ui| bar::embedded_ui(ui, state));
    } else if shows(state, Part::Bar) {
        Panel::top("bar").show(ui, |ui| bar::bar_ui(ui, state, !narrow && width < WIDE));
    }
    if shows(state, Part::Status) {
        Panel::bottom("status").show(ui, |ui| bar::status_ui(ui, state, narrow));
    }
    bar::notices_ui(ui, state);
    if !embed {
        Panel::top("headline").show(ui, |ui| headline::headline_ui(ui, state));
    }
    let learns = state.lesson.is_some();
    if learns && !narrow {
        let card = (width * 0.25).clamp(340.0, 460.0);
        Panel::left("lesson").exact_size(card).show(ui, |ui| lesson::lesson_ui(ui, state));
    }
    if narrow && (learns || Tab::ALL.into_iter().any(|tab| shows(state, tab.part()))) {
        let share = if learns { 0.52 } else { 0.42 };
        let height = (ui.available_height() * share).max(180.0);
        Panel::bottom("sheet").exact_size(height).show(ui, |ui| sheet_ui(ui, state));
    } else if !narrow && !embed {
        // A lesson takes its room from the stage first.
        let height = ui.available_height();
        let strip = (height * 0.33).max((height - LOW).min(190.0)).clamp(150.0, 260.0);
        let (settings, inspector) = (width >= WIDE || state.settings_drawer, width >= WIDE || state.inspector_drawer);
        let (settings, inspector) = (settings && shows(state, Part::Settings), inspector && shows(state, Part::Inspector));
        // A lesson shows what it speaks of, and the rest where it is asked for.
        let settings = settings && (!learns || state.settings_drawer);
        let inspector = inspector && (teaches(state, Shown::Sample) || state.inspector_drawer);
        let strips = below(state).next().is_some();
        // Where a window is so low that nothing would be left of the stage, the stage goes first.
        let high = ui.available_height() - strip >= LOW;
        if strips && high && (width >= WIDE || learns || !(settings || inspector)) {
            Panel::bottom("strip").exact_size(strip).show(ui, |ui| strip_ui(ui, state));
        }
        if settings {
            Panel::left("settings").exact_size(276.0).show(ui, |ui| form::form_ui(ui, state));
        }
        if inspector {
            let shown = Panel::right("inspector").exact_size(286.0).show(ui, |ui| side_ui(ui, state)).response;
            spotlight::show(ui, state, &[Mark::Steps], shown.rect);
        }
    }
    let shown = CentralPanel::default()
        .frame(Frame::central_panel(ui.style()).inner_margin(Margin::same(6)))
        .show(ui, |ui| if state.is_plane() { stage::stages_ui(ui, state) } else { grid::grid_ui(ui, state) });
    spotlight::show(ui, state, &[Mark::Boundary, Mark::Ball, Mark::Path, Mark::Cross], shown.response.rect);
}

/// Whether something is shown as far as a lesson goes: without one everything is.
fn teaches(state: &State, panel: Shown) -> bool {
    state.lesson.as_ref().is_none_or(|lesson| lesson.plan().panels.contains(&panel))
}

/// The selected sample or the judge, chosen by a tab.
fn side_ui(ui: &mut Ui, state: &mut State) {
    if state.link.shows(Part::Judge) {
        ui.horizontal(|ui| {
            ui.selectable_value(&mut state.side, Side::Sample, "Sample");
            ui.selectable_value(&mut state.side, Side::Judge, "Judge");
        });
    } else {
        state.side = Side::Sample;
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
            spotlight::show(ui, state, marks_of(part), ui.min_rect());
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

/// What a narrow window may show, by name.
fn tabs_ui(ui: &mut Ui, state: &mut State) {
    let shown = Tab::ALL.into_iter().filter(|tab| state.link.shows(tab.part()));
    let shown: Vec<Tab> = shown.collect();
    if !shown.contains(&state.tab) {
        state.tab = shown.first().copied().unwrap_or(state.tab);
    }
    if let Some(lesson) = &mut state.lesson
        && ui.selectable_label(lesson.is_open, "Lesson").clicked()
    {
        lesson.is_open = true;
    }
    for tab in shown {
        let closed = state.lesson.as_ref().is_none_or(|lesson| !lesson.is_open);
        if ui.selectable_label(closed && state.tab == tab, tab.name()).clicked() {
            state.tab = tab;
            if let Some(lesson) = &mut state.lesson {
                lesson.is_open = false;
            }
        }
    }
}

/// One of the panels, chosen by its tab.
fn sheet_ui(ui: &mut Ui, state: &mut State) {
    // With a lesson there are more tabs than a phone is wide.
    ScrollArea::horizontal().id_salt("tabs").show(ui, |ui| ui.horizontal(|ui| tabs_ui(ui, state)));
    ui.separator();
    if state.lesson.as_ref().is_some_and(|lesson| lesson.is_open) {
        lesson::lesson_ui(ui, state);
        return;
    }
    match state.tab {
        Tab::Sample => inspector::inspector_ui(ui, state),
        Tab::Judge => judge::judge_ui(ui, state),
        Tab::Settings => form::form_ui(ui, state),
        tab => {
            ScrollArea::vertical().show(ui, |ui| match tab {
                Tab::Weights => weighting::weighting_ui(ui, state),
                Tab::Curves => curves::curves_ui(ui, state),
                _ => margins::margins_ui(ui, state),
            });
        }
    }
}
