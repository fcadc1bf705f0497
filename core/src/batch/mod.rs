//! Batches: the seeded order of an epoch, and the tensors of a batch on the device.

mod start;

use burn::tensor::{Device, Int, Tensor, TensorData};

pub use start::{Noise, Start, StartKey, random_start};

use crate::{
    dataset::{Augmentation, SampleShape, Samples},
    random::{Purpose, Stream},
};

/// The order of `samples` samples in `epoch` (counted from 1), uniform over all orders and determined by the seed.
pub fn shuffled(samples: usize, seed: u64, epoch: u32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..samples).collect();
    Stream::new(seed, Purpose::Shuffle, u64::from(epoch), 0).shuffle(&mut order);
    order
}

/// Puts the samples at `indices` on the device as a training batch, augmented and with the attack's start of this epoch.
pub fn training_batch(
    samples: &Samples,
    indices: &[usize],
    shape: SampleShape,
    augment: &Augmentation,
    start: Option<Start>,
    (seed, epoch): (u64, u32),
    device: &Device,
) -> Batch {
    let mut selected = samples.select(indices, shape.len());
    if !augment.is_none() {
        for (pixels, &row) in selected.pixels.chunks_exact_mut(shape.len()).zip(&selected.rows) {
            augment.apply(pixels, shape, &mut Stream::new(seed, Purpose::Augment, u64::from(epoch), u64::from(row)));
        }
    }
    attack_batch(selected, shape, start, StartKey { seed, purpose: Purpose::Start, epoch: u64::from(epoch) }, device)
}

/// Puts samples on the device, with x⁰ drawn from `start` by `key`. Without a start, x⁰ = x.
pub fn attack_batch(samples: Samples, shape: SampleShape, start: Option<Start>, key: StartKey, device: &Device) -> Batch {
    let start = start.map(|start| random_start(&samples.pixels, &samples.rows, shape.len(), start, key));
    Batch::new(samples.pixels, &samples.labels, start, device)
}

/// A batch on the device.
#[derive(Clone, Debug)]
pub struct Batch {
    /// x: N x D, pixels in [0, 1].
    pub natural: Tensor<2>,
    /// y: N classes.
    pub labels: Tensor<1, Int>,
    /// x⁰: N x D; equals `natural` without a random start.
    pub start: Tensor<2>,
}

impl Batch {
    /// Puts `labels.len()` samples on `device`; `start` is x⁰ if it differs from x.
    pub fn new(natural: Vec<f32>, labels: &[u32], start: Option<Vec<f32>>, device: &Device) -> Self {
        let samples = labels.len();
        let width = natural.len() / samples.max(1);
        let labels: Vec<i32> = labels.iter().map(|&label| label as i32).collect();
        let natural = Tensor::from_data(TensorData::new(natural, [samples, width]), device);
        let start = match start {
            Some(start) => Tensor::from_data(TensorData::new(start, [samples, width]), device),
            None => natural.clone(),
        };
        Self { natural, labels: Tensor::from_data(TensorData::new(labels, [samples]), device), start }
    }

    /// Concatenates at least one batch.
    pub(crate) fn cat(batches: Vec<Self>) -> Self {
        let of = |part: fn(&Self) -> &Tensor<2>| Tensor::cat(batches.iter().map(|batch| part(batch).clone()).collect(), 0);
        let labels = Tensor::cat(batches.iter().map(|batch| batch.labels.clone()).collect(), 0);
        Self { natural: of(|batch| &batch.natural), labels, start: of(|batch| &batch.start) }
    }

    /// Slices of at most `together` samples.
    pub(crate) fn slices(&self, together: usize) -> impl Iterator<Item = Self> + '_ {
        (0..self.len()).step_by(together.max(1)).map(move |first| {
            let rows = first..(first + together.max(1)).min(self.len());
            Self {
                natural: self.natural.clone().slice([rows.clone()]),
                labels: self.labels.clone().slice([rows.clone()]),
                start: self.start.clone().slice([rows]),
            }
        })
    }

    /// How many samples.
    pub fn len(&self) -> usize {
        self.natural.dims()[0]
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_has_an_order_of_its_own_and_the_same_seed_the_same() {
        let order = shuffled(100, 1, 1);
        assert_eq!(order, shuffled(100, 1, 1));
        assert_ne!(order, shuffled(100, 1, 2));
        assert_ne!(order, shuffled(100, 2, 1));
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }
}
