//! All settings of a run in one plain struct: the command line, the window, a link, a settings file and a checkpoint fill the same
//! one, field by field, by name. Here are their words, their ranges and their defaults, and nowhere else.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap as _};

use crate::{
    attack::{Attack, LossKind, Path as AttackPath},
    dataset::{Augmentation, Request, Source, TestPart, Toy, ValidationPart},
    model::{Initialisation, ModelSpec, Normalisation},
    train::{LearningRate, LearningRateSchedule},
    weight::{LambdaKind, LambdaSchedule, Method, RuleName},
};

/// One setting: what a form, a help text or a link needs to know about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Its name in files; on the command line with dashes for underscores.
    pub name: &'static str,
    /// The group it is shown in.
    pub group: Group,
    /// What it means: tooltip and help text.
    pub doc: &'static str,
    /// The least and the greatest value, for numbers.
    pub range: Option<(f64, f64)>,
}

/// Groups of settings, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Where samples come from.
    Data,
    /// What is trained.
    Network,
    /// How adversarial data are made.
    Attack,
    /// How samples are weighted.
    Weighting,
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

/// Why a setting is refused; the message names it, its value and what is allowed.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum SettingsError {
    /// There is no setting of that name.
    #[error("there is no setting `{name}`{}", .like.map(|like| format!("; did you mean `{like}`?")).unwrap_or_default())]
    Unknown {
        /// The name given.
        name: String,
        /// The nearest name there is.
        like: Option<&'static str>,
    },
    /// The value cannot be read.
    #[error("--{}: {problem}", flag(.name))]
    Unreadable {
        /// The setting.
        name: &'static str,
        /// What is wrong with the value, and what was expected.
        problem: String,
    },
    /// The value lies outside its range.
    #[error("--{}: {value} is out of range; expected {low} to {high}", flag(.name))]
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
    /// Values that are fine each, but not together.
    #[error("--{}: {problem}", flag(.name))]
    Conflict {
        /// The setting to change.
        name: &'static str,
        /// What does not go together, and what to do.
        problem: String,
    },
}

/// A setting's name as it is written on the command line.
pub fn flag(name: &str) -> String {
    name.replace('_', "-")
}

/// What an epoch's measurements depend on; a run that goes on may change it.
pub const MEASURED_WITH: [&str; 11] = [
    "epsilon",
    "step_size",
    "steps",
    "loss",
    "random_start",
    "method",
    "weighting",
    "lambda",
    "lambda_schedule",
    "lambda_max",
    "burn_in",
];
/// What else a run that goes on may change. The data, the network and the key of the run's randomness may not.
const RESUMABLE: [&str; 8] =
    ["min_effective", "epochs", "lr", "lr_schedule", "momentum", "weight_decay", "evaluate_every", "augment"];
/// What only a run that is started again may change: where and how it is computed.
const COMPUTED_BY: [&str; 3] = ["threads", "device", "path"];

/// Whether the setting `name` may change while a run is on its way, without a new run.
pub fn may_change(name: &str) -> bool {
    MEASURED_WITH.contains(&name) || RESUMABLE.contains(&name)
}

/// Whether the setting `name` may change when a run is taken up again.
pub fn may_change_on_resume(name: &str) -> bool {
    may_change(name) || COMPUTED_BY.contains(&name)
}

/// A value that is written as text in the same way everywhere.
trait Value: Sized {
    fn read(text: &str) -> Result<Self, String>;
    fn write(&self) -> String;
    fn number(&self) -> Option<f64> {
        None
    }
}

