//! What a link may name: the parts of the window, and its colours.

/// A part of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The menus and buttons on top.
    Bar,
    /// The picture of the data, or the grid of images.
    Stage,
    /// The settings on the left.
    Settings,
    /// The inspector on the right.
    Inspector,
    /// The judge, on the right as well.
    Judge,
    /// The weights over what they depend on.
    Weights,
    Curves,
    Margins,
    /// The line at the bottom.
    Status,
}

impl Part {
    pub(crate) const ALL: [Self; 9] = [
        Self::Bar,
        Self::Stage,
        Self::Settings,
        Self::Inspector,
        Self::Judge,
        Self::Weights,
        Self::Curves,
        Self::Margins,
        Self::Status,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bar => "bar",
            Self::Stage => "stage",
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
