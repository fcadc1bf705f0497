//! What goes wrong, in the words of the door that tells it: flags and commands in the terminal, names of the form and buttons in the window.
//! The library's errors are facts and know neither.

use gairat::{
    attack::PathError,
    checkpoint::CheckpointError,
    device::DeviceError,
    session::{Remedy, SessionError},
    settings::{SettingsError, field},
};

/// The door that shows a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Terminal,
    Window,
}

impl Door {
    /// What a setting is called here.
    pub(crate) fn setting(self, name: &str) -> String {
        match self {
            Self::Terminal => format!("--{}", name.replace('_', "-")),
            Self::Window => field(name).map_or_else(|| name.replace('_', " "), |field| field.label.to_string()),
        }
    }

    pub(crate) fn settings(self, error: &SettingsError) -> String {
        match error.setting() {
            Some(name) => format!("{}: {}", self.setting(name), error.problem()),
            None => error.to_string(),
        }
    }

    pub(crate) fn path(self, error: &PathError) -> String {
        format!("{}: fused is not possible here: {}; use auto or composed", self.setting("path"), error.why)
    }

    pub(crate) fn device(self, error: &DeviceError) -> String {
        match (self, error) {
            (Self::Terminal, DeviceError::NotFound { asked, found }) => {
                format!("--device {asked}: {found}. `gairat devices` lists what there is; `--device cpu` always works.")
            }
            (Self::Window, DeviceError::NotFound { .. }) => format!("{error}. The device cpu always works."),
            _ => error.to_string(),
        }
    }

    pub(crate) fn checkpoint(self, error: &CheckpointError) -> String {
        match (self, error) {
            (Self::Terminal, CheckpointError::Exists(folder)) => {
                format!("{error}: choose another --out, or go on with `--resume {}`.", folder.display())
            }
            (Self::Window, CheckpointError::Exists(_)) => format!("{error}: open it with Open…"),
            (Self::Terminal, CheckpointError::Busy(_)) => format!("{error}; wait for it, or stop it with Ctrl+C."),
            (Self::Window, CheckpointError::Busy(_)) => {
                format!("{error}, perhaps in another window or tab; close it there first.")
            }
            (Self::Terminal, CheckpointError::NoRun(_)) => {
                format!("{error}. Name the folder that `gairat train` printed as `run folder`.")
            }
            (Self::Window, CheckpointError::NoRun(_)) => format!("{error}. Choose the folder of a run."),
            _ => error.to_string(),
        }
    }

    pub(crate) fn session(self, error: &SessionError) -> String {
        match error {
            SessionError::Path(error) => self.path(error),
            SessionError::Device(error) => self.device(error),
            SessionError::Checkpoint(error) => self.checkpoint(error),
            SessionError::Fixed { name, from, to } => format!(
                "{}: the run was made with `{from}`, and that cannot change; start a new run for `{to}`",
                self.setting(name)
            ),
            SessionError::Diverged { good, folder, remedies, .. } => {
                let remedies: Vec<String> = remedies.iter().map(|remedy| self.remedy(remedy)).collect();
                let remedies = match remedies.as_slice() {
                    [] => "other settings".to_owned(),
                    [one] => one.clone(),
                    [most @ .., last] => format!("{} or {last}", most.join(", ")),
                };
                let folder = folder.display();
                match (self, good) {
                    (Self::Terminal, Some(_)) => {
                        format!("{error}: `gairat train --resume {folder}` goes on from it; change something, such as {remedies}")
                    }
                    (Self::Window, Some(_)) => {
                        format!("{error}: open {folder} to go on from it, and change something, such as {remedies}")
                    }
                    (_, None) => format!("{error}: start again with {remedies}"),
                }
            }
            _ => error.to_string(),
        }
    }

    fn remedy(self, remedy: &Remedy) -> String {
        let Remedy { how, setting, value } = remedy;
        let setting = self.setting(setting);
        match value {
            Some(value) => format!("{how} {setting} {value}"),
            None => format!("{how} {setting}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gairat::settings::{Settings, fields};

    #[test]
    fn each_door_calls_a_setting_by_its_own_name() {
        for field in fields() {
            let error = Settings::default().set(field.name, "no such value").err();
            let Some(error) = error else { continue };
            let (terminal, window) = (Door::Terminal.settings(&error), Door::Window.settings(&error));
            assert!(terminal.starts_with(&format!("--{}: ", field.name.replace('_', "-"))), "{terminal}");
            assert!(window.starts_with(&format!("{}: ", field.label)) && !window.contains("--"), "{window}");
        }
    }

    #[test]
    fn the_window_never_speaks_of_the_terminal() {
        let folder = std::path::PathBuf::from("runs/a");
        let remedy = Remedy { how: "a lower", setting: "lr", value: None };
        let diverged = |good| SessionError::Diverged {
            epoch: 4,
            what: "the loss is no number".to_owned(),
            good,
            folder: folder.clone(),
            remedies: vec![remedy, Remedy { how: "the", setting: "init", value: Some("he") }],
        };
        let device = DeviceError::NotFound { asked: "gpu".to_owned(), found: "no adapter was found".to_owned() };
        for said in [
            Door::Window.checkpoint(&CheckpointError::Busy(folder.clone())),
            Door::Window.checkpoint(&CheckpointError::NoRun(folder.clone())),
            Door::Window.checkpoint(&CheckpointError::Exists(folder.clone())),
            Door::Window.device(&device),
            Door::Window.session(&diverged(Some(3))),
            Door::Window.session(&diverged(None)),
        ] {
            assert!(!said.contains("gairat") && !said.contains("--") && !said.contains("Ctrl"), "{said}");
        }
        let said = Door::Terminal.session(&diverged(Some(3)));
        assert!(
            said.contains("`gairat train --resume runs/a` goes on") && said.contains("a lower --lr or the --init he"),
            "{said}"
        );
    }
}