macro_rules! value_from_str {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn read(text: &str) -> Result<Self, String> {
                text.parse()
            }

            fn write(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

value_from_str!(
    Source,
    TestPart,
    ValidationPart,
    Augmentation,
    ModelSpec,
    Initialisation,
    Normalisation,
    LossKind,
    AttackPath,
    Method,
    RuleName,
    LambdaKind,
    LearningRateSchedule
);

macro_rules! value_integer {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn read(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("`{text}` is no whole number (0 or more)"))
            }

            fn write(&self) -> String {
                self.to_string()
            }

            fn number(&self) -> Option<f64> {
                Some(*self as f64)
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
            Some((above, below)) => number(above)? / number(below)?,
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
}

impl Value for String {
    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn write(&self) -> String {
        self.clone()
    }
}

/// Writes the struct, its defaults and its table from one list.
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $group:ident $name:ident: $type:ty = $default:expr $(, $low:literal..=$high:expr)?;)+) => {
        /// Everything a run is made from. Any value may be set here; [`Settings::checked`] says whether they make a run.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        /// The table of settings, in the order of the struct.
        pub const FIELDS: &[Field] = &[$(Field {
            name: stringify!($name),
            group: Group::$group,
            doc: concat!($($doc),+),
            range: settings!(@range $($low, $high)?),
        },)+];

        impl Settings {
            /// Sets the field `name` from text.
            ///
            /// # Errors
            /// [`SettingsError`] for an unknown name, an unreadable value and one outside its range; nothing is changed then.
            pub fn set(&mut self, name: &str, text: &str) -> Result<(), SettingsError> {
                match name {
                    $(stringify!($name) => {
                        let value = <$type as Value>::read(text)
                            .map_err(|problem| SettingsError::Unreadable {
                                name: stringify!($name),
                                problem: with_range(problem, settings!(@range $($low, $high)?)),
                            })?;
                        in_range(stringify!($name), &value, settings!(@range $($low, $high)?))?;
                        self.$name = value;
                        Ok(())
                    })+
                    _ => Err(SettingsError::Unknown { name: name.to_owned(), like: nearest(name) }),
                }
            }

            /// The value of the field `name` as text, which `set` reads back.
            pub fn get(&self, name: &str) -> Option<String> {
                match name {
                    $(stringify!($name) => Some(self.$name.write()),)+
                    _ => None,
                }
            }

            /// Checks every field against its range.
            fn all_in_range(&self) -> Result<(), SettingsError> {
                $(in_range(stringify!($name), &self.$name, settings!(@range $($low, $high)?))?;)+
                Ok(())
            }
        }
    };
    (@range) => { None };
    (@range $low:literal, $high:expr) => { Some(($low as f64, $high as f64)) };
}

/// A problem with a number, and the range that it should lie in.
fn with_range(problem: String, range: Option<(f64, f64)>) -> String {
    match range {
        Some((low, high)) => format!("{problem}; expected {low} to {high}"),
        None => problem,
    }
}

/// Whether a number lies in its range.
fn in_range<V: Value>(name: &'static str, value: &V, range: Option<(f64, f64)>) -> Result<(), SettingsError> {
    match (value.number(), range) {
        (Some(number), Some((low, high))) if !(low..=high).contains(&number) => {
            Err(SettingsError::OutOfRange { name, value: value.write(), low, high })
        }
        _ => Ok(()),
    }
}

/// The field whose name is most like `name`, if any is near.
fn nearest(name: &str) -> Option<&'static str> {
    let name = name.replace('-', "_");
    FIELDS
        .iter()
        .map(|field| (edits(&name, field.name), field.name))
        .min()
        .filter(|&(edits, field)| edits <= 1 + field.len() / 4)
        .map(|(_, field)| field)
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

