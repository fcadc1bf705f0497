//! No attack: the accuracy on natural data.

use burn::tensor::{Device, Tensor};

use super::{EvaluationAttack, Threat};
use crate::{
    batch::Batch,
    dataset::{SampleShape, Samples},
    model::Classifier,
};

/// Leaves every sample as it is.
#[derive(Debug)]
pub struct Natural;

impl EvaluationAttack for Natural {
    fn spec(&self) -> String {
        "natural".to_owned()
    }

    fn label(&self) -> String {
        "natural".to_owned()
    }

    fn passes(&self) -> u32 {
        0
    }

    fn perturb(
        &self,
        _network: &dyn Classifier,
        samples: Samples,
        _shape: SampleShape,
        _threat: Threat,
        device: &Device,
    ) -> (Batch, Tensor<2>) {
        let batch = Batch::new(samples.pixels, &samples.labels, None, device);
        let images = batch.natural.clone();
        (batch, images)
    }
}
