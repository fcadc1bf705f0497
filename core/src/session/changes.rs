//! Settings that change during a run.

use serde::{Deserialize, Serialize};

use super::{Door, Event, Session, SessionError};
use crate::{
    checkpoint::{CheckpointError, RunFolder},
    files,
    settings::{Checked, Settings, fields, may_change},
};

/// The file with the changes of a run.
const KEPT: &str = "changes.json";

/// A changed setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Its name.
    pub name: String,
    /// Its value before, as text.
    pub from: String,
    /// Its value afterwards.
    pub to: String,
}

/// Changes of settings at one moment of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// Finished steps of it.
    pub step: usize,
    /// The changed settings.
    pub changes: Vec<Changed>,
}

/// The settings that differ between two runs.
fn between(before: &Settings, after: &Settings) -> Vec<Changed> {
    // A parameter that one of two methods has not is "-".
    let text = |settings: &Settings, name: &str| settings.get(name).unwrap_or_else(|| "-".to_owned());
    let change = |name: &str| Changed { name: name.to_owned(), from: text(before, name), to: text(after, name) };
    fields().iter().map(|field| change(field.name)).filter(|change| change.from != change.to).collect()
}

/// All changes during a run, oldest first.
///
/// # Errors
/// A sentence about an unreadable file.
pub fn turns(folder: &RunFolder) -> Result<Vec<Turn>, String> {
    let file = folder.file(KEPT);
    if !files::exists(&file) {
        return Ok(Vec::new());
    }
    let text = files::read_text(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}; expected what a run wrote there", file.display()))
}

/// Writes the settings `after` into `folder`, and records the change after the given epochs and steps of the next one. Without the record,
/// the run could not be repeated from its folder.
///
/// # Errors
/// [`CheckpointError::Io`].
pub fn turn(
    folder: &RunFolder,
    before: &Settings,
    after: &Settings,
    (epochs, step): (u32, usize),
) -> Result<(), CheckpointError> {
    let changes = between(before, after);
    // Where and how it is computed makes no other run.
    let is_of_the_run = |change: &Changed| may_change(&change.name);
    if changes.iter().any(is_of_the_run) {
        // What cannot be read was not written by a run, and is no loss.
        let mut all = turns(folder).unwrap_or_default();
        all.push(Turn { epoch: epochs + 1, step, changes: changes.into_iter().filter(is_of_the_run).collect() });
        folder.write_json(KEPT, &all)?;
    }
    folder.write_settings(after)
}

impl Session<'_> {
    /// Continues with other settings, given the finished steps of the next epoch. Only settings that may change during a run may differ.
    pub(super) fn change<D: Door>(&mut self, plan: Checked, step: usize, door: &mut D) -> Result<(), SessionError> {
        let before = &self.trainer.plan.settings;
        let changes = between(before, &plan.settings);
        if let Some(fixed) = changes.iter().find(|change| !may_change(&change.name)) {
            return Err(SessionError::Fixed { name: fixed.name.clone(), from: fixed.from.clone(), to: fixed.to.clone() });
        }
        if changes.is_empty() {
            return Ok(());
        }
        if plan.settings.epochs <= self.progress.epoch {
            // Nothing is touched: the results of the run stay those of the settings that it was made with.
            let begun = self.progress.epoch + 1;
            let message = format!(
                "{} epochs: the run has had {}; give at least {begun}, or start a new run",
                plan.settings.epochs, self.progress.epoch
            );
            door.emit(Event::Warning { message });
            return Ok(());
        }
        if changes.iter().any(|change| change.name == "epsilon") {
            // Robust accuracies in balls of two sizes do not compare.
            (self.progress.best_epoch, self.progress.best_robust) = (0, 0.0);
            self.folder.forget_best()?;
        }
        turn(self.folder, &self.trainer.plan.settings, &plan.settings, (self.progress.epoch, step))?;
        self.trainer.change(plan);
        door.emit(Event::Changed { epoch: self.progress.epoch + 1, step, changes });
        Ok(())
    }
}