settings! {
    /// Where samples come from: moons, circles, spirals, xor, blobs, gairat-separable, gairat-overlapping, digits, mnist:DIR (four IDX
    /// files of MNIST, Fashion-MNIST or KMNIST), idx:IMAGES,LABELS or npz:FILE.
    Data data: Source = Source::Toy(Toy::Moons);
    /// Generated points for training and validation together (2-D data only).
    Data points: usize = 2000, 4..=10_000_000;
    /// Deviation of the noise on generated points, in the figure's own units (2-D data only).
    Data noise: f64 = 0.1, 0..=10;
    /// Key of the generated points and of drawn splits; apart from the seed, so that runs of several seeds see the same data.
    Data data_seed: u64 = 0;
    /// Test part: auto (the source's own, else its last rows), a count or a fraction of last rows, or stratified:FRACTION.
    Data test: TestPart = TestPart::Auto;
    /// Validation part, held out from train by a stratified draw: a count or a fraction; 0 for none.
    Data validation: ValidationPart = ValidationPart::Fraction(0.1);
    /// Augmentation of training images: none, crop:PADDING, flip or crop:PADDING+flip.
    Data augment: Augmentation = Augmentation::default();

    /// The network: auto, mlp:WIDTH,WIDTH,..., small-cnn-28, small-cnn-32, resnet18, preact-resnet18, wrn:DEPTH,WIDTH or
    /// wrn:DEPTH,WIDTH,DROPOUT.
    Network model: ModelSpec = ModelSpec::Auto;
    /// Initial weights: pytorch (uniform in ±1/√fan-in) or he (normal, variance 2/fan-in, zero biases).
    Network init: Initialisation = Initialisation::PyTorch;
    /// A first layer that normalises: none or MEAN/STD, one number or one a channel (0.1307/0.3081).
    Network normalise: Normalisation = Normalisation::None;

    /// Radius of the L∞ ball in pixel units of [0, 1]; 8/255 is fine.
    Attack epsilon: f64 = 0.04, 0..=1;
    /// Length of an attack step, in the same units.
    Attack step_size: f64 = 0.008, 0..=1;
    /// K: attack steps; kappa counts from 0 to K.
    Attack steps: u32 = 10, 1..=1000;
    /// What the training attack climbs: ce (cross-entropy), cw (margin) or kl (divergence from the natural prediction).
    Attack loss: LossKind = LossKind::CrossEntropy;
    /// Whether the training attack starts at a random point of the ball.
    Attack random_start: bool = true;
    /// How attacks (and on the CPU the updates of convolutional networks) are computed: fused (as one operation), composed (layer by
    /// layer) or auto (fused where network and device allow it). Results differ by rounding.
    Attack path: AttackPath = AttackPath::Auto;

    /// at (every sample counts the same) or gairat (samples near the boundary count more).
    Weighting method: Method = Method::Gairat;
    /// How a weight follows from kappa: tanh, sigmoid or discrete.
    Weighting weighting: RuleName = RuleName::Tanh;
    /// λ of the weights: lower values leave weight to fewer samples; inf gives every sample the weight 1.
    Weighting lambda: f64 = -1.0, -1000..=f64::INFINITY;
    /// How λ moves after burn-in: fixed, linear (from lambda-max to lambda) or piecewise (λ, λ - 1 after 3/4, λ - 1.5 after 11/12).
    Weighting lambda_schedule: LambdaKind = LambdaKind::Fixed;
    /// Where the linear schedule starts; must be finite for it.
    Weighting lambda_max: f64 = 3.0, -1000..=f64::INFINITY;
    /// Epochs of plain adversarial training before weights set in.
    Weighting burn_in: u32 = 40, 0..=1_000_000;
    /// Stop when the effective share of samples, (Σω)²/(nΣω²), stays under this over three epochs; 0 never stops.
    Weighting min_effective: f64 = 0.01, 0..=1;

    /// Passes over the training data.
    Training epochs: u32 = 80, 1..=1_000_000;
    /// Samples in a training step.
    Training batch: usize = 128, 1..=65_536;
    /// Learning rate of SGD.
    Training lr: f64 = 0.1, 0..=1000;
    /// How the learning rate falls: piecewise (a tenth after 1/2, a hundredth after 3/4), cosine, linear, one-drop or super-converge.
    Training lr_schedule: LearningRateSchedule = LearningRateSchedule::Piecewise;
    /// Momentum of SGD (without dampening, as PyTorch's).
    Training momentum: f64 = 0.9, 0..=0.9999;
    /// L2 penalty on every parameter.
    Training weight_decay: f64 = 2e-4, 0..=10;
    /// Epochs between evaluations on the validation part (and of the best checkpoint); the last epoch is always evaluated.
    Training evaluate_every: u32 = 5, 1..=1_000_000;

    /// Key of initial weights, order and attack starts: the same seed, the same run.
    Run seed: u64 = 0;
    /// CPU threads; 0 chooses: all cores, for perceptrons at most 4.
    Run threads: usize = 0, 0..=1024;
    /// auto (a real GPU, else the CPU), gpu, cpu, software (a GPU that the CPU stands in for), or part of an adapter's name as
    /// `gairat devices` prints it.
    Run device: String = "auto".to_owned();
}

