//! Where panels stand: beside each other where there is room, in drawers and tabs where there is less.

use egui::{CentralPanel, Frame, Margin, Panel, Ui, vec2};

use crate::{
    lesson::{Mark, Panel as Shown},
    link::Part,
};

use super::{
    model::{State, views::Side},
    narrow,
    panels::{
        bar, curves, form, grid, headline, inspector, judge, lesson, margins, short_bar, spotlight, table, task, weighting,
    },
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
    let (share, most) = if state.link.projector { (0.37, 300.0) } else { (0.33, 260.0) };
    let strip = (height * share).max((height - LOW).min(190.0)).clamp(150.0, most);
    let strip = below(state).find_map(|panel| panel.needs(ui)).map_or(strip, |needed| needed.min(0.5 * height).max(strip));
    // What a link names is there at once; a room sees the inspector when it is asked for.
    let (wide, room) = (width >= WIDE || state.link.show.is_some(), state.link.projector);
    let (settings, inspector) = (wide || state.settings_drawer, (wide && !room) || state.inspector_drawer);
    let inspected = shows(state, Part::Inspector) || shows(state, Part::Judge);
    let (settings, inspector) = (settings && shows(state, Part::Settings), inspector && inspected);
    // A lesson shows what it speaks of, and the rest where it is asked for.
    let settings = settings && (!learns || state.settings_drawer);
    // Where there is nothing to say of a sample, the stage has the room.
    let idle = state.side == Side::Sample && !inspector::has_something(state) && shows(state, Part::Stage);
    let inspector = inspector && ((teaches(state, Shown::Sample) && !idle) || state.inspector_drawer);
    let strips = below(state).next().is_some();
    let staged = shows(state, Part::Stage);
    // Where a window is so low that nothing would be left of the stage, the stage goes first.
    let high = ui.available_height() - strip >= LOW;
    let beside = |ui: &mut Ui, state: &mut State| {
        let across = if room { 400.0 } else { 286.0 };
        let shown = Panel::right("inspector").exact_size(across).show(ui, |ui| side_ui(ui, state)).response;
        spotlight::show(ui, state, &[Mark::Steps], shown.rect);
    };
    // What a lesson shows of a sample takes more height than what it shows below the stage.
    if inspector && learns {
        beside(ui, state);
    }
    if strips && staged && high && (wide || learns || !(settings || inspector)) {
        Panel::bottom("strip").exact_size(strip).show(ui, |ui| strip_ui(ui, state));
    }
    if settings {
        Panel::left("settings").exact_size(276.0).show(ui, |ui| form::form_ui(ui, state));
    }
    if inspector && !learns {
        beside(ui, state);
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

/// What may stand in the strip below the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strip {
    /// The steps of the attack on the selected sample, for a room that does not see the inspector.
    Steps,
    Weights,
    Curves,
    Margins,
    /// The table of attacks, for a room that sees it better here than in the card.
    Results,
}

impl Strip {
    /// The height that it needs, if that is not what there happens to be.
    fn needs(self, ui: &Ui) -> Option<f32> {
        (self == Self::Results).then(|| table::height(ui, ROWS))
    }

    /// What words of lessons name there.
    fn marks(self) -> &'static [Mark] {
        match self {
            Self::Steps => &[Mark::Steps],
            Self::Weights => &[Mark::Kappa, Mark::Weight, Mark::Lambda, Mark::Axis, Mark::Cosine],
            Self::Curves => &[Mark::Curves],
            Self::Margins => &[],
            Self::Results => &[Mark::Table],
        }
    }
}

/// The rows of the table of the suite that lessons run: natural data, and the attacks.
const ROWS: usize = 9;

/// What is shown below the stage.
fn below(state: &State) -> impl Iterator<Item = Strip> {
    let of_room = state.link.projector && state.lesson.is_some();
    let results = of_room && teaches(state, Shown::Results) && lesson::has_results(state);
    let steps = of_room && teaches(state, Shown::Sample) && state.selected.is_some() && !state.inspector_drawer;
    let panels = [
        (Strip::Results, results),
        (Strip::Steps, steps),
        (Strip::Weights, !results && state.link.shows(Part::Weights) && teaches(state, Shown::Weights)),
        (Strip::Curves, !results && state.link.shows(Part::Curves) && teaches(state, Shown::Curves)),
        (Strip::Margins, !results && state.link.shows(Part::Margins) && teaches(state, Shown::Margins)),
    ];
    let embedded = state.link.embed;
    panels.into_iter().filter(move |(_, shown)| *shown && !embedded).map(|(panel, _)| panel)
}

/// The panels of the strip beside each other.
fn strip_ui(ui: &mut Ui, state: &mut State) {
    let shown: Vec<Strip> = below(state).collect();
    ui.columns(shown.len(), |columns| {
        for (ui, panel) in columns.iter_mut().zip(shown) {
            // What has no room is cut off, and does not lie over its neighbours.
            ui.shrink_clip_rect(ui.max_rect().expand2(vec2(5.0, 2.0)));
            match panel {
                Strip::Steps => inspector::steps_panel_ui(ui, state),
                Strip::Weights => weighting::weighting_ui(ui, state),
                Strip::Curves => curves::curves_ui(ui, state),
                Strip::Margins => margins::margins_ui(ui, state),
                Strip::Results => lesson::results_ui(ui, state),
            }
            if panel != Strip::Results {
                spotlight::show(ui, state, panel.marks(), ui.min_rect().expand2(vec2(5.0, 2.0)));
            }
        }
    });
}
