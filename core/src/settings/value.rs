//! The text form of values, the same everywhere.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::{Kind, MethodChoice};
use crate::{
    attack::{LossKind, Path as AttackPath},
    dataset::{Augmentation, DataRange, Source, TestPart, ValidationPart},
    files::expanded,
    model::{Initialisation, ModelSpec, Normalisation},
    train::LearningRateSchedule,
};

pub(super) trait Value: Sized {
    fn read(text: &str) -> Result<Self, String>;
    fn write(&self) -> String;
    fn number(&self) -> Option<f64> {
        None
    }
    fn kind(_range: Option<(f64, f64)>) -> Kind {
        Kind::Text
    }
}

/// The loss that the training attack maximises; `None` leaves the choice to the method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ClimbedLoss(pub Option<LossKind>);

impl FromStr for ClimbedLoss {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self(None));
        }
        text.parse().map(|kind| Self(Some(kind))).map_err(|_| format!("`{text}` is no loss: expected `auto`, `ce`, `cw` or `kl`"))
    }
}

impl fmt::Display for ClimbedLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(kind) => kind.fmt(f),
            None => f.write_str("auto"),
        }
    }
}

/// The initial weights of a run: those of a file, or `None` for random ones.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct StartingWeights(pub Option<PathBuf>);

impl FromStr for StartingWeights {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("expected none, or the path of a file of weights".to_owned()),
            "none" => Ok(Self(None)),
            path => Ok(Self(Some(expanded(Path::new(path))))),
        }
    }
}

impl fmt::Display for StartingWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            // So that a file of that name is not taken for the word.
            Some(path) if path.as_os_str() == "none" => f.write_str("./none"),
            Some(path) => write!(f, "{}", path.display()),
            None => f.write_str("none"),
        }
    }
}

macro_rules! value_from_str {
    ($($type:ty $(: $($choice:literal)+)?),+ $(,)?) => {$(
        impl Value for $type {
            fn read(text: &str) -> Result<Self, String> {
                text.parse()
            }

            fn write(&self) -> String {
                self.to_string()
            }

            $(fn kind(_range: Option<(f64, f64)>) -> Kind {
                Kind::Choice(vec![$($choice),+])
            })?
        }
    )+};
}

value_from_str!(
    Source,
    TestPart,
    ValidationPart,
    Augmentation,
    ModelSpec,
    Initialisation: "pytorch" "he",
    Normalisation,
    DataRange,
    StartingWeights,
    ClimbedLoss: "auto" "ce" "cw" "kl",
    AttackPath: "auto" "fused" "composed",
    LearningRateSchedule: "piecewise" "cosine" "linear" "one-drop" "super-converge",
);

impl Value for MethodChoice {
    fn read(text: &str) -> Result<Self, String> {
        Self::of(text)
    }

    fn write(&self) -> String {
        self.to_string()
    }

    fn kind(_range: Option<(f64, f64)>) -> Kind {
        Kind::Choice(crate::method::METHODS.iter().map(|entry| entry.about.name).collect())
    }
}

macro_rules! value_integer {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn read(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("`{text}` is no whole number (0 or more)"))
            }

            fn write(&self) -> String {
                self.to_string()
            }

            #[allow(clippy::cast_lossless, reason = "no conversion serves all three types")]
            fn number(&self) -> Option<f64> {
                Some(*self as f64)
            }

            fn kind(range: Option<(f64, f64)>) -> Kind {
                Kind::Whole { range }
            }
        }
    )+};
}

value_integer!(u32, u64, usize);

impl Value for f64 {
    /// Reads `0.031`, `8/255`, `-1`, `inf`.
    fn read(text: &str) -> Result<Self, String> {
        let unreadable = || format!("`{text}` is no number (a fraction like 8/255 is fine)");
        let number = |part: &str| Self::from_str(part.trim()).map_err(|_| unreadable());
        let value = match text.split_once('/') {
            Some((above, below)) => match number(below)? {
                0.0 => return Err(format!("`{text}` divides by 0")),
                below => number(above)? / below,
            },
            None => number(text)?,
        };
        if value.is_nan() { Err(unreadable()) } else { Ok(value) }
    }

    fn write(&self) -> String {
        self.to_string()
    }

    fn number(&self) -> Option<f64> {
        Some(*self)
    }

    fn kind(range: Option<(f64, f64)>) -> Kind {
        Kind::Number { range }
    }
}

impl Value for bool {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "true" | "yes" | "on" => Ok(true),
            "false" | "no" | "off" => Ok(false),
            _ => Err(format!("`{text}` is neither `true` nor `false`")),
        }
    }

    fn write(&self) -> String {
        self.to_string()
    }

    fn kind(_range: Option<(f64, f64)>) -> Kind {
        Kind::Flag
    }
}

impl Value for String {
    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn write(&self) -> String {
        self.clone()
    }
}
