//! Where one is in a lesson, and what it has lit.

use egui::Rect;

use crate::lesson::{self, LESSONS, Mark, Scene, Step};

/// Where one is in a lesson.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lesson {
    pub(crate) number: usize,
    pub(crate) step: usize,
    pub(crate) answer: Option<usize>,
    /// What still has to be done, one after the other, as soon as the run allows it: of the step, or of the answer.
    pub(crate) wanted: &'static [Scene],
    /// What the first of them has come to so far.
    pub(crate) under_way: UnderWay,
    /// The word that is pointed at, or has the keyboard.
    pub(crate) lit: Option<Lit>,
    /// Whether a narrow window shows the card where it has one thing at a time.
    pub(crate) is_open: bool,
}

/// How far a scene is that takes time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct UnderWay {
    /// Whether it was begun.
    pub(crate) begun: bool,
    /// The steps that the runs go on to.
    pub(crate) goal: usize,
    /// Rows of samples that were looked at and did not fit, and the one that is looked at.
    pub(crate) tried: Vec<u32>,
}

/// A word that lights what it names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lit {
    pub(crate) mark: Mark,
    /// Where the word stands,
    pub(crate) from: Rect,
    /// and what is seen of its card.
    pub(crate) card: Rect,
}

impl Lesson {
    /// The beginning of the lesson `number`.
    pub(crate) fn new(number: usize) -> Self {
        let number = number.min(LESSONS.len() - 1);
        let mut lesson =
            Self { number, step: 0, answer: None, wanted: &[], under_way: UnderWay::default(), lit: None, is_open: true };
        lesson.go_to(0);
        lesson
    }

    /// The words and scenes of the lesson.
    pub(crate) fn plan(&self) -> &'static lesson::Lesson {
        LESSONS[self.number]
    }

    /// The step that it is at.
    pub(crate) fn now(&self) -> &'static Step {
        &self.plan().steps[self.step]
    }

    /// Begins a step.
    pub(crate) fn go_to(&mut self, step: usize) {
        self.step = step.min(self.plan().steps.len() - 1);
        self.answer = None;
        self.want(self.now().scenes);
    }

    /// Wants these scenes from here on.
    pub(crate) fn want(&mut self, scenes: &'static [Scene]) {
        (self.wanted, self.under_way, self.lit) = (scenes, UnderWay::default(), None);
    }

    /// The first scene that is wanted is done.
    pub(crate) fn scene_done(&mut self) {
        (self.wanted, self.under_way) = (self.wanted.get(1..).unwrap_or_default(), UnderWay::default());
    }

    /// Whether all is shown that the words speak of.
    pub(crate) fn is_shown(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Whether a question waits for its answer.
    pub(crate) fn asks(&self) -> bool {
        self.is_shown() && self.now().question.is_some() && self.answer.is_none()
    }

    /// Whether one may go on: what is asked was answered, and what was wanted is there.
    pub(crate) fn may_go_on(&self) -> bool {
        self.is_shown() && (self.now().question.is_none() || self.answer.is_some())
    }

    /// Whether what the attack does is not to be seen yet, because that is what is asked.
    pub(crate) fn hides_attack(&self) -> bool {
        let asks = |question: &lesson::Question| question.scenes.contains(&Scene::PlayAttack);
        self.answer.is_none() && self.now().question.as_ref().is_some_and(asks)
    }

    /// Whether what attacks say of methods is still to be found out: a lesson that comes later asks for it.
    pub(crate) fn hides_caveats(&self) -> bool {
        let asks = |lesson: &&lesson::Lesson| lesson.panels.contains(&lesson::Panel::Results);
        LESSONS.iter().position(asks).is_some_and(|asks| self.number < asks)
    }

    /// Whether this is its last step.
    pub(crate) fn is_last_step(&self) -> bool {
        self.step + 1 == self.plan().steps.len()
    }

    /// The number of the lesson that comes next, if there is one.
    pub(crate) fn next(&self) -> Option<usize> {
        Some(self.number + 1).filter(|number| *number < LESSONS.len())
    }

    /// What is lit, if it is `mark`.
    pub(crate) fn lights(&self, mark: Mark) -> bool {
        self.lit.is_some_and(|lit| lit.mark == mark)
    }
}
