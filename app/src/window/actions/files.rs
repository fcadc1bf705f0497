//! Opening and saving.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::{Context, Ui};
use gairat::{
    dataset::{self, Source, Toy},
    files,
    model::{ModelSpec, Normalisation},
    session::Start,
    settings::{Settings, StartingWeights},
};

use crate::{
    figure,
    platform::{known_data, outside},
    svg::Ink,
    window::model::{State, figures},
};

/// Opens a run folder, one of its files, or settings.
pub(crate) fn open_path(state: &mut State, path: &Path) {
    let folder_of =
        |file: &Path| file.parent().filter(|folder| files::is_file(&folder.join("resume.safetensors"))).map(Path::to_owned);
    if files::is_dir(path) {
        // A folder is a run, unless it is data.
        let run = ["settings.json", "metrics.jsonl"].iter().any(|file| files::is_file(&path.join(file)));
        match if run { Ok(None) } else { Source::of_files(&[path.to_owned()]) } {
            Ok(Some(source)) => state.open_settings(Settings::recipe(source)),
            _ => state.open_run(path),
        }
    } else if path.extension().is_some_and(|kind| kind == "json") {
        // A run's own settings mean the run, if it got anywhere.
        match folder_of(path).filter(|_| path.file_name().is_some_and(|name| name == "settings.json")) {
            Some(folder) => state.open_run(&folder),
            None => match settings_in(path) {
                Ok(settings) => state.open_settings(settings),
                Err(problem) => state.say(problem, true),
            },
        }
    } else if path.extension().is_some_and(|kind| ["safetensors", "pth", "pt"].iter().any(|weights| kind == *weights)) {
        match folder_of(path) {
            Some(folder) => state.open_run(&folder),
            None => open_weights(state, path),
        }
    } else if files::exists(path) {
        match Source::of_files(&[path.to_owned()]) {
            Ok(Some(source)) => state.open_settings(Settings::recipe(source)),
            Ok(None) => {
                state.say(
                    format!(
                        "{}: expected a run, settings (.json), weights (.pth, .safetensors) or data: {}.",
                        path.display(),
                        known_data()
                    ),
                    true,
                );
            }
            Err(problem) => state.say(problem, true),
        }
    } else {
        state.say(format!("{}: there is no such file or folder.", path.display()), true);
    }
}

/// Files of weights that are looked at before a run is started with them; what is larger would keep the window from its next frame, and is
/// read by the run, which says what does not fit.
const AT_ONCE: usize = 4 << 20;

/// Starts a run from weights alone, paused: it may be judged as it is, or trained on. It is on the data of the form where they take such
/// samples, else on the first in the program that they take.
fn open_weights(state: &mut State, path: &Path) {
    let own = Settings { model: ModelSpec::Auto, normalise: Normalisation::None, ..state.form.clone() };
    let starting = |settings: Settings| Settings { weights: StartingWeights(Some(path.to_owned())), ..settings };
    let bytes = match files::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return state.say(format!("{}: {error}", path.display()), true),
    };
    let mut settings = starting(own.clone());
    if bytes.len() <= AT_ONCE {
        let weights = match gairat::checkpoint::weights_in(path, &bytes) {
            Ok(weights) => weights,
            Err(error) => return state.say(error.to_string(), true),
        };
        let known = state.run().dataset.clone().filter(|dataset| dataset.source == own.data);
        let load = |settings: &Settings| dataset::load(&settings.checked().ok()?.request).ok().map(Arc::new);
        let own_data = known.or_else(|| if own.data.is_inside() { load(&own) } else { None });
        let on_own = own_data.map(|dataset| Start::of(&starting(own), &dataset));
        let inside = [Source::Digits, Source::Toy(Toy::Moons), Source::Toy(Toy::ThreeBlobs)].map(Settings::recipe);
        let elsewhere =
            || inside.into_iter().find_map(|settings| Start::of(&starting(settings.clone()), &*load(&settings)?).ok()?);
        settings = match on_own {
            Some(Ok(Some(start))) => start.settings,
            tried => match elsewhere() {
                Some(start) => start.settings,
                None => {
                    let why = tried.and_then(Result::err).map_or_else(String::new, |error| format!(" {error}"));
                    let takes =
                        weights.sample_shape(&ModelSpec::Auto).map(|shape| format!(" Its network takes samples of {shape}."));
                    let problem = format!(
                        "{}.{}{why} Open such data first, then the weights again.",
                        weights.reading,
                        takes.unwrap_or_default()
                    );
                    return state.say(problem, true);
                }
            },
        };
    }
    state.open_settings(settings);
    state.gate.play(false);
    state.say("The weights are at work as they are: judge them (J), or train on (Space).", false);
}

fn settings_in(path: &Path) -> Result<Settings, String> {
    let text = files::read_text(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text)
        .map_err(|error| format!("{}: {error}; expected a JSON object such as a run's settings.json", path.display()))
}

/// A name for a new file; where there can be none, the person is told why.
fn new_file(state: &mut State, name: &str, kind: &str) -> Option<PathBuf> {
    match outside::new_file(state.run().folder.as_deref(), name, kind) {
        Ok(file) => Some(file),
        Err(problem) => {
            state.say(problem, true);
            None
        }
    }
}

/// Writes the settings of the form.
pub(crate) fn save_settings(state: &mut State) {
    let Some(file) = new_file(state, "settings-saved", "json") else { return };
    match serde_json::to_vec_pretty(&state.form) {
        Ok(bytes) => write(state, &file, &bytes),
        Err(error) => state.say(error.to_string(), true),
    }
}

/// Gives a file away and says where it is.
pub(crate) fn write(state: &mut State, file: &Path, bytes: &[u8]) {
    match outside::put(file, bytes) {
        Ok(told) => state.say(told, false),
        Err(problem) => state.say(problem, true),
    }
}

/// Takes what is dropped on the window, and what was chosen in a dialog.
pub(crate) fn arrived(ui: &Ui, state: &mut State) {
    for told in outside::done() {
        match told {
            Ok(done) => state.say(done, false),
            Err(problem) => state.say(problem, true),
        }
    }
    let mut paths = Vec::new();
    for arrived in outside::arrived(ui) {
        match arrived {
            Ok(path) => paths.push(path),
            Err(problem) => state.say(problem, true),
        }
    }
    match if paths.len() > 1 { Source::of_files(&paths) } else { Ok(None) } {
        Ok(Some(source)) => state.open_settings(Settings::recipe(source)),
        Ok(None) => {
            // Of several runs the last is opened; all are listed.
            if let Some(path) = paths.last() {
                open_path(state, path);
            }
        }
        Err(problem) => state.say(problem, true),
    }
}

/// Gives figures of the runs away: on a disk they are drawn beside the window, because letters take their time.
pub(super) fn export_figures(state: &mut State, ctx: &Context) {
    let subjects = figures::subjects(&state.runs, &state.grid.visible);
    let drawn = figure::all(&subjects, Ink::Paper);
    if drawn.is_empty() {
        return state.say("There is nothing to draw yet: no epoch is finished, and no sample was seen.".to_owned(), true);
    }
    let (folder, done, ctx) = (state.run().folder.clone(), Arc::clone(&state.pictures), ctx.clone());
    outside::beside(move || {
        let written =
            crate::host::figure_files(&drawn).and_then(|files| outside::put_all(folder.as_deref(), figure::FOLDER, &files));
        if let Ok(mut done) = done.lock() {
            done.push(written);
        }
        ctx.request_repaint();
    });
}
