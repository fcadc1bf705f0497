//! The networks. One file per network; every one of them speaks pixels in [0, 1], flattened to one row per sample.

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

/// Anything that turns samples into logits: what the attack attacks.
///
/// Implement it for your own burn module to attack that (see the crate's first page).
pub trait Classifier {
    /// Logits (N x C) of samples in [0, 1] (N x D, an image flattened as channels x height x width).
    fn logits(&self, samples: Tensor<2>) -> Tensor<2>;

    /// The network as a list of layers, if it can be written as one: then an attack on it can run as a whole, which is faster and
    /// comes to the same. `None` is always right.
    fn program(&self) -> Option<Program> {
        None
    }
}

/// The logits of `samples`, so many at a time, so that no submission to a GPU is long; `None` for all at once. It comes to the same for
/// networks that answer for every sample alone: for all that are frozen, and in training for those without batch normalisation.
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

/// A network that the program can build by name: an optional normalisation layer and one of the architectures.
#[derive(Module, Debug)]
pub struct Network {
    /// Maps pixels to what the architecture was made for; part of the model, so that epsilon keeps its meaning.
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
    /// Builds the network of `spec` for samples of `shape` and `classes` classes, with initial weights of (`initial`, `seed`).
    ///
    /// # Errors
    /// [`ModelError`] when the network cannot take such samples (an image network on rows, a 28 x 28 network on 32 x 32 images).
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

    /// Whether training passes drop numbers.
    pub(crate) fn drops(&self) -> bool {
        match &self.architecture {
            Architecture::WideResNet(network) => network.drops(),
            _ => false,
        }
    }

    /// Sets what the dropout masks of the training passes to come are drawn from; without effect on networks without dropout.
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
    /// The network of `spec` that `weights` were saved from, for samples of `shape`, frozen: batch norm and dropout are in evaluation
    /// mode, and an attack changes nothing. Its class count is read off the weights, and so is its normalisation where they hold it;
    /// else it gets `normalisation`.
    ///
    /// # Errors
    /// [`LoadError`] when the weights are of another network or do not take such samples.
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

/// Why a network could not be made from weights.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The network does not take such samples.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The weights are of another network.
    #[error("{error} {there}{nearest}")]
    Weights {
        /// What does not fit.
        error: WeightsError,
        /// The tensors that are there and those that are expected, in a sentence.
        there: String,
        /// The network here that they come nearest to, in a sentence; empty where there is none.
        nearest: String,
    },
    /// The network normalises its samples itself, and otherwise than was asked for.
    #[error(
        "normalisation `{given}`: the weights have `{found}` inside their network; leave the setting away, and theirs is used."
    )]
    Normalisation {
        /// What was asked for.
        given: Normalisation,
        /// What the weights have.
        found: Normalisation,
    },
    /// Names and shapes are those of several networks.
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
    /// How many logits it gives for samples of `shape`.
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
