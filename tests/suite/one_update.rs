//! One update of a network on drawn samples, and whether it is the one that the tensor library computes layer by layer.

use burn::tensor::Device;
use gairat::{
    attack::Path,
    dataset::{Dataset, SampleShape, Samples},
    model::{Parameters, named_gradient, named_tensors},
    random::{Purpose, Stream},
    settings::Settings,
    train::Trainer,
};

/// Draws of samples that are tried.
pub(crate) const DRAWS: u64 = 40;
/// How far numbers may be apart, in units of the greatest of their tensor.
pub(crate) const NEAR: f32 = 1e-4;
/// How much further than the last digits of the pixels the rounding of some 30 layers moves a number: their square root.
const ROUNDINGS: f32 = 5.0;
/// How far the whole may be apart at a kink, in units of its length.
pub(crate) const AT_A_KINK: f64 = 0.05;

/// Drawn samples of three classes.
pub(crate) fn noise(shape: SampleShape, samples: usize, seed: u64) -> Dataset {
    noise_of(shape, samples, 3, seed)
}

/// Drawn samples of so many classes.
pub(crate) fn noise_of(shape: SampleShape, samples: usize, classes: usize, seed: u64) -> Dataset {
    let mut stream = Stream::new(seed, Purpose::Benchmark, 0, 0);
    let train = Samples {
        pixels: (0..samples * shape.len()).map(|_| stream.uniform()).collect(),
        labels: (0..samples).map(|_| stream.below(classes) as u32).collect(),
        rows: (0..samples as u32).collect(),
    };
    let (validation, test) = (Samples::default(), Samples::default());
    let source = Settings::default().data;
    Dataset { source, shape, classes, train, validation, test, about: String::new(), notes: Vec::new() }
}

/// The gradient of an update, the gradients of its natural and adversarial terms where a method asks for them, and the network after
/// it, running statistics included.
pub(crate) fn update(method: &str, spec: &str, data: &Dataset, path: Path, device: &Device) -> Vec<Parameters> {
    let mut settings = Settings { epsilon: 0.0, burn_in: 0, lr: 0.1, path, ..Settings::default() };
    for (name, value) in [("model", spec), ("normalise", "0.3/0.5"), ("init", "he"), ("method", method)] {
        settings.set(name, value).unwrap();
    }
    let mut trainer = Trainer::new(&settings.checked().unwrap(), data, device).unwrap();
    let samples = data.train.rows.len();
    let counts: Vec<(f32, f32)> = (0..samples).map(|sample| (sample as f32 % 11.0, sample as f32 % 11.0)).collect();
    // Not the natural samples: the two passes of a method are to differ.
    let images = data.train.pixels.iter().map(|pixel| 1.0 - pixel).collect();
    let parts = trainer.step_apart_on(data, &(0..samples).collect::<Vec<_>>(), (1, 0), images, &counts);
    let named = |gradient| pollster::block_on(named_gradient(trainer.network(), gradient)).unwrap();
    let mut found = vec![named(&parts.gradient)];
    found.extend(parts.terms.iter().flatten().map(named));
    found.push(pollster::block_on(named_tensors(trainer.network())).unwrap());
    found
}

/// The greatest distance in units of the greatest number of its tensor, whose name is given (sums that cancel each other have no digits of
/// their own: at least a hundredth of the greatest number of all tensors), and the length of all distances in units of the whole.
pub(crate) fn apart(found: &Parameters, expected: &Parameters) -> (f32, String, f64) {
    assert!(found.keys().eq(expected.keys()));
    let greatest = |values: &[f32]| values.iter().fold(0.0_f32, |most, number| most.max(number.abs()));
    let floor = 0.01 * expected.values().map(|tensor| greatest(&tensor.values)).fold(1e-30, f32::max);
    let (mut most, mut squares, mut whole) = ((0.0, String::new()), 0.0, 0.0);
    for (name, expected) in expected {
        let differences: Vec<f32> = found[name].values.iter().zip(&expected.values).map(|(f, e)| f - e).collect();
        assert!(differences.iter().all(|difference| difference.is_finite()), "{name}");
        let square = |numbers: &[f32]| numbers.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>();
        squares += square(&differences);
        whole += square(&expected.values);
        let distance = greatest(&differences) / greatest(&expected.values).max(floor);
        if distance > most.0 {
            most = (distance, name.clone());
        }
    }
    (most.0, most.1, (squares / whole.max(1e-30)).sqrt())
}

/// Whether an update of `network` on `device` is the one layer by layer on the CPU.
///
/// A number at the kink of a ReLU falls on one side or the other by the order of a sum, and the gradient jumps: PyTorch's in float32 is then as
/// far from its own in float64 (`tests/updates_in_float64.py`). So several draws of samples are tried: one must agree in every number, as those
/// without such a kink do, and what jumps must stay a small part of the whole. What is wrong is wrong for every draw.
///
/// Whoever is on the other side of a kink is where the layers are when each pixel moves by its last digit. Where no draw is like that, or where batch normalisation of a few numbers spreads what is rounded before it, all numbers together must be
/// as near, in units of their length, and none further than the layers' own result moves, times [`ROUNDINGS`], when each pixel moves by its
/// last digit.
pub(crate) fn is_that_of_the_layers(
    method: &str,
    (spec, shape, samples): (&str, SampleShape, usize),
    device: &Device,
) -> Result<(), String> {
    let mut jumps = Vec::new();
    for seed in 0..DRAWS {
        let data = noise(shape, samples, seed);
        let found = update(method, spec, &data, Path::Auto, device);
        let expected = update(method, spec, &data, Path::Composed, &Device::flex());
        assert_eq!(found.len(), expected.len());
        let furthest = |found: &[Parameters], expected: &[Parameters]| {
            let of_all = found.iter().zip(expected).map(|(found, expected)| apart(found, expected));
            of_all.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
        };
        let (distance, name, part) = furthest(&found, &expected);
        if distance <= NEAR {
            return Ok(());
        }
        let mut moved = data.clone();
        for (place, pixel) in moved.train.pixels.iter_mut().enumerate() {
            *pixel *= if place % 2 == 0 { 1.0 + f32::EPSILON } else { 1.0 - f32::EPSILON };
        }
        let moved = update(method, spec, &moved, Path::Composed, &Device::flex());
        let own = furthest(&moved, &expected).0;
        let beyond_the_kink = furthest(&found, &moved).0 <= NEAR;
        if beyond_the_kink || part <= f64::from(NEAR) && distance <= ROUNDINGS * own {
            return Ok(());
        }
        jumps.push(format!("{name} by {distance} ({part} of the whole; the layers' own by {own})"));
        if part > AT_A_KINK {
            break;
        }
    }
    Err(format!("{spec}, {method}, {samples} samples of {shape:?}: {}", jumps.join("; ")))
}
