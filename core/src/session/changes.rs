//! Settings that change while a run is on its way.

use serde::{Deserialize, Serialize};

use super::{Door, Event, Session, SessionError};
use crate::{
    checkpoint::{CheckpointError, RunFolder},
    files,
    settings::{Checked, Settings, fields, may_change},
};

/// Where the changes of a run are kept, in its folder.
const KEPT: &str = "changes.json";

/// A setting that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Its name.
    pub name: String,
    /// Its value before, as text.
    pub from: String,
    /// Its value from now on.
    pub to: String,
}

/// Settings that a run went on with from somewhere on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// Finished steps of it.
    pub step: usize,
    /// What was changed.
    pub changes: Vec<Changed>,
}

/// The settings in which two runs differ.
fn between(before: &Settings, after: &Settings) -> Vec<Changed> {
    // A parameter that one of two methods has not is "-".
    let text = |settings: &Settings, name: &str| settings.get(name).unwrap_or_else(|| "-".to_owned());
    let change = |name: &str| Changed { name: name.to_owned(), from: text(before, name), to: text(after, name) };
    fields().iter().map(|field| change(field.name)).filter(|change| change.from != change.to).collect()
}

/// The changes of a run on its way, the first one first; none where nothing was changed.
///
/// # Errors
/// A sentence where they are there and cannot be read.
pub fn turns(folder: &RunFolder) -> Result<Vec<Turn>, String> {
    let file = folder.file(KEPT);
    if !files::exists(&file) {
        return Ok(Vec::new());
    }
    let text = files::read_text(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}; expected what a run wrote there", file.display()))
}

/// Makes a run in `folder` go on with the settings `after`, where so many epochs and steps of the next one are done, and keeps what it had
/// before: a run that has changed cannot be made again from its settings alone.
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
    /// Goes on with other settings, those that may change while a run is on its way, where so many steps of the next epoch are done.
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
