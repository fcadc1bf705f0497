//! The fast gradient sign method, as it was published: one step from the sample itself.

use burn::tensor::{Device, Tensor};

use super::{EvaluationAttack, Threat};
use crate::{
    attack::{Attack, LossKind},
    batch::Batch,
    dataset::{SampleShape, Samples},
    model::Classifier,
};

/// `x + ε sign(∇ CE)`. (The GAIRAT family's code calls one PGD step after a random start by this name; that is `pgd:1`.)
#[derive(Debug)]
pub struct Fgsm;

impl EvaluationAttack for Fgsm {
    fn spec(&self) -> String {
        "fgsm".to_owned()
    }

    fn label(&self) -> String {
        "FGSM".to_owned()
    }

    fn passes(&self) -> u32 {
        2
    }

    fn perturb(
        &self,
        network: &dyn Classifier,
        samples: Samples,
        _shape: SampleShape,
        threat: Threat,
        device: &Device,
    ) -> (Batch, Tensor<2>) {
        let attack = Attack {
            epsilon: threat.epsilon,
            step_size: threat.epsilon,
            steps: 1,
            loss: LossKind::CrossEntropy,
            start: None,
            patience: None,
            path: threat.path,
        };
        let batch = Batch::new(samples.pixels, &samples.labels, None, device);
        let images = attack.run(network, &batch).images;
        (batch, images)
    }
}
