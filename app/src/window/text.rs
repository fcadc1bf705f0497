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

pub(crate) const LESSONS: [LessonText; 4] = [
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
            say(
                "Two runs from one seed, side by side: plain adversarial training and GAIRAT. During training both are judged by PGD-20, \
                 the kind of attack that they were trained against.",
            ),
            ask(
                "GAIRAT spends its effort on the samples that PGD breaks early, and the margins of the others may shrink: \
                 look at MARGINS, where nearly all of them come to lie just beside 0.",
                "If a run looks good under PGD-20, is it robust?",
                ["Yes: PGD is a strong attack", "Not before it was tried with other attacks"],
                1,
                "An attack on the margin (CW) or an ensemble (AutoAttack) finds what PGD misses. On 8,000 MNIST images (means of three seeds) this \
                 program measured 91.85 % for GAIRAT against 91.73 % for AT under PGD-20, and 90.57 % against 91.57 % under CW: the order turns round.",
            ),
            say(
                "While a run trains, the number at the bottom is PGD-20 alone, and says so; at its end it is the worst case over all attacks that \
                 were run, with the name of the strongest. An honest judgement never rests on one attack.",
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

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