impl Settings {
    /// The defaults for `source`: the program's own for 2-D points, the reference recipes for digits and for images.
    pub fn recipe(source: Source) -> Self {
        let own = Self::default();
        match &source {
            Source::Toy(_) => Self { data: source, ..own },
            // The recipes whose reference figures README gives.
            Source::Digits => Self { data: source, epsilon: 0.1, step_size: 0.02, epochs: 60, burn_in: 30, lr: 0.05, ..own },
            Source::Mnist(_) | Source::Idx { .. } | Source::Npz(_) => Self {
                data: source,
                init: Initialisation::He,
                epsilon: 0.1,
                step_size: 0.02,
                epochs: 4,
                burn_in: 2,
                lr: 0.02,
                evaluate_every: 1,
                ..own
            },
        }
    }

    /// The settings as parts that can only be valid.
    ///
    /// # Errors
    /// The first setting that is out of range or does not go with another.
    pub fn checked(&self) -> Result<Checked, SettingsError> {
        self.all_in_range()?;
        let conflict = |name, problem: &str| Err(SettingsError::Conflict { name, problem: problem.to_owned() });
        if self.loss == LossKind::Kl && !self.random_start {
            return conflict("loss", "kl has a zero gradient at the natural image: it needs --random-start true");
        }
        if self.epsilon > 0.0 && self.step_size == 0.0 {
            return conflict("step_size", "0 never leaves the start; expected more than 0 (epsilon / 4 is usual)");
        }
        if self.lr == 0.0 {
            return conflict("lr", "0 learns nothing; expected more than 0");
        }
        if self.lambda_schedule == LambdaKind::Linear && !(self.lambda_max.is_finite() && self.lambda.is_finite()) {
            return conflict("lambda_max", "the linear schedule needs a finite lambda-max and a finite lambda");
        }
        let attack = Attack {
            epsilon: self.epsilon as f32,
            step_size: self.step_size as f32,
            steps: self.steps,
            loss: self.loss,
            random_start: self.random_start,
            path: self.path,
        };
        Ok(Checked {
            request: Request {
                source: self.data.clone(),
                points: self.points,
                noise: self.noise,
                seed: self.data_seed,
                test: self.test,
                validation: self.validation,
            },
            attack,
            lambda: LambdaSchedule {
                kind: self.lambda_schedule,
                lambda: self.lambda,
                lambda_max: self.lambda_max,
                burn_in: self.burn_in,
                epochs: self.epochs,
            },
            learning_rate: LearningRate { schedule: self.lr_schedule, lr: self.lr, epochs: self.epochs },
            settings: self.clone(),
        })
    }

    /// Things that are allowed and probably not meant, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.method == Method::Gairat && self.burn_in >= self.epochs {
            warnings.push(format!(
                "burn-in of {} epochs leaves no epoch of {} with weights: this is plain adversarial training",
                self.burn_in, self.epochs
            ));
        }
        if self.method == Method::Gairat && self.lambda == f64::INFINITY {
            warnings.push("lambda inf gives every sample the weight 1: this is plain adversarial training".to_owned());
        }
        if f64::from(self.steps) * self.step_size < self.epsilon {
            warnings.push(format!(
                "{} steps of {} do not reach across the ball of radius {}",
                self.steps, self.step_size, self.epsilon
            ));
        }
        warnings
    }
}

