//! What the window learns of a run as it goes: messages, which say what happened, and views, which show a moment.

use std::time::Duration;

use gairat::{
    checkpoint::ResumeState,
    session::{Ending, Event, Place, View},
    settings::fields,
};
use web_time::Instant;

use super::{MarginsOfEpoch, Phase, Run};
use crate::{
    live::{Message, Ready},
    window::model::moment::{Moment, MomentKind},
};

/// Memory that earlier states may take, in numbers of four bytes: 256 MB.
const KEPT_NUMBERS: usize = 1 << 26;
/// Warnings that are kept to be read.
const WARNINGS: usize = 20;
/// The value of a parameter that a method does not have, where a change is told.
const NONE: &str = "-";

impl Run {
    /// Takes in what the run told since the last frame; gives what a person must read at once.
    pub(crate) fn catch_up(&mut self, now: Instant) -> Vec<String> {
        let Some(live) = &self.live else { return Vec::new() };
        let (messages, view) = (live.messages(), live.view());
        let mut notices = Vec::new();
        for message in messages {
            notices.extend(self.hear(message));
        }
        if let Some(view) = view {
            self.see(view, now);
        }
        notices
    }

    /// Takes in one message; gives what a person must read at once.
    pub(crate) fn hear(&mut self, message: Message) -> Option<String> {
        match message {
            Message::Ready(Ready { dataset, device, software, shared, why, folder, metrics }) => {
                (self.device_is_software, self.device_is_shared) = (software, shared);
                self.samples = vec![None; dataset.train.len()];
                self.weighed = vec![false; dataset.train.len()];
                self.dataset = Some(dataset);
                (self.device, self.device_why, self.folder, self.metrics) = (device, why, Some(folder), metrics);
                None
            }
            Message::Event(event) => self.happen(event),
            Message::Judging(told) => {
                self.judgements.hear(told);
                None
            }
            Message::Kept(state) => {
                self.history.retain(|kept| kept.progress.epoch != state.progress.epoch);
                self.history.push(state);
                self.history.sort_by_key(|kept| kept.progress.epoch);
                self.thin_out();
                None
            }
            Message::Ended(Ending::Finished { summary, .. }) => {
                self.judgements.end();
                self.phase = Phase::Finished(summary);
                self.at_chance().map(str::to_owned)
            }
            Message::Ended(Ending::Stopped { .. }) => {
                self.judgements.end();
                self.phase = Phase::Stopped;
                None
            }
            Message::Failed(what) => {
                self.judgements.end();
                self.phase = Phase::Failed(what.clone());
                Some(what)
            }
        }
    }

    /// Every other of the older states goes when they take too much memory.
    fn thin_out(&mut self) {
        let numbers = |state: &ResumeState| {
            let weights: usize = state.weights.values().map(|tensor| tensor.values.len()).sum();
            2 * weights + state.measured.len()
        };
        while self.history.len() > 2 && self.history.iter().map(|state| numbers(state)).sum::<usize>() > KEPT_NUMBERS {
            let last = self.history.len() - 1;
            let mut place = 0;
            // The first and the last stay.
            self.history.retain(|_| {
                place += 1;
                place == 1 || place > last || place % 2 == 1
            });
        }
    }

