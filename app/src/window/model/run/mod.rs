//! What the window knows of one run: made from what the run tells, and nothing else. A canned one needs no device.

mod messages;

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use gairat::{
    checkpoint::ResumeState,
    dataset::Dataset,
    method::Axis,
    metrics::{Beside, EpochMetrics, Summary},
    session::{Looked, NextBatch, Place, Region, Seen, Traced},
    settings::{Settings, field},
};

use web_time::Instant;

use super::{histogram::Histogram, judging::Judgements, moment::Moment, spread::Spread};
use crate::host::Live;

/// What a run is doing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Phase {
    /// Its data are read and its device is opened.
    Loading,
    /// Its first step compiles kernels.
    Compiling,
    /// It trains, or waits for its turn.
    Training,
    /// The final evaluation runs this attack.
    Evaluating(String),
    /// It is over.
    Finished(Summary),
    /// It was stopped and saved.
    Stopped,
    /// It cannot go on.
    Failed(String),
}

/// The margins of one epoch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MarginsOfEpoch {
    /// Finished epochs.
    pub(crate) epoch: u32,
    /// At x.
    pub(crate) natural: Histogram,
    /// At x^(K).
    pub(crate) adversarial: Histogram,
}

/// One run.
pub(crate) struct Run {
    /// Its settings, as they are now.
    pub(crate) settings: Settings,
    /// The thread; none for a canned run.
    pub(crate) live: Option<Live>,
    /// The data.
    pub(crate) dataset: Option<Arc<Dataset>>,
    /// Where it computes.
    pub(crate) device: String,
    /// Why there.
    pub(crate) device_why: String,
    /// Whether that is a GPU that the CPU stands in for.
    pub(crate) device_is_software: bool,
    /// Whether it is the GPU that the window draws with.
    pub(crate) device_is_shared: bool,
    /// `fused` or `composed`.
    pub(crate) path: String,
    /// The network as it was resolved, and how many numbers it learns.
    pub(crate) model: (String, usize),
    /// Where it is kept.
    pub(crate) folder: Option<PathBuf>,
    /// What it is doing.
    pub(crate) phase: Phase,
    /// How far it is.
    pub(crate) place: Place,
    /// Whether samples are weighted in the epoch on its way: burn-in is over, if the method has one.
    pub(crate) weighs: bool,
    /// The loss of the step last measured.
    pub(crate) loss: Option<f64>,
    /// Its epochs.
    pub(crate) metrics: Vec<EpochMetrics>,
    /// What is marked in the curves, besides what follows from the settings.
    pub(crate) moments: Vec<Moment>,
    /// The training samples as they were last seen, by their place in the training part.
    pub(crate) samples: Vec<Option<Seen>>,
    /// Of each of them, whether it was weighed: then it has a number on the axis of the method's weights. In burn-in all stand on kappa.
    weighed: Vec<bool>,
    /// The axis that they were weighed on.
    axis: Axis,
    /// The regions, and a number that grows with every new one.
    pub(crate) region: Option<(Region, u64)>,
    /// The attack on the selected sample.
    pub(crate) traced: Option<Traced>,
    /// Samples attacked for the grid, by their rows.
    pub(crate) looked: HashMap<u32, Looked>,
    /// The batch that comes next.
    pub(crate) next_batch: Option<NextBatch>,
    /// Margins at x of (some) training samples.
    pub(crate) natural_margins: Vec<f32>,
    /// Margins over the epochs.
    pub(crate) margins: Vec<MarginsOfEpoch>,
    /// States that one may come back to.
    pub(crate) history: Vec<Arc<ResumeState>>,
    /// What suites have said of it.
    pub(crate) judgements: Judgements,
    /// What the person should know.
    pub(crate) warnings: Vec<String>,
    /// The effective share of samples in the batch last trained on.
    pub(crate) effective: Option<f64>,
    /// Whether the weights on the screen are those that the settings would give to samples as they stand: the run rests, and its settings
    /// were changed.
    pub(crate) is_reweighed: bool,
    /// How long the last view kept it from training.
    pub(crate) view_took: Duration,
    /// Views that have come.
    pub(crate) views: u64,
    rate: Rate,
    tally: Tally,
}

/// What the samples that were seen come to; counted once a view, because there may be many.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// How many were seen.
    pub(crate) seen: usize,
    /// How many of them the attack broke.
    pub(crate) broken: usize,
    /// Their mean kappa; 0 of none.
    pub(crate) mean_kappa: f64,
    /// Margins at x and at x^(K), over the same bins.
    pub(crate) margins: Option<(Histogram, Histogram)>,
    /// Those of which that is known, over what their weights depend on.
    pub(crate) spread: Spread,
    /// The mean of their weights; 1 of none, and where it is no number to divide by.
    pub(crate) mean_omega: f32,
}

