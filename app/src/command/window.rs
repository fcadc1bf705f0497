//! `gairat` without a command: the window, or a picture of it.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use egui::ThemePreference;

use gairat::settings::{Settings, SettingsError, may_change, may_change_on_resume};

use super::{given, settings_args, settings_from, train};
use crate::{
    desktop::{self, Shot, Wanted},
    failure::Failure,
    lesson::LESSONS,
    link,
    platform::RUNS,
};

/// The size of a window, in points, and of a picture.
const SIZE: (u32, u32) = (1280, 800);

/// The arguments of the window, for the command that has no name.
pub(super) fn arguments(command: Command) -> Command {
    command
        .args(settings_args(|_| true))
        .arg(path("screenshot", "FILE", "Draw the window off screen, write it to FILE (PNG) and end"))
        .arg(text("size", "WxH", "Size of the window or of the picture [default: 1280x800]"))
        .arg(text("theme", "THEME", "dark, light or system [default: system; dark for a picture]"))
        .arg(text("after-steps", "N", "With --screenshot: train N steps before [default: 300]").requires("screenshot"))
        .arg(
            Arg::new("twin")
                .long("twin")
                .action(ArgAction::SetTrue)
                .requires("screenshot")
                .help("With --screenshot: a twin run beside")
                .help_heading("Window"),
        )
        .arg(
            Arg::new("select")
                .long("select")
                .action(ArgAction::SetTrue)
                .requires("screenshot")
                .help("With --screenshot: select a sample that the attack breaks")
                .help_heading("Window"),
        )
        .arg(
            Arg::new("judge")
                .long("judge")
                .action(ArgAction::SetTrue)
                .requires("screenshot")
                .help("With --screenshot: run a suite of attacks on the network")
                .help_heading("Window"),
        )
        .arg(text("lesson", "N", "With --screenshot: open a lesson, by its number from 1").requires("screenshot"))
        .arg(text("lesson-step", "N", "With --lesson: go on to this step, its question answered").requires("lesson"))
        .arg(text("frame-stats", "SECONDS", "Draw as fast as possible for so long, print how it went as JSON, and end"))
        .arg(text("note", "TEXT", "Something to be read in the window at once").hide(true))
        .arg(
            text("lose-device-after", "SECONDS", "Takes the GPU away, as a driver reset does, to try what happens then")
                .hide(true),
        )
        .arg(text("link", "LINK", "Open the situation of a link of the page: its address, or what comes after #"))
        .arg(path("open", "DIR", "Go on with the run in this folder").conflicts_with("screenshot"))
        .arg(path("runs", "DIR", "The folder that new runs are kept in [default: runs]"))
}

fn text(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help).help_heading("Window")
}

fn path(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    text(name, value, help).value_parser(value_parser!(PathBuf))
}

