//! Guided lessons: they drive the window step by step, and ask before they show.

use egui::{RichText, Ui};
use gairat::settings::{MethodChoice, Settings};

use crate::link::Preset;

use super::{
    changes::Member,
    judge::{self, JudgeView, PGD_ALONE},
    layout::{Side, Tab},
    state::{SPEEDS, State},
    text::{LESSONS, StepText},
};

/// Where one is in a lesson.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lesson {
    number: usize,
    step: usize,
    answer: Option<usize>,
    /// What still has to be done for this step, one after the other, as soon as the run allows it.
    wanted: &'static [Scene],
}

/// What a step shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scene {
    /// A sample that the attack breaks on its way is selected, and the run rests.
    Broken,
    /// Its attack is played.
    PlayAttack,
    /// A sample with a low kappa is selected.
    LowKappa,
    /// A sample that is never broken is selected.
    HighKappa,
    /// The sample that the network is surest to be of another class is selected.
    Hopeless,
    /// A setting is set, and the run goes on.
    Set(&'static str, &'static str),
    /// The run goes on.
    Play,
    /// It goes on until so many epochs are done, and rests.
    Until(u32),
    /// From here on it goes as fast as it can.
    FullSpeed,
    /// The networks are judged by a suite, or by attacks separated by commas.
    Judge(&'static str),
}

impl Lesson {
    fn text(&self) -> &'static StepText {
        &LESSONS[self.number].steps[self.step]
    }

    /// The number of the lesson and of its step, counted from 0.
    #[cfg(test)]
    pub(crate) fn place(&self) -> (usize, usize) {
        (self.number, self.step)
    }
}

/// What is shown when a step begins.
fn scene(number: usize, step: usize) -> &'static [Scene] {
    match (number, step) {
        (0, 1) => &[Scene::Broken],
        (1, 1) => &[Scene::LowKappa],
        (2, 1) => &[Scene::Set("lambda", "0")],
        (3, 0) => &[Scene::FullSpeed, Scene::Play],
        (3, 1) => &[Scene::FullSpeed, Scene::Play, Scene::Until(60), Scene::Judge(PGD_ALONE)],
        (3, 2) => &[],
        (4, 1) => &[Scene::Set("method", "gairat"), Scene::Hopeless],
        (4, 2) => &[Scene::Set("method", "mail-at")],
        (4, 3) => &[Scene::Set("method", "dro")],
        (4, 4) => &[Scene::Set("method", "hard-instance")],
        (5, 0 | 1) => &[Scene::Until(2)],
        (5, 2) => &[Scene::Set("gamma", "0.8")],
        _ => &[Scene::Play],
    }
}

/// What is shown when the question of a step was answered.
fn revealed(number: usize, step: usize) -> &'static [Scene] {
    match (number, step) {
        (0, _) => &[Scene::PlayAttack],
        (1, _) => &[Scene::HighKappa],
        (2, _) => &[Scene::Set("lambda", "-2")],
        (3, _) => &[Scene::Judge("trust")],
        (4, 1) => &[Scene::Set("method", "mail-at")],
        (4, 2) => &[Scene::Set("method", "dro")],
        (4, _) => &[Scene::Set("method", "hard-instance")],
        (5, 1) => &[Scene::Play],
        (5, _) => &[Scene::Set("gamma", "0.99")],
        _ => &[],
    }
}

/// The settings that a lesson begins with, and the method of its twin, if it has one.
fn beginning(number: usize) -> (Preset, Option<&'static str>) {
    match number {
        0 | 1 => (Preset::Close, None),
        2 => (Preset::Lambda, None),
        3 => (Preset::Compare, Some("at")),
        4 => (Preset::Overlap, None),
        _ => (Preset::Conflict, Some("average")),
    }
}

/// Starts a lesson, with a run of its own where it needs one.
pub(crate) fn begin(state: &mut State, number: usize) {
    let number = number.min(LESSONS.len() - 1);
    let (preset, twin) = beginning(number);
    let wanted = Settings { seed: state.form.seed, device: state.form.device.clone(), ..preset.settings() };
    let twin = twin.and_then(|name| MethodChoice::of(name).ok());
    let settings = |method: &MethodChoice| Settings { method: method.clone(), ..wanted.clone() };
    let same = state.form == wanted
        && state.run().settings == wanted
        && state.runs.get(1).map(|run| run.settings.clone()) == twin.as_ref().map(settings)
        && state.runs.iter().all(super::run::Run::is_at_work);
    if !same {
        (state.form, state.twin) = (wanted, twin);
        state.restart_with(state.twin.is_some());
    }
    state.gate.play(true);
    state.select(None);
    state.drawing = None;
    state.lesson = Some(Lesson { number, step: 0, answer: None, wanted: scene(number, 0) });
}

