//! Parameters of methods, each declared in its method's file, and their values.

use std::fmt;

/// One parameter of a method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Its name in files; the command line replaces underscores by dashes. Two methods that mean the same by it share [`Self::doc`] too, and
    /// a changed value survives a switch between them.
    pub name: &'static str,
    /// Its name in a form.
    pub label: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Its values and its default.
    pub kind: ParameterKind,
    /// The parameter has an effect only if one of these holds; empty if it always has one.
    pub only_with: &'static [Condition],
}

/// A parameter and the values of it that make another parameter effective: `("implicit", &["barrier"])`. Does not hold while that
/// parameter has no effect itself.
pub type Condition = (&'static str, &'static [&'static str]);

/// Which values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterKind {
    /// A number.
    Number {
        /// The value when nothing is said.
        default: f64,
        /// The least and the greatest value.
        range: (f64, f64),
        /// The part of the range that a slider goes over.
        slider: (f64, f64),
    },
    /// A whole number.
    Whole {
        /// The value when nothing is said.
        default: u32,
        /// The least and the greatest value.
        range: (u32, u32),
    },
    /// One of several names.
    Choice {
        /// The value when nothing is said.
        default: &'static str,
        /// All of them.
        choices: &'static [&'static str],
    },
}

impl Parameter {
    /// A number from `range.0` to `range.1`.
    pub const fn number(
        (name, label): (&'static str, &'static str),
        default: f64,
        range: (f64, f64),
        slider: (f64, f64),
        doc: &'static str,
    ) -> Self {
        Self { name, label, doc, kind: ParameterKind::Number { default, range, slider }, only_with: &[] }
    }

    /// A whole number.
    pub const fn whole((name, label): (&'static str, &'static str), default: u32, range: (u32, u32), doc: &'static str) -> Self {
        Self { name, label, doc, kind: ParameterKind::Whole { default, range }, only_with: &[] }
    }

    /// One of `choices`.
    pub const fn choice(
        (name, label): (&'static str, &'static str),
        default: &'static str,
        choices: &'static [&'static str],
        doc: &'static str,
    ) -> Self {
        Self { name, label, doc, kind: ParameterKind::Choice { default, choices }, only_with: &[] }
    }

    /// The same parameter, effective only if one of `conditions` holds.
    #[must_use]
    pub const fn only_with(self, conditions: &'static [Condition]) -> Self {
        Self { only_with: conditions, ..self }
    }

    /// The value when nothing is said.
    pub fn default(&self) -> ParameterValue {
        match self.kind {
            ParameterKind::Number { default, .. } => ParameterValue::Number(default),
            ParameterKind::Whole { default, .. } => ParameterValue::Number(f64::from(default)),
            ParameterKind::Choice { default, .. } => ParameterValue::Choice(default),
        }
    }
}

/// The value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterValue {
    /// Of a number, whole or not.
    Number(f64),
    /// Of a choice.
    Choice(&'static str),
}

impl fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Choice(choice) => f.write_str(choice),
        }
    }
}

/// The values of all parameters of one method, in the order in which it declares them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    values: Vec<(&'static Parameter, ParameterValue)>,
}

impl Parameters {
    /// What holds when nothing is said.
    pub fn defaults(parameters: &'static [Parameter]) -> Self {
        Self { values: parameters.iter().map(|parameter| (parameter, parameter.default())).collect() }
    }

    /// The parameters and their values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Parameter, ParameterValue)> + '_ {
        self.values.iter().copied()
    }

    /// The value of `name`, if the method has such a parameter.
    pub fn get(&self, name: &str) -> Option<ParameterValue> {
        self.values.iter().find(|(parameter, _)| parameter.name == name).map(|(_, value)| *value)
    }

    /// Whether a parameter has an effect beside the values of the others.
    pub fn counts(&self, parameter: &Parameter) -> bool {
        parameter.only_with.is_empty() || parameter.only_with.iter().any(|condition| self.holds(*condition, parameter))
    }

    /// Whether the method has the parameter `name` and it has an effect beside the values of the others.
    pub fn has_effect(&self, name: &str) -> bool {
        self.values.iter().any(|(parameter, _)| parameter.name == name && self.counts(parameter))
    }

    fn holds(&self, (name, choices): Condition, of: &Parameter) -> bool {
        let chosen = self.get(name).is_some_and(|value| choices.contains(&value.to_string().as_str()));
        chosen && (name == of.name || self.has_effect(name))
    }

    /// Why the parameter `name` has no effect, in a sentence; none where it has one, or is not a parameter of the method.
    pub fn without_effect(&self, name: &str) -> Option<String> {
        let (parameter, _) = self.values.iter().find(|(parameter, _)| parameter.name == name)?;
        if self.counts(parameter) {
            return None;
        }
        let said = |name: &str| name.replace('_', "-");
        // A condition on a parameter that the method has not can never hold.
        let there: Vec<&Condition> = parameter.only_with.iter().filter(|(name, _)| self.get(name).is_some()).collect();
        let wanted: Vec<String> =
            there.iter().map(|(name, choices)| format!("with {} {}", said(name), choices.join(" or "))).collect();
        let found: Vec<String> = (there.iter().filter(|(of, _)| *of != name))
            .filter_map(|(name, _)| {
                let idle = if self.has_effect(name) { "" } else { " and has no effect itself" };
                Some(format!("{} is {}{idle}", said(name), self.get(name)?))
            })
            .collect();
        Some(format!("{} has no effect: it counts {} alone, and {}", said(name), wanted.join(" or "), found.join(", and ")))
    }

    /// What to say of values that were changed and have no effect.
    pub fn warnings(&self) -> Vec<String> {
        let changed = self.values.iter().filter(|(parameter, value)| *value != parameter.default());
        changed.filter_map(|(parameter, _)| self.without_effect(parameter.name)).collect()
    }

    /// Puts a value in place of the one of `name`; whether there is such a parameter.
    pub(crate) fn put(&mut self, name: &str, value: ParameterValue) -> bool {
        let slot = self.values.iter_mut().find(|(parameter, _)| parameter.name == name);
        slot.map(|(_, kept)| *kept = value).is_some()
    }

    /// The number `name`; NaN where the method declares no such number, which no method's file does.
    pub fn number(&self, name: &str) -> f64 {
        match self.get(name) {
            Some(ParameterValue::Number(number)) => number,
            _ => f64::NAN,
        }
    }

    /// The whole number `name`; 0 where the method declares no such number.
    pub fn whole(&self, name: &str) -> u32 {
        self.number(name) as u32
    }

    /// The choice `name`; empty where the method declares no such choice.
    pub fn choice(&self, name: &str) -> &'static str {
        match self.get(name) {
            Some(ParameterValue::Choice(choice)) => choice,
            _ => "",
        }
    }
}
