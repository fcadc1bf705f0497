//! The words of the lessons, in one table, ready for other languages.

/// One lesson.
pub(crate) struct LessonText {
    pub(crate) title: &'static str,
    pub(crate) steps: &'static [StepText],
}

/// One step of a lesson: what is said, and what is asked before it goes on.
pub(crate) struct StepText {
    pub(crate) text: &'static str,
    pub(crate) question: Option<QuestionText>,
}

/// A question, its answers, the right one, and what is said then.
pub(crate) struct QuestionText {
    pub(crate) question: &'static str,
    pub(crate) answers: [&'static str; 2],
    pub(crate) right: usize,
    pub(crate) reveal: &'static str,
}

const fn say(text: &'static str) -> StepText {
    StepText { text, question: None }
}

const fn ask(
    text: &'static str,
    question: &'static str,
    answers: [&'static str; 2],
    right: usize,
    reveal: &'static str,
) -> StepText {
    StepText { text, question: Some(QuestionText { question, answers, right, reveal }) }
}

pub(crate) const LESSONS: [LessonText; 6] = [
    LessonText {
        title: "An adversarial example",
        steps: &[
            say("A network learns to tell two classes apart. The colour behind the points is its answer, the deeper the surer. \
                 Beside each point there is a mark: that is where an attacker moved it."),
            ask(
                "One point is selected. The attacker may move it inside the small box around it and nowhere else: \
                 too little for its class to change.",
                "Does the network still give the same answer all over the box?",
                ["Yes: the box is small", "No: somewhere in it the answer changes"],
                1,
                "The attack walks uphill on the loss, one step at a time. The cross marks where the answer has changed: \
                 this is an adversarial example. The panel on the right shows the margin falling below 0.",
            ),
            say("Adversarial training shows the network the moved points instead of the natural ones, batch after batch, \
                 so that it learns to answer the same all over the box. Where classes come closer than the box is wide, it cannot."),
        ],
    },
    LessonText {
        title: "Kappa and the boundary",
        steps: &[
            say("The attack takes K steps. Kappa counts how many of its iterates are still classified correctly: \
                 a point that is wrong from the start has kappa 0, one that is never broken has kappa K."),
            ask(
                "The selected point is one that breaks early. Look at where it lies.",
                "Where do points with a low kappa lie?",
                ["Near the border between the colours", "Deep inside their own colour"],
                0,
                "Kappa is a distance in disguise: it counts the steps to the boundary. Points near it break at once; \
                 now a point is selected that never breaks, deep in its own region.",
            ),
            say(
                "Under WEIGHTS, below, the bars count how many samples have each kappa. As training goes on, they move to the right.",
            ),
        ],
    },
    LessonText {
        title: "Weights and lambda",
        steps: &[
            say(
                "A network has too little capacity to fit every adversarial example. GAIRAT gives more weight to samples near the boundary: \
                 the orange curve under WEIGHTS turns kappa into a weight. In the first epochs, the burn-in, every weight is 1; \
                 here they are over soon.",
            ),
            ask(
                "Lambda moves the curve. At 0 it falls in the middle; a lower lambda moves the fall to the left.",
                "Lambda goes from 0 to −2. How many samples still count?",
                ["More of them", "Fewer of them"],
                1,
                "Only samples that break early keep their weight; the line above the curve says what share of samples counts. \
                 Their points on the stage have grown, the others have shrunk.",
            ),
            say(
                "Drag lambda yourself: it takes hold from the next batch. With lambda at infinity every weight is 1, which is plain adversarial training.",
            ),
        ],
    },
    LessonText {
        title: "Why PGD alone fools us",
        steps: &[
            say("Three classes overlap, and two runs train from one seed: GAIRAT, and its twin, plain adversarial training. \
                 From epoch 20 on GAIRAT gives more weight to samples that PGD breaks early. Both runs go on to their last epoch."),
            ask(
                "Under JUDGE both networks have met PGD-20 alone, the kind of attack that they were trained against, on the test samples. \
                 Compare the two bars: more samples of GAIRAT withstand it.",
                "Is GAIRAT the more robust network?",
                ["Yes: fewer samples fall to PGD", "Not before it was tried with other attacks"],
                1,
                "Now JUDGE runs a suite: attacks on the margin, on losses that no scale of the logits blinds, and one without gradients. \
                 A sample counts only if it withstands all of them. The order turns over: GAIRAT is now below plain adversarial training, \
                 and the attack marked ▼ is not PGD.",
            ),
            say(
                "An honest judgement never rests on one attack, least of all on the one that a network was trained against. While a run trains, \
                 the number at the bottom is PGD-20 alone, and says so; JUDGE (J) gives the worst case at any moment. It is the same on images: \
                 on 8,000 of MNIST (means of three seeds) this program measured 91.85 % for GAIRAT against 91.73 % for AT under PGD-20, \
                 and 90.57 % against 91.57 % under CW.",
            ),
        ],
    },
    LessonText {
        title: "Which samples should count?",
        steps: &[
            say(
                "Three classes overlap: some points lie among those of another class, and no network fits them all. Methods disagree about which \
                 samples should count more. The first answer, GAIRAT's, asks how many attack steps a sample withstands: kappa. WEIGHTS shows the \
                 samples over kappa and the weight that follows; after a short burn-in the points on the stage are as large as their weight.",
            ),
            ask(
                "The selected point lies deep among another class: it is wrong before the attack begins, so its kappa is 0. A point just across \
                 the border has kappa 0 as well, and the same weight. The probability margin goes on where kappa ends: it is the probability \
                 of the label less that of the strongest other class, 0 at the border and −1 where the network is sure of the other class.",
                "Which of the two counts more by that margin?",
                ["Both the same", "The one deep among the others"],
                1,
                "MAIL weighs by the margin, and from here on so does this run: the samples now stand over the margin, from −1 to 1. \
                 The lower it is, the more a sample counts, up to a greatest weight at the left end.",
            ),
            ask(
                "The loss is −log of the probability of the label. It has no end: whenever that probability falls to a tenth, \
                 the loss grows by another 2.3.",
                "What does a method that weighs by the loss make of a point with a wrong label?",
                ["It counts it most of all", "It leaves it out"],
                0,
                "DRO weighs by e to the power of loss/r: the curve rises to the right without an end, and what cannot be fitted counts most. \
                 Drag r, above the curve: greater values make all samples count more alike.",
            ),
            ask(
                "Kappa, margin and loss all give hard samples more weight; they differ in what they call hard.",
                "Could it be right to give hard samples less?",
                ["No: they are what must be learned", "Yes: fitting what cannot be fitted may do harm"],
                1,
                "There is such a method: it weighs by the probability that the network gives to the label under attack, so that what is hopeless \
                 hardly counts. Its authors trace robust overfitting to the fitting of hard samples.",
            ),
            say("Four questions order the same samples in four ways: how many steps, which margin, what loss, what confidence. \
                 None is right for all data. A twin (W) puts any two beside each other from one seed; the settings say which. \
                 Judge them by the worst of several attacks, not by the one that they were trained against."),
        ],
    },
    LessonText {
        title: "Two gradients that disagree",
        steps: &[
            say(
                "Natural points ask the network for one change of its weights, adversarial points for another: two gradients. Two runs from one \
                 seed combine them. One, CA-AT, looks at the angle between them; its twin takes their plain average. The line below WEIGHTS is the \
                 cosine of that angle over the epochs: at 1 they agree, at 0 they have nothing in common, below 0 one undoes the other.",
            ),
            ask(
                "After two epochs the runs rest. So far the cosine is near 1.",
                "When will the two gradients disagree?",
                ["Now: the network has only begun", "Later: when most natural points are right"],
                1,
                "At first both want the same coarse picture. Once most natural points are right, what is left to learn lies near the border, \
                 and there the two want different things: the cosine falls, and swings from epoch to epoch.",
            ),
            ask(
                "CA-AT adds as much of the natural gradient to the adversarial one as keeps the cosine between the step and the natural \
                 gradient at γ or above.",
                "γ goes from 0.8 to 0.99. Where does the step turn?",
                ["To the natural gradient", "To the adversarial gradient"],
                0,
                "At 0.99 an angle of 8° is left between the step and the natural gradient: training follows natural data and hardly the attack. \
                 Drag γ, and compare natural accuracy and robustness with those of the twin under CURVES.",
            ),
            say(
                "Be careful with what was published of this method: its gains look like masked gradients, which PGD cannot climb though \
                 the network is not robust. That is why the caveat stands below WEIGHTS. Attacks on the margin and attacks without \
                 gradients tell the difference; PGD alone does not.",
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_menus_have_all_lessons() {
        use crate::window::actions::{Action, Menu};
        assert_eq!(LESSONS.len(), usize::from(crate::link::LESSONS));
        let menu: Vec<String> =
            Action::ALL.iter().filter(|action| action.menu() == Menu::Learn).map(|action| action.name().to_owned()).collect();
        let titles = LESSONS.iter().enumerate().map(|(place, lesson)| format!("{}. {}", place + 1, lesson.title));
        assert_eq!(menu, titles.collect::<Vec<_>>());
    }

    #[test]
    fn every_lesson_asks_before_it_reveals_and_says_something_in_every_step() {
        for lesson in LESSONS {
            assert!(lesson.steps.iter().any(|step| step.question.is_some()), "{}", lesson.title);
            for step in lesson.steps {
                assert!(!step.text.is_empty());
                if let Some(question) = &step.question {
                    assert!(question.right < question.answers.len() && !question.reveal.is_empty());
                }
            }
        }
    }
}
