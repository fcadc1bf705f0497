//! Lesson 6: two gradients that disagree.

use gairat::{
    dataset::{Source, Toy},
    settings::Settings,
    train::LearningRateSchedule,
};

use super::{Lesson, Panel, Question, Scene, Step};

pub(super) const LESSON: Lesson = Lesson {
    title: "Two gradients that disagree",
    about: "What natural and adversarial data ask of a network",
    settings: conflict,
    twin: Some("average"),
    panels: &[Panel::Weights, Panel::Curves],
    steps: &[
        Step {
            text: "Natural points ask the network for one change, adversarial points for another: two gradients. CA-AT, on the left, looks at \
                   the angle between them; its twin takes their average. Both begin with the same weights.",
            scenes: &[Scene::FullSpeed, Scene::Until(2)],
            then: "The line under Weights is the [cosine] of that angle: at 1 the two agree, at 0 they have nothing in common, below 0 one \
                   undoes the other. After two epochs the two nearly agree.",
            question: None,
        },
        Step {
            text: "Both runs rest.",
            scenes: &[Scene::Until(2)],
            then: "",
            question: Some(Question {
                question: "When will the two gradients disagree?",
                answers: ["Now: the network has only begun", "Later: when most natural points are right"],
                right: 1,
                scenes: &[Scene::Until(100)],
                reveal: "At first both want the same coarse picture. Once most natural points are right, what is left lies near the boundary, and \
                         there the two want different things: the [cosine] swings, and in the last ten epochs its mean is far below where \
                         it began.",
            }),
        },
        Step {
            text: "CA-AT takes as much of the natural gradient as keeps the cosine between it and the step at γ or above. Press Play, drag γ \
                   and watch both [curves].",
            scenes: &[Scene::FirstSpeed],
            then: "Be careful with what was published: its gains look like masked gradients, which PGD cannot climb though the network is not \
                   robust. Ask for the [worst] of a suite (J).",
            question: None,
        },
    ],
};

/// Two classes that come close, trained along the natural and the adversarial gradient together.
pub(crate) fn conflict() -> Settings {
    Settings {
        points: 500,
        noise: 0.15,
        epsilon: 0.08,
        step_size: 0.016,
        // The rate drops after 80 epochs: soon after that most points are right, and the gradients of what is left disagree.
        epochs: 160,
        lr: 0.2,
        lr_schedule: LearningRateSchedule::Piecewise,
        ..Settings::recipe(Source::Toy(Toy::Moons))
    }
    .with("method", "ca-at")
}
