//! A window as narrow as a phone: a bar of one row, and below it one column that a finger scrolls. Two fingers move and zoom the stage.

use egui::{
    Align, CentralPanel, Context, Frame, Margin, Panel, Rect, ScrollArea, Ui, UiBuilder, pos2, scroll_area::ScrollSource, vec2,
};

use super::{
    layout::ON_STAGE,
    model::{State, views::Tab},
    panels::{bar, curves, form, grid, headline, inspector, judge, lesson, margins, short_bar, spotlight, task, weighting},
    stage, theme,
};
use crate::{
    lesson::{Mark, Panel as Shown},
    link::Part,
};

/// What is seen of the panels below the stage, so that one knows that there are some, in points.
const PEEK: f32 = 96.0;
/// The same while a lesson is read: its tabs.
const READING: f32 = 58.0;
/// The share of the height that a lesson takes while it is read.
const LESSON: f32 = 0.52;
/// The least height of a stage.
const LEAST: f32 = 220.0;

/// Makes what can be pressed as large as a finger needs it, where there is one; a narrow window is taken to be a phone.
pub(super) fn targets(ctx: &Context, state: &mut State) {
    let wanted = state.by_finger || ctx.content_rect().width() < theme::NARROW;
    if wanted != state.large_targets {
        state.large_targets = wanted;
        theme::targets(ctx, wanted);
    }
}

/// The whole window.
pub(super) fn window_ui(ui: &mut Ui, state: &mut State) {
    if state.link.embed {
        Panel::bottom("bar").show(ui, |ui| bar::embedded_ui(ui, state));
    } else if state.link.shows(Part::Bar) {
        Panel::top("bar").show(ui, |ui| short_bar::hand_ui(ui, state));
    }
    bar::notices_ui(ui, state);
    task::task_ui(ui, state);
    if state.lesson.as_ref().is_some_and(|lesson| lesson.is_open) {
        let height = (ui.available_height() * LESSON).max(LEAST);
        Panel::bottom("lesson").exact_size(height).show(ui, |ui| lesson::lesson_ui(ui, state));
    }
    let frame = Frame::central_panel(ui.style()).inner_margin(Margin::same(6));
    CentralPanel::default().frame(frame).show(ui, |ui| {
        // While two fingers move the stage nothing else moves.
        let two = ui.input(|input| input.multi_touch().is_some());
        let source = if two { ScrollSource::NONE } else { ScrollSource::ALL };
        let seen = ui.available_height();
        ScrollArea::vertical().auto_shrink([false, false]).scroll_source(source).show(ui, |ui| column_ui(ui, state, seen));
    });
}

fn column_ui(ui: &mut Ui, state: &mut State, seen: f32) {
    // What has just been opened says how to begin; what a word of a lesson names is seen at once.
    if headline::offers_tour(state) {
        ui.horizontal_wrapped(|ui| headline::tour_ui(ui, state));
    }
    let lit = state.lesson.as_ref().and_then(|lesson| lesson.lit).map(|lit| lit.mark);
    let up = lit.is_some_and(|mark| matches!(mark, Mark::Pgd | Mark::Worst | Mark::Stations));
    if up && state.link.shows(Part::Status) {
        headline::headline_ui(ui, state);
    }
    let reads = state.lesson.as_ref().is_some_and(|lesson| lesson.is_open);
    // Beside a card that is read there is room for what it speaks of.
    let spoken = |tab: Tab| !reads || taught(state, tab);
    let tabs: Vec<Tab> = Tab::ALL.into_iter().filter(|tab| state.link.shows(tab.part()) && spoken(*tab)).collect();
    if state.link.shows(Part::Stage) {
        let top = ui.cursor().min;
        let peek = if reads { READING } else { PEEK };
        let room = if tabs.is_empty() { seen } else { seen - peek };
        if state.is_plane() && state.has_twin() && reads {
            // What a card leaves is wider than it is high.
            let height = room.min(ui.available_width() / state.runs.len() as f32 + LEGEND + TITLE);
            stage::row_ui(ui, state, height);
        } else if state.is_plane() {
            // Twins are equally large, and both are seen at once.
            let each = room / state.runs.len() as f32;
            let height = each.min(ui.available_width() + LEGEND).max(LEAST);
            stage::stack_ui(ui, state, height);
        } else {
            part_ui(ui, room.max(LEAST), |ui| grid::grid_ui(ui, state));
        }
        let staged = Rect::from_min_max(top, pos2(ui.max_rect().right(), ui.cursor().top()));
        spotlight::show(ui, state, &ON_STAGE, staged);
    }
    // A card leaves little room: then the tabs come first.
    if state.link.shows(Part::Status) && !reads {
        bar::status_ui(ui, state, true);
    }
    if !tabs.is_empty() {
        tab_ui(ui, state, tabs, seen);
    }
    // What the column begins with is what one touches; its figures are read.
    if !up && state.link.shows(Part::Status) {
        ui.separator();
        headline::headline_ui(ui, state);
    }
}