pub(super) fn run(matches: &ArgMatches, begun: Instant) -> Result<ExitCode, Failure> {
    let given = given(matches, |_| true);
    let link = matches.get_one::<String>("link").map(|text| link::read(text)).unwrap_or_default();
    let asks_for_something = matches.contains_id("link") || ["screenshot", "open"].iter().any(|name| matches.contains_id(name));
    // Without arguments the window shows the first run at once.
    let link = if given.is_empty() && !asks_for_something && desktop::has_screen() { link::first() } else { link };
    let settings = match matches.contains_id("link") || link.link.preset.is_some() {
        true => linked(&link.link.settings, &given)?,
        false => settings_from(&given)?,
    };
    settings.checked()?;
    let size = size(matches)?;
    let theme = theme(matches)?;
    if let Some(file) = matches.get_one::<PathBuf>("screenshot") {
        for problem in &link.problems {
            crate::terminal::tell!("warning: {problem}");
        }
        let lesson = match whole(matches, "lesson")? {
            Some(lesson) if !(1..=usize::from(link::LESSONS)).contains(&lesson) => {
                return Err(Failure::Request(format!("--lesson: {lesson} is out of range; expected 1 to {}", link::LESSONS)));
            }
            lesson => lesson,
        };
        let lesson_step = whole(matches, "lesson-step")?.unwrap_or(1);
        let steps = lesson.map_or(usize::MAX, |lesson| LESSONS[lesson - 1].steps.len());
        if !(1..=steps).contains(&lesson_step) {
            return Err(Failure::Request(format!("--lesson-step: {lesson_step} is out of range; expected 1 to {steps}")));
        }
        desktop::shoot(Shot {
            file: file.clone(),
            settings,
            link: link::Read { problems: Vec::new(), ..link },
            size,
            theme: theme.unwrap_or(ThemePreference::Dark),
            after_steps: whole(matches, "after-steps")?.unwrap_or(300),
            twin: matches.get_flag("twin"),
            lesson,
            lesson_step,
            select: matches.get_flag("select"),
            judge: matches.get_flag("judge"),
        })?;
        crate::terminal::say!("written   {}", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    let frame_stats = seconds(matches, "frame-stats")?;
    let resume = matches.get_one::<PathBuf>("open").cloned();
    let settings = match &resume {
        Some(folder) => resumed(folder, &given)?,
        None => settings,
    };
    if !desktop::has_screen() && matches.args_present() {
        let found = "there is no screen to open a window on (DISPLAY and WAYLAND_DISPLAY are not set)";
        return Err(Failure::Request(format!("{found}: use `gairat train` with the same settings, or --screenshot FILE")));
    }
    if !desktop::has_screen() {
        crate::terminal::tell!(
            "There is no screen (DISPLAY and WAYLAND_DISPLAY are not set): training in the terminal. `gairat --help` lists all commands."
        );
        return train::run(&train::definition().get_matches_from(["train"]));
    }
    desktop::open(Wanted {
        settings,
        root: matches.get_one::<PathBuf>("runs").cloned().unwrap_or_else(|| PathBuf::from(RUNS)),
        resume,
        size: (size.0 as f32, size.1 as f32),
        theme: theme.unwrap_or(ThemePreference::System),
        frame_stats,
        link,
        note: matches.get_one::<String>("note").cloned(),
        lose_device_after: seconds(matches, "lose-device-after")?,
        begun,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The settings of a link, with what was given beside it.
fn linked(settings: &Settings, given: &[(&'static str, &str)]) -> Result<Settings, Failure> {
    let mut settings = settings.clone();
    for (name, text) in given {
        settings.set(name, text)?;
    }
    Ok(settings)
}

/// The settings of the run in a folder, with what was given of how it is computed.
fn resumed(folder: &Path, given: &[(&'static str, &str)]) -> Result<Settings, Failure> {
    let mut settings = crate::live::settings_of(folder)?;
    for (name, text) in given {
        if may_change(name) || !may_change_on_resume(name) {
            let problem =
                format!("the run in {} has its own; open it without this, and change it in the window", folder.display());
            return Err(Failure::from(SettingsError::Conflict { name, problem }));
        }
        settings.set(name, text)?;
    }
    Ok(settings)
}

fn size(matches: &ArgMatches) -> Result<(u32, u32), Failure> {
    let Some(text) = matches.get_one::<String>("size") else { return Ok(SIZE) };
    let side = |side: &str, least: u32| side.parse::<u32>().ok().filter(|side| (least..=16_384).contains(side));
    let read = text.split_once('x').and_then(|(width, height)| Some((side(width, 360)?, side(height, 480)?)));
    read.ok_or_else(|| {
        Failure::Request(format!(
            "--size: `{text}` is no size; expected WIDTHxHEIGHT, at least 360x480 and at most 16384 a side, such as 1280x800"
        ))
    })
}

fn theme(matches: &ArgMatches) -> Result<Option<ThemePreference>, Failure> {
    match matches.get_one::<String>("theme").map(String::as_str) {
        None => Ok(None),
        Some("dark") => Ok(Some(ThemePreference::Dark)),
        Some("light") => Ok(Some(ThemePreference::Light)),
        Some("system") => Ok(Some(ThemePreference::System)),
        Some(other) => Err(Failure::Request(format!("--theme: `{other}` is no theme; expected `dark`, `light` or `system`"))),
    }
}

fn seconds(matches: &ArgMatches, name: &str) -> Result<Option<Duration>, Failure> {
    let Some(text) = matches.get_one::<String>(name) else { return Ok(None) };
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(Some(Duration::from_secs_f64(seconds))),
        _ => Err(Failure::Request(format!("--{name}: `{text}` is no number of seconds; expected 0.1 to 3600"))),
    }
}

fn whole(matches: &ArgMatches, name: &str) -> Result<Option<usize>, Failure> {
    let Some(text) = matches.get_one::<String>(name) else { return Ok(None) };
    match text.parse::<usize>() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(Failure::Request(format!("--{name}: `{text}` is no whole number (0 or more)"))),
    }
}
