//! What the command ends with when something goes wrong: 1 the work failed, 2 the request was wrong.

use std::process::ExitCode;

use gairat::{
    attack::PathError,
    checkpoint::CheckpointError,
    compare::GridError,
    dataset::DatasetError,
    device::DeviceError,
    model::LoadError,
    model::ModelError,
    session::{SessionError, StartError},
    settings::SettingsError,
};

use crate::words::Door;

/// A sentence for the person and a code for the shell.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request was wrong: nothing was started.
    Request(String),
    /// The work failed.
    Work(String),
    /// Either, with words of its own for each door.
    Told {
        /// Whether the request was wrong.
        #[allow(dead_code, reason = "a page ends with no code")]
        request: bool,
        terminal: String,
        window: String,
    },
}

impl Failure {
    /// In the words of `door`.
    pub(crate) fn message(&self, door: Door) -> &str {
        match self {
            Self::Request(message) | Self::Work(message) => message,
            Self::Told { terminal, window, .. } => {
                if door == Door::Terminal {
                    terminal
                } else {
                    window
                }
            }
        }
    }

    #[allow(dead_code, reason = "a page ends with no code")]
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Request(_) | Self::Told { request: true, .. } => ExitCode::from(2),
            Self::Work(_) | Self::Told { request: false, .. } => ExitCode::from(1),
        }
    }

    fn told(request: bool, say: impl Fn(Door) -> String) -> Self {
        Self::Told { request, terminal: say(Door::Terminal), window: say(Door::Window) }
    }
}

/// Errors that show that the request was wrong and say the same at every door.
macro_rules! request_errors {
    ($($error:ty),+) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Request(error.to_string())
            }
        }
    )+};
}

request_errors!(ModelError, LoadError);

impl From<PathError> for Failure {
    fn from(error: PathError) -> Self {
        Self::told(true, |door| door.path(&error))
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::told(true, |door| door.settings(&error))
    }
}

impl From<GridError> for Failure {
    fn from(error: GridError) -> Self {
        match error {
            GridError::Setting(error) => error.into(),
            // Its lists are flags of the terminal; the window has none of them.
            _ => Self::Request(format!("--{error}")),
        }
    }
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        Self::told(true, |door| door.checkpoint(&error))
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Checkpoint(error) => error.into(),
            StartError::Load(error) => error.into(),
        }
    }
}

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
        Self::told(!matches!(error, DeviceError::Lost(_)), |door| door.device(&error))
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::told(matches!(error, SessionError::Model(_) | SessionError::Path(_)), |door| door.session(&error))
    }
}
