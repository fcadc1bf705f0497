//! Starting from weights that are there already, in place of drawn ones.

use burn::tensor::Device;

use crate::{
    checkpoint::{CheckpointError, Reading, open_weights},
    dataset::Dataset,
    model::{LoadError, ModelSpec, Network},
    settings::{Settings, StartingWeights},
};

/// A network to start from.
#[derive(Debug)]
pub struct Start {
    /// The settings that were given, with the network that the weights are of and the normalisation inside it.
    pub settings: Settings,
    /// The network on the CPU, frozen.
    pub network: Network,
    /// How the file was read.
    pub reading: Reading,
}

/// Why a run cannot start from weights.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The file cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Its weights do not fit network or data.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Start {
    /// Reads the weights that `settings` name; `None` where they name none.
    ///
    /// # Errors
    /// [`StartError`] where the file cannot be read, or its weights are of another network, of other samples or of another number of
    /// classes.
    pub fn of(settings: &Settings, dataset: &Dataset) -> Result<Option<Self>, StartError> {
        let StartingWeights(Some(path)) = &settings.weights else { return Ok(None) };
        let weights = open_weights(path)?;
        let mut settings = settings.clone();
        let model = weights.network(&settings.model, dataset.shape)?;
        settings.normalise = weights.normalisation(&settings.normalise)?;
        let network = weights.build(&model, dataset.shape, &settings.normalise)?;
        let classes = network.classes(dataset.shape, &Device::flex());
        if classes != dataset.classes {
            return Err(StartError::Checkpoint(CheckpointError::Malformed {
                path: path.clone(),
                found: format!("weights of a network of {classes} classes"),
                expected: format!("{}, as many as {} has", dataset.classes, dataset.source),
            }));
        }
        if settings.model == ModelSpec::Auto {
            settings.model = model;
        }
        Ok(Some(Self { settings, network, reading: weights.reading }))
    }
}
