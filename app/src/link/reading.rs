//! Reading a link.

use gairat::{
    dataset::Source,
    settings::{MethodChoice, Settings, SettingsError, field, fields},
};
use percent_encoding::percent_decode_str;

use super::{
    DEVICES, LESSONS, LONGEST, LONGEST_TASK, OF_THE_MACHINE, Only, Part, Preset, Read, SPEEDS, Start, TWIN, Theme, VERSION,
    begin::speed_of, speed_name,
};
use crate::words::Door;

/// Reads a link: an address with `#`, or what comes after it. Never fails: what cannot be used is named in the answer.
pub(crate) fn read(text: &str) -> Read {
    let mut read = Read::default();
    let text = text.trim();
    let text = text.split_once('#').map_or(text, |(_, hash)| hash);
    if text.len() > LONGEST {
        read.problems.push(format!("The link has {} characters; at most {LONGEST} are read, so it was ignored.", text.len()));
        return read;
    }
    let pairs: Vec<(String, String)> = text
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            (plain(key).replace('-', "_"), plain(value))
        })
        .collect();
    let of = |wanted: &str| pairs.iter().rev().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str());
    if let Some(version) = of("v").filter(|version| version.parse() != Ok(VERSION)) {
        read.problems
            .push(format!("The link is of version `{}`; this program knows {VERSION}, and reads what it can.", short(version)));
    }
    let mut settings = Settings::default();
    if let Some(name) = of("preset") {
        read.link.preset = one_of(Preset::ALL, Preset::name, "preset", name, &mut read.problems);
        settings = read.link.preset.map_or(settings, Preset::settings);
    }
    if let Some(text) = of("data") {
        match text.parse::<Source>() {
            Ok(source) if source.is_inside() && source != settings.data => settings = Settings::recipe(source),
            Ok(source) if source.is_inside() => {}
            Ok(_) => {
                read.problems.push(format!("data: `{}` names files, which a link cannot bring; it was ignored.", short(text)));
            }
            Err(_) => read
                .problems
                .push(format!("data: `{}` is not known; expected moons, circles, digits …; it was ignored.", short(text))),
        }
    }
    let begun = settings.clone();
    // A method's parameters can be set once it is there.
    let no_method = |key: &str, name: &str| format!("{key}: `{}` is no method; it was ignored.", short(name));
    if let Some(name) = of("method").filter(|name| settings.set("method", name).is_err()) {
        read.problems.push(no_method("method", name));
    }
    if let Some(name) = of("twin") {
        read.link.twin = MethodChoice::of(name).ok();
        if read.link.twin.is_none() {
            read.problems.push(no_method("twin", name));
        }
    }
    for (key, value) in &pairs {
        match key.as_str() {
            "v" | "preset" | "data" | "method" | "twin" => {}
            key if key.starts_with(TWIN) => {
                let told = read.link.twin.take();
                let (method, problem) = with_parameter(told, &key[TWIN.len()..], value);
                read.link.twin = method;
                read.problems.extend(problem);
            }
            "hide" => {
                for name in names(value) {
                    read.link.hide.extend(one_of(Part::ALL, Part::name, "hide", name, &mut read.problems));
                }
            }
            "lock" => {
                for name in names(value) {
                    let named = fields().iter().map(|field| field.name);
                    let named: Vec<&str> = named.filter(|field| name == "all" || *field == name.replace('-', "_")).collect();
                    if named.is_empty() {
                        read.problems.push(format!("lock: there is no setting `{}`; it was ignored.", short(name)));
                    }
                    read.link.lock.extend(named);
                }
            }
            "show" => {
                let (only, problems) = only(value);
                read.link.show = only;
                read.problems.extend(problems);
            }
            "select" => match value.parse() {
                Ok(row) => read.link.select = Some(row),
                Err(_) => read.problems.push(format!(
                    "select: `{}` is no row of a training sample, a whole number from 0; it was ignored.",
                    short(value)
                )),
            },
            "speed" => {
                read.link.speed = speed_of(value);
                if read.link.speed.is_none() {
                    let known: Vec<String> = (0..SPEEDS.len()).map(speed_name).collect();
                    let problem = format!("speed: `{}` is not one of {}; it was ignored.", short(value), known.join(", "));
                    read.problems.push(problem);
                }
            }
            "start" => read.link.start = one_of(Start::ALL, Start::name, "start", value, &mut read.problems),
            "task" => {
                let (task, problem) = task(value);
                read.link.task = task;
                read.problems.extend(problem);
            }
            "embed" => read.link.embed = flag("embed", value, &mut read.problems),
            "projector" => read.link.projector = flag("projector", value, &mut read.problems),
            "theme" => read.link.theme = one_of(Theme::ALL, Theme::name, "theme", value, &mut read.problems),
            "lesson" => match value.parse::<u8>() {
                Ok(lesson @ 1..=LESSONS) => read.link.lesson = Some(lesson),
                _ => read.problems.push(format!("lesson: `{}` is not 1 to {LESSONS}; it was ignored.", short(value))),
            },
            key if OF_THE_MACHINE.contains(&key) => {
                read.problems.push(format!("{key} belong to a machine, not to a link; they were ignored."));
            }
            "device" if !DEVICES.contains(&value.as_str()) => read.problems.push(format!(
                "device: `{}` is not known in a link; expected one of {}; it was ignored.",
                short(value),
                DEVICES.join(", ")
            )),
            key if field(key).is_some() => {
                if let Err(error) = settings.set(key, value) {
                    read.problems.push(format!("{}; it was ignored.", in_link(&error)));
                }
            }
            key => read.problems.push(format!("`{}` is not known in a link; it was ignored.", short(key))),
        }
    }
    if let Err(error) = settings.checked() {
        read.problems.push(format!("{}; the settings of the link were ignored.", in_link(&error)));
        settings = begun;
    }
    if let Some(method) = &read.link.twin
        && let Err(error) = (Settings { method: method.clone(), ..settings.clone() }).checked()
    {
        read.problems.push(format!("twin: {error}; it was ignored."));
        read.link.twin = None;
    }
    read.link.settings = settings;
    read
}

