//! What a run fails with, and what may help.

use std::path::PathBuf;

use crate::{
    attack::PathError,
    checkpoint::CheckpointError,
    device::DeviceError,
    model::{ModelError, WeightsError},
};

/// What a run fails with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The network does not take the data.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The way that the attack was to take is not there.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The device is gone.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A file could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint is of another network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A checkpoint does not go together with the run's settings.
    #[error("{0}")]
    Load(String),
    /// A setting that a run is made with was to change on its way.
    #[error("{name}: the run was made with `{from}`, and that cannot change; start a new run for `{to}`")]
    Fixed {
        /// The setting.
        name: String,
        /// Its value.
        from: String,
        /// The value that was asked for.
        to: String,
    },
    /// A run folder could not say what it was made with.
    #[error(
        "method: the plan trains with `{given}`, its settings name `{named}`, and a folder keeps settings alone; train a method of your own with Trainer"
    )]
    OwnMethod {
        /// The name of the plan's method.
        given: &'static str,
        /// The name in its settings.
        named: &'static str,
    },
    /// Training went wrong in a way that more of it does not mend.
    #[error("epoch {epoch}: {what}. {}", match .good {
        Some(good) => format!("The last good state, of epoch {good}, is kept"),
        None => "No epoch before was good".to_owned(),
    })]
    Diverged {
        /// Where it was seen.
        epoch: u32,
        /// What was seen.
        what: String,
        /// The epoch of the last good state, which is the committed one again; none where there is none that can be used.
        good: Option<u32>,
        /// The run's folder.
        folder: PathBuf,
        /// What may help, one of these.
        remedies: Vec<Remedy>,
    },
}

/// A change of a setting that may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// How it should be: `a lower`, `a longer`, `another`.
    pub how: &'static str,
    /// The setting.
    pub setting: &'static str,
    /// Its value, where there is one to be tried.
    pub value: Option<&'static str>,
}
