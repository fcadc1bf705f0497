//! PGD-k with a uniform start and steps of ε/4, on cross-entropy (PGD) or on the margin (CW): the evaluation of the GAIRAT paper.

use burn::tensor::{Device, Tensor};

use super::{EvaluationAttack, Threat};
use crate::{
    attack::{Attack, LossKind},
    batch::{Batch, Noise, StartKey, attack_batch},
    dataset::{SampleShape, Samples},
    model::Classifier,
    random::Purpose,
};

/// Only the last iterate is tested.
#[derive(Debug, Clone, Copy)]
pub struct Pgd {
    /// How many steps; at least 1.
    pub steps: u32,
    /// Cross-entropy or margin.
    pub loss: LossKind,
}

impl EvaluationAttack for Pgd {
    fn spec(&self) -> String {
        match self.loss {
            LossKind::CrossEntropy => format!("pgd:{}", self.steps),
            LossKind::CwMargin => format!("cw:{}", self.steps),
            LossKind::Kl => format!("kl:{}", self.steps),
        }
    }

    fn label(&self) -> String {
        self.spec().to_uppercase().replace(':', "-")
    }

    fn passes(&self) -> u32 {
        2 * self.steps
    }

    fn perturb(
        &self,
        network: &dyn Classifier,
        samples: Samples,
        shape: SampleShape,
        threat: Threat,
        device: &Device,
    ) -> (Batch, Tensor<2>) {
        let attack = Attack {
            epsilon: threat.epsilon,
            step_size: threat.epsilon / 4.0,
            steps: self.steps,
            loss: self.loss,
            start: Some(if self.loss == LossKind::Kl { Noise::Gaussian } else { Noise::Uniform }),
            patience: None,
            path: threat.path,
        };
        // PGD-k and CW-k start at the same points: what differs between them is then the loss, and not the luck of the draw.
        let key = StartKey { seed: threat.seed, purpose: Purpose::Evaluation, epoch: u64::from(self.steps) };
        let batch = attack_batch(samples, shape, attack.start(), key, device);
        let images = attack.run(network, &batch).images;
        (batch, images)
    }
}
