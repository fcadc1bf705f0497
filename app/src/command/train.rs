//! `gairat train`: settings, data, device, run folder; then the run.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, atomic::Ordering},
};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use gairat::{
    checkpoint::RunFolder,
    dataset::{self, Dataset, DatasetError},
    device,
    metrics::Summary,
    room,
    session::{Ending, Event, Start},
    settings::{Settings, SettingsError, may_change_on_resume},
};

use super::{apply, examples::examples, given, json_arg, run_folder, settings_args, settings_from, tether};
use crate::{
    animation::Filmed,
    driver,
    failure::Failure,
    report,
    terminal::{Human, Voice, json::Json},
};

pub(super) fn definition() -> Command {
    Command::new("train")
        .about("Train a network; defaults follow the data")
        .after_help(examples(&[
            ("The two moons, in a second", "train"),
            ("Digits with another method", "train --data digits --method trades --epsilon 0.1"),
            ("Your own arrays x and y", "train --data npz:mine.npz --epsilon 8/255 --epochs 20"),
            ("Go on after Ctrl+C or a crash, or with more epochs", "train --resume runs/NAME --epochs 120"),
        ]))
        .args(settings_args(|_| true))
        .arg(path("out", "DIR", "Run folder; it must not exist yet [default: a dated one under runs/]").conflicts_with("resume"))
        .arg(path("resume", "DIR", "Go on with the run in this folder; settings given beside it replace the run's"))
        .arg(path("settings", "FILE", "Read settings from a file such as a run's settings.json").conflicts_with("resume"))
        .arg(path(
            "animation",
            "FILE.png",
            "Film a run on 2-D data: regions, weights and broken samples after each epoch, as APNG",
        ))
        .arg(
            Arg::new("or-resume")
                .long("or-resume")
                .action(ArgAction::SetTrue)
                .requires("out")
                .help("Where --out holds this very run already, go on with it, or say that it is finished")
                .help_heading("Files"),
        )
        .arg(json_arg())
        .arg(tether::arg())
}

