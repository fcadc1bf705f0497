//! Guided lessons: where one is, what each step shows, and the words.

mod text;

use crate::{link::Preset, window::model::judging::PGD_ALONE};

pub(crate) use text::LESSONS;
use text::StepText;

/// Where one is in a lesson.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lesson {
    pub(crate) number: usize,
    pub(crate) step: usize,
    pub(crate) answer: Option<usize>,
    /// What still has to be done for this step, one after the other, as soon as the run allows it.
    pub(crate) wanted: &'static [Scene],
}

/// What a step shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scene {
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
    /// The words of the step.
    pub(crate) fn text(&self) -> &'static StepText {
        &LESSONS[self.number].steps[self.step]
    }

    /// The number of the lesson and of its step, counted from 0.
    #[cfg(test)]
    pub(crate) fn place(&self) -> (usize, usize) {
        (self.number, self.step)
    }
}

/// What is shown when a step begins.
pub(crate) fn scene(number: usize, step: usize) -> &'static [Scene] {
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
pub(crate) fn revealed(number: usize, step: usize) -> &'static [Scene] {
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
pub(crate) fn beginning(number: usize) -> (Preset, Option<&'static str>) {
    match number {
        0 | 1 => (Preset::Close, None),
        2 => (Preset::Lambda, None),
        3 => (Preset::Compare, Some("at")),
        4 => (Preset::Overlap, None),
        _ => (Preset::Conflict, Some("average")),
    }
}
