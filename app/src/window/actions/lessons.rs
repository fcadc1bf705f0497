//! A lesson drives the window step by step.

use gairat::{
    attack::Measured,
    session::Traced,
    settings::{MethodChoice, Settings},
};
use web_time::Instant;

use super::judging;
use crate::{
    lesson::{Choice, LESSONS, Scene},
    window::model::{
        FIRST_SPEED, Member, Run, SPEEDS, State,
        lesson::Lesson,
        views::{JudgeView, Side, Tab},
    },
};

/// A sample lies deep among another class where its label has so much less probability than that one.
const DEEP: f32 = 0.6;
/// Samples that are looked at before one is taken that does not quite fit.
const TRIED: usize = 40;

/// Starts a lesson, with a run of its own.
pub(crate) fn begin(state: &mut State, number: usize) {
    let number = number.min(LESSONS.len() - 1);
    let plan = LESSONS[number];
    let begins = (plan.settings)();
    let wanted = Settings { seed: state.form.seed, device: state.form.device.clone(), ..begins };
    // What a lesson names there is.
    let twin = plan.twin.and_then(|name| MethodChoice::of(name).ok());
    (state.form, state.twin) = (wanted, twin);
    state.restart_with(state.twin.is_some());
    state.set_speed(FIRST_SPEED);
    state.gate.play(true);
    state.select(None);
    state.drawing = None;
    state.judge = JudgeView { curve: false, ..JudgeView::default() };
    (state.side, state.tab) = (Side::Sample, Tab::default());
    (state.settings_drawer, state.inspector_drawer, state.palette) = (false, false, None);
    state.lesson = Some(Lesson::new(number));
}

/// Answers the question of the step.
pub(crate) fn answer(state: &mut State, place: usize) {
    let Some(lesson) = &mut state.lesson else { return };
    let Some(question) = &lesson.now().question else { return };
    if lesson.answer.is_none() && lesson.is_shown() {
        lesson.answer = Some(place);
        lesson.want(question.scenes);
    }
    state.touch();
}

/// Goes on to the next step, or to the next lesson; after the last it is over.
pub(crate) fn forward(state: &mut State) {
    let Some(lesson) = state.lesson.as_ref().filter(|lesson| lesson.may_go_on()) else { return };
    if !lesson.is_last_step() {
        let step = lesson.step + 1;
        go_to(state, step);
    } else if let Some(next) = lesson.next() {
        begin(state, next);
    } else {
        leave(state);
    }
}

/// Goes back to the step before.
pub(crate) fn back(state: &mut State) {
    if let Some(step) = state.lesson.as_ref().and_then(|lesson| lesson.step.checked_sub(1)) {
        go_to(state, step);
    }
}

fn go_to(state: &mut State, step: usize) {
    stop_slow_motion(state);
    if let Some(lesson) = &mut state.lesson {
        lesson.go_to(step);
    }
    state.touch();
}

/// Closes the lesson; the run stays, and goes on.
pub(crate) fn leave(state: &mut State) {
    stop_slow_motion(state);
    state.lesson = None;
    state.set_speed(FIRST_SPEED);
    state.gate.play(true);
    state.touch();
}

/// Closes the lesson, if there is one.
pub(super) fn left(state: &mut State) -> bool {
    let there = state.lesson.is_some();
    if there {
        leave(state);
    }
    there
}

fn stop_slow_motion(state: &mut State) {
    if state.slow_motion.take().is_some() {
        state.attack_step = None;
    }
}

/// Does what the step wants, as far as the run has got.
pub(crate) fn drive(state: &mut State) {
    while let Some(scene) = state.lesson.as_ref().and_then(|lesson| lesson.wanted.first().copied()) {
        if !play(state, scene) {
            return;
        }
        if let Some(lesson) = &mut state.lesson {
            lesson.scene_done();
        }
        state.touch();
    }
}

/// Does a scene as far as it can be done now; whether that was all.
fn play(state: &mut State, scene: Scene) -> bool {
    match scene {
        Scene::FullSpeed => state.set_speed(SPEEDS.len() - 1),
        Scene::FirstSpeed => state.set_speed(FIRST_SPEED),
        Scene::SlowMotion if state.run().place.steps == 0 => return false,
        Scene::SlowMotion => state.slow_motion = Some(Instant::now()),
        Scene::PlayAttack => {
            if state.run().traced.is_none() {
                return false;
            }
            state.scrub_since = Some(Instant::now());
        }
        // What a lesson sets its method has.
        Scene::Set(name, value) => {
            let _ = state.set(Member::Main, name, value);
            state.tell_now();
            if !state.gate.playing() {
                // Weights of one network are compared, not those of the batches of an epoch.
                state.runs.iter_mut().for_each(Run::reweigh);
            }
        }
        Scene::Until(epochs) => return until(state, |_| epochs),
        Scene::Epochs(more) => return until(state, |done| done + more),
        Scene::Select(choice) => return select(state, choice),
        Scene::Judge(attacks) => return judge(state, attacks),
    }
    true
}

