//! The folder of a run that the terminal begins or goes on with.

use std::path::{Path, PathBuf};

use gairat::{
    checkpoint::{CheckpointError, RunFolder},
    files,
    session::turn,
    settings::{Change, Settings, fields, is_measured_with},
};

use crate::{failure::Failure, platform::RUNS, run_folders};

/// A new folder under `runs/`, named after the moment, the data, the method and the seed.
pub(super) fn dated(settings: &Settings) -> Result<RunFolder, Failure> {
    let root = Path::new(RUNS);
    for name in run_folders::names(settings) {
        match RunFolder::create(&root.join(name), settings) {
            Err(CheckpointError::Exists(_)) => {}
            other => return Ok(other?),
        }
    }
    Err(run_folders::none_free(root))
}

/// The run in `path` with the settings it had, where it is the one that `settings` make; none where there is nothing yet. What a run that
/// was killed at its very first write left there is nothing.
///
/// # Errors
/// A folder of another run, with the first setting that differs, or of something else.
pub(super) fn same_run(path: &Path, settings: &Settings) -> Result<Option<(RunFolder, Settings)>, Failure> {
    if !files::exists(path) {
        return Ok(None);
    }
    let (folder, before) = match RunFolder::open(path) {
        Err(CheckpointError::NoRun(_)) if leave_nothing(path) => return Ok(None),
        Err(CheckpointError::NoRun(_)) => return Err(CheckpointError::Exists(path.to_owned()).into()),
        other => other?,
    };
    let differs =
        fields().iter().find(|field| field.change != Change::OnResume && before.get(field.name) != settings.get(field.name));
    match differs {
        None => Ok(Some((folder, before))),
        Some(field) => {
            let value = |settings: &Settings| settings.get(field.name).unwrap_or_else(|| "none".to_owned());
            Err(Failure::Request(format!(
                "{}: the run there was made with {} `{}`, and `{}` was asked for; choose another --out, or the settings it has",
                path.display(),
                field.name.replace('_', "-"),
                value(&before),
                value(settings)
            )))
        }
    }
}

/// Whether a folder held nothing but what was never written to its end; it is gone then.
fn leave_nothing(path: &Path) -> bool {
    let unfinished = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with('.') && name.ends_with(".tmp")
    };
    let Ok(there) = files::list(path) else { return false };
    there.iter().all(unfinished) && there.iter().all(|file| files::remove(file).is_ok()) && std::fs::remove_dir(path).is_ok()
}

/// Makes the folder ready for a run that goes on with `settings` where it had those of `before`.
pub(super) fn take_up(folder: &RunFolder, before: &Settings, settings: &Settings) -> Result<(), Failure> {
    folder.reopen()?;
    let changed = |name: &&str| before.get(name) != settings.get(name);
    let measured_with = |name: &&str| is_measured_with(name);
    if fields().iter().map(|field| field.name).filter(measured_with).any(|name| changed(&name)) {
        // An epoch measured half with the old attack or weights and half with the new is neither.
        folder.forget_part()?;
    }
    if changed(&"epsilon") {
        // Robust accuracies in balls of two sizes do not compare.
        folder.forget_best()?;
    }
    let done = folder.resume_state()?.map_or((0, 0), |state| (state.progress.epoch, state.progress.step));
    Ok(turn(folder, before, settings, done)?)
}
