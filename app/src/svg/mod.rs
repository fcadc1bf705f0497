//! Figures as SVG, for files and for reports: no script, no font of their own.

mod frame;
pub(crate) mod histogram;
pub(crate) mod intervals;
pub(crate) mod lines;

pub(crate) use frame::{Frame, escaped, ticks};

/// What text and lines are drawn in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// In a file: a grey that light and dark paper show.
    File,
    /// In a page: the page's own.
    Page,
}

impl Ink {
    /// As a colour of SVG.
    pub(crate) fn colour(self) -> &'static str {
        match self {
            Self::File => "#808080",
            Self::Page => "currentColor",
        }
    }
}

/// The colour of weights, here as in the window.
pub(crate) const WEIGHT: &str = "#c8429b";
