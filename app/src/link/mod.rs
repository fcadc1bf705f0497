//! A situation as the end of an address: `#v=1&data=circles&lambda=-2&hide=settings`.
//!
//! Only what differs from the preset or from the recipe of the data is written. What cannot be used is named and ignored, so that a link
//! of any age opens something; the desktop takes the same text (`gairat --link`).
//!
//! | key | value |
//! | --- | --- |
//! | `v` | the version of this table: 1 |
//! | `preset` | the settings to begin with: `first`, `close`, `lambda`, `compare`, `overlap`, `conflict` |
//! | a setting's name | its value, as on the command line; `data` names no files, `device` no adapter, and `threads` is left to the machine |
//! | `twin` | a method: a second run beside, which shares all but the method |
//! | `twin.` and a parameter's name | its value for the twin; where nothing is said it has the method's own |
//! | `hide` | parts that are not shown, with commas between: see [`Part`] |
//! | `lock` | settings that cannot be changed, with commas between, or `all` |
//! | `embed` | `1`: the stage and its buttons alone |
//! | `theme` | `dark`, `light` or `system` |
//! | `lesson` | 1 to 6: begins with this lesson |
//!
//! The order of keys means nothing. A parameter that the method does not have is named and ignored.

mod preset;

use std::collections::BTreeSet;

use gairat::{
    dataset::Source,
    settings::{MethodChoice, Settings, SettingsError, field, fields},
};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

pub(crate) use preset::Preset;

use crate::words::Door;

/// The version that is written.
const VERSION: u32 = 1;
/// The longest link that is read, in bytes; the longest that is written is below 2,000.
const LONGEST: usize = 8192;
/// What stands for itself nowhere in a value.
const RESERVED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'<').add(b'=').add(b'>').add(b'`');
/// A setting that belongs to a machine, not to a situation.
pub(crate) const OF_THE_MACHINE: &str = "threads";
/// What stands before the parameters of the twin.
const TWIN: &str = "twin.";
/// The lessons there are.
pub(crate) const LESSONS: u8 = crate::lesson::LESSONS.len() as u8;
/// Devices that every machine may have. An adapter's own name belongs to one machine.
const DEVICES: [&str; 4] = ["auto", "cpu", "gpu", "software"];

/// A part that a link may hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The menus and buttons on top.
    Bar,
    /// The settings on the left.
    Settings,
    /// The inspector on the right.
    Inspector,
    /// The judge, on the right as well.
    Judge,
    /// The weights over what they depend on.
    Weights,
    /// The curves.
    Curves,
    /// The histograms of margins.
    Margins,
    /// The line at the bottom.
    Status,
}

impl Part {
    pub(crate) const ALL: [Self; 8] =
        [Self::Bar, Self::Settings, Self::Inspector, Self::Judge, Self::Weights, Self::Curves, Self::Margins, Self::Status];

    /// Its name in links.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bar => "bar",
            Self::Settings => "settings",
            Self::Inspector => "inspector",
            Self::Judge => "judge",
            Self::Weights => "weights",
            Self::Curves => "curves",
            Self::Margins => "margins",
            Self::Status => "status",
        }
    }
}

/// Colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Dark,
    Light,
    System,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::Dark, Self::Light, Self::System];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::System => "system",
        }
    }
}

/// What a link says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Link {
    /// What the settings differ from.
    pub(crate) preset: Option<Preset>,
    /// What is trained.
    pub(crate) settings: Settings,
    /// The method of the run beside, if there is one.
    pub(crate) twin: Option<MethodChoice>,
    /// What is not shown.
    pub(crate) hide: BTreeSet<Part>,
    /// Settings that cannot be changed.
    pub(crate) lock: BTreeSet<&'static str>,
    /// The stage alone, for the page of somebody else.
    pub(crate) embed: bool,
    /// Its colours, if it says.
    pub(crate) theme: Option<Theme>,
    /// The lesson that it begins with, counted from 1.
    pub(crate) lesson: Option<u8>,
}

