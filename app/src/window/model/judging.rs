//! What a run has told of its judgements.

use gairat::session::{Bar, Judged, Judging, SampleTrial, Verdict};

/// A trial that is not over.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct UnderWay {
    /// The names of its attacks; none before it has begun.
    pub(crate) attacks: Vec<String>,
    /// Those that are done.
    pub(crate) bars: Vec<Bar>,
    /// The one that is at work, by its place,
    pub(crate) attack: usize,
    /// the samples that it has tried,
    pub(crate) done: usize,
    /// and all that it tries; 0 before it knows.
    pub(crate) all: usize,
    /// Whether the verdict is there already, and only the curve is not.
    pub(crate) found: bool,
}

/// A run's judgements.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Judgements {
    /// The one that is not over.
    pub(crate) under_way: Option<UnderWay>,
    /// Those of the test part, oldest first.
    pub(crate) done: Vec<Judged>,
    /// The last one of a sample.
    sample: Option<Judged>,
}

impl Judgements {
    /// One was asked for.
    pub(crate) fn expect(&mut self) {
        self.under_way.get_or_insert_default();
    }

    /// It is no longer asked for, if it has not begun.
    pub(crate) fn give_up_waiting(&mut self) {
        self.under_way = self.under_way.take().filter(|under_way| !under_way.attacks.is_empty());
    }

    /// The run is over and judges nothing more.
    pub(crate) fn end(&mut self) {
        self.under_way = None;
    }

    /// The newest verdict on the test part.
    pub(crate) fn last(&self) -> Option<(&Judged, &Verdict)> {
        let judged = self.done.last()?;
        Some((judged, judged.verdict.as_ref()?))
    }

    /// The newest verdict by more than one attack.
    pub(crate) fn last_suite(&self) -> Option<(&Judged, &Verdict)> {
        let is_suite = |verdict: &&Verdict| verdict.bars.iter().filter(|bar| bar.attack != "natural").count() > 1;
        self.done.iter().rev().find_map(|judged| Some((judged, judged.verdict.as_ref().filter(is_suite)?)))
    }

    /// The newest verdict in a sentence without its stop.
    #[allow(dead_code, reason = "a page alone says in words what it shows")]
    pub(crate) fn in_words(&self) -> Option<String> {
        let (judged, verdict) = self.last()?;
        let flags: Vec<&str> = verdict.flags.iter().map(|flag| &*flag.name).filter(|name| *name != "left-out").collect();
        let curve = if self.under_way.is_some() { ", its curve is on the way" } else { "" };
        let flagged = if flags.is_empty() { String::new() } else { format!(", flagged {}", flags.join(", ")) };
        Some(format!(
            "judged by {}, {:.1} % robust, lowest under {}, weights of epoch {}{flagged}{curve}",
            judged.attacks,
            100.0 * verdict.robust,
            verdict.strongest,
            judged.epoch
        ))
    }

    /// The newest judgement of the sample of `row`.
    pub(crate) fn of_sample(&self, row: u32) -> Option<(&Judged, &SampleTrial)> {
        let judged = self.sample.as_ref()?;
        let sample = judged.sample.as_ref().filter(|sample| sample.row == row)?;
        Some((judged, sample))
    }

    fn take(&mut self, judged: Judged) {
        if judged.sample.is_some() {
            self.sample = Some(judged.clone());
        }
        if judged.verdict.is_some() {
            self.done.push(judged);
        }
    }

    /// Takes in what the run tells.
    pub(crate) fn hear(&mut self, told: Judging) {
        match told {
            Judging::Kept(kept) => self.done = kept,
            Judging::Begun(attacks) => self.under_way = Some(UnderWay { attacks, ..UnderWay::default() }),
            Judging::Progress { attack, done, all } => {
                if let Some(under_way) = &mut self.under_way {
                    (under_way.attack, under_way.done, under_way.all) = (attack, done, all);
                }
            }
            Judging::Bar(bar) => {
                if let Some(under_way) = &mut self.under_way {
                    under_way.bars.push(bar);
                }
            }
            Judging::Found(judged) => {
                if let Some(under_way) = &mut self.under_way {
                    (under_way.found, under_way.attack) = (true, under_way.attacks.len());
                    self.take(*judged);
                }
            }
            Judging::Done(judged) => {
                if self.under_way.take().is_some_and(|under_way| under_way.found) {
                    self.done.pop();
                }
                self.take(*judged);
            }
            Judging::Stopped => self.under_way = None,
        }
    }
}
