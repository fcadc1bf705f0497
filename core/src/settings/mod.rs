//! All settings of a run in one plain struct. The command line, the window, links, settings files and checkpoints fill it field by field, by
//! name. This file declares the settings of every run, and each method's file its parameters. [`fields`] lists both; every door builds its
//! options from that table.

mod advice;
mod checked;
mod error;
mod field;
mod json;
mod method_choice;
mod value;

pub use checked::Checked;
pub use error::SettingsError;
pub use field::{Change, Field, Group, Kind, Slider, field, fields};
pub use method_choice::MethodChoice;
pub use value::{ClimbedLoss, StartingWeights};

use error::{in_range, nearest_field, with_range};
use field::Shown;
use value::Value;

use crate::{
    attack::Path as AttackPath,
    dataset::{Augmentation, DataRange, Source, TestPart, Toy, ValidationPart},
    method::ParameterValue,
    model::{Initialisation, ModelSpec, Normalisation},
    train::LearningRateSchedule,
};

/// Whether the measurements of an epoch depend on the setting `name`.
pub fn is_measured_with(name: &str) -> bool {
    field(name).is_some_and(|field| field.change == Change::Measured)
}

/// Whether the setting `name` may change during a run.
pub fn may_change(name: &str) -> bool {
    field(name).is_some_and(|field| matches!(field.change, Change::Measured | Change::Live))
}

/// Whether the setting `name` may change when a run resumes.
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
    (@range $low:literal, $high:expr) => { Some((f64::from($low), f64::from($high))) };
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
    /// The defaults for `source`: those of the program for 2-D points, the reference recipes for digits and images.
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

    /// Sets `name` from text. A new method keeps the changed values of the parameters that it shares with the previous one.
    ///
    /// # Errors
    /// [`SettingsError`] for an unknown name, an unreadable or out-of-range value, or a parameter of another method. Nothing changes then.
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
        if let ParameterValue::Number(number) = value {
            in_range(field.name, &number, range)?;
        }
        self.method.put(name, value);
        Ok(())
    }

    /// The value of `name` as text, which [`Self::set`] reads back; `None` for an unknown name or a parameter of another method.
    pub fn get(&self, name: &str) -> Option<String> {
        self.get_own(name).or_else(|| self.method.parameters().get(name).map(|value| value.to_string()))
    }

    /// These settings with `name` set to `text`, for values that the program itself writes. An unreadable value changes nothing.
    #[must_use]
    pub fn with(mut self, name: &str, text: &str) -> Self {
        let set = self.set(name, text);
        debug_assert!(set.is_ok(), "{set:?}");
        self
    }
}

#[cfg(test)]
mod tests;
