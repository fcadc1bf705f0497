//! What a method can be told: its parameters, declared in its own file, and their values.

/// One parameter of a method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Its name in files; on the command line with dashes for underscores. Where two methods mean the same by it, they share the
    /// words of [`Self::doc`] too, and a changed value goes along when one is exchanged for the other.
    pub name: &'static str,
    /// Its name in a form.
    pub label: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Which values it takes, and which it has when nothing is said.
    pub kind: ParameterKind,
    /// The choice of another parameter without which it has no effect: `("implicit", "barrier")`.
    pub only_with: Option<(&'static str, &'static str)>,
}

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
        Self { name, label, doc, kind: ParameterKind::Number { default, range, slider }, only_with: None }
    }

    /// A whole number.
    pub const fn whole((name, label): (&'static str, &'static str), default: u32, range: (u32, u32), doc: &'static str) -> Self {
        Self { name, label, doc, kind: ParameterKind::Whole { default, range }, only_with: None }
    }

    /// One of `choices`.
    pub const fn choice(
        (name, label): (&'static str, &'static str),
        default: &'static str,
        choices: &'static [&'static str],
        doc: &'static str,
    ) -> Self {
        Self { name, label, doc, kind: ParameterKind::Choice { default, choices }, only_with: None }
    }

    /// The same, without effect unless the parameter `name` has the value `choice`.
    pub const fn only_with(self, name: &'static str, choice: &'static str) -> Self {
        Self { only_with: Some((name, choice)), ..self }
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
        parameter.only_with.is_none_or(|(name, choice)| self.choice(name) == choice)
    }

    /// What to say of values that were changed and have no effect.
    pub fn warnings(&self) -> Vec<String> {
        let idle = self.values.iter().filter(|(parameter, value)| *value != parameter.default() && !self.counts(parameter));
        idle.filter_map(|(parameter, _)| {
            let (name, choice) = parameter.only_with?;
            let said = |name: &str| name.replace('_', "-");
            let (parameter, found) = (said(parameter.name), self.choice(name));
            Some(format!(
                "{parameter} has no effect: it counts with {name} {choice} alone, and {name} is {found}",
                name = said(name)
            ))
        })
        .collect()
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
