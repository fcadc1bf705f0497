//! What the window knows: the runs, the settings as they are edited, what is selected, and how one looks at it.

mod changes;
pub(super) mod curves;
pub(super) mod drawing;
pub(super) mod figures;
pub(super) mod headline;
pub(super) mod histogram;
pub(super) mod judging;
mod launcher;
pub(super) mod lesson;
pub(super) mod moment;
mod reweighed;
pub(super) mod run;
pub(super) mod saved;
pub(super) mod spread;
mod state;
pub(super) mod stations;
pub(super) mod views;

pub(crate) use changes::Member;
pub(crate) use launcher::Launcher;
pub(crate) use run::{Counted, MarginsOfEpoch, Phase, Run};
pub(crate) use state::{Question, State};

pub(crate) use crate::link::{FIRST_SPEED, SPEEDS};
