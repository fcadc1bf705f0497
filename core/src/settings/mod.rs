//! All settings of a run in one plain struct: the command line, the window, a link, a settings file and a checkpoint fill the same
//! one, field by field, by name. The settings of every run are declared here, the parameters of a method in its own file; [`fields`]
//! is the table of both, from which all doors make what they show.

mod field;
mod method_choice;
mod value;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap as _};

pub use field::{Change, Field, Group, Kind, Slider, field, fields};
pub use method_choice::MethodChoice;
pub use value::{ClimbedLoss, StartingWeights};

use field::Shown;
use value::Value;

use crate::{
    attack::{Attack, LossKind, Path as AttackPath},
    batch::Noise,
    dataset::{Augmentation, DataRange, Request, Source, TestPart, Toy, ValidationPart},
    method::{Clock, Craft, Method},
    model::{Initialisation, ModelSpec, Normalisation},
    train::{LearningRate, LearningRateSchedule},
};

/// Why a setting is refused; the message names it as files do, its value and what is allowed. A door says [`Self::problem`] with its own
/// name for [`Self::setting`].
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
    /// Values that are fine each, but not together.
    #[error("{name}: {problem}")]
    Conflict {
        /// The setting to change.
        name: &'static str,
        /// What does not go together, and what to do.
        problem: String,
    },
}

impl SettingsError {
    /// The setting to change, if there is one of the name that was given.
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Unknown { .. } => None,
            Self::Unreadable { name, .. }
            | Self::OutOfRange { name, .. }
            | Self::OfAnotherMethod { name, .. }
            | Self::Conflict { name, .. } => Some(name),
        }
    }

    /// What is wrong, without the setting's name.
    pub fn problem(&self) -> String {
        let whole = self.to_string();
        match self.setting().and_then(|name| whole.strip_prefix(name)?.strip_prefix(": ")) {
            Some(problem) => problem.to_owned(),
            None => whole,
        }
    }
}

/// Whether what an epoch measures depends on the setting `name`.
pub fn is_measured_with(name: &str) -> bool {
    field(name).is_some_and(|field| field.change == Change::Measured)
}

/// Whether the setting `name` may change while a run is on its way, without a new run.
pub fn may_change(name: &str) -> bool {
    field(name).is_some_and(|field| matches!(field.change, Change::Measured | Change::Live))
}

/// Whether the setting `name` may change when a run is taken up again.
pub fn may_change_on_resume(name: &str) -> bool {
    field(name).is_some_and(|field| field.change != Change::Never)
}

