//! The lessons: their words, what each step shows, and the runs that it is shown on. One file a lesson, and [`LESSONS`], the list.
//!
//! This is data alone. The window plays it, a card shows it, and a test plays every lesson to its end and holds what it says against the
//! numbers on the screen.

mod attack;
mod counts;
mod gradients;
mod kappa;
mod pgd;
mod weights;
mod words;

use gairat::settings::Settings;

pub(crate) use attack::close;
pub(crate) use counts::overlap;
pub(crate) use gradients::conflict;
pub(crate) use pgd::compare;
pub(crate) use weights::slow;
pub(crate) use words::{Mark, Piece, pieces};

/// All lessons, in the order in which one leads to the next.
pub(crate) const LESSONS: &[&Lesson] =
    &[&attack::LESSON, &kappa::LESSON, &weights::LESSON, &pgd::LESSON, &counts::LESSON, &gradients::LESSON];

/// One lesson.
pub(crate) struct Lesson {
    /// Its title.
    pub(crate) title: &'static str,
    /// What it is about, in a line.
    pub(crate) about: &'static str,
    /// The run that it begins with.
    pub(crate) settings: fn() -> Settings,
    /// The method of its twin, if it has one.
    pub(crate) twin: Option<&'static str>,
    /// What stands beside and below the stage.
    pub(crate) panels: &'static [Panel],
    /// Its steps.
    pub(crate) steps: &'static [Step],
}

/// What a lesson may show besides the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Panel {
    /// The selected sample and its attack.
    Sample,
    /// The weights over what they depend on.
    Weights,
    /// The curves over the epochs.
    Curves,
    /// The margins.
    Margins,
    /// The table of attacks, in the card.
    Results,
}

/// One step of a lesson.
pub(crate) struct Step {
    /// What is read at once; true whatever the run has done so far.
    pub(crate) text: &'static str,
    /// What is shown meanwhile.
    pub(crate) scenes: &'static [Scene],
    /// What is read when that is shown; it may speak of what is on the screen. Empty where there is nothing more to say.
    pub(crate) then: &'static str,
    /// What is asked after that.
    pub(crate) question: Option<Question>,
}

/// A question, its answers, the right one, and what is shown and said then.
pub(crate) struct Question {
    pub(crate) question: &'static str,
    pub(crate) answers: [&'static str; 2],
    pub(crate) right: usize,
    /// What is shown when it was answered.
    pub(crate) scenes: &'static [Scene],
    /// What is read when that is shown.
    pub(crate) reveal: &'static str,
}

/// Something that is done to the window so that there is something to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scene {
    /// From here on it goes as fast as it can.
    FullSpeed,
    /// From here on it goes as fast as a window begins with, which one can follow.
    FirstSpeed,
    /// It goes on until so many epochs are done, and rests.
    Until(u32),
    /// It goes on for so many epochs from where it is, and rests.
    Epochs(u32),
    /// It rests, and a sample is selected.
    Select(Choice),
    /// The attack on the selected sample is played.
    PlayAttack,
    /// Batch after batch is attacked step by step.
    SlowMotion,
    /// A setting is set; it holds from the next batch on, and weights on the screen follow it at once.
    Set(&'static str, &'static str),
    /// The networks are judged by a suite, or by attacks separated by commas.
    Judge(&'static str),
}

/// A sample that shows something. Each choice is made of the attack on the network as it rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// It is classified correctly, and the attack breaks it in the middle of its way.
    Breaks,
    /// It is classified correctly and breaks early.
    LowKappa,
    /// It is classified correctly before every step, and after the last.
    HighKappa,
    /// It lies deep among another class: the network is all but sure of that one.
    Hopeless,
}

/// The attack of training, as a [`Scene::Judge`] takes it.
pub(crate) const PGD_ALONE: &str = "natural,pgd:20";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lesson_asks_one_question_and_says_something_in_every_step() {
        for lesson in LESSONS {
            assert!(!lesson.title.is_empty() && !lesson.about.is_empty());
            let asked: Vec<&Question> = lesson.steps.iter().filter_map(|step| step.question.as_ref()).collect();
            assert_eq!(asked.len(), 1, "{}", lesson.title);
            assert!(asked[0].right < asked[0].answers.len() && !asked[0].reveal.is_empty());
            assert!(lesson.steps.iter().all(|step| !step.text.is_empty()), "{}", lesson.title);
        }
    }

    #[test]
    fn a_lesson_begins_with_settings_and_a_twin_that_can_be_trained() {
        for lesson in LESSONS {
            let settings = (lesson.settings)();
            settings.checked().unwrap();
            if let Some(twin) = lesson.twin {
                settings.with("method", twin).checked().unwrap();
            }
        }
    }

    #[test]
    fn a_card_is_short_enough_to_be_read() {
        for lesson in LESSONS {
            for step in lesson.steps {
                let words = |text: &str| text.split_whitespace().count();
                assert!(words(step.text) + words(step.then) <= 95, "{}: {}", lesson.title, step.text);
                assert!(step.question.as_ref().is_none_or(|question| words(question.reveal) <= 75), "{}", lesson.title);
            }
        }
    }
}
