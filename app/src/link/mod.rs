//! A situation as the end of an address: `#v=1&data=circles&lambda=-2&hide=settings`.
//!
//! Only what differs from the preset or from the recipe of the data is written. What cannot be used is named and ignored, so that a link
//! of any age opens something; the desktop takes the same text (`gairat --link`).
//!
//! | key | value |
//! | --- | --- |
//! | `v` | the version of this table: 1 |
//! | `preset` | the settings to begin with: `first`, `close`, `lambda`, `compare`, `overlap`, `conflict` |
//! | a setting's name | its value, as on the command line; `data` names no files, `device` no adapter, and `threads` and `weights` are left to the machine |
//! | `twin` | a method: a second run beside, which shares all but the method |
//! | `twin.` and a parameter's name | its value for the twin; where nothing is said it has the method's own |
//! | `select` | the row of a training sample, which is selected |
//! | `speed` | batches a second, one of 1, 4, 15, 30, 60, 120 and 400, or `full` |
//! | `start` | `playing` or `paused` |
//! | `task` | words that stand above the stage, 500 characters at most |
//! | `show` | the only parts and settings that are shown, with commas between: see [`Part`] |
//! | `hide` | parts that are not shown, with commas between: see [`Part`] |
//! | `lock` | settings that cannot be changed, with commas between, or `all` |
//! | `embed` | `1`: the stage and its buttons alone |
//! | `projector` | `1`: large text, no settings |
//! | `theme` | `dark`, `light` or `system` |
//! | `lesson` | 1 to 6: begins with this lesson |
//!
//! The order of keys means nothing. A parameter that the method does not have is named and ignored.

mod begin;
mod frame;
mod part;
mod preset;
mod qr;
mod reading;
mod writing;

use std::collections::BTreeSet;

use gairat::settings::{MethodChoice, Settings};
use percent_encoding::{AsciiSet, CONTROLS};

pub(crate) use begin::{FIRST_SPEED, SPEEDS, Start, speed_name};
pub(crate) use frame::frame;
pub(crate) use part::{Part, Theme};
pub(crate) use preset::Preset;
pub(crate) use qr::squares;
pub(crate) use reading::read;
pub(crate) use writing::write;

/// The version that is written.
const VERSION: u32 = 1;
/// The longest link that is read, in bytes; the longest that is written is below 2,000 but for its task.
const LONGEST: usize = 8192;
/// The longest task, in characters.
pub(crate) const LONGEST_TASK: usize = 500;
/// What stands for itself nowhere in a value.
const RESERVED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'<').add(b'=').add(b'>').add(b'`');
/// A setting that belongs to a machine, not to a situation.
pub(crate) const OF_THE_MACHINE: [&str; 2] = ["threads", "weights"];
/// What stands before the parameters of the twin.
const TWIN: &str = "twin.";
/// The lessons there are.
pub(crate) const LESSONS: u8 = crate::lesson::LESSONS.len() as u8;
/// Devices that every machine may have. An adapter's own name belongs to one machine.
const DEVICES: [&str; 4] = ["auto", "cpu", "gpu", "software"];

/// The only things that are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Only {
    /// Parts of the window.
    pub(crate) parts: BTreeSet<Part>,
    /// Settings, which stand alone where the settings are not all shown.
    pub(crate) settings: BTreeSet<&'static str>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Link {
    /// What the settings differ from.
    pub(crate) preset: Option<Preset>,
    /// What is trained.
    pub(crate) settings: Settings,
    /// The method of the run beside, if there is one.
    pub(crate) twin: Option<MethodChoice>,
    /// The row of the training sample that is selected.
    pub(crate) select: Option<u32>,
    /// The place of its speed in [`SPEEDS`], if it says.
    pub(crate) speed: Option<usize>,
    /// Whether it plays at once, if it says.
    pub(crate) start: Option<Start>,
    /// The task for the reader, in the words of the link's author; may be empty.
    pub(crate) task: String,
    /// The only things that are shown, if it says.
    pub(crate) show: Option<Only>,
    /// What is not shown.
    pub(crate) hide: BTreeSet<Part>,
    /// Settings that cannot be changed.
    pub(crate) lock: BTreeSet<&'static str>,
    /// Whether to show only the stage, for embedding in another page.
    pub(crate) embed: bool,
    /// Large text and no settings, for a room.
    pub(crate) projector: bool,
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
    /// Whether a part is shown. The judge stands where the inspector does, and goes with it where that is hidden. In a frame only the
    /// stage is shown, unless the link names more.
    pub(crate) fn shows(&self, part: Part) -> bool {
        let named = self.show.as_ref().map_or(!self.embed || part == Part::Stage, |only| {
            only.parts.contains(&part) || (part == Part::Settings && !only.settings.is_empty())
        });
        let hidden = self.hide.contains(&part)
            || (part == Part::Judge && self.hide.contains(&Part::Inspector))
            || (part == Part::Settings && self.projector);
        named && !hidden
    }

    /// Whether a setting is shown, where settings are.
    pub(crate) fn shows_setting(&self, name: &str) -> bool {
        self.show.as_ref().is_none_or(|only| only.parts.contains(&Part::Settings) || only.settings.contains(name))
    }
}

impl Read {
    /// Whether nothing at all was asked for.
    #[allow(dead_code, reason = "only a page asks; the desktop decides by its arguments")]
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The default situation.
pub(crate) fn first() -> Read {
    let preset = Preset::First;
    Read { link: Link { preset: Some(preset), settings: preset.settings(), ..Link::default() }, problems: Vec::new() }
}

#[cfg(test)]
mod tests;
