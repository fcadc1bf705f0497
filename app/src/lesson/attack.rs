//! Lesson 1: an attack, step by step.

use gairat::{
    dataset::{Source, Toy},
    settings::Settings,
};

use super::{Choice, Lesson, Panel, Question, Scene, Step};

pub(super) const LESSON: Lesson = Lesson {
    title: "An attack, step by step",
    about: "Begins the 4-minute tour: what an adversarial example is",
    settings: close,
    twin: None,
    panels: &[Panel::Sample],
    steps: &[
        Step {
            text: "A network learns to tell two classes apart: orange circles and blue squares. The colour behind the points is its \
                   answer, the deeper the surer. Where the colours meet is the [boundary].",
            scenes: &[Scene::Until(8)],
            then: "Beside many points, those drawn in full, there is a mark: that is where an attacker has moved them. A [cross] says that the \
                   network then got it wrong.",
            question: None,
        },
        Step {
            text: "One point is picked out. The attacker may move it inside the small [box] and nowhere else: too little to change \
                   what it is.",
            scenes: &[Scene::Until(8), Scene::Select(Choice::Breaks)],
            then: "The network classifies it correctly where it is. Its answers in the rest of the box stay covered until you have \
                   answered.",
            question: Some(Question {
                question: "Does the network give the same answer all over the box?",
                answers: ["Yes: the box is small", "No: somewhere in it the answer changes"],
                right: 1,
                scenes: &[Scene::PlayAttack],
                reveal: "The cover is gone. The attack climbs the loss, one step at a time, along this [path]. At the first [cross] the answer has changed: \
                         an adversarial example. In that step the [margin|steps] falls below 0.",
            }),
        },
        Step {
            text: "Adversarial training learns from the moved points, batch after batch. Each batch passes four [stations]: it is \
                   attacked; kappa counts the steps before which each point is classified correctly; a weight follows; the network is updated.",
            scenes: &[Scene::SlowMotion],
            then: "Slow motion is on: watch one batch go through them. L stops it.",
            question: None,
        },
    ],
};

/// Classes that come close, so that there is something to break.
pub(crate) fn close() -> Settings {
    Settings { epsilon: 0.08, step_size: 0.016, noise: 0.15, ..Settings::recipe(Source::Toy(Toy::Moons)) }
}
