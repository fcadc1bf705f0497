//! Networks: one file each. Every network takes pixels in [0, 1], flattened to one row per sample.

mod batch_norm;
mod dropout;
mod feature_map;
mod gradient;
mod initial;
mod mlp;
mod nearest;
mod net_mnist;
mod normalise;
mod packed;
mod parameters;
mod preact_resnet;
mod program;
mod residual;
mod resnet;
mod running_statistics;
mod small_cnn_28;
mod small_cnn_32;
mod spec;
#[cfg(test)]
mod state_dict;
mod walk;
mod wide_resnet;

pub use batch_norm::BatchNorm2d;
pub(crate) use batch_norm::{EPSILON, MOMENTUM};
pub use gradient::Gradient;
pub use initial::{Initialisation, initialise};
pub use mlp::Mlp;
pub use net_mnist::NetMnist;
pub use normalise::{Normalisation, Normalise};
pub(crate) use packed::with_packed;
pub(crate) use parameters::tensor_shapes;
pub use parameters::{NamedTensor, Parameters, WeightsError, named_gradient, named_tensors, parameter_count, with_tensors};
pub use preact_resnet::{PreActBlock, PreActResNet18, ShortcutOf};
pub(crate) use program::Channels;
pub use program::{After, Layer, Layers, Program};
pub use resnet::ResNet18;
pub(crate) use running_statistics::RunningStatistics;
pub use small_cnn_28::SmallCnn28;
pub use small_cnn_32::SmallCnn32;
pub use spec::{ModelError, ModelSpec};
pub(crate) use walk::Walk;
pub use wide_resnet::WideResNet;

use burn::{
    module::Module,
    tensor::{Device, Tensor, s},
};

use crate::dataset::SampleShape;

/// Turns samples into logits; the target of an attack.
///
/// Implement it for your own burn module to attack that module: see the crate's first page.
pub trait Classifier {
    /// Logits (N x C) of samples in [0, 1] (N x D, an image flattened as channels x height x width).
    fn logits(&self, samples: Tensor<2>) -> Tensor<2>;

    /// The network as a list of layers, if it has that form. Our own kernels then run the attack, faster and with the same result up to
    /// rounding. `None` is always correct.
    fn program(&self) -> Option<Program> {
        None
    }
}

/// The logits of `samples`, in slices that bound the length of a GPU submission; `None` for all at once. Slices change nothing if the network
/// treats each sample independently: all frozen networks do, and in training those without batch normalisation.
pub(crate) fn logits_in_slices<M: Classifier + ?Sized>(model: &M, samples: Tensor<2>, together: Option<usize>) -> Tensor<2> {
    let count = samples.dims()[0];
    match together.map(|together| together.max(1)) {
        Some(together) if together < count => {
            let slice = |first: usize| model.logits(samples.clone().slice(s![first..(first + together).min(count)]));
            Tensor::cat((0..count).step_by(together).map(slice).collect(), 0)
        }
        _ => model.logits(samples),
    }
}

/// A network of the library: an optional normalisation layer and one of the architectures.
#[derive(Module, Debug)]
pub struct Network {
    /// Normalises pixels for the architecture. It is part of the model, so that epsilon stays in pixel units.
    pub normalise: Option<Normalise>,
    /// The architecture.
    pub architecture: Architecture,
}

/// The architectures.
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one network in a run; boxing would only hide its fields from burn's visitor"
)]
pub enum Architecture {
    /// Linear layers with ReLU between.
    Mlp(Mlp),
    /// The 1 x 28 x 28 network of the TRADES code.
    SmallCnn28(SmallCnn28),
    /// The 3 x 32 x 32 SmallCNN of the GAIRAT code.
    SmallCnn32(SmallCnn32),
    /// ResNet-18 for 32 x 32 images.
    ResNet18(ResNet18),
    /// The other network of the TRADES code for 1 x 28 x 28.
    NetMnist(NetMnist),
    /// PreAct-ResNet-18 in one of its variants.
    PreActResNet18(PreActResNet18),
    /// Wide ResNet.
    WideResNet(WideResNet),
}

impl Network {
    /// Builds the network of `spec` for samples of `shape` and `classes` classes, with initial weights from `initial` and `seed`.
    ///
    /// # Errors
    /// [`ModelError`] if the network does not accept such samples, such as an image network on rows.
    pub fn new(
        spec: &ModelSpec,
        shape: SampleShape,
        classes: usize,
        normalisation: &Normalisation,
        initial: Initialisation,
        seed: u64,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let architecture = spec.build(shape, classes, device)?;
        let normalise = normalisation.build(shape, device)?;
        Ok(initialise(Self { normalise, architecture }, initial, seed))
    }

    /// Whether training passes use dropout.
    pub(crate) fn drops(&self) -> bool {
        match &self.architecture {
            Architecture::WideResNet(network) => network.drops(),
            _ => false,
        }
    }

    /// Sets the key of the dropout masks for the next training passes; no effect without dropout.
    pub fn set_dropout_key(&self, seed: u64, step: u64) {
        match &self.architecture {
            Architecture::WideResNet(network) => network.set_dropout_key(seed, step),
            Architecture::Mlp(_)
            | Architecture::SmallCnn28(_)
            | Architecture::SmallCnn32(_)
            | Architecture::NetMnist(_)
            | Architecture::ResNet18(_)
            | Architecture::PreActResNet18(_) => {}
        }
    }
}

