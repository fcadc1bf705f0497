//! The samples that an adversary attacks, and their random numbers.

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{Aim, Ball, Halt, Threat, Verdict};
use crate::{
    batch::{Batch, Noise, Start, StartKey, attack_batch},
    dataset::{SampleShape, Samples},
    device,
    loss::Labels,
    random::{Purpose, Stream},
};

/// A batch of samples that the network classifies correctly. Rows key the random numbers, so that a sample's result does not depend on the
/// other samples.
#[derive(Clone, Debug)]
pub struct Subjects {
    /// x: N x D, in [0, 1].
    pub natural: Tensor<2>,
    /// y.
    pub labels: Labels,
    samples: Samples,
    shape: SampleShape,
    device: Device,
}

impl Subjects {
    /// Puts samples on `device`, for a network of `classes` classes.
    pub fn new(samples: Samples, shape: SampleShape, classes: usize, device: &Device) -> Self {
        let batch = Batch::new(samples.pixels.clone(), &samples.labels, None, device);
        let labels = Labels::new(batch.labels, classes);
        Self { natural: batch.natural, labels, samples, shape, device: device.clone() }
    }

    /// How many samples.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The labels on the host.
    pub fn classes(&self) -> &[u32] {
        &self.samples.labels
    }

    /// The balls around the samples.
    pub fn ball(&self, threat: Threat) -> Ball {
        Ball::new(self.natural.clone(), threat)
    }

    /// Away from the labels.
    pub fn aim(&self) -> Aim {
        Aim::away(self.labels.clone())
    }

    /// The batch of an attack of fixed steps, with starts drawn by `key`.
    pub fn batch(&self, threat: Threat, noise: Option<Noise>, key: u64) -> Batch {
        let start = noise.map(|noise| Start { epsilon: threat.epsilon, noise });
        let key = StartKey { seed: threat.seed, purpose: Purpose::Evaluation, epoch: key };
        attack_batch(self.samples.clone(), self.shape, start, key, &self.device)
    }

    /// A stream of random numbers for each sample, its own for each `what`, such as the name of an attack and the number of a restart.
    pub fn streams(&self, threat: Threat, what: &str) -> Vec<Stream> {
        let key = fnv(what.bytes());
        self.samples.rows.iter().map(|&row| Stream::new(threat.seed, Purpose::Evaluation, key, u64::from(row))).collect()
    }

    /// N x D random numbers, one sample's after the other.
    pub fn noise(&self, threat: Threat, what: &str, draw: impl Fn(&mut Stream) -> f32) -> Tensor<2> {
        let pixels = self.shape.len();
        let mut numbers = Vec::with_capacity(self.len() * pixels);
        for mut stream in self.streams(threat, what) {
            numbers.extend((0..pixels).map(|_| draw(&mut stream)));
        }
        Tensor::from_data(TensorData::new(numbers, [self.len(), pixels]), &self.device)
    }

    /// The sample of each row, if the batch repeats the samples round after round.
    pub fn repeat(&self, times: usize) -> Tensor<1, Int> {
        let rows: Vec<i32> = (0..times).flat_map(|_| 0..self.len() as i32).collect();
        indices(&rows, &self.device)
    }
}

/// Row numbers as a tensor.
pub fn indices(rows: &[i32], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(rows.to_vec(), [rows.len()]), device)
}

/// N numbers that are 0 or 1 as a mask of N x D.
pub fn mask(numbers: &Tensor<1>, width: usize) -> Tensor<2, burn::tensor::Bool> {
    let samples = numbers.dims()[0];
    numbers.clone().greater_elem(0.5).reshape([samples, 1]).expand([samples, width])
}

/// The scores of a misclassified image and of one with NaN logits: see [`Kept::score`].
const BROKEN: f64 = -1e30;
const NOTHING: f64 = 1e30;

/// The best adversarial images so far.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The first misclassified image, else the one of least margin: N x D.
    pub images: Tensor<2>,
    /// 1 where `images` is misclassified: N.
    pub wrong: Tensor<1>,
    /// The margin of `images`, or a value below all margins if misclassified; lower is better: N.
    pub(super) score: Tensor<1>,
}

impl Kept {
    /// The first images, judged by their logits.
    pub fn new(images: Tensor<2>, logits: &Tensor<2>, labels: &Labels) -> Self {
        let Verdict { wrong, margin } = Verdict::of(logits, labels);
        let no_number = margin.clone().is_nan();
        let score = margin.mask_fill(wrong.clone().greater_elem(0.5), BROKEN).mask_fill(no_number, NOTHING);
        Self { images, wrong, score }
    }

    /// Replaces images by better ones.
    pub fn see(&mut self, images: &Tensor<2>, logits: &Tensor<2>, labels: &Labels) {
        *self = self.clone().or(Self::new(images.clone(), logits, labels));
    }

    /// The better images of two runs on the same samples.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let better = other.score.clone().lower(self.score.clone());
        let width = self.images.dims()[1];
        let images = self.images.mask_where(mask(&better.clone().float(), width), other.images);
        Self { images, wrong: self.wrong.max_pair(other.wrong), score: self.score.mask_where(better, other.score) }
    }

    /// The best image of every sample over several rounds of `samples` samples.
    pub(super) fn best_of_rounds(&self, samples: usize) -> Self {
        let rounds = self.images.dims()[0] / samples.max(1);
        (1..rounds).fold(self.rows(0..samples), |best, round| best.or(self.rows(round * samples..(round + 1) * samples)))
    }

    fn rows(&self, rows: Range<usize>) -> Self {
        Self {
            images: self.images.clone().slice([rows.clone()]),
            wrong: self.wrong.clone().slice([rows.clone()]),
            score: self.score.clone().slice([rows]),
        }
    }

    /// Whether all samples are misclassified.
    ///
    /// # Errors
    /// [`Halt`] when the device no longer answers.
    pub async fn all(&self) -> Result<bool, Halt> {
        Ok(device::read(self.wrong.clone()).await?.iter().all(|&wrong| wrong > 0.5))
    }
}

/// FNV-1a.
pub(super) fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