    fn happen(&mut self, event: Event) -> Option<String> {
        match event {
            Event::Started { model, parameters, device, api, path, epochs, steps, resumed_epoch, .. } => {
                // Where a GPU was lost on the way, it is not the one that it began on.
                if api == "flex" {
                    (self.device, self.device_is_shared, self.device_is_software) = ("CPU".to_owned(), false, false);
                } else {
                    self.device = format!("{device} · {api}");
                }
                self.model = (model, parameters);
                self.path = path;
                self.place = Place { epoch: resumed_epoch, step: 0, steps, epochs };
                self.phase = Phase::Training;
            }
            Event::Compiling => self.phase = Phase::Compiling,
            Event::Progress { loss, .. } => {
                self.loss = Some(loss);
                self.phase = Phase::Training;
            }
            Event::Epoch(metrics) => {
                self.metrics.retain(|before| before.epoch < metrics.epoch);
                self.metrics.push(metrics);
                self.phase = Phase::Training;
            }
            // Without a validation part every epoch is the best so far.
            Event::Best { .. } if self.dataset.as_ref().is_some_and(|dataset| dataset.validation.is_empty()) => {}
            Event::Best { epoch, robust } => {
                let text = format!("best checkpoint: {:.1} % under PGD-20 and CW-20", 100.0 * robust);
                self.moments.push(Moment { epoch: f64::from(epoch), kind: MomentKind::Best, text });
            }
            Event::Evaluating { attack } => self.phase = Phase::Evaluating(attack),
            Event::Changed { epoch, step, changes } => {
                let when = f64::from(epoch - 1) + step as f64 / self.place.steps.max(1) as f64;
                let before = self.settings.clone();
                for change in &changes {
                    // A change that the form made is in the settings already; one that the library made is not.
                    let _ = self.settings.set(&change.name, &change.to);
                    // A parameter that only one of two methods has came or went with its method.
                    if change.from != NONE && change.to != NONE {
                        let text = format!("{} {} to {}", change.name.replace('_', " "), change.from, change.to);
                        self.moments.push(Moment { epoch: when, kind: MomentKind::Changed, text });
                    }
                }
                // A new method came with its own defaults; what was not changed is what it was.
                for name in fields().iter().map(|field| field.name) {
                    if let Some(text) = before.get(name).filter(|_| changes.iter().all(|change| change.name != name)) {
                        let _ = self.settings.set(name, &text);
                    }
                }
                self.take_axis();
            }
            Event::Saved { epoch, step } => {
                let folder = self.folder.as_ref().map(|folder| folder.display().to_string()).unwrap_or_default();
                return Some(if epoch == 0 && step == 0 {
                    "Nothing has been trained yet, so there is nothing to save.".to_owned()
                } else {
                    format!("Saved in {folder}, after {epoch} epochs and {step} batches: it can be resumed from here.")
                });
            }
            Event::Summary(summary) => {
                self.phase = Phase::Finished(summary);
                return self.at_chance().map(str::to_owned);
            }
            Event::Warning { message } => {
                if self.warnings.len() == WARNINGS {
                    self.warnings.remove(0);
                }
                self.warnings.push(message.clone());
                return Some(message);
            }
            _ => {}
        }
        None
    }

    /// Takes in a view.
    pub(crate) fn see(&mut self, view: View, now: Instant) {
        let finished_before = self.margins.last().map(|margins| margins.epoch);
        self.take_axis();
        self.place = view.place;
        self.weighs = view.weighs;
        // The first one compiles its kernels.
        self.view_took = if self.views == 0 { Duration::ZERO } else { view.took };
        // Samples that were trained on bring weights of their own.
        self.is_reweighed &= view.seen.is_empty();
        if !self.is_reweighed {
            self.effective = view.effective.or(self.effective);
        }
        if matches!(&self.phase, Phase::Finished(summary) if view.place.epochs > summary.epochs && !view.place.is_end()) {
            // It was given more epochs. (A view from before the end alone says nothing: it may come after the word that it has ended.)
            self.phase = Phase::Training;
        }
        self.rate.at(view.place.steps_done(), now);
        for seen in view.seen {
            if let Some(place) = self.place_of(seen.record.row)
                && let (Some(slot), Some(mark)) = (self.samples.get_mut(place), self.weighed.get_mut(place))
            {
                *mark = seen.record.axis.is_some();
                *slot = Some(seen);
            }
        }
        if let Some(region) = view.region {
            self.region = Some((region, self.views));
        }
        if view.traced.is_some() {
            self.traced = view.traced;
        }
        self.looked.extend(view.looked.into_iter().map(|looked| (looked.row, looked)));
        self.next_batch = view.next_batch;
        if let Some(margins) = view.margins {
            self.natural_margins = margins.natural;
        }
        self.count();
        if finished_before != Some(view.place.epoch)
            && !self.natural_margins.is_empty()
            && let Some((natural, adversarial)) = self.tally.margins.clone()
        {
            self.margins.push(MarginsOfEpoch { epoch: view.place.epoch, natural, adversarial });
        }
        self.views += 1;
    }
}
