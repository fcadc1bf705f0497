//! Situations by name, for links. Those of lessons are told by the lessons.

use gairat::settings::Settings;

use crate::{first, lesson};

/// Settings that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preset {
    /// The default: weights set in after three seconds.
    First,
    /// Classes that come close, so that there is something to break.
    Close,
    /// Slow enough that low values of λ do not collapse it, whatever the seed.
    Lambda,
    /// Plain adversarial training and weights from kappa from one beginning, where attacks disagree about which is more robust.
    Compare,
    /// Three classes that overlap: some samples lie among those of another class and cannot be fitted.
    Overlap,
    /// Two classes that come close, trained along the natural and the adversarial gradient together.
    Conflict,
}

impl Preset {
    pub(crate) const ALL: [Self; 6] = [Self::First, Self::Close, Self::Lambda, Self::Compare, Self::Overlap, Self::Conflict];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Close => "close",
            Self::Lambda => "lambda",
            Self::Compare => "compare",
            Self::Overlap => "overlap",
            Self::Conflict => "conflict",
        }
    }

    pub(crate) fn settings(self) -> Settings {
        match self {
            Self::First => first::settings(),
            Self::Close => lesson::close(),
            Self::Lambda => lesson::slow(),
            Self::Compare => lesson::compare(),
            Self::Overlap => lesson::overlap(),
            Self::Conflict => lesson::conflict(),
        }
    }
}
