//! Where the attack starts: drawn on the host, sample by sample, so that it is the same on every device and in every batch.

use super::LossKind;
use crate::random::{Purpose, Stream};

/// Deviation of the Gaussian start of the KL attack, in pixel units (TRADES).
const KL_DEVIATION: f32 = 0.001;

/// Which random numbers a start is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartKey {
    /// The run's seed.
    pub seed: u64,
    /// [`Purpose::Start`] in training, [`Purpose::Evaluation`] in an evaluation.
    pub purpose: Purpose,
    /// The epoch, or the evaluation attack's own number.
    pub epoch: u64,
}

/// x⁰ of the samples in `natural` (one row of `sample_len` pixels each), whose rows in their source are `rows`.
///
/// Cross-entropy and CW start uniformly in the ball, KL from Gaussian noise of deviation 0.001 (its gradient is zero at x itself);
/// the start lies in the ball and in [0, 1].
pub fn random_start(natural: &[f32], rows: &[u32], sample_len: usize, epsilon: f32, loss: LossKind, key: StartKey) -> Vec<f32> {
    let mut start = natural.to_vec();
    for (pixels, &row) in start.chunks_exact_mut(sample_len).zip(rows) {
        let mut stream = Stream::new(key.seed, key.purpose, key.epoch, u64::from(row));
        for pixel in pixels {
            let offset = match loss {
                LossKind::CrossEntropy | LossKind::CwMargin => epsilon * stream.symmetric(),
                LossKind::Kl => (KL_DEVIATION * stream.normal()).clamp(-epsilon, epsilon),
            };
            *pixel = (*pixel + offset).clamp(0.0, 1.0);
        }
    }
    start
}
