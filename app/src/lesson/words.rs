//! Words that are tied to marks: `[weight]` and `[the curve|weight]` light what they name.

use super::Panel;

/// What a word in a lesson names on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mark {
    /// Where the regions meet.
    Boundary,
    /// The ball around the selected point.
    Ball,
    /// The way of the attack on it.
    Path,
    /// Points that the attack broke.
    Cross,
    /// Margin and loss over the steps of the attack.
    Steps,
    /// Before how many steps samples are classified correctly.
    Kappa,
    /// How much they count.
    Weight,
    /// The number that moves the weights.
    Lambda,
    /// What the weights of a method depend on.
    Axis,
    /// What a method measures besides.
    Cosine,
    /// The curves over the epochs.
    Curves,
    /// Accuracy under PGD, in the headline.
    Pgd,
    /// The worst of a suite, in the headline.
    Worst,
    /// The table of attacks.
    Table,
    /// The four stations of a step.
    Stations,
}

impl Mark {
    pub(crate) const ALL: [Self; 15] = [
        Self::Boundary,
        Self::Ball,
        Self::Path,
        Self::Cross,
        Self::Steps,
        Self::Kappa,
        Self::Weight,
        Self::Lambda,
        Self::Axis,
        Self::Cosine,
        Self::Curves,
        Self::Pgd,
        Self::Worst,
        Self::Table,
        Self::Stations,
    ];

    /// Its name in the words of a lesson.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Boundary => "boundary",
            Self::Ball => "box",
            Self::Path => "path",
            Self::Cross => "cross",
            Self::Steps => "steps",
            Self::Kappa => "kappa",
            Self::Weight => "weight",
            Self::Lambda => "lambda",
            Self::Axis => "axis",
            Self::Cosine => "cosine",
            Self::Curves => "curves",
            Self::Pgd => "pgd",
            Self::Worst => "worst",
            Self::Table => "table",
            Self::Stations => "stations",
        }
    }

    /// The panel that it stands on; none where it stands on the stage or in the headline, which are always there.
    pub(crate) fn panel(self) -> Option<Panel> {
        match self {
            Self::Kappa | Self::Weight | Self::Lambda | Self::Axis | Self::Cosine => Some(Panel::Weights),
            Self::Steps => Some(Panel::Sample),
            Self::Curves => Some(Panel::Curves),
            Self::Table => Some(Panel::Results),
            Self::Boundary | Self::Ball | Self::Path | Self::Cross | Self::Pgd | Self::Worst | Self::Stations => None,
        }
    }

    /// What it lights, for who does not see it.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Boundary => "the boundary on the stage",
            Self::Ball => "the box around the selected point",
            Self::Path => "the path of the attack on the stage",
            Self::Cross => "the crosses on the stage",
            Self::Steps => "margin and loss over the attack's steps",
            Self::Kappa => "the bars under Weights",
            Self::Weight => "the magenta curve and rings",
            Self::Lambda => "the slider under Weights",
            Self::Axis => "the axis under Weights",
            Self::Cosine => "the line below the weights",
            Self::Curves => "the curves",
            Self::Pgd => "PGD-20 in the headline",
            Self::Worst => "the worst of the suite in the headline",
            Self::Table => "the table of attacks",
            Self::Stations => "the four stations in the headline",
        }
    }
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Words alone.
    Words(&'static str),
    /// Words that name something.
    Term(&'static str, Mark),
}

#[cfg(test)]
impl Piece {
    /// The words.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Words(text) | Self::Term(text, _) => text,
        }
    }
}

/// The parts of a text, in its order. What names no mark stays as it is written.
pub(crate) fn pieces(text: &'static str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((inside, behind)) = after.split_once(']') else { break };
        if !before.is_empty() {
            found.push(Piece::Words(before));
        }
        let (shown, name) = inside.split_once('|').unwrap_or((inside, inside));
        let mark = Mark::ALL.into_iter().find(|mark| mark.name() == name.to_lowercase());
        found.push(mark.map_or(Piece::Words(shown), |mark| Piece::Term(shown, mark)));
        rest = behind;
    }
    if !rest.is_empty() {
        found.push(Piece::Words(rest));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::LESSONS;

    #[test]
    fn a_text_is_cut_into_words_and_terms() {
        let found = pieces("The [weight] follows [how many steps|kappa].");
        let expected = [
            Piece::Words("The "),
            Piece::Term("weight", Mark::Weight),
            Piece::Words(" follows "),
            Piece::Term("how many steps", Mark::Kappa),
            Piece::Words("."),
        ];
        assert_eq!(found, expected);
    }

    /// All that is read in a lesson.
    fn texts(lesson: &crate::lesson::Lesson) -> impl Iterator<Item = &'static str> {
        lesson.steps.iter().flat_map(|step| {
            let reveal = step.question.as_ref().map_or("", |question| question.reveal);
            [step.text, step.then, reveal]
        })
    }

    #[test]
    fn every_word_that_names_a_mark_names_one_that_its_lesson_shows() {
        for lesson in LESSONS {
            for piece in texts(lesson).flat_map(pieces) {
                let Piece::Term(words, mark) = piece else { continue };
                let shown = mark.panel().is_none_or(|panel| lesson.panels.contains(&panel));
                assert!(shown, "{}: `{words}` names {}, which is not shown", lesson.title, mark.about());
            }
        }
    }

    #[test]
    fn every_bracket_in_a_lesson_names_a_mark() {
        for lesson in LESSONS {
            for text in texts(lesson) {
                let terms = pieces(text).iter().filter(|piece| matches!(piece, Piece::Term(..))).count();
                assert_eq!(terms, text.matches('[').count(), "{text}");
            }
        }
    }
}
