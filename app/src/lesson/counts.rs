//! Lesson 5: which samples should count? Four answers on one data set.

use gairat::{
    dataset::{Source, Toy},
    settings::Settings,
    train::LearningRateSchedule,
};

use super::{Choice, Lesson, Panel, Question, Scene, Step};

pub(super) const LESSON: Lesson = Lesson {
    title: "Which samples should count?",
    about: "Kappa, margin, loss or confidence: four answers on one data set",
    settings: overlap,
    twin: None,
    panels: &[Panel::Weights],
    steps: &[
        Step {
            text: "Three classes overlap. Some points lie deep among another class, and no network of this size fits them all. Should such a \
                   point count more, or less? Methods disagree.",
            scenes: &[Scene::FullSpeed, Scene::Set("method", "gairat"), Scene::Until(61), Scene::Select(Choice::Hopeless)],
            then: "One of them is picked out. GAIRAT asks for [kappa]: this point is wrong before the attack begins, so kappa is 0, the left \
                   end, where the [curve|weight] is highest. Every point just across the boundary has kappa 0 as well, and the same weight.",
            question: None,
        },
        Step {
            text: "MAIL asks for the margin of probabilities, which goes on where kappa ends: 0 at the boundary, −1 where the network is sure of \
                   another class. The run goes on for an epoch with MAIL.",
            scenes: &[Scene::Set("method", "mail-at"), Scene::Epochs(1)],
            then: "Now the points stand over the [margin|axis]. The lower it is, the more a point counts: the hopeless one [counts|weight] \
                   several times as much as the mean, and more than those just across the boundary.",
            question: None,
        },
        Step {
            text: "DRO asks for the loss, which has no end: whenever the probability of the label falls to a tenth, it grows by 2.3. One \
                   more epoch, with DRO.",
            scenes: &[Scene::Set("method", "dro"), Scene::Epochs(1)],
            then: "The curve rises with the [loss|axis] and never levels off: with DRO the hopeless point [weighs|weight] more than five times \
                   the mean.",
            question: Some(Question {
                question: "Kappa, margin and loss all give hard points more. Could it be right to give them less?",
                answers: ["No: they are what must be learned", "Yes: what cannot be fitted may do harm"],
                right: 1,
                scenes: &[Scene::Set("method", "hard-instance"), Scene::Epochs(1)],
                reveal: "There is such a method. It weighs by [confidence|axis], the probability that the network gives to the label under attack. \
                         The hopeless point now [weighs|weight] next to nothing. Its authors trace robust overfitting to hard points.",
            }),
        },
        Step {
            text: "Four questions put the same points in four orders: how many steps, which margin, what loss, what confidence. None is right \
                   for all data.",
            scenes: &[],
            then: "A twin (W) puts any two of them beside each other. Judge them by the [worst] of a suite, not by the attack that they were \
                   trained against.",
            question: None,
        },
    ],
};

/// Three classes that overlap: some samples lie among those of another class and cannot be fitted.
pub(crate) fn overlap() -> Settings {
    Settings {
        points: 700,
        noise: 0.45,
        epsilon: 0.05,
        step_size: 0.01,
        // Weights set in when the learning rate is a hundredth: the network is sure by then of what it cannot fit, and four methods, an
        // epoch each, weigh the same points on nearly the same network.
        burn_in: 60,
        epochs: 80,
        lr: 0.1,
        lr_schedule: LearningRateSchedule::Piecewise,
        ..Settings::recipe(Source::Toy(Toy::Blobs))
    }
    .with("method", "gairat")
}