/// Does what the step wants, once the run has got far enough.
pub(crate) fn drive(state: &mut State) {
    let Some(&wanted) = state.lesson.as_ref().and_then(|lesson| lesson.wanted.first()) else { return };
    let run = state.run();
    let steps = run.settings.steps;
    let seen = || run.all_seen().map(|seen| (seen.record.row, seen.record.measured));
    let enough = run.place.epoch >= 2;
    let chosen = match wanted {
        Scene::Broken if enough => {
            seen().find(|(_, m)| m.broken && m.margin_start > 0.0 && (2..steps).contains(&m.kappa)).map(|found| found.0)
        }
        Scene::LowKappa if enough => {
            seen().filter(|(_, m)| m.broken && m.kappa <= steps / 2).min_by_key(|(_, m)| m.kappa).map(|found| found.0)
        }
        Scene::HighKappa if enough => {
            let whole = seen().filter(|(_, m)| !m.broken && m.kappa == steps);
            whole.max_by(|a, b| a.1.margin_start.total_cmp(&b.1.margin_start)).map(|found| found.0)
        }
        // Before that the network is sure of nothing.
        Scene::Hopeless if run.weighs => seen().min_by(|a, b| a.1.margin_start.total_cmp(&b.1.margin_start)).map(|found| found.0),
        Scene::PlayAttack => {
            if state.run().traced.is_some() {
                state.scrub_since = Some(web_time::Instant::now());
                done(state);
            }
            return;
        }
        Scene::Set(name, value) => {
            // What a lesson sets its method has.
            let _ = state.set(Member::Main, name, value);
            state.gate.play(true);
            done(state);
            return;
        }
        Scene::Play => {
            state.gate.play(true);
            done(state);
            return;
        }
        Scene::FullSpeed => {
            state.set_speed(SPEEDS.len() - 1);
            done(state);
            return;
        }
        Scene::Judge(attacks) => {
            state.judge = JudgeView { attacks, ..JudgeView::default() };
            (state.side, state.tab, state.inspector_drawer) = (Side::Judge, Tab::Judge, true);
            judge::begin(state, true);
            done(state);
            return;
        }
        Scene::Until(epochs) => {
            if run.place.epoch >= epochs {
                state.gate.play(false);
                done(state);
            }
            return;
        }
        _ => return,
    };
    if let Some(row) = chosen {
        state.gate.play(false);
        state.select(Some(row));
        state.scrub = if wanted == Scene::Broken { 0 } else { usize::MAX };
        done(state);
    }
}

fn done(state: &mut State) {
    if let Some(lesson) = &mut state.lesson {
        lesson.wanted = lesson.wanted.get(1..).unwrap_or_default();
    }
}

/// The lesson's panel.
pub(crate) fn lesson_ui(ui: &mut Ui, state: &mut State) {
    let Some(mut lesson) = state.lesson.clone() else { return };
    let steps = LESSONS[lesson.number].steps.len();
    let mut leave = false;
    ui.horizontal_wrapped(|ui| {
        ui.strong(format!("Lesson {}: {}", lesson.number + 1, LESSONS[lesson.number].title));
        ui.weak(format!("{} of {steps}", lesson.step + 1));
    });
    ui.label(lesson.text().text);
    if let Some(question) = &lesson.text().question {
        ui.label(RichText::new(question.question).strong());
        ui.horizontal_wrapped(|ui| {
            for (place, answer) in question.answers.iter().enumerate() {
                let chosen = lesson.answer == Some(place);
                let mark = match (lesson.answer, place == question.right) {
                    (None, _) => "",
                    (Some(_), true) => "✔ ",
                    (Some(_), false) => "✖ ",
                };
                // Framed like what it is: something to press.
                let button = egui::Button::new(format!("{mark}{answer}")).selected(chosen);
                let button = ui.add_enabled(lesson.answer.is_none(), button);
                if button.clicked() {
                    lesson.answer = Some(place);
                    lesson.wanted = revealed(lesson.number, lesson.step);
                }
            }
        });
        if lesson.answer.is_some() {
            ui.label(question.reveal);
        }
    }
    ui.horizontal(|ui| {
        if lesson.step > 0 && ui.button("Back").clicked() {
            lesson.step -= 1;
            (lesson.answer, lesson.wanted) = (None, scene(lesson.number, lesson.step));
        }
        let may_go_on = lesson.text().question.is_none() || lesson.answer.is_some();
        if lesson.step + 1 < steps {
            if ui.add_enabled(may_go_on, egui::Button::new("Next")).clicked() {
                lesson.step += 1;
                (lesson.answer, lesson.wanted) = (None, scene(lesson.number, lesson.step));
            }
        } else if ui.button("Done").clicked() {
            leave = true;
        }
        if ui.button("Leave the lesson").clicked() {
            leave = true;
        }
        if !lesson.wanted.is_empty() && !state.run().is_at_work() {
            ui.label("The run has ended before there was something to show: start the lesson again from the menu.");
        } else if !lesson.wanted.is_empty() {
            ui.spinner();
            ui.weak("training until there is something to show…");
        }
    });
    state.lesson = (!leave).then_some(lesson);
}
