//! From samples to batches: the seeded order of an epoch, and what goes to the device.

use burn::tensor::Device;

use crate::{
    attack::{Attack, Batch, StartKey, random_start},
    dataset::{Augmentation, SampleShape, Samples},
    random::{Purpose, Stream},
};

/// The order of `samples` samples in `epoch` (counted from 1): every order equally likely, the same for the same seed.
pub fn shuffled(samples: usize, seed: u64, epoch: u32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..samples).collect();
    Stream::new(seed, Purpose::Shuffle, u64::from(epoch), 0).shuffle(&mut order);
    order
}

/// Puts the samples at `places` on the device as a training batch: augmented, and with the attack's start of this epoch.
pub fn training_batch(
    samples: &Samples,
    places: &[usize],
    shape: SampleShape,
    augment: &Augmentation,
    attack: &Attack,
    (seed, epoch): (u64, u32),
    device: &Device,
) -> Batch {
    let mut selected = samples.select(places, shape.len());
    if !augment.is_none() {
        for (pixels, &row) in selected.pixels.chunks_exact_mut(shape.len()).zip(&selected.rows) {
            augment.apply(pixels, shape, &mut Stream::new(seed, Purpose::Augment, u64::from(epoch), u64::from(row)));
        }
    }
    attack_batch(selected, shape, attack, StartKey { seed, purpose: Purpose::Start, epoch: u64::from(epoch) }, device)
}

/// Puts samples on the device with the start of `attack` drawn by `key`.
pub fn attack_batch(samples: Samples, shape: SampleShape, attack: &Attack, key: StartKey, device: &Device) -> Batch {
    let start =
        attack.random_start.then(|| random_start(&samples.pixels, &samples.rows, shape.len(), attack.epsilon, attack.loss, key));
    Batch::new(samples.pixels, &samples.labels, start, device)
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
