//! Settings that change during a run.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Door, Event, Session, SessionError};
use crate::{
    checkpoint::{CheckpointError, RunFolder},
    files,
    settings::{Checked, Settings, fields, may_change},
};

/// The file with the changes of a run.
pub const CHANGES: &str = "changes.json";

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
pub fn turns(folder: &Path) -> Result<Vec<Turn>, String> {
    let file = folder.join(CHANGES);
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
        // No run wrote an unreadable file, so ignoring it loses nothing.
        let mut all = turns(folder.path()).unwrap_or_default();
        all.push(Turn { epoch: epochs + 1, step, changes: changes.into_iter().filter(is_of_the_run).collect() });
        folder.write_json(CHANGES, &all)?;
    }
    folder.write_settings(after)
}

/// Records in `folder` the changes of the run in `from`, whose state after the given epochs and steps of the next one it continues, with the
/// current settings of that run: changes made there later apply from here on.
///
/// Both are the same folder if a run ended before it saved the state in which its settings changed.
///
/// # Errors
/// [`CheckpointError::Io`].
pub fn carry_over(from: &Path, folder: &RunFolder, done: (u32, usize)) -> Result<(), CheckpointError> {
    // No run wrote an unreadable file, so ignoring it loses nothing.
    let before = turns(from).unwrap_or_default();
    let after = as_of(before.clone(), done);
    let there = if from == folder.path() { before } else { Vec::new() };
    if after == there { Ok(()) } else { folder.write_json(CHANGES, &after) }
}

/// The same changes, as seen by a run that continues after the given epochs and steps of the next one with all of them in force.
fn as_of(mut turns: Vec<Turn>, (epochs, step): (u32, usize)) -> Vec<Turn> {
    let here = (epochs + 1, step);
    let first = turns.iter().position(|turn| (turn.epoch, turn.step) > here).unwrap_or(turns.len());
    let mut changes: Vec<Changed> = Vec::new();
    for change in turns.split_off(first).into_iter().flat_map(|turn| turn.changes) {
        match changes.iter_mut().find(|known| known.name == change.name) {
            Some(known) => known.to = change.to,
            None => changes.push(change),
        }
    }
    changes.retain(|change| change.from != change.to);
    if !changes.is_empty() {
        turns.push(Turn { epoch: here.0, step: here.1, changes });
    }
    // A run at its beginning has always had its settings.
    turns.retain(|turn| (turn.epoch, turn.step) != (1, 0));
    turns
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

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(epoch: u32, step: usize, changes: &[(&str, &str, &str)]) -> Turn {
        let changed = |&(name, from, to): &(&str, &str, &str)| Changed { name: name.into(), from: from.into(), to: to.into() };
        Turn { epoch, step, changes: changes.iter().map(changed).collect() }
    }

    #[test]
    fn a_run_that_goes_on_from_an_earlier_state_has_had_earlier_changes_there_and_later_ones_from_there_on() {
        let all = vec![
            turn(2, 3, &[("lr", "0.1", "0.05")]),
            turn(4, 0, &[("lambda", "-1", "-2"), ("lr", "0.05", "0.01")]),
            turn(5, 7, &[("lambda", "-2", "-3")]),
        ];
        assert_eq!(as_of(all.clone(), (6, 0)), all, "all of it lies behind");
        let merged = turn(3, 5, &[("lambda", "-1", "-3"), ("lr", "0.05", "0.01")]);
        assert_eq!(as_of(all.clone(), (2, 5)), [all[0].clone(), merged]);
        assert_eq!(as_of(all.clone(), (3, 0)), [all[0].clone(), all[1].clone(), turn(4, 0, &[("lambda", "-2", "-3")])]);
        assert!(as_of(all, (0, 0)).is_empty(), "from the beginning it had the settings that it has");
    }

    #[test]
    fn what_was_changed_and_changed_back_is_no_change() {
        let all = vec![turn(2, 0, &[("epsilon", "0.1", "0.2")]), turn(3, 0, &[("epsilon", "0.2", "0.1")])];
        assert!(as_of(all, (0, 3)).is_empty());
    }
}