impl Network {
    /// Builds the frozen network of `spec` from `weights`, for samples of `shape`. The weights determine the number of classes, and the
    /// normalisation if they contain one; otherwise it is `normalisation`.
    ///
    /// # Errors
    /// [`LoadError`] if the weights belong to another network or to samples of another shape.
    pub fn with_weights(
        spec: &ModelSpec,
        shape: SampleShape,
        weights: &Parameters,
        normalisation: &Normalisation,
        device: &Device,
    ) -> Result<Self, LoadError> {
        let spec = spec.resolve(shape);
        let normalisation = Normalisation::inside(weights, normalisation)?;
        let mut tensors = weights.clone();
        tensors.retain(|name, _| !name.starts_with("normalise."));
        let loaded = match spec.last_layer(&tensors) {
            Some(classes) => {
                let network = Self { normalise: None, architecture: spec.build(shape, classes, device)? };
                with_tensors(network, &tensors)
            }
            None => Err(WeightsError {
                problems: vec![format!("there is no last layer of `{spec}` among {} tensors", tensors.len())],
            }),
        };
        match loaded {
            Ok(loaded) => Ok(Self { normalise: normalisation.build(shape, device)?, ..loaded }.valid()),
            Err(error) => Err(LoadError::of_another(error, &spec, shape, &tensors)),
        }
    }
}

/// Why weights do not make a network.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The network does not accept samples of this shape.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The weights belong to another network.
    #[error("{error} {there}{nearest}")]
    Weights {
        /// The mismatches.
        error: WeightsError,
        /// The tensors found and expected, in a sentence.
        there: String,
        /// The most similar network of the library, in a sentence; may be empty.
        nearest: String,
    },
    /// The network contains another normalisation than requested.
    #[error(
        "normalisation `{given}`: the weights have `{found}` inside their network; leave the setting away, and theirs is used."
    )]
    Normalisation {
        /// The requested normalisation.
        given: Normalisation,
        /// The normalisation in the weights.
        found: Normalisation,
    },
    /// Names and shapes fit several networks.
    #[error("the weights may be of {}, which have the same names and shapes and different logits: name one as the model.", .networks.iter().map(|network| format!("`{network}`")).collect::<Vec<_>>().join(" or "))]
    Ambiguous {
        /// The networks.
        networks: Vec<ModelSpec>,
    },
}

impl LoadError {
    fn of_another(error: WeightsError, spec: &ModelSpec, shape: SampleShape, weights: &Parameters) -> Self {
        let listed = |names: Vec<String>| format!("{} tensors ({})", names.len(), parameters::first_few(&names, ", "));
        let of = |(name, shape): (&String, &Vec<usize>)| format!("`{name}` {shape:?}");
        let found = listed(weights.iter().map(|(name, tensor)| of((name, &tensor.shape))).collect());
        let there = match nearest::expected(spec, shape, weights) {
            Some(expected) => {
                format!("The file has {found}; `{spec}` has {}.", listed(expected.iter().map(of).collect()))
            }
            None => format!("The file has {found}."),
        };
        let nearest = match nearest::nearest(shape, weights) {
            Some((network, shared, all)) => {
                format!(" The nearest network here is `{network}`: {shared} of its {all} tensors are there.")
            }
            None => " No network here has such names.".to_owned(),
        };
        Self::Weights { error, there, nearest }
    }
}

impl Network {
    /// The number of logits for samples of `shape`.
    pub fn classes(&self, shape: SampleShape, device: &Device) -> usize {
        // One sample is the surest way to ask any architecture.
        self.logits(Tensor::zeros([1, shape.len()], device)).dims()[1]
    }
}

impl Classifier for Network {
    fn logits(&self, samples: Tensor<2>) -> Tensor<2> {
        let samples = match &self.normalise {
            Some(normalise) => normalise.forward(samples),
            None => samples,
        };
        match &self.architecture {
            Architecture::Mlp(network) => network.logits(samples),
            Architecture::SmallCnn28(network) => network.logits(samples),
            Architecture::SmallCnn32(network) => network.logits(samples),
            Architecture::NetMnist(network) => network.logits(samples),
            Architecture::ResNet18(network) => network.logits(samples),
            Architecture::PreActResNet18(network) => network.logits(samples),
            Architecture::WideResNet(network) => network.logits(samples),
        }
    }

    fn program(&self) -> Option<Program> {
        let mut program = Program::new(match &self.architecture {
            Architecture::Mlp(network) => {
                let channels = self.normalise.as_ref().map_or(1, |normalise| normalise.channels);
                [channels, network.inputs() / channels, 1]
            }
            Architecture::SmallCnn28(network) => network.image,
            Architecture::SmallCnn32(network) => network.image,
            Architecture::NetMnist(network) => network.image,
            Architecture::ResNet18(network) => network.image,
            Architecture::PreActResNet18(network) => network.image,
            Architecture::WideResNet(network) => network.image,
        });
        let samples = match &self.normalise {
            Some(normalise) => program.scale(0, normalise.scale_and_shift(), false),
            None => 0,
        };
        match &self.architecture {
            Architecture::Mlp(network) => network.write(&mut program, samples),
            Architecture::SmallCnn28(network) => network.write(&mut program, samples),
            Architecture::SmallCnn32(network) => network.write(&mut program, samples),
            Architecture::NetMnist(network) => network.write(&mut program, samples),
            Architecture::ResNet18(network) => network.write(&mut program, samples),
            Architecture::PreActResNet18(network) => network.write(&mut program, samples),
            Architecture::WideResNet(network) => network.write(&mut program, samples),
        }
        Some(program)
    }
}
