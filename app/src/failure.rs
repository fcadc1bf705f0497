//! What the command ends with when something goes wrong: 1 the work failed, 2 the request was wrong.

#[cfg(not(target_arch = "wasm32"))]
use std::process::ExitCode;

use gairat::{
    attack::PathError, checkpoint::CheckpointError, dataset::DatasetError, device::DeviceError, model::LoadError,
    model::ModelError, session::SessionError, settings::SettingsError,
};

/// A sentence for the person and a code for the shell.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request was wrong: nothing was started.
    Request(String),
    /// The work failed.
    Work(String),
}

impl Failure {
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Request(message) | Self::Work(message) => message,
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Request(_) => ExitCode::from(2),
            Self::Work(_) => ExitCode::from(1),
        }
    }
}

/// Errors that show that the request was wrong.
macro_rules! request_errors {
    ($($error:ty),+) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Request(error.to_string())
            }
        }
    )+};
}

request_errors!(PathError, SettingsError, ModelError, LoadError, CheckpointError);

impl From<DatasetError> for Failure {
    fn from(error: DatasetError) -> Self {
        match error {
            DatasetError::Unwritable { .. } => Self::Work(error.to_string()),
            _ => Self::Request(error.to_string()),
        }
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Lost(_) => Self::Work(error.to_string()),
            _ => Self::Request(error.to_string()),
        }
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Model(_) | SessionError::Path(_) => Self::Request(error.to_string()),
            _ => Self::Work(error.to_string()),
        }
    }
}
