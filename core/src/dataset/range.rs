//! The range of a file's numbers, and its conversion to [0, 1].

use std::{fmt, str::FromStr};

/// The conversion of a file's numbers to [0, 1].
#[derive(Clone, Debug, Default, PartialEq)]
pub enum DataRange {
    /// `auto`: they run from 0 to 1, or are whole numbers from 0 to 255.
    #[default]
    Auto,
    /// `-1..1`: `(x + 1) / 2`.
    Symmetric,
    /// `MEAN/STD`, one number or one a channel: they were normalised, and `x * STD + MEAN` undoes it.
    Normalised {
        /// What was subtracted.
        mean: Vec<f32>,
        /// What the rest was divided by.
        std: Vec<f32>,
    },
}

impl DataRange {
    /// Converts `values` to [0, 1], given the channels of a sample and the values of a channel. Returns a short description of the conversion.
    ///
    /// # Errors
    /// The expected count of numbers, if it is neither 1 nor the number of channels.
    pub(super) fn undo(&self, values: &mut [f32], channels: usize, places: usize) -> Result<Option<String>, String> {
        let (mean, std): (&[f32], &[f32]) = match self {
            Self::Auto => return Ok(None),
            Self::Symmetric => (&[0.5], &[0.5]),
            Self::Normalised { mean, std } => (mean, std),
        };
        if [mean, std].iter().any(|list| list.len() != 1 && list.len() != channels) {
            return Err(format!("--data-range with one number, or one for each of {channels} channels; it is {self}"));
        }
        let of = |list: &[f32], channel: usize| list[if list.len() == 1 { 0 } else { channel }];
        for (index, value) in values.iter_mut().enumerate() {
            let channel = index / places.max(1) % channels.max(1);
            *value = *value * of(std, channel) + of(mean, channel);
        }
        Ok(Some(match self {
            Self::Symmetric => "(x + 1) / 2".to_owned(),
            _ => format!("x * STD + MEAN, with MEAN/STD {self}"),
        }))
    }
}

impl FromStr for DataRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = |list: &str| list.split(',').map(str::parse::<f32>).collect::<Result<Vec<f32>, _>>().ok();
        let lists = || text.split_once('/').and_then(|(mean, std)| numbers(mean).zip(numbers(std)));
        match text {
            "auto" => Ok(Self::Auto),
            "-1..1" => Ok(Self::Symmetric),
            _ => match lists() {
                Some((mean, std)) if mean.iter().all(|x| x.is_finite()) && std.iter().all(|x| x.is_finite() && *x > 0.0) => {
                    Ok(Self::Normalised { mean, std })
                }
                _ => Err(format!("`{text}` is no range: expected `auto`, `-1..1` or `MEAN/STD` (deviations above 0)")),
            },
        }
    }
}

impl fmt::Display for DataRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |numbers: &[f32]| numbers.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Symmetric => f.write_str("-1..1"),
            Self::Normalised { mean, std } => write!(f, "{}/{}", list(mean), list(std)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_written_as_it_is_read_and_undone_by_channel() {
        for text in ["auto", "-1..1", "0.5/0.25", "0.5,0.25/0.5,0.125"] {
            assert_eq!(text.parse::<DataRange>().map(|range| range.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "0..1", "0.5", "0.5/0", "0.5/x", "nan/1"] {
            assert!(text.parse::<DataRange>().is_err(), "{text}");
        }
        let undone = |text: &str, values: &[f32], channels, places| {
            let mut values = values.to_vec();
            text.parse::<DataRange>().and_then(|range| range.undo(&mut values, channels, places)).map(|_| values)
        };
        assert_eq!(undone("-1..1", &[-1.0, 0.0, 1.0], 1, 3), Ok(vec![0.0, 0.5, 1.0]));
        // Two samples of two channels of one number.
        assert_eq!(undone("0.5,0.25/0.5,0.125", &[1.0, 2.0, -1.0, -2.0], 2, 1), Ok(vec![1.0, 0.5, 0.0, 0.0]));
        assert!(undone("0.5,0.25/0.5", &[0.0; 3], 3, 1).is_err());
    }
}
