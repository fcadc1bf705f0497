//! The method of a run, by name, with the values of its parameters.

use std::fmt;

use super::error::nearest;

use crate::method::{About, Entry, METHODS, Method, Parameter, ParameterKind, ParameterValue, Parameters, entry, usual};

/// A method of [`METHODS`] and its parameter values.
#[derive(Clone, Debug)]
pub struct MethodChoice {
    entry: &'static Entry,
    parameters: Parameters,
}

impl MethodChoice {
    /// The method `name` with its defaults.
    ///
    /// # Errors
    /// A sentence with the most similar name, and all names.
    pub fn of(name: &str) -> Result<Self, String> {
        let entry = entry(name).ok_or_else(|| {
            let names = || METHODS.iter().map(|entry| entry.about.name);
            let like = nearest(&name.to_lowercase().replace('_', "-"), names());
            let like = like.map(|like| format!("; did you mean `{like}`?")).unwrap_or_default();
            let all: Vec<String> = names().map(|name| format!("`{name}`")).collect();
            format!("`{name}` is no method{like} (there are {})", all.join(", "))
        })?;
        Ok(Self { entry, parameters: Parameters::defaults(entry.about.parameters) })
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.entry.about.name
    }

    /// The description.
    pub fn about(&self) -> &'static About {
        self.entry.about
    }

    /// The values of its parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Builds the method.
    pub fn build(&self) -> std::sync::Arc<dyn Method> {
        (self.entry.build)(&self.parameters)
    }

    /// Checks that the values go together, given the number of attack steps.
    pub(super) fn check(&self, steps: u32) -> Result<(), (&'static str, String)> {
        (self.entry.check)(&self.parameters, steps)
    }

    /// The headline parameter, with its value: the first number that has an effect.
    pub fn headline(&self) -> Option<(&'static Parameter, f64)> {
        self.parameters.iter().find_map(|(parameter, value)| match value {
            ParameterValue::Number(number) if self.parameters.counts(parameter) => Some((parameter, number)),
            _ => None,
        })
    }

    /// Its title and its headline parameter: `GAIRAT λ -1`, `AT`.
    pub fn title(&self) -> String {
        match self.headline() {
            Some((parameter, value)) => format!("{} {} {value}", self.entry.about.title, parameter.label),
            None => self.entry.about.title.to_owned(),
        }
    }

    /// The parameter `name`, if the method has it.
    pub(super) fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.entry.about.parameters.iter().find(|parameter| parameter.name == name)
    }

    pub(super) fn put(&mut self, name: &str, value: ParameterValue) {
        self.parameters.put(name, value);
    }

    /// The method `name`, with the changed values of the parameters that both methods have.
    pub(super) fn switched_to(&self, name: &str) -> Result<Self, String> {
        let mut next = Self::of(name)?;
        for (parameter, value) in self.parameters.iter().filter(|(parameter, value)| parameter.default() != *value) {
            // Of the same name and the same words: methods may call different things β or γ.
            let same = next.parameter(parameter.name).is_some_and(|there| there.doc == parameter.doc && allows(there, value));
            if same {
                next.put(parameter.name, value);
            }
        }
        Ok(next)
    }
}

impl Default for MethodChoice {
    fn default() -> Self {
        let entry = usual();
        Self { entry, parameters: Parameters::defaults(entry.about.parameters) }
    }
}

impl PartialEq for MethodChoice {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.parameters == other.parameters
    }
}

impl fmt::Display for MethodChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a parameter takes a value.
pub(super) fn allows(parameter: &Parameter, value: ParameterValue) -> bool {
    match (parameter.kind, value) {
        (ParameterKind::Number { range: (low, high), .. }, ParameterValue::Number(number)) => (low..=high).contains(&number),
        (ParameterKind::Whole { range: (low, high), .. }, ParameterValue::Number(number)) => {
            number.fract() == 0.0 && (f64::from(low)..=f64::from(high)).contains(&number)
        }
        (ParameterKind::Choice { choices, .. }, ParameterValue::Choice(choice)) => choices.contains(&choice),
        _ => false,
    }
}

/// Reads the value of a parameter from text.
pub(super) fn read(parameter: &Parameter, text: &str) -> Result<ParameterValue, String> {
    use super::value::Value as _;
    match parameter.kind {
        ParameterKind::Number { .. } => f64::read(text).map(ParameterValue::Number),
        ParameterKind::Whole { .. } => u32::read(text).map(|whole| ParameterValue::Number(f64::from(whole))),
        ParameterKind::Choice { choices, .. } => {
            let names = || choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(", ");
            let choice = choices.iter().find(|choice| **choice == text);
            choice
                .map(|choice| ParameterValue::Choice(choice))
                .ok_or_else(|| format!("`{text}` is not known: expected {}", names()))
        }
    }
}
