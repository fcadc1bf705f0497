//! The start of an attack, drawn on the host per sample, so that it is the same on every device and in every batch.

use crate::random::{Purpose, Stream};

/// Deviation of the Gaussian start, in pixel units (TRADES).
const GAUSSIAN_DEVIATION: f32 = 0.001;

/// The distribution of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// Uniformly in the ball.
    Uniform,
    /// A normal distribution of deviation 0.001, clipped to the ball: near x, but not at x, where the gradient of KL is zero.
    Gaussian,
}

/// A random start of the attack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// Radius of the ball, in pixel units.
    pub epsilon: f32,
    /// The distribution in the ball.
    pub noise: Noise,
}

/// The key of a start's random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartKey {
    /// The run's seed.
    pub seed: u64,
    /// [`Purpose::Start`] in training, [`Purpose::Evaluation`] in an evaluation.
    pub purpose: Purpose,
    /// The epoch, or the key of the evaluation attack.
    pub epoch: u64,
}

/// x⁰ of the samples in `natural` (one row of `sample_len` pixels each), whose rows in their source are `rows`.
///
/// It lies in the ball and in [0, 1].
pub fn random_start(
    natural: &[f32],
    rows: &[u32],
    sample_len: usize,
    Start { epsilon, noise }: Start,
    key: StartKey,
) -> Vec<f32> {
    let mut start = natural.to_vec();
    for (pixels, &row) in start.chunks_exact_mut(sample_len).zip(rows) {
        let mut stream = Stream::new(key.seed, key.purpose, key.epoch, u64::from(row));
        for pixel in pixels {
            let offset = match noise {
                Noise::Uniform => epsilon * stream.symmetric(),
                Noise::Gaussian => (GAUSSIAN_DEVIATION * stream.normal()).clamp(-epsilon, epsilon),
            };
            *pixel = (*pixel + offset).clamp(0.0, 1.0);
        }
    }
    start
}
