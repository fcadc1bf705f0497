//! The bar on top (menus, time), the status line at the bottom, and what must be read at once.

use egui::{Align, Button, Frame, Layout, Margin, Panel, RichText, Ui};

use super::{
    controls::action_button,
    drive::{menus_ui, pace, progress_ui, speed_ui},
};
use crate::window::{
    actions::Action,
    model::{Phase, Question, Run, State},
    theme,
};
use crate::{link::Part, words::Door};

/// Menus and time.
pub(crate) fn bar_ui(ui: &mut Ui, state: &mut State, folded: bool) {
    ui.horizontal_wrapped(|ui| {
        menus_ui(ui, state, Button::new(RichText::new("☰ gairat").strong()));
        ui.separator();
        let playing = state.gate.playing() && state.runs.iter().any(Run::is_at_work);
        action_button(ui, state, Action::PlayOrPause, if playing { "⏸ Pause" } else { "▶ Play" }, false);
        action_button(ui, state, Action::OneBatch, "⏭ Batch", false);
        let stepping = state.attack_step.is_some();
        action_button(ui, state, Action::AttackStep, "⏩ Attack step", stepping);
        let slow = state.slow_motion.is_some();
        action_button(ui, state, Action::SlowMotion, "🐌 Slow", slow);
        action_button(ui, state, Action::Rewind, "⏪ Rewind", false);
        action_button(ui, state, Action::Restart, "⟲ New run", false);
        ui.separator();
        speed_ui(ui, state, 104.0, true);
        ui.separator();
        let twin = state.has_twin();
        action_button(ui, state, Action::Twin, "Twin", twin);
        if state.link.shows(Part::Judge) {
            action_button(ui, state, Action::Judge, "⚖ Judge", false);
        }
        let drawing = state.drawing.is_some();
        if state.is_plane() {
            action_button(ui, state, Action::Draw, "✏ Draw", drawing);
        }
        if folded {
            ui.separator();
            let (settings, inspector) = (state.settings_drawer, state.inspector_drawer);
            action_button(ui, state, Action::SettingsDrawer, "⚙ Settings", settings);
            action_button(ui, state, Action::InspectorDrawer, "🔍 Inspector", inspector);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            action_button(ui, state, Action::Help, "?", false);
            action_button(ui, state, Action::Theme, "☀", false);
            action_button(ui, state, Action::Palette, "🔎 Commands", false);
        });
    });
    if state.drawing.is_some() {
        ui.horizontal_wrapped(|ui| brushes_ui(ui, state));
    }
    progress_ui(ui, state);
}

/// What is left of the bar in the page of somebody else.
pub(crate) fn embedded_ui(ui: &mut Ui, state: &mut State) {
    ui.horizontal_wrapped(|ui| {
        let playing = state.gate.playing() && state.runs.iter().any(Run::is_at_work);
        action_button(ui, state, Action::PlayOrPause, if playing { "⏸ Pause" } else { "▶ Play" }, false);
        action_button(ui, state, Action::OneBatch, "⏭ Batch", false);
        action_button(ui, state, Action::Restart, "⟲ New run", false);
        if let Some(accuracies) = state.run().accuracies() {
            ui.label(format!("natural {:.1} %", 100.0 * accuracies.natural)).on_hover_text(&accuracies.by);
            ui.strong(format!("{} {:.1} %", accuracies.name, 100.0 * accuracies.robust)).on_hover_text(&accuracies.by);
        }
        at_chance_ui(ui, state);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| super::links::whole_ui(ui, state));
    });
    progress_ui(ui, state);
}

fn brushes_ui(ui: &mut Ui, state: &mut State) {
    let brush = state.drawing.as_ref().and_then(|drawing| drawing.brush);
    for class in 0..4_u8 {
        let face = theme::class_name(usize::from(class), 2);
        action_button(ui, state, Action::Brush(class), &face, brush == Some(usize::from(class)));
    }
    action_button(ui, state, Action::Eraser, "Eraser", brush.is_none());
    action_button(ui, state, Action::AddNoise, "Noise", false);
    action_button(ui, state, Action::ClearPoints, "Clear", false);
    action_button(ui, state, Action::Undo, "⟲ Undo", false);
    action_button(ui, state, Action::TrainOnDrawing, "Train on these", false);
}