/// What came of reading a link.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Read {
    /// What it says.
    pub(crate) link: Link,
    /// What could not be used, a sentence each.
    pub(crate) problems: Vec<String>,
}

impl Link {
    /// Whether a part is shown. The judge stands where the inspector does, and goes with it.
    pub(crate) fn shows(&self, part: Part) -> bool {
        !self.hide.contains(&part) && (part != Part::Judge || !self.hide.contains(&Part::Inspector))
    }
}

impl Read {
    /// Whether nothing at all was asked for.
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "the desktop is told apart by its arguments"))]
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

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
            "embed" => match value.as_str() {
                "1" => read.link.embed = true,
                "0" => read.link.embed = false,
                other => read.problems.push(format!("embed: `{}` is not 0 or 1; it was ignored.", short(other))),
            },
            "theme" => read.link.theme = one_of(Theme::ALL, Theme::name, "theme", value, &mut read.problems),
            "lesson" => match value.parse::<u8>() {
                Ok(lesson @ 1..=LESSONS) => read.link.lesson = Some(lesson),
                _ => read.problems.push(format!("lesson: `{}` is not 1 to {LESSONS}; it was ignored.", short(value))),
            },
            OF_THE_MACHINE => {
                read.problems.push(format!("{OF_THE_MACHINE} belong to a machine, not to a link; they were ignored."));
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

/// The situation of somebody who asked for nothing.
pub(crate) fn first() -> Read {
    let preset = Preset::First;
    Read { link: Link { preset: Some(preset), settings: preset.settings(), ..Link::default() }, problems: Vec::new() }
}

/// Writes a link, from `#` on; [`read`] gives the same back.
pub(crate) fn write(link: &Link) -> String {
    let mut text = format!("#v={VERSION}");
    let mut put = |key: &str, value: &str| {
        text.push('&');
        text.push_str(key);
        text.push('=');
        text.extend(utf8_percent_encode(value, RESERVED));
    };
    let mut begun = Settings::default();
    if let Some(preset) = link.preset {
        put("preset", preset.name());
        begun = preset.settings();
    }
    // Files stay on the machine that they are on.
    if link.settings.data.is_inside() && link.settings.data != begun.data {
        put("data", &link.settings.data.to_string());
        begun = Settings::recipe(link.settings.data.clone());
    }
    // A method brings parameters of its own; what differs from those is written after it.
    let method = link.settings.method.name();
    if method != begun.method.name() {
        put("method", method);
        begun = begun.with("method", method);
    }
    for name in fields().iter().map(|field| field.name) {
        let kept = match name {
            "data" | "method" | OF_THE_MACHINE => false,
            "device" => DEVICES.contains(&link.settings.device.as_str()),
            _ => true,
        };
        if let Some(value) = link.settings.get(name).filter(|value| kept && begun.get(name).as_ref() != Some(value)) {
            put(name, &value);
        }
    }
    if let Some(twin) = &link.twin {
        put("twin", twin.name());
        let settings = Settings { method: twin.clone(), ..Settings::default() };
        for (parameter, _) in twin.parameters().iter().filter(|(parameter, value)| parameter.default() != *value) {
            put(&format!("{TWIN}{}", parameter.name), &settings.get(parameter.name).unwrap_or_default());
        }
    }
    let joined = |names: Vec<&str>| names.join(",");
    if !link.hide.is_empty() {
        put("hide", &joined(link.hide.iter().map(|part| part.name()).collect()));
    }
    if link.lock.len() == fields().len() {
        put("lock", "all");
    } else if !link.lock.is_empty() {
        put("lock", &joined(link.lock.iter().copied().collect()));
    }
    if link.embed {
        put("embed", "1");
    }
    if let Some(theme) = link.theme {
        put("theme", theme.name());
    }
    if let Some(lesson) = link.lesson {
        put("lesson", &lesson.to_string());
    }
    text
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

#[cfg(test)]
mod tests;