/// Settings that were checked; made by [`Settings::checked`] alone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The data to load.
    pub request: Request,
    /// The training attack.
    pub attack: Attack,
    /// λ over the epochs.
    pub lambda: LambdaSchedule,
    /// The learning rate over the epochs.
    pub learning_rate: LearningRate,
    /// All of them as they were given.
    pub settings: Settings,
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(FIELDS.len()))?;
        for field in FIELDS {
            let text = self.get(field.name).unwrap_or_default();
            match serde_json::from_str::<serde_json::Value>(&text) {
                // JSON knows no infinity: that goes as text, like names.
                Ok(plain) if plain.is_number() || plain.is_boolean() => map.serialize_entry(field.name, &plain)?,
                _ => map.serialize_entry(field.name, &text)?,
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Settings {
    /// Reads what is given over the recipe of its `data`; an unknown name or a wrong value is an error that names it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = serde_json::Map::<String, serde_json::Value>::deserialize(deserializer)?;
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut settings = Self::default();
        if let Some(data) = given.get("data") {
            settings.set("data", &text(data)).map_err(de::Error::custom)?;
            settings = Self::recipe(settings.data);
        }
        for (name, value) in &given {
            settings.set(name, &text(value)).map_err(de::Error::custom)?;
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_survives_text_and_json() {
        let mut settings = Settings::recipe(Source::Digits);
        settings.set("epsilon", "8/255").unwrap();
        settings.set("lambda", "inf").unwrap();
        settings.set("model", "mlp:32").unwrap();
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
        for field in FIELDS {
            let text = settings.get(field.name).unwrap();
            let mut other = Settings::default();
            other.set(field.name, &text).unwrap();
            assert_eq!(other.get(field.name).unwrap(), text, "{}", field.name);
            assert!(!field.doc.trim().is_empty());
        }
    }

    #[test]
    fn fractions_and_decimals_mean_the_same() {
        let mut settings = Settings::default();
        settings.set("epsilon", "8/255").unwrap();
        assert_eq!(settings.epsilon, 8.0 / 255.0);
        settings.set("epsilon", "0.031").unwrap();
        assert_eq!(settings.epsilon, 0.031);
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_allowed_and_changes_nothing() {
        let mut settings = Settings::default();
        for (name, text, expected) in [
            ("epsilon", "3", "--epsilon: 3 is out of range; expected 0 to 1"),
            ("epsilon", "a", "--epsilon: `a` is no number (a fraction like 8/255 is fine); expected 0 to 1"),
            ("epsilon", "0/0", "--epsilon: `0/0` is no number (a fraction like 8/255 is fine); expected 0 to 1"),
            ("steps", "0", "--steps: 0 is out of range; expected 1 to 1000"),
            ("batch", "1.5", "--batch: `1.5` is no whole number (0 or more); expected 1 to 65536"),
            ("step_sise", "1", "there is no setting `step_sise`; did you mean `step_size`?"),
            ("zzz", "1", "there is no setting `zzz`"),
        ] {
            let before = settings.clone();
            assert_eq!(settings.set(name, text).unwrap_err().to_string(), expected);
            assert_eq!(settings, before);
        }
    }

    #[test]
    fn values_that_do_not_go_together_are_refused() {
        let refused = |pairs: &[(&str, &str)]| {
            let mut settings = Settings::default();
            for (name, value) in pairs {
                settings.set(name, value).unwrap();
            }
            settings.checked().unwrap_err().to_string()
        };
        assert!(refused(&[("loss", "kl"), ("random_start", "false")]).contains("zero gradient"));
        assert!(refused(&[("lambda_schedule", "linear"), ("lambda_max", "inf")]).contains("finite"));
        assert!(refused(&[("step_size", "0")]).contains("--step-size"));
        assert!(Settings::default().checked().is_ok());
    }

    #[test]
    fn a_burn_in_that_leaves_no_weights_is_warned_of() {
        let settings = Settings { burn_in: 60, epochs: 60, ..Settings::default() };
        assert!(settings.warnings()[0].contains("burn-in"));
        assert!(Settings::default().warnings().is_empty());
    }
}
