//! Lesson 2: kappa, a distance in disguise.

use super::{Choice, Lesson, Panel, Question, Scene, Step, attack::close};

pub(super) const LESSON: Lesson = Lesson {
    title: "Kappa: how far is the boundary?",
    about: "What the number of steps tells",
    settings: close,
    twin: None,
    panels: &[Panel::Sample, Panel::Weights],
    steps: &[
        Step {
            text: "The attack takes 10 steps. [Kappa] counts those before which a point is classified correctly: 0 for a point that is wrong \
                   where the attack starts, 10 for one that is right before every step.",
            scenes: &[Scene::FullSpeed, Scene::Until(8)],
            then: "The grey [bars|kappa] count the points of each kappa. Here both ends are taken: some points have 0, others 10.",
            question: None,
        },
        Step {
            text: "Now a first point is picked out, one that breaks early. Look where it lies.",
            scenes: &[Scene::Until(8), Scene::Select(Choice::LowKappa)],
            then: "The [kappa|steps] of this first point is 5 at most: half of the steps were enough.",
            question: Some(Question {
                question: "Where do points with a low kappa lie?",
                answers: ["Near the boundary", "Deep inside their own colour"],
                right: 0,
                scenes: &[Scene::Select(Choice::HighKappa)],
                reveal: "Kappa is a distance in disguise. Points of low [kappa] lie nearer to the other class, and to the [boundary], than \
                         points of kappa 10. Now a second one is picked out, deep in its own colour: its kappa is 10.",
            }),
        },
        Step {
            text: "The run goes on for some epochs. Watch the [bars|kappa]: as the network learns, kappa grows.",
            scenes: &[Scene::Epochs(12)],
            then: "The mean kappa is now above that of the first epoch: both stand above the [bars|kappa]. Nobody has weighted anything yet: kappa only measures.",
            question: None,
        },
    ],
};
