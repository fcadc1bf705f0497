//! What stands between a run and the person who started it: the way up for commands, and the way out for what happens.

use serde::{Deserialize, Serialize};

use super::{Event, Judging, Look, Trial, View};
use crate::{checkpoint::ResumeState, settings::Checked};

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Place {
    /// Finished epochs.
    pub epoch: u32,
    /// Finished steps of the next one.
    pub step: usize,
    /// Steps of an epoch.
    pub steps: usize,
    /// Epochs in all.
    pub epochs: u32,
}

impl Place {
    /// Finished steps since the run began.
    pub fn steps_done(&self) -> usize {
        self.epoch as usize * self.steps + self.step
    }

    /// Whether all epochs are done.
    pub fn is_end(&self) -> bool {
        self.epoch >= self.epochs
    }
}

/// What a door may ask of a running session.
#[derive(Clone, Debug)]
pub enum Command {
    /// Do the next step.
    Go,
    /// Make the view that [`Door::look`] describes, and ask again.
    Look,
    /// Go on with these settings from the next step; only some may differ ([`may_change`](crate::settings::may_change)).
    Change(Box<Checked>),
    /// Judge the network as it is, and ask again.
    Judge(Trial),
    /// Save what there is, in the middle of an epoch too, and ask again.
    Save,
    /// Save and stop.
    Stop,
}

/// A way to start a run, pace it, look at it and change it.
#[expect(async_fn_in_trait, reason = "a session runs on one thread from start to end, so its futures need not be Send")]
pub trait Door {
    /// Asked before every step, and when the run is over if the door stays; it answers when it is ready.
    async fn next(&mut self, place: Place) -> Command;

    /// Asked in the middle of evaluations: whether to stop at once.
    fn stopping(&mut self) -> bool;

    /// Given its turn in the middle of evaluations, where it shares a thread with them.
    async fn breathe(&mut self) {}

    /// Asked in the middle of a [`Trial`]: whether to stop it, and go on with the run.
    fn stops_judging(&mut self) -> bool {
        false
    }

    /// Told how far a [`Trial`] is, and what it has come to.
    fn judging(&mut self, _told: Judging) {}

    /// Told of what happens.
    fn emit(&mut self, event: Event);

    /// Whether it goes on looking when the run is over.
    fn stays(&self) -> bool {
        false
    }

    /// Whether a view is wanted now.
    fn looks(&mut self) -> bool {
        false
    }

    /// What to look at.
    fn look(&mut self) -> Look {
        Look::default()
    }

    /// Given the view that was wanted.
    fn show(&mut self, _view: View) {}

    /// Given what going on from here needs: the beginning, and the end of every epoch.
    fn keep(&mut self, _state: ResumeState) {}
}

/// The door of a run that makes no views.
pub(super) struct Unseen<'a> {
    pub(super) poll: &'a mut dyn FnMut() -> bool,
    pub(super) emit: &'a mut dyn FnMut(Event),
    /// Whether the first step was asked for: before it there is nothing to stop.
    pub(super) begun: bool,
}

impl Door for Unseen<'_> {
    async fn next(&mut self, _place: Place) -> Command {
        if std::mem::replace(&mut self.begun, true) && (self.poll)() { Command::Stop } else { Command::Go }
    }

    fn stopping(&mut self) -> bool {
        (self.poll)()
    }

    fn emit(&mut self, event: Event) {
        (self.emit)(event);
    }
}
