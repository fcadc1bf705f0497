//! Errors about settings.

use super::{fields, value::Value};

/// Why a setting is refused. The message names the setting as files do, its value and the allowed values. A door combines
/// [`Self::problem`] with its own name for [`Self::setting`].
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum SettingsError {
    /// No setting has that name.
    #[error("there is no setting `{name}`{}", .like.map(|like| format!("; did you mean `{like}`?")).unwrap_or_default())]
    Unknown {
        /// The name given.
        name: String,
        /// The most similar name.
        like: Option<&'static str>,
    },
    /// The value cannot be read.
    #[error("{name}: {problem}")]
    Unreadable {
        /// The setting.
        name: &'static str,
        /// What is wrong with the value, and what was expected.
        problem: String,
    },
    /// The value lies outside its range.
    #[error("{name}: {value} is out of range; expected {low} to {high}")]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// The least value allowed.
        low: f64,
        /// The greatest value allowed.
        high: f64,
    },
    /// The method has no such parameter.
    #[error("{name}: {method} has no such parameter; it belongs to {}", .methods.join(", "))]
    OfAnotherMethod {
        /// The parameter.
        name: &'static str,
        /// The method that was chosen.
        method: &'static str,
        /// The methods that have it.
        methods: Vec<&'static str>,
    },
    /// Two valid values conflict.
    #[error("{name}: {problem}")]
    Conflict {
        /// The setting to change.
        name: &'static str,
        /// The conflict, and the remedy.
        problem: String,
    },
}

impl SettingsError {
    /// The setting to change; `None` for an unknown name.
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Unknown { .. } => None,
            Self::Unreadable { name, .. }
            | Self::OutOfRange { name, .. }
            | Self::OfAnotherMethod { name, .. }
            | Self::Conflict { name, .. } => Some(name),
        }
    }

    /// The problem, without the setting's name.
    pub fn problem(&self) -> String {
        let whole = self.to_string();
        match self.setting().and_then(|name| whole.strip_prefix(name)?.strip_prefix(": ")) {
            Some(problem) => problem.to_owned(),
            None => whole,
        }
    }
}

/// A problem with a number, followed by its allowed range.
pub(super) fn with_range(problem: String, range: Option<(f64, f64)>) -> String {
    match range {
        Some((low, high)) => format!("{problem}; expected {low} to {high}"),
        None => problem,
    }
}

/// Checks that a number lies in its range.
pub(super) fn in_range<V: Value>(name: &'static str, value: &V, range: Option<(f64, f64)>) -> Result<(), SettingsError> {
    match (value.number(), range) {
        (Some(number), Some((low, high))) if !(low..=high).contains(&number) => {
            Err(SettingsError::OutOfRange { name, value: value.write(), low, high })
        }
        _ => Ok(()),
    }
}

/// The field with the most similar name, if any is close.
pub(super) fn nearest_field(name: &str) -> Option<&'static str> {
    nearest(&name.replace('-', "_"), fields().iter().map(|field| field.name))
}

/// The most similar one of `names`, if any is close.
pub(super) fn nearest(name: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    names
        .map(|there| (edits(name, there), there))
        .min()
        .filter(|&(edits, there)| edits <= 1 + there.len() / 4)
        .map(|(_, there)| there)
}

/// Levenshtein's distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let replaced = corner + usize::from(from != to);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
