//! Dropout whose masks are drawn on the host.
//!
//! burn's dropout asks the backend for random numbers, and every backend has its own generator: the same seed would train
//! another network on the GPU than on the CPU. Here the mask depends on a key and on the layer, and on nothing else.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use burn::{
    module::{Flag, Module, Param},
    tensor::{Tensor, TensorData},
};

use crate::random::{Purpose, Stream};

/// The (seed, step) that the masks of one network are drawn from: one value, shared by all its layers and by its clones.
#[derive(Clone, Debug, Default)]
pub struct DropoutKey {
    shared: Arc<SharedKey>,
}

#[derive(Debug, Default)]
struct SharedKey {
    seed: AtomicU64,
    step: AtomicU64,
}

impl DropoutKey {
    /// Sets the key of the forward passes to come.
    pub fn set(&self, seed: u64, step: u64) {
        // Relaxed: all tensor work of a trainer happens on one thread, and this is part of it. The atomics are here to let a
        // module, which burn hands out by shared reference, keep a number that changes.
        self.shared.seed.store(seed, Ordering::Relaxed);
        self.shared.step.store(step, Ordering::Relaxed);
    }

    /// The current (seed, step).
    fn get(&self) -> (u64, u64) {
        (self.shared.seed.load(Ordering::Relaxed), self.shared.step.load(Ordering::Relaxed))
    }
}

/// Sets numbers to 0 with probability `rate` and multiplies the others by 1 / (1 - rate), in training only (Srivastava et al.
/// 2014), as PyTorch's `F.dropout`.
///
/// Training is what it is for [`BatchNorm2d`](super::BatchNorm2d): the input is on an autodiff device and the layer is in
/// training mode. Two passes under one key drop the same numbers.
#[derive(Module, Debug)]
pub struct Dropout {
    /// The probability that a number is dropped, from [0, 1); 0 makes the layer do nothing.
    pub rate: f64,
    /// Which of the network's dropout layers this is: no two layers share a mask.
    pub layer: u64,
    /// Whether the layer takes part in training.
    pub training: Param<Flag>,
    #[module(skip)]
    key: DropoutKey,
}

impl Dropout {
    /// The `layer`-th dropout layer of the network that owns `key`.
    pub fn new(rate: f64, layer: u64, key: DropoutKey) -> Self {
        Self { rate, layer, training: Param::from_bool(true), key }
    }

    /// Drops numbers of feature maps (N x C x H x W).
    pub fn forward(&self, signal: Tensor<4>) -> Tensor<4> {
        let device = signal.device();
        if self.rate == 0.0 || !(device.is_autodiff() && self.training.is_enabled()) {
            return signal;
        }
        let shape = signal.dims();
        let mask = TensorData::new(self.mask(shape.iter().product()), shape);
        signal.mul(Tensor::<4>::from_data(mask, &device))
    }

    /// What each of `len` numbers is multiplied by: 0 or 1 / (1 - rate).
    fn mask(&self, len: usize) -> Vec<f32> {
        let (seed, step) = self.key.get();
        let mut stream = Stream::new(seed, Purpose::Dropout, step, self.layer);
        let kept = (1.0 / (1.0 - self.rate)) as f32;
        (0..len).map(|_| if f64::from(stream.uniform()) < self.rate { 0.0 } else { kept }).collect()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    const SHAPE: [usize; 4] = [4, 8, 16, 16];

    fn dropped(layer: &Dropout, device: &Device) -> Vec<f32> {
        layer.forward(Tensor::ones(SHAPE, device)).into_data().iter::<f32>().collect()
    }

    #[test]
    fn the_expected_value_of_a_number_is_the_number() {
        let key = DropoutKey::default();
        key.set(7, 3);
        let found = dropped(&Dropout::new(0.3, 0, key), &Device::flex().autodiff());
        assert!(found.iter().all(|&number| number == 0.0 || (number - 1.0 / 0.7).abs() < 1e-6));
        let mean = found.iter().map(|&number| f64::from(number)).sum::<f64>() / found.len() as f64;
        // A number's variance is rate / (1 - rate); five standard errors of the mean.
        assert!((mean - 1.0).abs() < 5.0 * (0.3 / 0.7 / found.len() as f64).sqrt(), "{mean}");
    }

    #[test]
    fn a_mask_depends_on_seed_step_and_layer_and_on_nothing_else() {
        let device = Device::flex().autodiff();
        let key = DropoutKey::default();
        let draw = |seed, step, layer| {
            key.set(seed, step);
            dropped(&Dropout::new(0.5, layer, key.clone()), &device)
        };
        let mask = draw(1, 2, 3);
        assert_eq!(mask, draw(1, 2, 3));
        for other in [draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4)] {
            assert_ne!(mask, other);
        }
    }

    #[test]
    fn nothing_is_dropped_outside_training_or_at_rate_0() {
        let (plain, autodiff) = (Device::flex(), Device::flex().autodiff());
        let layer = Dropout::new(0.5, 0, DropoutKey::default());
        let whole = vec![1.0_f32; SHAPE.iter().product()];
        assert_eq!(dropped(&layer, &plain), whole);
        // The attack: a valid copy under an input that has gradients.
        assert_eq!(dropped(&layer.valid(), &autodiff), whole);
        assert_eq!(dropped(&Dropout::new(0.0, 0, DropoutKey::default()), &autodiff), whole);
        assert_ne!(dropped(&layer.valid().train(), &autodiff), whole);
    }
}