/// Writes the struct, its defaults and its table from one list.
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $group:ident $name:ident: $type:ty = $default:expr $(, $low:literal..=$high:expr)? => $shown:expr;)+) => {
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

        /// The settings of every run, in the order of the struct.
        fn own_fields() -> Vec<Field> {
            vec![$({
                let shown: Shown = $shown;
                Field {
                    name: stringify!($name),
                    group: Group::$group,
                    doc: concat!($($doc),+).trim().into(),
                    kind: <$type as Value>::kind(settings!(@range $($low, $high)?)),
                    label: shown.label.map_or_else(|| stringify!($name).replace('_', " ").into(), Into::into),
                    slider: shown.slider,
                    change: shown.change,
                    usual: shown.usual,
                    methods: Vec::new(),
                }
            },)+]
        }

        impl Settings {
            /// Sets a setting of every run from text.
            fn set_own(&mut self, name: &str, text: &str) -> Result<(), SettingsError> {
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
                    _ => Err(SettingsError::Unknown { name: name.to_owned(), like: nearest_field(name) }),
                }
            }

            /// The value of a setting of every run as text.
            fn get_own(&self, name: &str) -> Option<String> {
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
fn nearest_field(name: &str) -> Option<&'static str> {
    nearest(&name.replace('-', "_"), fields().iter().map(|field| field.name))
}

/// The one of `names` that is most like `name`, if any is near.
fn nearest(name: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
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

settings! {
    /// Where samples come from: moons, circles, spirals, xor, blobs, three-blobs, gairat-separable, gairat-overlapping, digits, or
    /// PATH, a file or folder whose format is told by its content; FORMAT:PATH names it: npz, npy, mnist, idx, cifar, svhn, parquet, images,
    /// csv (`gairat data` describes them).
    Data data: Source = Source::Toy(Toy::Moons) => Shown::new(Change::Never).usual();
    /// Range of the numbers in a file: auto (0 to 1, or bytes), -1..1, or MEAN/STD of what they were normalised with (one number or one a
    /// channel); it is undone, so that epsilon is a radius in [0, 1].
    Data data_range: DataRange = DataRange::Auto => Shown::new(Change::Never);
    /// Generated points for training and validation together (2-D data only).
    Data points: usize = 2000, 4..=10_000_000 => Shown::new(Change::Never).usual();
    /// Deviation of the noise on generated points, in the figure's own units (2-D data only).
    Data noise: f64 = 0.1, 0..=10 => Shown::new(Change::Never).usual().slider(0.0, 0.5);
    /// Key of the generated points and of drawn splits; apart from the seed, so that runs of several seeds see the same data.
    Data data_seed: u64 = 0 => Shown::new(Change::Never);
    /// Test part: auto (the source's own, else its last rows), a count or a fraction of last rows, or stratified:FRACTION.
    Data test: TestPart = TestPart::Auto => Shown::new(Change::Never);
    /// Validation part, held out from train by a stratified draw: a count or a fraction; 0 for none.
    Data validation: ValidationPart = ValidationPart::Fraction(0.1) => Shown::new(Change::Never);
    /// Augmentation of training images: none, crop:PADDING, flip or crop:PADDING+flip.
    Data augment: Augmentation = Augmentation::default() => Shown::new(Change::Live);

    /// The network: auto, mlp:WIDTH,WIDTH,..., small-cnn-28, small-cnn-32, net-mnist, resnet18, preact-resnet18, preact-resnet18-bn,
    /// preact-resnet18-raw, wrn:DEPTH,WIDTH or wrn:DEPTH,WIDTH,DROPOUT.
    Network model: ModelSpec = ModelSpec::Auto => Shown::new(Change::Never).usual().label("network");
    /// Initial weights: pytorch (uniform in ±1/√fan-in) or he (normal, variance 2/fan-in, zero biases).
    Network init: Initialisation = Initialisation::PyTorch => Shown::new(Change::Never);
    /// Weights to start from in place of drawn ones: none, or a file as PyTorch (.pth, .pt) or safetensors writes them; without another
    /// network it is the one that their names are of.
    Network weights: StartingWeights = StartingWeights::default() => Shown::new(Change::Never).label("start from");
    /// A first layer that normalises: none or MEAN/STD, one number or one a channel (0.1307/0.3081).
    Network normalise: Normalisation = Normalisation::None => Shown::new(Change::Never);

    /// Radius of the L∞ ball in pixel units of [0, 1]; 8/255 is fine.
    Attack epsilon: f64 = 0.04, 0..=1 => Shown::new(Change::Measured).usual().label("ε").slider(0.0, 0.3);
    /// Length of an attack step, in the same units.
    Attack step_size: f64 = 0.008, 0..=1 => Shown::new(Change::Measured).usual().label("step α").factors(0.001, 0.1);
    /// K: attack steps; kappa counts from 0 to K.
    Attack steps: u32 = 10, 1..=1000 => Shown::new(Change::Measured).usual().label("steps K").slider(1.0, 40.0);
    /// What the training attack climbs: auto (what the method says), ce (cross-entropy), cw (margin) or kl (divergence from the natural
    /// prediction).
    Attack loss: ClimbedLoss = ClimbedLoss::default() => Shown::new(Change::Measured);
    /// Whether the training attack starts at a random point of the ball.
    Attack random_start: bool = true => Shown::new(Change::Measured);
    /// How attacks and updates are computed: fused (as one operation), composed (layer by
    /// layer) or auto (fused where network and device allow it). Results differ by rounding.
    Attack path: AttackPath = AttackPath::Auto => Shown::new(Change::OnResume);

    /// What is minimised and how much each sample counts; `gairat methods` describes them all.
    Method method: MethodChoice = MethodChoice::default() => Shown::new(Change::Measured).usual();
    /// Epochs of plain adversarial training before weights set in.
    Method burn_in: u32 = 40, 0..=1_000_000 => Shown::new(Change::Measured).usual();
    /// Stop when the effective share of samples, (Σω)²/(nΣω²), stays under this over three epochs; 0 never stops.
    Method min_effective: f64 = 0.01, 0..=1 => Shown::new(Change::Live);

    /// Passes over the training data.
    Training epochs: u32 = 80, 1..=1_000_000 => Shown::new(Change::Live).usual();
    /// Samples in a training step.
    Training batch: usize = 128, 1..=65_536 => Shown::new(Change::Never).usual();
    /// Learning rate of SGD.
    Training lr: f64 = 0.1, 0..=1000 => Shown::new(Change::Live).usual().label("learning rate").factors(0.001, 1.0);
    /// How the learning rate falls: piecewise (a tenth after 1/2, a hundredth after 3/4), cosine, linear, one-drop or super-converge.
    Training lr_schedule: LearningRateSchedule = LearningRateSchedule::Piecewise => Shown::new(Change::Live).label("rate schedule");
    /// Momentum of SGD (without dampening, as PyTorch's).
    Training momentum: f64 = 0.9, 0..=0.9999 => Shown::new(Change::Live).slider(0.0, 0.99);
    /// L2 penalty on every parameter.
    Training weight_decay: f64 = 2e-4, 0..=10 => Shown::new(Change::Live);
    /// Decay of the exponential average of the weights, which is evaluated and saved beside them; 0 keeps none.
    Training average: f64 = 0.0, 0..=0.999999 => Shown::new(Change::Never);
    /// The epoch from which on weights are averaged.
    Training average_from: u32 = 1, 1..=1_000_000 => Shown::new(Change::Never);
    /// γ of adversarial weight perturbation: weights move by γ times their norm along the gradient before the gradient is taken; 0 does without.
    Training awp: f64 = 0.0, 0..=1 => Shown::new(Change::Live);
    /// Epochs without weight perturbation at the beginning.
    Training awp_warmup: u32 = 0, 0..=1_000_000 => Shown::new(Change::Live);
    /// Epochs between evaluations on the validation part (and of the best checkpoint); the last epoch is always evaluated.
    Training evaluate_every: u32 = 5, 1..=1_000_000 => Shown::new(Change::Live);

    /// Key of initial weights, order and attack starts: the same seed, the same run.
    Run seed: u64 = 0 => Shown::new(Change::Never);
    /// CPU threads; 0 chooses: all cores, for perceptrons at most 4.
    Run threads: usize = 0, 0..=1024 => Shown::new(Change::OnResume);
    /// auto (a real GPU, else the CPU), gpu, cpu, software (a GPU that the CPU stands in for), or an adapter's number or part of its
    /// name as `gairat devices` prints them.
    Run device: String = "auto".to_owned() => Shown::new(Change::OnResume);
}

impl Settings {
    /// The defaults for `source`: the program's own for 2-D points, the reference recipes for digits and for images.
    pub fn recipe(source: Source) -> Self {
        let own = Self::default();
        match &source {
            Source::Toy(Toy::ThreeBlobs) => Self {
                data: source,
                points: 1800,
                noise: 0.085,
                test: TestPart::Fraction(0.3),
                epsilon: 0.056,
                step_size: 0.0112,
                epochs: 60,
                burn_in: 20,
                ..own
            },
            Source::Toy(_) => Self { data: source, ..own },
            // The recipes whose reference figures docs/reproduction.md gives.
            Source::Digits => Self { data: source, epsilon: 0.1, step_size: 0.02, epochs: 60, burn_in: 30, lr: 0.05, ..own },
            Source::Files { .. } => Self {
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

    /// Sets the setting `name` from text. A new method keeps what was changed of the parameters that it shares with the one before.
    ///
    /// # Errors
    /// [`SettingsError`] for an unknown name, an unreadable value, one outside its range and a parameter of another method; nothing is
    /// changed then.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), SettingsError> {
        let Some(field) = field(name) else {
            return Err(SettingsError::Unknown { name: name.to_owned(), like: nearest_field(name) });
        };
        let unreadable = |problem| SettingsError::Unreadable { name: field.name, problem };
        if field.name == "method" {
            self.method = self.method.switched_to(text).map_err(unreadable)?;
            return Ok(());
        }
        if field.methods.is_empty() {
            return self.set_own(name, text);
        }
        let Some(parameter) = self.method.parameter(name) else {
            return Err(SettingsError::OfAnotherMethod {
                name: field.name,
                method: self.method.name(),
                methods: field.methods.clone(),
            });
        };
        let range = field::parameter_range(parameter);
        let value = method_choice::read(parameter, text).map_err(|problem| unreadable(with_range(problem, range)))?;
        if let crate::method::ParameterValue::Number(number) = value {
            in_range(field.name, &number, range)?;
        }
        self.method.put(name, value);
        Ok(())
    }

    /// The value of the setting `name` as text, which [`Self::set`] reads back; none for an unknown name and for the parameter of
    /// another method.
    pub fn get(&self, name: &str) -> Option<String> {
        self.get_own(name).or_else(|| self.method.parameters().get(name).map(|value| value.to_string()))
    }

    /// These settings with `name` set to `text`, for values that the program itself writes: one that cannot be read changes nothing.
    pub fn with(mut self, name: &str, text: &str) -> Self {
        let set = self.set(name, text);
        debug_assert!(set.is_ok(), "{set:?}");
        self
    }

    /// The settings as parts that can only be valid.
    ///
    /// # Errors
    /// The first setting that is out of range or does not go with another.
    pub fn checked(&self) -> Result<Checked, SettingsError> {
        self.all_in_range()?;
        let conflict = |name, problem: &str| Err(SettingsError::Conflict { name, problem: problem.to_owned() });
        if self.epsilon > 0.0 && self.step_size == 0.0 {
            return conflict("step_size", "0 never leaves the start; expected more than 0 (epsilon / 4 is usual)");
        }
        if self.lr == 0.0 {
            return conflict("lr", "0 learns nothing; expected more than 0");
        }
        for (parameter, value) in self.method.parameters().iter() {
            if let crate::method::ParameterValue::Number(number) = value {
                in_range(parameter.name, &number, field::parameter_range(parameter))?;
            }
        }
        self.method.check(self.steps).map_err(|(name, problem)| SettingsError::Conflict { name, problem })?;
        let checked = Checked {
            request: Request {
                source: self.data.clone(),
                range: self.data_range.clone(),
                points: self.points,
                noise: self.noise,
                seed: self.data_seed,
                test: self.test,
                validation: self.validation,
            },
            attack: Attack {
                epsilon: self.epsilon as f32,
                step_size: self.step_size as f32,
                steps: self.steps,
                loss: self.loss.0.unwrap_or_default(),
                start: self.random_start.then_some(Noise::Uniform),
                patience: None,
                path: self.path,
            },
            method: self.method.build(),
            learning_rate: LearningRate { schedule: self.lr_schedule, lr: self.lr, epochs: self.epochs },
            settings: self.clone(),
        };
        if !self.random_start && checked.attacks(1).iter().any(|attack| attack.loss == LossKind::Kl) {
            let by_name = self.loss.0.is_some();
            let (name, problem) = if by_name {
                ("loss", "kl has a zero gradient at the natural image: it needs a random start")
            } else {
                (
                    "random_start",
                    "the method attacks the divergence, whose gradient is zero at the natural image: it needs a random start",
                )
            };
            return conflict(name, problem);
        }
        Ok(checked)
    }

    /// Why the setting `name` has no effect beside the others, in a sentence; none where it has one.
    pub fn without_effect(&self, name: &str) -> Option<String> {
        let about = self.method.about();
        match name {
            // Points are generated for the figures alone.
            "points" | "noise" if !matches!(self.data, Source::Toy(_)) => {
                Some(format!("{name} has no effect: no points are generated for {}", self.data))
            }
            "data_range" if self.data.is_inside() => {
                Some(format!("data-range has no effect: {} is inside the program", self.data))
            }
            "burn_in" if !about.weighs() => Some(format!("burn-in has no effect: {} weighs no samples", about.name)),
            "burn_in" if !about.burns_in => {
                Some(format!("burn-in has no effect: what {} weighs by is part of its loss from the first epoch on", about.name))
            }
            _ => self.method.parameters().without_effect(name),
        }
    }

    /// Things that are allowed and probably not meant, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.method.about().burns_in && self.burn_in >= self.epochs {
            warnings.push(format!(
                "burn-in of {} epochs leaves no epoch of {} with weights: no sample is weighted",
                self.burn_in, self.epochs
            ));
        }
        warnings.extend(self.method.parameters().warnings());
        warnings.extend(self.method.build().warnings());
        if f64::from(self.steps) * self.step_size < self.epsilon {
            warnings.push(format!(
                "{} steps of {} do not reach across the ball of radius {}",
                self.steps, self.step_size, self.epsilon
            ));
        }
        if self.average == 0.0 && self.average_from > 1 {
            warnings.push(format!("weights are averaged from epoch {} on only with an average above 0", self.average_from));
        }
        if self.awp == 0.0 && self.awp_warmup > 0 {
            warnings.push(format!("a warm-up of {} epochs has no effect without awp above 0", self.awp_warmup));
        }
        if self.awp > 0.0 && self.awp_warmup >= self.epochs {
            warnings
                .push(format!("a warm-up of {} epochs leaves none of {} with perturbed weights", self.awp_warmup, self.epochs));
        }
        if self.average > 0.0 && self.average_from > self.epochs {
            warnings.push(format!("weights are averaged from epoch {} on, and there are {}", self.average_from, self.epochs));
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
    /// The training attack, but for what the method says of it: see [`Self::attacks`].
    pub attack: Attack,
    /// The method. A program may put one of its own here.
    pub method: std::sync::Arc<dyn Method>,
    /// The learning rate over the epochs.
    pub learning_rate: LearningRate,
    /// All of them as they were given.
    pub settings: Settings,
}

impl Checked {
    /// The method and the values of its parameters, by which what it keeps from step to step is told apart.
    pub fn method_key(&self) -> String {
        let values = self.settings.method.parameters().iter().map(|(parameter, value)| (parameter.name, value.to_string()));
        format!("{} {:?}", self.method.about().name, values.collect::<Vec<_>>())
    }

    /// What a method may know of `epoch`, counted from 1.
    pub fn clock(&self, epoch: u32) -> Clock {
        Clock {
            epoch,
            epochs: self.settings.epochs,
            burn_in: if self.method.about().burns_in { self.settings.burn_in } else { 0 },
        }
    }

    /// Whether the weights of `epoch` are the method's own: not where it still burns in, unless it does so to the end.
    pub fn in_force(&self, epoch: u32) -> bool {
        let clock = self.clock(epoch);
        clock.weighs() || clock.burn_in >= clock.epochs
    }

    /// The training attacks of `epoch`: one for each craft of the method.
    pub fn attacks(&self, epoch: u32) -> Vec<Attack> {
        self.method.crafts(self.clock(epoch)).into_iter().map(|craft| self.attack_of(craft)).collect()
    }

    /// The training attack of `epoch`: the first, where there are two.
    pub fn attack_in(&self, epoch: u32) -> Attack {
        self.attacks(epoch).into_iter().next().unwrap_or(self.attack)
    }

    fn attack_of(&self, craft: Craft) -> Attack {
        let loss = self.settings.loss.0.unwrap_or(craft.loss);
        // Next to x, where the gradient of the divergence is zero, whatever else the method starts from.
        let noise = if loss == LossKind::Kl { Noise::Gaussian } else { craft.noise };
        Attack { loss, start: self.attack.start.map(|_| noise), patience: craft.patience, ..self.attack }
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values: Vec<_> = fields().iter().filter_map(|field| Some((field, self.get(field.name)?))).collect();
        let mut map = serializer.serialize_map(Some(values.len()))?;
        for (field, text) in values {
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
    /// Reads what is given over the recipe of its `data`; an unknown name or a wrong value is an error that names it. A parameter of
    /// another method is passed over: files of old runs hold λ for every method.
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
        // Files of before there were methods with an attack of their own name cross-entropy where they mean what is usual.
        let is_old = !given.contains_key("awp") && given.contains_key("lambda_schedule");
        if let Some(method) = given.get("method") {
            settings.set("method", &text(method)).map_err(de::Error::custom)?;
        }
        for (name, value) in given.iter().filter(|(name, _)| *name != "method") {
            if name == "loss" && is_old && text(value) == "ce" {
                continue;
            }
            match settings.set(name, &text(value)) {
                Err(SettingsError::OfAnotherMethod { .. }) => {}
                other => other.map_err(de::Error::custom)?,
            }
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests;
