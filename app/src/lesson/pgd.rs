//! Lesson 4: what PGD says of GAIRAT, and what a suite of attacks says.

use gairat::{
    dataset::{Source, Toy},
    settings::Settings,
};

use super::{Lesson, PGD_ALONE, Panel, Question, Scene, Step};

pub(super) const LESSON: Lesson = Lesson {
    title: "PGD looks better than it is",
    about: "What better attacks find, and how the order of two networks turns over",
    settings: one_epoch_more,
    twin: Some("at"),
    panels: &[Panel::Results, Panel::Curves, Panel::Margins],
    steps: &[
        Step {
            text: "Three classes overlap. Two networks train from the same first weights on the same batches. On the left GAIRAT: from epoch 14 \
                   on it gives points near the boundary more weight. On the right its twin, AT: all points count the same.",
            scenes: &[Scene::FullSpeed, Scene::Until(40)],
            then: "Both have had 40 epochs.",
            question: None,
        },
        Step {
            text: "First the usual test: PGD with 20 steps, an attack like the one that both were trained against, on points that neither has \
                   seen.",
            scenes: &[Scene::Until(40), Scene::Judge(PGD_ALONE)],
            then: "Under [PGD-20|pgd] GAIRAT keeps more points than AT.",
            question: Some(Question {
                question: "Is GAIRAT the more robust network?",
                answers: ["Yes: it loses fewer points", "Not before other attacks were tried"],
                right: 1,
                scenes: &[Scene::Judge("trust")],
                reveal: "A point is robust only if it withstands every attack of the suite. Under the [worst|worst] of them the order turns over: \
                         AT now keeps more than GAIRAT. In the [table] ▼ marks the attack that found most: it is not PGD.",
            }),
        },
        Step {
            text: "Never believe one attack, least of all the one that a network was trained against. While a run trains, the headline \
                   says [PGD|pgd], and that nothing has been [judged|worst] yet; J judges at any moment.",
            scenes: &[],
            then: "Images tell the same: on 8,000 of MNIST (three seeds) this program measured 91.85 % for GAIRAT and 91.73 % for AT under PGD-20, \
                   but 90.57 % and 91.57 % under CW.",
            question: None,
        },
    ],
};

/// Plain adversarial training and weights from kappa from one beginning, where attacks disagree about which is more robust.
pub(crate) fn compare() -> Settings {
    Settings::recipe(Source::Toy(Toy::ThreeBlobs)).with("method", "gairat")
}

/// Two thirds of that, so that nobody waits long. The run rests after 40 epochs and is not over: its own evaluation at its end would tell
/// what the suite is to tell.
fn one_epoch_more() -> Settings {
    Settings { epochs: 41, burn_in: 13, ..compare() }
}
