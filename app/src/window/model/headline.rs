//! What stands in large figures: natural accuracy, accuracy under PGD, and the worst of a suite, each with what it is of.

use gairat::session::{Judged, Verdict};

use super::{Phase, Run};

/// PGD as suites call it.
const PGD: &str = "PGD-20";
/// What is judged.
const TEST: &str = "test";

/// A figure and what it is of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    /// A share from 0 to 1.
    pub(crate) value: f64,
    /// The part of the data that it is of.
    pub(crate) part: &'static str,
    /// Of which data and weights, in words.
    pub(crate) of: String,
}

/// The worst of a suite.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Worst {
    /// No suite has run.
    NotJudged,
    /// One is at work.
    UnderWay,
    /// The share that withstands all attacks, the strongest of them, and the epoch of the weights if the run has gone on since.
    Judged { figure: Figure, strongest: String, since: Option<u32> },
}

/// The figures of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Headline {
    pub(crate) natural: Option<Figure>,
    pub(crate) pgd: Option<Figure>,
    pub(crate) worst: Worst,
}

/// A verdict on the network as it is, or by one attack alone, on the test part.
fn of_verdict(judged: &Judged, verdict: &Verdict) -> String {
    format!("{} test samples, weights of epoch {}", verdict.samples, judged.epoch)
}

impl Run {
    /// Its figures: those of the last judgement where that is of the network as it is, else those that training measures.
    pub(crate) fn headline(&self) -> Headline {
        let last = self.judgements.last();
        let is_now = |judged: &Judged| judged.epoch == self.place.epoch && judged.step == self.place.step;
        let judged_now = last.filter(|(judged, _)| is_now(judged));
        let bar = |name: &str| {
            let (judged, verdict) = judged_now?;
            let found = verdict.bars.iter().find(|bar| bar.attack == name)?;
            Some(Figure { value: found.accuracy, part: TEST, of: of_verdict(judged, verdict) })
        };
        let summary = match &self.phase {
            Phase::Finished(summary) => Some(summary),
            _ => None,
        };
        let of_summary = |name: &str| {
            let summary = summary?;
            let value = *summary.scores.get(name)?;
            Some(Figure {
                value,
                part: TEST,
                of: format!("{} test samples, weights of epoch {}", summary.samples, summary.epoch),
            })
        };
        let measured = |name: &str| {
            let (epoch, value) =
                self.metrics.iter().rev().find_map(|metrics| Some((metrics.epoch, metrics.validation(name)?)))?;
            Some(Figure { value, part: "validation", of: format!("validation part, epoch {epoch}") })
        };
        Headline {
            natural: bar("natural").or_else(|| of_summary("natural")).or_else(|| measured("natural")),
            pgd: bar(PGD).or_else(|| of_summary("pgd20")).or_else(|| measured("pgd:20")),
            worst: self.worst(),
        }
    }

    fn worst(&self) -> Worst {
        if self.judgements.under_way.is_some() {
            return Worst::UnderWay;
        }
        // Beside natural data, two attacks at least: one alone is no suite.
        if let Some((judged, verdict)) = self.judgements.last_suite() {
            let figure = Figure { value: verdict.robust, part: TEST, of: of_verdict(judged, verdict) };
            let since = (judged.epoch != self.place.epoch || judged.step != self.place.step).then_some(judged.epoch);
            return Worst::Judged { figure, strongest: verdict.strongest.clone(), since };
        }
        match &self.phase {
            // A judgement by one attack alone, of weights other than the summary's, is not to be set beside it.
            Phase::Finished(summary) if self.judgements.last().is_none() => Worst::Judged {
                figure: Figure {
                    value: summary.robust,
                    part: TEST,
                    of: format!("{} test samples, weights of epoch {}", summary.samples, summary.epoch),
                },
                strongest: summary.strongest.clone(),
                since: None,
            },
            _ => Worst::NotJudged,
        }
    }
}
