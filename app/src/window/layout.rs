//! Where panels stand: beside each other where there is room, in drawers and tabs where there is less.

use egui::{CentralPanel, Frame, Margin, Panel, ScrollArea, Ui};

use super::{bar, curves, form, grid, inspector, lessons, margins, stage, state::State, weighting};

/// From this width on, settings and inspector stand beside the stage.
const WIDE: f32 = 1100.0;
/// Below this width there is one thing at a time.
const NARROW: f32 = 700.0;

/// What a narrow window shows below the stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    #[default]
    Sample,
    Weights,
    Curves,
    Margins,
    Settings,
}

impl Tab {
    const ALL: [Self; 5] = [Self::Sample, Self::Weights, Self::Curves, Self::Margins, Self::Settings];

    fn name(self) -> &'static str {
        match self {
            Self::Sample => "Sample",
            Self::Weights => "Weights",
            Self::Curves => "Curves",
            Self::Margins => "Margins",
            Self::Settings => "Settings",
        }
    }
}

/// The whole window.
pub(crate) fn window_ui(ui: &mut Ui, state: &mut State) {
    let width = ui.available_width();
    let narrow = width < NARROW;
    Panel::top("bar").show(ui, |ui| bar::bar_ui(ui, state, !narrow && width < WIDE));
    Panel::bottom("status").show(ui, |ui| bar::status_ui(ui, state, narrow));
    bar::notices_ui(ui, state);
    if state.lesson.is_some() {
        Panel::top("lesson").show(ui, |ui| lessons::lesson_ui(ui, state));
    }
    if narrow {
        let height = (ui.available_height() * 0.42).max(180.0);
        Panel::bottom("sheet").exact_size(height).show(ui, |ui| sheet_ui(ui, state));
    } else {
        let strip = (ui.available_height() * 0.3).clamp(150.0, 260.0);
        let (settings, inspector) = (width >= WIDE || state.settings_drawer, width >= WIDE || state.inspector_drawer);
        if width >= WIDE || !(settings || inspector) {
            Panel::bottom("strip").exact_size(strip).show(ui, |ui| strip_ui(ui, state));
        }
        if settings {
            Panel::left("settings").exact_size(276.0).show(ui, |ui| form::form_ui(ui, state));
        }
        if inspector {
            Panel::right("inspector").exact_size(286.0).show(ui, |ui| inspector::inspector_ui(ui, state));
        }
    }
    CentralPanel::default()
        .frame(Frame::central_panel(ui.style()).inner_margin(Margin::same(6)))
        .show(ui, |ui| if state.run().is_plane() { stage::stages_ui(ui, state) } else { grid::grid_ui(ui, state) });
}

/// Weights, curves and margins beside each other.
fn strip_ui(ui: &mut Ui, state: &mut State) {
    ui.columns(3, |columns| {
        weighting::weighting_ui(&mut columns[0], state);
        curves::curves_ui(&mut columns[1], state);
        margins::margins_ui(&mut columns[2], state);
    });
}

/// One of the panels, chosen by its tab.
fn sheet_ui(ui: &mut Ui, state: &mut State) {
    ui.horizontal(|ui| {
        for tab in Tab::ALL {
            ui.selectable_value(&mut state.tab, tab, tab.name());
        }
    });
    ui.separator();
    match state.tab {
        Tab::Sample => inspector::inspector_ui(ui, state),
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
