//! The table of settings, from which command line, forms, links and files are made.

use std::{borrow::Cow, fmt, sync::LazyLock};

use super::Settings;
use crate::method::{METHODS, Parameter, ParameterKind};

/// One setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name in files; the command line replaces underscores by dashes.
    pub name: &'static str,
    /// Its group.
    pub group: Group,
    /// Its meaning, for tooltips and help texts.
    pub doc: Cow<'static, str>,
    /// Its values.
    pub kind: Kind,
    /// Its name in a form.
    pub label: Cow<'static, str>,
    /// The part of its range that a slider covers, if the whole is too wide for one.
    pub slider: Option<Slider>,
    /// When it may change.
    pub change: Change,
    /// Whether forms show it without being asked for more settings.
    pub usual: bool,
    /// The methods that have it as a parameter; empty for a setting of every run.
    pub methods: Vec<&'static str>,
}

/// The values of a setting.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A whole number.
    Whole {
        /// The least and the greatest value, where there are any.
        range: Option<(f64, f64)>,
    },
    /// A number.
    Number {
        /// The least and the greatest value, where there are any.
        range: Option<(f64, f64)>,
    },
    /// Yes or no.
    Flag,
    /// One of these names.
    Choice(Vec<&'static str>),
    /// A text in the syntax that the doc describes.
    Text,
}

/// A slider.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slider {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Whether the slider is logarithmic.
    pub logarithmic: bool,
}

/// When a setting may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// During a run; the measurements of an epoch depend on it.
    Measured,
    /// During a run.
    Live,
    /// When a run resumes: it affects only where and how the run is computed.
    OnResume,
    /// Never: the change would make another run.
    Never,
}

/// Groups of settings, in display order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Where samples come from.
    Data,
    /// What is trained.
    Network,
    /// How adversarial data are made.
    Attack,
    /// What is minimised, and how much each sample counts.
    Method,
    /// How the network learns.
    Training,
    /// How the program runs.
    Run,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Field {
    /// The least and the greatest value, for numbers.
    pub fn range(&self) -> Option<(f64, f64)> {
        match self.kind {
            Kind::Whole { range } | Kind::Number { range } => range,
            _ => None,
        }
    }

    /// Whether it applies to a run with `settings`.
    pub fn applies(&self, settings: &Settings) -> bool {
        self.methods.is_empty() || self.methods.contains(&settings.method.name())
    }
}

/// The display properties of a setting of every run, written beside its declaration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) change: Change,
    pub(super) usual: bool,
    pub(super) label: Option<&'static str>,
    pub(super) slider: Option<Slider>,
}

impl Shown {
    pub(super) const fn new(change: Change) -> Self {
        Self { change, usual: false, label: None, slider: None }
    }

    pub(super) const fn usual(self) -> Self {
        Self { usual: true, ..self }
    }

    pub(super) const fn label(self, label: &'static str) -> Self {
        Self { label: Some(label), ..self }
    }

    pub(super) const fn slider(self, low: f64, high: f64) -> Self {
        Self { slider: Some(Slider { low, high, logarithmic: false }), ..self }
    }

    pub(super) const fn factors(self, low: f64, high: f64) -> Self {
        Self { slider: Some(Slider { low, high, logarithmic: true }), ..self }
    }
}

/// All settings, in display order: those of every run, with the parameters of all methods after `method`.
pub fn fields() -> &'static [Field] {
    static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
        let mut fields = super::own_fields();
        let behind = fields.iter().position(|field| field.name == "method").map_or(fields.len(), |place| place + 1);
        fields.splice(behind..behind, of_methods());
        fields
    });
    &FIELDS
}

/// The setting `name`.
pub fn field(name: &str) -> Option<&'static Field> {
    fields().iter().find(|field| field.name == name)
}

/// One setting per parameter name, merged over all methods.
fn of_methods() -> Vec<Field> {
    let mut names: Vec<&'static str> = Vec::new();
    for parameter in METHODS.iter().flat_map(|entry| entry.about.parameters) {
        if !names.contains(&parameter.name) {
            names.push(parameter.name);
        }
    }
    names.into_iter().filter_map(of_parameter).collect()
}

/// The setting of all parameters called `name`, with the union of their values.
fn of_parameter(name: &'static str) -> Option<Field> {
    let named = || {
        METHODS.iter().filter_map(move |entry| {
            let parameter = entry.about.parameters.iter().find(|parameter| parameter.name == name)?;
            Some((entry.about.name, parameter))
        })
    };
    let (_, first) = named().next()?;
    let mut meanings: Vec<(&'static str, Vec<String>)> = Vec::new();
    for (method, parameter) in named() {
        let of = format!("{method} {}", parameter.default());
        match meanings.iter_mut().find(|(doc, _)| *doc == parameter.doc) {
            Some((_, methods)) => methods.push(of),
            None => meanings.push((parameter.doc, vec![of])),
        }
    }
    let doc: Vec<String> = meanings.into_iter().map(|(doc, methods)| format!("{doc} ({})", methods.join(", "))).collect();
    let ranges = named().filter_map(|(_, parameter)| parameter_range(parameter));
    let range = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let kind = match first.kind {
        ParameterKind::Number { .. } => Kind::Number { range },
        ParameterKind::Whole { .. } => Kind::Whole { range },
        ParameterKind::Choice { .. } => {
            let mut all: Vec<&'static str> = Vec::new();
            for (_, parameter) in named() {
                if let ParameterKind::Choice { choices, .. } = parameter.kind {
                    all.extend(choices.iter().filter(|choice| !all.contains(choice)).collect::<Vec<_>>());
                }
            }
            Kind::Choice(all)
        }
    };
    Some(Field {
        name,
        group: Group::Method,
        doc: Cow::Owned(doc.join(" ")),
        kind,
        label: Cow::Borrowed(first.label),
        slider: slider_of(first),
        change: Change::Measured,
        usual: true,
        methods: named().map(|(method, _)| method).collect(),
    })
}

pub(super) fn parameter_range(parameter: &Parameter) -> Option<(f64, f64)> {
    match parameter.kind {
        ParameterKind::Number { range, .. } => Some(range),
        ParameterKind::Whole { range: (low, high), .. } => Some((f64::from(low), f64::from(high))),
        ParameterKind::Choice { .. } => None,
    }
}

fn slider_of(parameter: &Parameter) -> Option<Slider> {
    match parameter.kind {
        ParameterKind::Number { slider: (low, high), .. } => {
            Some(Slider { low, high, logarithmic: low > 0.0 && high / low > 50.0 })
        }
        _ => None,
    }
}

impl Settings {
    /// The setting `name` as the method of these settings has it: with its own words, range, choices and slider.
    pub fn field(&self, name: &str) -> Option<Field> {
        let field = field(name)?;
        let Some((parameter, _)) = self.method.parameters().iter().find(|(parameter, _)| parameter.name == name) else {
            return field.methods.is_empty().then(|| field.clone());
        };
        let range = parameter_range(parameter);
        Some(Field {
            doc: Cow::Borrowed(parameter.doc),
            label: Cow::Borrowed(parameter.label),
            kind: match parameter.kind {
                ParameterKind::Number { .. } => Kind::Number { range },
                ParameterKind::Whole { .. } => Kind::Whole { range },
                ParameterKind::Choice { choices, .. } => Kind::Choice(choices.to_vec()),
            },
            slider: slider_of(parameter),
            ..field.clone()
        })
    }
}