/// Of which samples an effective share is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    Batch,
    /// The mean over the batches of the last epoch, which is this.
    Epoch(u32),
    All,
}

/// A title as it is read: numbers with the signs of print, not those that are typed.
fn typeset(title: &str) -> String {
    title.replace(" -", " −").replace(" inf", " ∞")
}

/// Steps a second, over the last moments.
#[derive(Debug, Default)]
struct Rate {
    since: Option<(Instant, usize)>,
    per_second: f64,
}

impl Rate {
    fn at(&mut self, steps: usize, now: Instant) {
        match self.since {
            Some((then, before)) if steps >= before => {
                let seconds = now.duration_since(then).as_secs_f64();
                if seconds >= 0.5 {
                    self.per_second = (steps - before) as f64 / seconds;
                    self.since = Some((now, steps));
                }
            }
            _ => self.since = Some((now, steps)),
        }
    }
}

impl Run {
    /// A run that has not told anything yet.
    pub(crate) fn new(settings: Settings, live: Option<Live>) -> Self {
        Self {
            axis: settings.method.about().axis,
            settings,
            live,
            dataset: None,
            device: String::new(),
            device_why: String::new(),
            device_is_software: false,
            device_is_shared: false,
            path: String::new(),
            model: (String::new(), 0),
            folder: None,
            phase: Phase::Loading,
            place: Place::default(),
            weighs: false,
            loss: None,
            metrics: Vec::new(),
            moments: Vec::new(),
            samples: Vec::new(),
            weighed: Vec::new(),
            region: None,
            traced: None,
            looked: HashMap::new(),
            next_batch: None,
            natural_margins: Vec::new(),
            margins: Vec::new(),
            history: Vec::new(),
            judgements: Judgements::default(),
            warnings: Vec::new(),
            effective: None,
            is_reweighed: false,
            view_took: Duration::ZERO,
            views: 0,
            rate: Rate::default(),
            tally: Tally::default(),
        }
    }

    /// Its short name: the method, and the parameter that says most about it.
    pub(crate) fn title(&self) -> String {
        typeset(&self.settings.method.title())
    }

    /// Whether its data are points of a plane.
    pub(crate) fn is_plane(&self) -> bool {
        self.dataset.as_ref().is_none_or(|dataset| dataset.shape.len() == 2)
    }

    /// Steps a second.
    pub(crate) fn rate(&self) -> f64 {
        self.rate.per_second
    }

    /// The training sample of `row`, by its place.
    pub(crate) fn place_of(&self, row: u32) -> Option<usize> {
        self.dataset.as_ref()?.train.rows.binary_search(&row).ok()
    }

    /// What was last seen of the sample of `row`.
    pub(crate) fn seen(&self, row: u32) -> Option<&Seen> {
        self.samples.get(self.place_of(row)?)?.as_ref()
    }

    /// What was seen of all training samples.
    pub(crate) fn all_seen(&self) -> impl Iterator<Item = &Seen> {
        self.samples.iter().flatten()
    }

    /// Whether it can take steps.
    pub(crate) fn is_at_work(&self) -> bool {
        matches!(self.phase, Phase::Loading | Phase::Compiling | Phase::Training | Phase::Evaluating(_))
    }

    /// Whether it can still be asked something.
    pub(crate) fn answers(&self) -> bool {
        !matches!(self.phase, Phase::Failed(_) | Phase::Stopped)
    }

    /// Samples that were weighed by another method's measure stand on no axis until they are weighed again.
    fn take_axis(&mut self) {
        let axis = self.settings.method.about().axis;
        if axis != self.axis {
            self.axis = axis;
            self.weighed.fill(false);
        }
    }

    /// What the weight of the sample at `place` depends on, as it was last seen; none where that is not known of it.
    pub(crate) fn on_axis(&self, place: usize) -> Option<f32> {
        let seen = self.samples.get(place)?.as_ref()?;
        let measured = &seen.record.measured;
        // These are measured whether or not a sample is weighed.
        match self.settings.method.about().axis {
            axis if axis == Axis::KAPPA => Some(measured.kappa as f32),
            axis if axis == Axis::FIRST_HIT => Some(measured.first_hit as f32),
            axis if axis == Axis::LOSS => Some(measured.loss),
            axis if axis == Axis::LOGIT_MARGIN => Some(measured.margin_adversarial),
            axis => seen.record.axis.filter(|_| axis == self.axis && self.weighed.get(place) == Some(&true)),
        }
    }