/// Whether a scene is done for the first time; from then on it is under way.
fn begins(state: &mut State) -> bool {
    state.lesson.as_mut().is_some_and(|lesson| !std::mem::replace(&mut lesson.under_way.begun, true))
}

/// Lets the runs go on until so many epochs are done, and no batch further; whether they are, and seen.
fn until(state: &mut State, epochs: impl Fn(u32) -> u32) -> bool {
    let place = state.run().place;
    if state.runs.iter().any(|run| run.place.steps == 0) {
        return false;
    }
    if begins(state) {
        // From the end of an epoch on.
        let done = place.epoch + u32::from(place.step > 0);
        let goal = epochs(done).min(place.epochs) as usize * place.steps;
        if let Some(lesson) = &mut state.lesson {
            lesson.under_way.goal = goal;
        }
        (state.attack_step, state.slow_motion) = (None, None);
        state.gate.play_until(goal as u64);
    }
    let goal = state.lesson.as_ref().map_or(0, |lesson| lesson.under_way.goal);
    let is_there = state.runs.iter().all(|run| run.place.steps_done() >= goal && run.all_seen().count() == run.samples.len());
    if is_there {
        state.gate.play(false);
        // While the network rests its weights are those of all samples beside each other, and no longer those that each had in its batch.
        state.runs.iter_mut().for_each(Run::reweigh);
    }
    is_there
}

/// Looks for a sample that shows what is wanted, in the attack on the network as it rests; whether one is selected.
fn select(state: &mut State, choice: Choice) -> bool {
    if begins(state) {
        state.gate.play(false);
        state.select(None);
        (state.side, state.scrub) = (Side::Sample, usize::MAX);
    }
    let looked_at = state.selected;
    if let Some(row) = looked_at {
        let Some(traced) = state.run().traced.as_ref().filter(|traced| traced.row == row) else { return false };
        let tried = state.lesson.as_ref().map_or(0, |lesson| lesson.under_way.tried.len());
        if fits(choice, traced) || tried >= TRIED {
            state.scrub = if choice == Choice::Breaks { 0 } else { usize::MAX };
            return true;
        }
    }
    let Some(row) = candidate(state, choice) else { return looked_at.is_some() };
    if let Some(lesson) = &mut state.lesson {
        lesson.under_way.tried.push(row);
    }
    state.select(Some(row));
    false
}

/// The sample that fits best by what training measured of it, and was not looked at.
fn candidate(state: &State, choice: Choice) -> Option<u32> {
    let tried = &state.lesson.as_ref()?.under_way.tried;
    let run = state.run();
    let steps = run.settings.steps as f32;
    let unfit = |measured: &Measured| -> Option<f32> {
        let kappa = measured.kappa as f32;
        match choice {
            Choice::Breaks => {
                (measured.broken && measured.margin_start > 0.0 && kappa > 1.0).then_some((kappa - 0.5 * steps).abs())
            }
            Choice::LowKappa => (measured.broken && measured.margin_start > 0.0).then_some((kappa - 0.3 * steps).abs()),
            Choice::HighKappa => (!measured.broken && kappa == steps).then_some(-measured.margin_adversarial),
            Choice::Hopeless => Some(measured.margin_start),
        }
    };
    let fitting = run.all_seen().filter(|seen| !tried.contains(&seen.record.row));
    let fitting = fitting.filter_map(|seen| Some((unfit(&seen.record.measured)?, seen.record.row)));
    fitting.min_by(|a, b| a.0.total_cmp(&b.0)).map(|found| found.1)
}

/// Whether the attack on a sample shows what is wanted.
fn fits(choice: Choice, traced: &Traced) -> bool {
    let label = traced.label as usize;
    let steps = traced.points.len().saturating_sub(1) as u32;
    let correct = traced.natural_class() == label && traced.class_at(0) == label;
    match choice {
        Choice::Breaks => correct && traced.broken && traced.first_hit >= 3 && traced.first_hit + 2 <= steps,
        Choice::LowKappa => correct && traced.broken && traced.kappa >= 1 && 2 * traced.kappa <= steps,
        Choice::HighKappa => correct && !traced.broken && traced.kappa == steps,
        Choice::Hopeless => traced.probability_margin() <= -DEEP && traced.kappa == 0,
    }
}

/// Has the networks judged; whether the verdicts are there.
fn judge(state: &mut State, attacks: &'static str) -> bool {
    if begins(state) {
        let judged = |state: &State| -> usize { state.runs.iter().map(|run| run.judgements.done.len()).sum() };
        state.judge = JudgeView { attacks, curve: false, ..JudgeView::default() };
        let before = judged(state);
        if let Some(lesson) = &mut state.lesson {
            lesson.under_way.goal = before + state.runs.len();
        }
        judging::begin(state, true);
        return false;
    }
    let goal = state.lesson.as_ref().map_or(0, |lesson| lesson.under_way.goal);
    let done: usize = state.runs.iter().map(|run| run.judgements.done.len()).sum();
    let at_work = state.runs.iter().any(|run| run.judgements.under_way.is_some());
    done >= goal || !at_work
}
