//! The door between a run and its user: commands go in, events and views come out.

use serde::{Deserialize, Serialize};

use super::{Event, Judging, Look, Trial, View};
use crate::{checkpoint::ResumeState, settings::Checked};

/// A position in a run.
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

/// A command of a door to a running session.
#[derive(Clone, Debug)]
pub enum Command {
    /// Do the next step.
    Go,
    /// Make the view that [`Door::look`] describes, and ask again.
    Look,
    /// Continue with these settings from the next step. Only some may differ ([`may_change`](crate::settings::may_change)).
    Change(Box<Checked>),
    /// Judge the network as it is, and ask again.
    Judge(Trial),
    /// Save the state, even in the middle of an epoch, and ask again.
    Save,
    /// Save and stop.
    Stop,
}

/// Controls a run: paces it, observes it and changes it.
#[expect(async_fn_in_trait, reason = "a session runs on one thread from start to end, so its futures need not be Send")]
pub trait Door {
    /// Returns the next command, as soon as the door is ready. Called before every step, and after the end if the door stays.
    async fn next(&mut self, place: Place) -> Command;

    /// Returns whether to stop at once. Called during evaluations.
    fn stopping(&mut self) -> bool;

    /// Lets the door work during evaluations, if it shares their thread.
    async fn breathe(&mut self) {}

    /// Returns whether to stop a [`Trial`] and continue the run. Called during the trial.
    fn stops_judging(&mut self) -> bool {
        false
    }

    /// Receives progress and results of a [`Trial`].
    fn judging(&mut self, _told: Judging) {}

    /// Receives an event.
    fn emit(&mut self, event: Event);

    /// Whether the door keeps observing after the end of the run.
    fn stays(&self) -> bool {
        false
    }

    /// Whether the door wants a view now.
    fn looks(&mut self) -> bool {
        false
    }

    /// The content of the next view.
    fn look(&mut self) -> Look {
        Look::default()
    }

    /// Receives a view.
    fn show(&mut self, _view: View) {}

    /// Receives the state from which the run can resume, at its beginning and after every epoch.
    fn keep(&mut self, _state: ResumeState) {}
}

/// The door of a run without views.
pub(super) struct Unseen<'a> {
    pub(super) poll: &'a mut dyn FnMut() -> bool,
    pub(super) emit: &'a mut dyn FnMut(Event),
    /// Whether the first step was requested; before it there is nothing to stop.
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
