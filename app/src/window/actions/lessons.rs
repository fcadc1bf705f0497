//! A lesson drives the window step by step.

use gairat::settings::{MethodChoice, Settings};

use super::judging;
use crate::window::model::{
    Member, Run, SPEEDS, State,
    lesson::{LESSONS, Lesson, Scene, beginning, scene},
    views::{JudgeView, Side, Tab},
};

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
        && state.runs.iter().all(Run::is_at_work);
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
            judging::begin(state, true);
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