    /// Counts the samples anew.
    pub(super) fn count(&mut self) {
        let adversarial: Vec<f32> = self.all_seen().map(|seen| seen.record.measured.margin_adversarial).collect();
        let range = Histogram::range_of_most(self.natural_margins.iter().chain(&adversarial).copied());
        let kappa: f64 = self.all_seen().map(|seen| f64::from(seen.record.measured.kappa)).sum();
        let omega: f64 = self.all_seen().map(|seen| f64::from(seen.record.omega)).sum();
        let seen = adversarial.len();
        let mean = |sum: f64| if seen == 0 { 0.0 } else { sum / seen as f64 };
        let mean_omega = mean(omega) as f32;
        let on_axis = self.samples.iter().enumerate();
        let on_axis = on_axis.filter_map(|(place, seen)| Some((self.on_axis(place)?, seen.as_ref()?.record.omega)));
        self.tally = Tally {
            seen,
            broken: self.all_seen().filter(|seen| seen.record.measured.broken).count(),
            mean_kappa: mean(kappa),
            margins: Some((Histogram::of(self.natural_margins.iter().copied(), range), Histogram::of(adversarial, range))),
            spread: Spread::of(self.settings.method.about().axis.range, self.settings.steps, on_axis),
            mean_omega: if mean_omega.is_normal() && mean_omega > 0.0 { mean_omega } else { 1.0 },
        };
    }

    /// How much a sample of weight `omega` counts beside the mean of those seen: weights of methods that do not normalise them are
    /// all small, or all great.
    pub(crate) fn relative(&self, omega: f32) -> f32 {
        omega / self.tally.mean_omega
    }

    /// What the samples that were seen come to.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What is wrong with a run that is over and learned (nearly) nothing.
    pub(crate) fn at_chance(&self) -> Option<&str> {
        match &self.phase {
            Phase::Finished(summary) => Beside::ALL
                .into_iter()
                .fold(summary.at_chance.as_deref(), |found, beside| found.or(summary.beside_at_chance(beside))),
            _ => None,
        }
    }

    /// The epoch that is on its way, or the last one that is done; counted from 1.
    pub(crate) fn epoch(&self) -> u32 {
        (self.place.epoch + u32::from(self.place.step > 0)).max(1).min(self.place.epochs)
    }

    /// The effective share of samples, and of which.
    pub(crate) fn counted(&self) -> (Option<f64>, Counted) {
        if self.is_reweighed {
            (self.effective, Counted::All)
        } else if let (Phase::Finished(_) | Phase::Stopped | Phase::Failed(_), Some(last)) = (&self.phase, self.metrics.last()) {
            // Which batch was seen last is chance.
            (last.effective, Counted::Epoch(last.epoch))
        } else {
            (self.effective, Counted::Batch)
        }
    }

    /// What weights follow in the epoch on its way, in a few words.
    pub(crate) fn weights_in_words(&self) -> String {
        let settings = &self.settings;
        if settings.method.about().burns_in && !self.weighs {
            return format!("burn-in, epochs 1 to {}: every weight is 1", settings.burn_in);
        }
        let title = self.title();
        let Ok(plan) = settings.checked() else { return title };
        let epoch = (self.place.epoch + 1).min(settings.epochs);
        let scheduled = plan.method.scheduled(plan.clock(epoch)).into_iter();
        let moved: Vec<String> = scheduled
            .filter(|(name, value)| settings.get(name) != Some(value.to_string()))
            .map(|(name, value)| typeset(&format!("{} {value}", field(name).map_or(name, |field| field.label.as_ref()))))
            .collect();
        if moved.is_empty() { title } else { format!("{title}, now {}", moved.join(", ")) }
    }

    /// The robust accuracy that is shown, in words that say what it is, and the natural one.
    pub(crate) fn accuracies(&self) -> Option<Accuracies> {
        if let Phase::Finished(summary) = &self.phase {
            return Some(Accuracies {
                natural: summary.accuracy("natural"),
                robust: summary.robust,
                name: "robust",
                epoch: summary.epoch,
                by: format!("test, worst of {} attacks ({}), epoch {}", attacks(summary), summary.strongest, summary.epoch),
            });
        }
        let judged = |metrics: &&EpochMetrics| metrics.validation("pgd:20").is_some();
        let metrics = self.metrics.iter().rev().find(judged)?;
        Some(Accuracies {
            natural: metrics.validation("natural")?,
            robust: metrics.validation("pgd:20")?,
            name: "PGD-20",
            epoch: metrics.epoch,
            by: format!("validation, PGD-20 alone, epoch {}", metrics.epoch),
        })
    }
}

/// How many attacks the robust accuracy is the worst case of.
fn attacks(summary: &Summary) -> usize {
    summary.reported().filter(|(name, _)| *name != "natural").count()
}

/// What a run is judged by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Accuracies {
    /// On natural data, from 0 to 1.
    pub(crate) natural: f64,
    /// Under attack.
    pub(crate) robust: f64,
    /// What that may be called: what one attack alone says is no robustness.
    pub(crate) name: &'static str,
    /// The epoch of the weights.
    pub(crate) epoch: u32,
    /// Under which attacks, and on what.
    pub(crate) by: String,
}
