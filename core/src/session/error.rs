//! Errors of a run, and their remedies.

use std::path::PathBuf;

use crate::{
    attack::PathError,
    checkpoint::CheckpointError,
    device::DeviceError,
    model::{ModelError, WeightsError},
};

/// Why a run fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The network does not accept the data.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The requested path of the attack is unavailable.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The device was lost.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A file could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint belongs to another network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A checkpoint contradicts the run's settings.
    #[error("{0}")]
    Load(String),
    /// A setting that is fixed for the run was to change.
    #[error("{name}: the run was made with `{from}`, and that cannot change; start a new run for `{to}`")]
    Fixed {
        /// The setting.
        name: String,
        /// Its value.
        from: String,
        /// The requested value.
        to: String,
    },
    /// The plan's method differs from the method in its settings, so that the run folder would name the wrong one.
    #[error(
        "method: the plan trains with `{given}`, its settings name `{named}`, and a folder keeps settings alone; train a method of your own with Trainer"
    )]
    OwnMethod {
        /// The name of the plan's method.
        given: &'static str,
        /// The name in its settings.
        named: &'static str,
    },
    /// Training diverged.
    #[error("epoch {epoch}: {what}. {}", match .good {
        Some(good) => format!("The last good state, of epoch {good}, is kept"),
        None => "No epoch before was good".to_owned(),
    })]
    Diverged {
        /// The epoch in which divergence was noticed.
        epoch: u32,
        /// The symptom.
        what: String,
        /// The epoch of the last good state, which is committed again; `None` without a usable one.
        good: Option<u32>,
        /// The run's folder.
        folder: PathBuf,
        /// Alternative remedies.
        remedies: Vec<Remedy>,
    },
}

/// A change of a setting as a remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// The kind of change: `a lower`, `a longer`, `another`.
    pub how: &'static str,
    /// The setting.
    pub setting: &'static str,
    /// A value to try, if any.
    pub value: Option<&'static str>,
}
