//! Where the attack starts: drawn on the host, sample by sample, so that it is the same on every device and in every batch.

use crate::random::{Purpose, Stream};

/// Deviation of the Gaussian start, in pixel units (TRADES).
const GAUSSIAN_DEVIATION: f32 = 0.001;

/// How a start is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// Uniformly in the ball.
    Uniform,
    /// From a normal distribution of deviation 0.001, cut off at the ball: next to x, where the gradient of KL is zero.
    Gaussian,
}

/// A random start of the attack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// Radius of the ball, in pixel units.
    pub epsilon: f32,
    /// How it is drawn inside.
    pub noise: Noise,
}

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