/// What the run is doing, in a few words.
pub(crate) fn doing(run: &Run, playing: bool) -> String {
    match &run.phase {
        Phase::Loading => "reading data and opening the device".to_owned(),
        Phase::Compiling => "compiling kernels for the first batch".to_owned(),
        Phase::Training if !playing => "paused".to_owned(),
        Phase::Training => "training".to_owned(),
        Phase::Evaluating(attack) => format!("evaluating: {attack}"),
        Phase::Finished(_) => "finished".to_owned(),
        Phase::Stopped => "stopped and saved".to_owned(),
        Phase::Failed(_) => "stopped by an error".to_owned(),
    }
}

/// The time left, as 0:21 or 1:02:03.
fn time(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// One line: what happens, how fast, and on what; what it comes to stands in the headline.
pub(crate) fn status_ui(ui: &mut Ui, state: &State, narrow: bool) {
    let run = state.run();
    ui.horizontal_wrapped(|ui| {
        ui.strong(doing(run, state.gate.playing() || state.slow_motion.is_some()));
        let place = run.place;
        if place.epochs > 0 {
            ui.label(format!("epoch {}/{}", run.epoch(), place.epochs));
            // Between two epochs there is no batch to tell of.
            if !state.gate.playing() && place.step > 0 {
                ui.label(format!("batch {}/{}", place.step, place.steps));
            }
        }
        if run.phase == Phase::Training && run.rate() > 0.0 && state.gate.playing() {
            let left = (place.epochs as usize * place.steps).saturating_sub(place.steps_done());
            if !narrow {
                ui.label(pace(run.rate().round()));
            }
            ui.label(format!("{} left", time(left as f64 / run.rate())));
        }
        at_chance_ui(ui, state);
        if !narrow && state.selected.is_none() && state.lesson.is_none() {
            ui.separator();
            ui.label("click a sample to look into it");
        }
        if !narrow {
            ui.separator();
            let about = run.settings.method.about();
            ui.label(run.weights_in_words()).on_hover_text(format!("{}: {}", about.title, about.summary));
            ui.separator();
            let device = if run.device.is_empty() { "…" } else { &run.device };
            let network = format!("{} · {} numbers", run.model.0, run.model.1);
            ui.label(format!("{device} · {} attack", run.path)).on_hover_text(format!("{}\nnetwork {network}", run.device_why));
        }
    });
}

/// What is wrong with runs that learned (nearly) nothing: their accuracies must not be read as results.
fn at_chance_ui(ui: &mut Ui, state: &State) {
    for run in &state.runs {
        let Some(sentence) = run.at_chance() else { continue };
        let whose = if state.has_twin() { format!("{}: ", run.title()) } else { String::new() };
        ui.colored_label(ui.visuals().error_fg_color, format!("✖ {whose}at chance level")).on_hover_text(sentence);
    }
}

/// Questions, errors and warnings, between the bar and the rest.
pub(crate) fn notices_ui(ui: &mut Ui, state: &mut State) {
    if state.notices.is_empty() && state.question.is_none() {
        return;
    }
    let frame = Frame::side_top_panel(ui.style()).fill(ui.visuals().faint_bg_color).inner_margin(Margin::symmetric(8, 4));
    Panel::top("notices").frame(frame).show(ui, |ui| {
        if state.question == Some(Question::NewRun) {
            ui.horizontal_wrapped(|ui| {
                let names: Vec<String> = state.needs_new_run().iter().map(|name| Door::Window.setting(name)).collect();
                ui.label(format!("A run cannot change its {} on the way.", names.join(", ")));
                if ui.button("Start a new run").on_hover_text("The run that is open is saved and kept").clicked() {
                    state.restart();
                }
                if ui.button("Take it back").clicked() {
                    state.take_back();
                }
            });
        }
        if let Some(Question::Resume(folder)) = state.question.clone() {
            ui.horizontal_wrapped(|ui| {
                let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                ui.label(format!("The run {name} was open when this page was closed."));
                if ui.button("Go on with it").clicked() {
                    state.question = None;
                    // The run that waits behind the question ends without a step.
                    state.open_run(&folder);
                    state.gate.play(true);
                }
                if ui.button("Begin anew").on_hover_text("It stays in the list of Open…").clicked() {
                    state.question = None;
                    state.gate.play(true);
                }
            });
        }
        let mut closed = None;
        for (place, notice) in state.notices.iter().enumerate() {
            ui.horizontal_wrapped(|ui| {
                let colour = if notice.is_error { ui.visuals().error_fg_color } else { ui.visuals().warn_fg_color };
                ui.colored_label(colour, if notice.is_error { "✖" } else { "ℹ" });
                ui.label(&notice.text);
                if ui.small_button("Close").clicked() {
                    closed = Some(place);
                }
            });
        }
        if let Some(place) = closed {
            state.notices.remove(place);
        }
    });
}