/// The twin's method with a parameter set, and what could not be used.
fn with_parameter(method: Option<MethodChoice>, name: &str, value: &str) -> (Option<MethodChoice>, Option<String>) {
    let Some(method) = method else {
        let problem =
            format!("`{TWIN}{}` is of a twin, and the link names no method for one (twin=…); it was ignored.", short(name));
        return (None, Some(problem));
    };
    if field(name).is_none_or(|field| field.methods.is_empty()) {
        return (Some(method), Some(format!("{TWIN}{}: no method has such a parameter; it was ignored.", short(name))));
    }
    let mut settings = Settings { method, ..Settings::default() };
    let problem = settings.set(name, value).err().map(|error| format!("twin: {error}; it was ignored."));
    (Some(settings.method), problem)
}

/// Whether a key that is 0 or 1 is 1.
fn flag(key: &str, value: &str, problems: &mut Vec<String>) -> bool {
    if !matches!(value, "0" | "1") {
        problems.push(format!("{key}: `{}` is not 0 or 1; it was ignored.", short(value)));
    }
    value == "1"
}

/// The only things that are shown, by their names; nothing where no name is known.
fn only(value: &str) -> (Option<Only>, Vec<String>) {
    let mut only = Only::default();
    let mut problems = Vec::new();
    for name in names(value) {
        let part = Part::ALL.into_iter().find(|part| part.name() == name);
        match (part, field(&name.replace('-', "_"))) {
            (Some(part), _) => drop(only.parts.insert(part)),
            (None, Some(field)) => drop(only.settings.insert(field.name)),
            (None, None) => {
                let expected: Vec<&str> = Part::ALL.into_iter().map(Part::name).collect();
                let expected = expected.join(", ");
                problems.push(format!(
                    "show: `{}` is not known; expected {expected}, or the name of a setting; it was ignored.",
                    short(name)
                ));
            }
        }
    }
    if only == Only::default() {
        if problems.is_empty() {
            problems.push("show: it names nothing, so that all is shown.".to_owned());
        }
        return (None, problems);
    }
    (Some(only), problems)
}

/// The task as it can be shown: lines, and no signs that steer a terminal or turn text around.
fn task(value: &str) -> (String, Option<String>) {
    let plain = |sign: &char| *sign == '\n' || !(sign.is_control() || ('\u{202a}'..='\u{202e}').contains(sign));
    let task: String = value.chars().filter(plain).collect();
    let task = task.trim();
    let count = task.chars().count();
    if count <= LONGEST_TASK {
        return (task.to_owned(), None);
    }
    let kept: String = task.chars().take(LONGEST_TASK).collect();
    (kept.trim_end().to_owned(), Some(format!("task: it has {count} characters; the first {LONGEST_TASK} are shown.")))
}

/// What is wrong with a setting, which is named as links and as the form name it.
fn in_link(error: &SettingsError) -> String {
    match error.setting() {
        Some(name) if Door::Window.setting(name) != name => format!("{name}, {}", Door::Window.settings(error)),
        _ => error.to_string(),
    }
}

fn names(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// The one of this name; a problem if there is none.
fn one_of<T: Copy, const N: usize>(
    all: [T; N],
    name_of: impl Fn(T) -> &'static str,
    key: &str,
    name: &str,
    problems: &mut Vec<String>,
) -> Option<T> {
    let found = all.into_iter().find(|one| name_of(*one) == name);
    if found.is_none() {
        let expected: Vec<&str> = all.into_iter().map(name_of).collect();
        problems.push(format!("{key}: `{}` is not known; expected one of {}; it was ignored.", short(name), expected.join(", ")));
    }
    found
}

/// As much of a text as one can read.
fn short(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