fn path(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(value_parser!(PathBuf)).help(help).help_heading("Files")
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let mut voice: Box<dyn Voice> = if matches.get_flag("json") { Box::new(Json) } else { Box::new(Human::new()) };
    let given = given(matches, |_| true);
    let (opened, before, settings) = match matches.get_one::<PathBuf>("resume") {
        Some(dir) => {
            let (folder, before, settings) = resume(dir, &given)?;
            (Some(folder), Some(before), settings)
        }
        None => {
            let settings = fresh(matches, &given)?;
            let out = matches.get_one::<PathBuf>("out").filter(|_| matches.get_flag("or-resume"));
            match out.map(|out| run_folder::same_run(out, &settings)).transpose()?.flatten() {
                Some((folder, before)) => (Some(folder), Some(before), settings),
                None => (None, None, settings),
            }
        }
    };
    let mut plan = settings.checked()?;
    let dataset = dataset::load(&plan.request).map_err(|error| match (&opened, error) {
        (Some(_), error @ DatasetError::Unreadable { .. }) => {
            Failure::Request(format!("{error} Data that moved are named with --data."))
        }
        (_, error) => error.into(),
    })?;
    if let (Some(folder), Some(before)) = (&opened, &before)
        && before.data != settings.data
    {
        must_be_the_same_data(folder, before, &settings, &dataset)?;
    }
    let mut settings = settings;
    if opened.is_none()
        && let Some(start) = Start::of(&settings, &dataset)?
    {
        if !start.reading.ours {
            crate::terminal::tell!("{}", start.reading);
        }
        settings = start.settings;
        plan = settings.checked()?;
    }
    // A network that does not take the data is refused before a folder is made.
    settings.model.resolve(dataset.shape).accepts(dataset.shape, dataset.classes)?;
    let animation = matches.get_one::<PathBuf>("animation");
    if let Some(file) = animation {
        can_be_filmed(file, &dataset)?;
    }
    let chosen = pollster::block_on(device::choose(&settings.device))?;
    room::for_training(&settings.model, &dataset, settings.batch, &chosen)?;

    let folder = match opened {
        Some(folder) => {
            if let Some(summary) = finished(&folder, &settings)? {
                voice.say(&Event::Warning {
                    message: format!(
                        "the run in {} is finished ({} epochs) and nothing was changed; give it more with --epochs",
                        folder.path().display(),
                        summary.epochs
                    ),
                });
                voice.say(&Event::Summary(summary));
                return Ok(ExitCode::SUCCESS);
            }
            folder
        }
        None => match matches.get_one::<PathBuf>("out") {
            Some(out) => RunFolder::create(out, &settings)?,
            None => run_folder::dated(&settings)?,
        },
    };

    let _lock = folder.lock()?;
    if let Some(before) = before {
        run_folder::take_up(&folder, &before, &settings)?;
    }
    voice.begin(&settings, &chosen, folder.path());
    if !settings.data.is_inside() {
        voice.data(&dataset.about);
    }
    for message in without_effect(&settings, &given) {
        voice.say(&Event::Warning { message });
    }
    let stop = driver::stop_flag()?;
    let raised = Arc::clone(&stop);
    tether::watch(matches, move || raised.store(true, Ordering::SeqCst));
    let threads = driver::threads_for(settings.threads, &settings.model.resolve(dataset.shape), 0);
    let mut say = |event: Event| voice.say(&event);
    let mut straight = driver::Straight::new(&stop, &mut say);
    let ending = match animation {
        None => driver::train(&plan, &dataset, (&chosen, threads), &folder, &mut straight),
        Some(file) => {
            let mut filmed = Filmed::new(&mut straight, &dataset, settings.epochs);
            let ending = driver::train(&plan, &dataset, (&chosen, threads), &folder, &mut filmed);
            filmed.write(file, settings.epochs)?;
            ending
        }
    };
    voice.quiet();
    match ending? {
        Ending::Finished { summary, snapshot } => {
            report::conclude(folder.path())?;
            voice.conclude(&settings, &summary, &snapshot, &dataset);
            Ok(ExitCode::SUCCESS)
        }
        Ending::Stopped { epoch, step } => {
            voice.stopped(epoch, step, folder.path());
            debug_assert!(stop.load(Ordering::SeqCst), "only Ctrl+C and a closed pipe stop a run from here");
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Whether there is a plane to film, and room for the file.
fn can_be_filmed(file: &Path, dataset: &Dataset) -> Result<(), Failure> {
    let refused = |problem: String| Err(Failure::Request(format!("--animation {}: {problem}", file.display())));
    if dataset.shape.len() != 2 {
        return refused(format!(
            "{} has {} numbers a sample; expected points of a plane, such as moons",
            dataset.source,
            dataset.shape.len()
        ));
    }
    let is_png = file.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("png") || kind.eq_ignore_ascii_case("apng"));
    if !is_png {
        return refused("expected a name that ends in .png, since it is an animated PNG".to_owned());
    }
    if file.exists() {
        return refused("exists already and is never overwritten; choose another name".to_owned());
    }
    match file.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.is_dir()) {
        Some(parent) => refused(format!("there is no folder {}; make it first", parent.display())),
        None => Ok(()),
    }
}

/// What to say of settings that were asked for and have no effect, besides what the run says of it by itself.
fn without_effect(settings: &Settings, given: &[(&'static str, &str)]) -> Vec<String> {
    let told = settings.warnings();
    let idle = given.iter().filter_map(|(name, _)| settings.without_effect(name));
    idle.filter(|sentence| !told.contains(sentence)).collect()
}

/// The settings of a new run.
fn fresh(matches: &ArgMatches, given: &[(&'static str, &str)]) -> Result<Settings, Failure> {
    let Some(file) = matches.get_one::<PathBuf>("settings") else { return settings_from(given) };
    let text = fs::read_to_string(file).map_err(|error| Failure::Request(format!("--settings {}: {error}", file.display())))?;
    let mut settings: Settings = serde_json::from_str(&text).map_err(|error| {
        Failure::Request(format!("--settings {}: {error}; expected a JSON object such as a run's settings.json", file.display()))
    })?;
    apply(&mut settings, given)?;
    Ok(settings)
}

/// The folder of a run that goes on, the settings it had and those it gets.
fn resume(dir: &Path, given: &[(&'static str, &str)]) -> Result<(RunFolder, Settings, Settings), Failure> {
    let (folder, before) = RunFolder::open(dir)?;
    let mut settings = before.clone();
    for (name, text) in given {
        let mut wanted = settings.clone();
        wanted.set(name, text)?;
        // Data may have moved: whether they are the same, their fingerprint says once they are read.
        if wanted != settings && !may_change_on_resume(name) && *name != "data" {
            let had = settings.get(name).unwrap_or_default();
            return Err(Failure::from(SettingsError::Conflict {
                name,
                problem: format!(
                    "the run in {} was made with `{had}`, and that cannot change; start a new run for `{text}`",
                    dir.display()
                ),
            }));
        }
        settings = wanted;
    }
    let had = folder.resume_state()?.map_or(0, |state| state.progress.epoch);
    if settings.epochs < had {
        return Err(Failure::Request(format!(
            "--epochs: {} is fewer than the {had} epochs that the run has had; give more to extend it",
            settings.epochs
        )));
    }
    Ok((folder, before, settings))
}

/// Refuses to go on with data that are not those of the run.
fn must_be_the_same_data(folder: &RunFolder, before: &Settings, settings: &Settings, dataset: &Dataset) -> Result<(), Failure> {
    let (had, found) = (folder.resume_state()?.map(|state| state.progress.data), dataset.fingerprint());
    if had.as_ref() == Some(&found) {
        return Ok(());
    }
    let had = had.unwrap_or_else(|| "nothing is known of its data yet".to_owned());
    Err(Failure::from(SettingsError::Conflict {
        name: "data",
        problem: format!(
            "the run in {} was made with `{}` ({had}), and `{}` is other data ({found}); name the same data where they are now, or start a new run",
            folder.path().display(),
            before.data,
            settings.data
        ),
    }))
}

/// The summary of a run that has nothing left to do.
fn finished(folder: &RunFolder, settings: &Settings) -> Result<Option<Summary>, Failure> {
    Ok(folder.summary()?.filter(|summary| summary.epochs == settings.epochs))
}
