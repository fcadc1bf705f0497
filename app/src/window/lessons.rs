//! Guided lessons: they drive the window step by step, and ask before they show.

use egui::{RichText, Ui};
use gairat::settings::Settings;

use crate::link::Preset;

use super::{
    state::State,
    text::{LESSONS, StepText},
};

/// Where one is in a lesson.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lesson {
    number: usize,
    step: usize,
    answer: Option<usize>,
    /// What still has to be done for this step, as soon as the run allows it.
    wanted: Option<Scene>,
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
    /// λ is set.
    Lambda(i32),
    /// The run goes on.
    Play,
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
fn scene(number: usize, step: usize) -> Option<Scene> {
    match (number, step) {
        (0, 1) => Some(Scene::Broken),
        (1, 1) => Some(Scene::LowKappa),
        (2, 1) => Some(Scene::Lambda(0)),
        _ => Some(Scene::Play),
    }
}

/// What is shown when a question was answered.
fn revealed(number: usize) -> Option<Scene> {
    match number {
        0 => Some(Scene::PlayAttack),
        1 => Some(Scene::HighKappa),
        2 => Some(Scene::Lambda(-2)),
        _ => None,
    }
}

/// Starts a lesson, with a run of its own where it needs one.
pub(crate) fn begin(state: &mut State, number: usize) {
    let number = number.min(LESSONS.len() - 1);
    let preset = match number {
        0 | 1 => Preset::Close,
        2 => Preset::Lambda,
        _ => Preset::Compare,
    };
    let wanted = Settings { seed: state.form.seed, device: state.form.device.clone(), ..preset.settings() };
    let twin = number == 3;
    let at_work = state.runs.iter().all(super::run::Run::is_at_work);
    if state.form != wanted || state.run().settings != wanted || state.has_twin() != twin || !at_work {
        state.form = wanted;
        state.restart_with(twin);
    }
    state.gate.play(true);
    state.select(None);
    state.drawing = None;
    state.lesson = Some(Lesson { number, step: 0, answer: None, wanted: scene(number, 0) });
}

/// Does what the step wants, once the run has got far enough.
pub(crate) fn drive(state: &mut State) {
    let Some(wanted) = state.lesson.as_ref().and_then(|lesson| lesson.wanted) else { return };
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
        Scene::PlayAttack => {
            if state.run().traced.is_some() {
                state.scrub_since = Some(web_time::Instant::now());
                done(state);
            }
            return;
        }
        Scene::Lambda(lambda) => {
            state.form.lambda = f64::from(lambda);
            state.edited();
            state.gate.play(true);
            done(state);
            return;
        }
        Scene::Play => {
            state.gate.play(true);
            done(state);
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
        lesson.wanted = None;
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
                    lesson.wanted = revealed(lesson.number);
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
        if lesson.wanted.is_some() && !state.run().is_at_work() {
            ui.label("The run has ended before there was something to show: start the lesson again from the menu.");
        } else if lesson.wanted.is_some() {
            ui.spinner();
            ui.weak("training until there is something to show…");
        }
    });
    state.lesson = (!leave).then_some(lesson);
}
