//! Checks that a network fits into memory before allocating it, because a system without memory kills the program without a message.

use burn::tensor::Device;

use crate::{
    dataset::{Dataset, SampleShape},
    device::{Chosen, DeviceError},
    model::{Classifier, ModelError, ModelSpec, Network, tensor_shapes},
};

/// Copies of every parameter that training holds at once: weights, gradient and velocity, and during a checkpoint their copies and the bytes
/// of its files. Measured on a perceptron of 50 million parameters: 9.3 at the peak.
const COPIES: u64 = 9;
/// The least copies of a batch's signals that the update on the CPU holds at once: signal and gradient, and in a convolutional network
/// normalised values or tiles of products. Measured on `resnet18`: 3.9.
const SIGNALS: u64 = 2;
const NUMBER: u64 = 4;

/// The size of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Its numbers, in all tensors together.
    pub numbers: u64,
    /// The name of its largest tensor, and how many numbers that has.
    pub largest: (String, u64),
}

impl Footprint {
    /// The footprint of a network for samples of `shape` and `classes` classes. Allocates nothing.
    ///
    /// # Errors
    /// [`ModelError`] if the network does not accept such samples.
    pub fn of(model: &ModelSpec, shape: SampleShape, classes: usize) -> Result<Self, ModelError> {
        let mut footprint = Self { numbers: 0, largest: (String::new(), 0) };
        for (name, sizes) in tensor_shapes(model, shape, classes)? {
            let numbers = sizes.iter().fold(1_u64, |product, size| product.saturating_mul(*size as u64));
            footprint.numbers = footprint.numbers.saturating_add(numbers);
            if numbers > footprint.largest.1 {
                footprint.largest = (name, numbers);
            }
        }
        Ok(footprint)
    }

    /// The least bytes that training holds at once.
    pub fn training(&self) -> u64 {
        self.numbers.saturating_mul(COPIES * NUMBER)
    }

    /// Whether its numbers have room where so many bytes are free and a tensor has at most so many; `None` of what is not known.
    ///
    /// # Errors
    /// What it needs and what there is, in a sentence.
    fn fits(&self, free: Option<u64>, tensor: Option<u64>) -> Result<(), String> {
        let bytes = self.largest.1.saturating_mul(NUMBER);
        if let Some(most) = tensor.filter(|most| bytes > *most) {
            return Err(format!(
                "its tensor `{}` has {}, and a tensor there has {} at most",
                self.largest.0,
                size(bytes),
                size(most)
            ));
        }
        let needed = self.training();
        match free.filter(|free| needed > *free) {
            Some(free) => Err(format!(
                "its {} numbers need {} (weights, gradients, velocities, and their copies for checkpoints), and {} are free",
                self.numbers,
                size(needed),
                size(free)
            )),
            None => Ok(()),
        }
    }
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    let giga = bytes as f64 / 1e9;
    if giga >= 1.0 { format!("{giga:.1} GB") } else { format!("{:.0} MB", 1e3 * giga) }
}

/// The numbers of a sample's signals, from the sample to the logits. The network is made for it.
fn signals(model: &ModelSpec, shape: SampleShape, classes: usize) -> Result<u64, ModelError> {
    let network = Network { normalise: None, architecture: model.build(shape, classes, &Device::flex())? };
    let numbers = |signal: &[usize; 3]| signal.iter().product::<usize>() as u64;
    Ok(network.program().map_or(0, |program| program.layers.signals.iter().map(numbers).sum()))
}

/// Whether a batch of so many samples with so many numbers each has room beside a network that needs `network` bytes.
///
/// # Errors
/// What it needs and what there is, in a sentence.
fn batch_fits(batch: usize, signals: u64, network: u64, free: Option<u64>) -> Result<(), String> {
    let needed = (batch as u64).saturating_mul(signals).saturating_mul(SIGNALS * NUMBER);
    match free.filter(|free| network.saturating_add(needed) > *free) {
        Some(free) => Err(format!(
            "a batch of {batch} needs {} for what the layers hand on and its gradients ({signals} numbers a sample) and the network {}, and \
             {} are free",
            size(needed),
            size(network),
            size(free)
        )),
        None => Ok(()),
    }
}

