//! Lesson 3: weights follow kappa, and lambda moves them, on a network that rests.

use gairat::{
    dataset::{Source, Toy},
    settings::Settings,
    train::LearningRateSchedule,
};

use super::{Lesson, Panel, Question, Scene, Step};

pub(super) const LESSON: Lesson = Lesson {
    title: "Weights: who counts more?",
    about: "How samples come to count more or less, and what lambda does",
    settings: slow,
    twin: None,
    panels: &[Panel::Weights],
    steps: &[
        Step {
            text: "No network of this size fits every adversarial example. GAIRAT gives more [weight] to points near the boundary. In the \
                   first epochs, the burn-in, every point counts 1; here they are over soon.",
            scenes: &[Scene::FullSpeed, Scene::Set("lambda", "0"), Scene::Until(12)],
            then: "The magenta [curve|weight] turns [kappa] into weight: it falls from left to right. On average a point weighs 1. On the \
                   stage the points that count more are larger.",
            question: None,
        },
        Step {
            text: "The network rests now, and stays as it is. Only the weights will move. [Lambda] shifts the curve; it stands at 0.",
            scenes: &[Scene::Set("lambda", "0"), Scene::Until(12)],
            then: "",
            question: Some(Question {
                question: "Lambda goes from 0 to −2. How many points still count?",
                answers: ["More of them", "Fewer of them"],
                right: 1,
                scenes: &[Scene::Set("lambda", "-2")],
                reveal: "Fewer. The curve falls earlier, so only points that break early keep their [weight]; those that count have grown, the \
                         others shrank. The share that counts stands above the curve, and it is smaller than before.",
            }),
        },
        Step {
            text: "Drag [lambda] yourself: the weights follow at once, because the network rests. At ∞ every point weighs 1, which is plain \
                   adversarial training.",
            scenes: &[Scene::Set("lambda", "inf")],
            then: "That is how it stands now: the [curve|weight] is flat and all points count. With Play the network learns from the weights \
                   that you chose, and kappa answers.",
            question: None,
        },
    ],
};

/// Slow enough that low values of λ do not collapse it, whatever the seed.
pub(crate) fn slow() -> Settings {
    Settings {
        epsilon: 0.05,
        step_size: 0.01,
        noise: 0.12,
        burn_in: 8,
        epochs: 400,
        lr: 0.01,
        lr_schedule: LearningRateSchedule::Cosine,
        ..Settings::recipe(Source::Toy(Toy::Moons))
    }
    .with("method", "gairat")
    .with("lambda", "0")
}
