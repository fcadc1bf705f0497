//! What a run tells on its way, and how it ends.

use serde::{Deserialize, Serialize};

use super::Changed;
use crate::{
    metrics::{EpochMetrics, Summary},
    snapshot::Snapshot,
};

/// What happens in a run. Small facts without tensors; `--json` prints them as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The run begins, or goes on.
    Started {
        /// The network as it was resolved.
        model: String,
        /// How many numbers it learns.
        parameters: usize,
        /// The device's name.
        device: String,
        /// The graphics API, or `flex`.
        api: String,
        /// The way the attack takes: `fused` or `composed`.
        path: String,
        /// Training, validation and test samples.
        train: usize,
        /// Samples held out for choosing the best checkpoint.
        validation: usize,
        /// Samples held out from everything.
        test: usize,
        /// Epochs in all.
        epochs: u32,
        /// Steps in an epoch.
        steps: usize,
        /// Finished epochs, where a run goes on.
        resumed_epoch: u32,
    },
    /// The first step takes longer than the others: its kernels are compiled.
    Compiling,
    /// Part of an epoch is done.
    Progress {
        /// The epoch, counted from 1.
        epoch: u32,
        /// Finished steps of it.
        step: usize,
        /// Steps of an epoch.
        steps: usize,
        /// The mean loss of the step last measured.
        loss: f64,
    },
    /// An epoch is done.
    Epoch(EpochMetrics),
    /// A checkpoint is better than all before.
    Best {
        /// The epoch.
        epoch: u32,
        /// Robust accuracy on the validation part.
        robust: f64,
    },
    /// An evaluation attack is running on the test part.
    Evaluating {
        /// Its name for people, and that it is on the averaged weights where it is.
        attack: String,
    },
    /// Something a person should know.
    Warning {
        /// A sentence.
        message: String,
    },
    /// Settings were changed while the run was on its way; they hold from the next step on.
    Changed {
        /// The epoch, counted from 1.
        epoch: u32,
        /// Finished steps of it.
        step: usize,
        /// What was changed.
        changes: Vec<Changed>,
    },
    /// The run can be resumed from here.
    Saved {
        /// Finished epochs.
        epoch: u32,
        /// Finished steps of the next one.
        step: usize,
    },
    /// The run is over.
    Summary(Summary),
}

/// How a run ended that nothing went wrong with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "there is one at the end of a run")]
pub enum Ending {
    /// All epochs are done.
    Finished {
        /// The final evaluation.
        summary: Summary,
        /// The last epoch's samples and, for 2-D data, the regions of the evaluated weights.
        snapshot: Snapshot,
    },
    /// It was stopped, and saved.
    Stopped {
        /// Finished epochs.
        epoch: u32,
        /// Finished steps of the next one.
        step: usize,
    },
}