/// Whether a network can be trained on these data on this device, in batches of so many samples.
///
/// # Errors
/// [`DeviceError::NoRoom`] with what it needs and what there is. A network that does not take such samples is no matter of this.
pub fn for_training(model: &ModelSpec, dataset: &Dataset, batch: usize, chosen: &Chosen) -> Result<(), DeviceError> {
    let (shape, classes) = (dataset.shape, dataset.classes);
    let model = model.resolve(shape);
    let Ok(footprint) = Footprint::of(&model, shape, classes) else { return Ok(()) };
    let free = free();
    // Memory of a GPU is not told to programs, but how large a buffer may be is; its host keeps what is written to files.
    let batch_fits = || match chosen.cpu.then(|| signals(&model, shape, classes)) {
        Some(Ok(signals)) => batch_fits(batch.min(dataset.train.len()), signals, footprint.training(), free),
        _ => Ok(()),
    };
    // The network is made for the second question: only where the first says that there is room for it.
    footprint.fits(free, chosen.largest_buffer()).and_then(|()| batch_fits()).map_err(|why| DeviceError::NoRoom {
        model: model.to_string(),
        device: chosen.name.clone(),
        why,
    })
}

/// Bytes that the system would give to this program now.
#[cfg(not(target_arch = "wasm32"))]
fn free() -> Option<u64> {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    // A container may have less than its machine.
    let contained = system.cgroup_limits().map(|limits| limits.free_memory);
    let free = contained.map_or(system.available_memory(), |contained| contained.min(system.available_memory()));
    // Where nothing is known, 0 is told.
    (free > 0).then_some(free)
}

/// A page has 4 GiB for everything, of which the program and its data take a part.
#[cfg(target_arch = "wasm32")]
fn free() -> Option<u64> {
    Some(3 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_counted_without_being_made() {
        let footprint = Footprint::of(&ModelSpec::Mlp(vec![65_536, 65_536]), SampleShape::Flat(2), 2).unwrap();
        assert_eq!(footprint.largest, ("2.weight".to_owned(), 1 << 32));
        assert_eq!(footprint.numbers, 3 * 65_536 + (1 << 32) + 65_536 + 2 * 65_536 + 2);
        assert_eq!(footprint.training(), 36 * footprint.numbers);
        assert!(Footprint::of(&ModelSpec::ResNet18, SampleShape::Flat(2), 2).is_err());
    }

    #[test]
    fn what_does_not_fit_says_what_it_needs_and_what_there_is() {
        let footprint = Footprint { numbers: 1_000_000_000, largest: ("0.weight".to_owned(), 600_000_000) };
        assert_eq!(footprint.fits(Some(36_000_000_000), Some(2_400_000_000)), Ok(()));
        assert_eq!(footprint.fits(None, None), Ok(()));
        let told = footprint.fits(Some(35_999_999_999), None).unwrap_err();
        assert!(told.contains("1000000000 numbers need 36.0 GB") && told.contains("36.0 GB are free"), "{told}");
        let told = footprint.fits(None, Some(128 << 20)).unwrap_err();
        assert!(told.contains("`0.weight` has 2.4 GB") && told.contains("134 MB at most"), "{told}");
    }

    #[test]
    fn a_batch_is_counted_by_what_flows_through_the_network() {
        // 64 channels of 32 x 32 five times, 128 of 16 x 16, 256 of 8 x 8 and 512 of 4 x 4 five times each, the sample, the means, the logits.
        let numbers = 3 * 1024 + 5 * (64 * 1024 + 128 * 256 + 256 * 64 + 512 * 16) + 512 + 10;
        let shape = SampleShape::Image { channels: 3, height: 32, width: 32 };
        assert_eq!(signals(&ModelSpec::ResNet18, shape, 10).unwrap(), numbers);
        assert_eq!(signals(&ModelSpec::Mlp(vec![64, 32]), SampleShape::Flat(2), 3).unwrap(), 2 + 64 + 32 + 3);

        assert_eq!(batch_fits(100, 1_000_000, 200_000_000, Some(1_000_000_000)), Ok(()));
        let told = batch_fits(101, 1_000_000, 200_000_000, Some(1_000_000_000)).unwrap_err();
        assert!(
            told.starts_with("a batch of 101 needs 808 MB") && told.contains("the network 200 MB, and 1.0 GB are free"),
            "{told}"
        );
    }
}
