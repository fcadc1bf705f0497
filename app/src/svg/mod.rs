//! Drawings as SVG, for files and for reports: no script, no font of their own.

pub(crate) mod chart;
mod drawing;
mod frame;
pub(crate) mod histogram;

pub(crate) use drawing::{Drawing, Picture, colour};
pub(crate) use frame::{Frame, escaped, short, ticks};

use crate::palette::{self, LIGHT};

/// What text and lines are drawn in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Alone in a file: dark on white, as a paper is printed.
    Paper,
    /// In a page: the page's own.
    #[allow(dead_code, reason = "a page writes no reports")]
    Page,
}

impl Ink {
    /// As a colour of SVG.
    pub(crate) fn colour(self) -> &'static str {
        match self {
            Self::Paper => "#1d1f23",
            Self::Page => "currentColor",
        }
    }

    /// The colour of what has one. A page has variables for light and dark.
    pub(crate) fn tone(self, tone: Tone) -> String {
        let (pair, variable) = match tone {
            Tone::Natural => (palette::NATURAL, "--natural"),
            Tone::Adversarial => (palette::ADVERSARIAL, "--adversarial"),
            Tone::Weight => (palette::WEIGHT, "--weight"),
            // Orange and blue are the first two classes, and nothing else.
            Tone::Run(place) => ([LIGHT[2 + place % (LIGHT.len() - 2)]; 2], ""),
        };
        match self {
            Self::Page if !variable.is_empty() => format!("var({variable})"),
            _ => colour(pair[0]),
        }
    }

    /// What is drawn on; `None` for that of the page.
    pub(crate) fn ground(self) -> Option<&'static str> {
        match self {
            Self::Paper => Some("#ffffff"),
            Self::Page => None,
        }
    }
}

/// What a line or a mark is of, where that has a colour of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Natural,
    Adversarial,
    Weight,
    /// A run beside others, by its place.
    Run(usize),
}
