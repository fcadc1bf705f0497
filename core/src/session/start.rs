//! Starts a run from given weights instead of random ones.

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
    /// The given settings, with the network and the normalisation of the weights.
    pub settings: Settings,
    /// The network on the CPU, frozen.
    pub network: Network,
    /// How the file was interpreted.
    pub reading: Reading,
}

/// Why a run cannot start from weights.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The file cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The weights do not fit network or data.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Start {
    /// Reads the weights that `settings` name; `None` if they name none.
    ///
    /// # Errors
    /// [`StartError`] if the file is unreadable, or its weights belong to another network, sample shape or number of classes.
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
