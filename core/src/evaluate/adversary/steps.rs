//! PGD on any loss, with steps of one length; the last image counts.

use burn::tensor::Tensor;

use super::{
    Halt, Norm, Subjects, Threat, Victim,
    restarts::{self, Best},
};
use crate::{
    attack::{Attack, LossKind},
    batch::{Batch, Noise},
    evaluate::{Aim, Kept},
    loss,
};

/// Projected gradient ascent with steps of one length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) count: u32,
    /// A step's length, in radii.
    pub(super) size: f32,
    pub(super) loss: LossKind,
    /// What the starts are drawn with, none for a start at the sample itself.
    pub(super) start: Option<u64>,
}

impl Steps {
    /// Passes forwards and back of a sample.
    pub(super) fn passes(&self) -> u64 {
        2 * u64::from(self.count)
    }

    /// The last images.
    pub(super) async fn run(&self, victim: &mut Victim<'_>, subjects: &Subjects, threat: Threat) -> Result<Tensor<2>, Halt> {
        self.rounds(victim, subjects, threat, &[self.start]).await
    }

    /// The same from other starts as one batch: the last images, a round for each of `starts`.
    async fn rounds(
        &self,
        victim: &mut Victim<'_>,
        subjects: &Subjects,
        threat: Threat,
        starts: &[Option<u64>],
    ) -> Result<Tensor<2>, Halt> {
        if threat.norm == Norm::LInf {
            let attack = Attack {
                epsilon: threat.epsilon,
                step_size: threat.epsilon * self.size,
                steps: self.count,
                loss: self.loss,
                start: self.start.map(|_| Noise::Uniform),
                patience: None,
                path: threat.path,
            };
            let batches = starts.iter().map(|start| subjects.batch(threat, attack.start, start.unwrap_or_default())).collect();
            return Ok(victim.fixed_steps(&attack, &Batch::cat(batches)).await?.images);
        }
        let aim = restarts::aim(subjects, starts.len());
        let ball = subjects.ball(threat).select(&subjects.repeat(starts.len()));
        let starts = starts.iter().map(|start| match start {
            // A point of the ball, every one equally likely up to its box: a direction and a radius.
            Some(key) => {
                let ball = subjects.ball(threat);
                let noise = subjects.noise(threat, &format!("pgd {key}"), crate::random::Stream::normal);
                let dimensions = noise.dims()[1] as f32;
                let radii: Vec<f32> = (subjects.streams(threat, &format!("radius {key}")).iter_mut())
                    .map(|stream| stream.uniform().powf(1.0 / dimensions))
                    .collect();
                let samples = radii.len();
                let radii = Tensor::<1>::from_floats(radii.as_slice(), victim.device()).reshape([samples, 1]);
                let offset = ball.start_on_surface(noise) - ball.natural.clone();
                ball.natural + offset * radii
            }
            None => subjects.natural.clone(),
        });
        let mut images = Tensor::cat(starts.collect(), 0);
        for _ in 0..self.count {
            let slope = victim.gradient(&images, &|logits, aim| climbed(self.loss, logits, aim), &aim).await?;
            let step = ball.direction(slope.gradient).mul_scalar(ball.epsilon() * f64::from(self.size));
            images = ball.project(images + step);
        }
        Ok(images)
    }

    /// The same so many times from other starts: of each sample the last image of the first run that breaks it, else the one of least
    /// margin.
    pub(super) async fn restart(
        &self,
        victim: &mut Victim<'_>,
        subjects: &Subjects,
        threat: Threat,
        restarts: u32,
    ) -> Result<Tensor<2>, Halt> {
        if restarts <= 1 {
            return self.run(victim, subjects, threat).await;
        }
        let mut best = Best::default();
        for group in restarts::groups(restarts) {
            let starts: Vec<Option<u64>> =
                group.clone().map(|restart| self.start.map(|key| key | u64::from(restart) << 32)).collect();
            let images = self.rounds(victim, subjects, threat, &starts).await?;
            let logits = victim.logits(&images).await?;
            let found = Kept::new(images, &logits, &restarts::aim(subjects, starts.len()).labels);
            if best.see(found.best_of_rounds(subjects.len()), &group, restarts).await? {
                break;
            }
        }
        Ok(best.images(subjects))
    }
}

fn climbed(kind: LossKind, logits: Tensor<2>, aim: &Aim) -> Tensor<1> {
    match kind {
        LossKind::CwMargin => loss::logit_margin(logits, &aim.labels).neg(),
        LossKind::CrossEntropy | LossKind::Kl => loss::cross_entropy(logits, &aim.labels),
    }
}