/// The panels below the stage, one at a time.
fn tab_ui(ui: &mut Ui, state: &mut State, tabs: Vec<Tab>, seen: f32) {
    // The panel scrolls to what is looked for, and the column to the panel, as it does where a word of a lesson names it.
    if state.sought.is_some() || state.shows_tab > 0 {
        state.shows_tab = state.shows_tab.saturating_sub(1);
        ui.scroll_to_cursor(Some(Align::TOP));
    }
    if !tabs.contains(&state.tab) {
        state.tab = tabs[0];
    }
    ui.horizontal_wrapped(|ui| tabs_ui(ui, state, tabs));
    ui.separator();
    match state.tab {
        Tab::Sample => part_ui(ui, seen, |ui| inspector::inspector_ui(ui, state)),
        Tab::Judge => part_ui(ui, seen, |ui| judge::judge_ui(ui, state)),
        Tab::Settings => part_ui(ui, seen, |ui| form::form_ui(ui, state)),
        Tab::Weights => part_ui(ui, CHART, |ui| weighting::weighting_ui(ui, state)),
        Tab::Curves => part_ui(ui, CHART, |ui| curves::curves_ui(ui, state)),
        Tab::Margins => part_ui(ui, CHART, |ui| margins::margins_ui(ui, state)),
    }
}

/// What is shown below the stage, by name; a lesson that was put aside is taken up again.
fn tabs_ui(ui: &mut Ui, state: &mut State, tabs: Vec<Tab>) {
    if let Some(lesson) = &mut state.lesson
        && ui.selectable_label(lesson.is_open, "Lesson").clicked()
    {
        lesson.is_open = !lesson.is_open;
    }
    for tab in tabs {
        let reads = state.lesson.as_ref().is_some_and(|lesson| lesson.is_open);
        if ui.selectable_label(!reads && state.tab == tab, tab.name()).clicked() {
            state.tab = tab;
            if let Some(lesson) = &mut state.lesson {
                lesson.is_open = false;
            }
        }
    }
}

/// Whether the lesson speaks of what a tab shows.
fn taught(state: &State, tab: Tab) -> bool {
    let panel = match tab {
        Tab::Sample => Shown::Sample,
        Tab::Weights => Shown::Weights,
        Tab::Curves => Shown::Curves,
        Tab::Margins => Shown::Margins,
        Tab::Judge | Tab::Settings => return false,
    };
    state.lesson.as_ref().is_some_and(|lesson| lesson.plan().panels.contains(&panel))
}

/// What stands above and below the picture of a stage, and above it alone.
const LEGEND: f32 = 52.0;
const TITLE: f32 = 50.0;
/// The height of a chart.
const CHART: f32 = 340.0;

/// A part of the column, which is as high as this: panels take all the height there is, and a column has no end.
fn part_ui(ui: &mut Ui, height: f32, show: impl FnOnce(&mut Ui)) {
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), height));
    let mut inside = ui.new_child(UiBuilder::new().max_rect(rect));
    inside.set_clip_rect(rect.intersect(ui.clip_rect()));
    show(&mut inside);
}
