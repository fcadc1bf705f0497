//! Events of a run, and its ending.

use serde::{Deserialize, Serialize};

use super::Changed;
use crate::{
    metrics::{EpochMetrics, Summary},
    snapshot::Snapshot,
};

/// An event of a run: a small fact without tensors, which `--json` prints unchanged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The run begins, or goes on.
    Started {
        /// The resolved network.
        model: String,
        /// The number of learned parameters.
        parameters: usize,
        /// The device's name.
        device: String,
        /// The graphics API, or `flex`.
        api: String,
        /// The path of the attack: `fused` or `composed`.
        path: String,
        /// Training samples.
        train: usize,
        /// Validation samples.
        validation: usize,
        /// Test samples.
        test: usize,
        /// Epochs in all.
        epochs: u32,
        /// Steps in an epoch.
        steps: usize,
        /// Finished epochs of a resumed run.
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
    /// A checkpoint is better than all earlier ones.
    Best {
        /// The epoch.
        epoch: u32,
        /// Robust accuracy on the validation part.
        robust: f64,
    },
    /// An evaluation attack is running on the test part.
    Evaluating {
        /// Its name for people, with a note if it attacks the averaged weights.
        attack: String,
    },
    /// A warning for the user.
    Warning {
        /// A sentence.
        message: String,
    },
    /// Settings changed during the run; they apply from the next step.
    Changed {
        /// The epoch, counted from 1.
        epoch: u32,
        /// Finished steps of it.
        step: usize,
        /// The changed settings.
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

/// How a run ended without an error.
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
    /// The run was stopped and saved.
    Stopped {
        /// Finished epochs.
        epoch: u32,
        /// Finished steps of the next one.
        step: usize,
    },
}
