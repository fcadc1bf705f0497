//! The attack against closed forms and against what must hold whatever the network.

use burn::tensor::{Device, Tensor, TensorData};
use gairat::{
    attack::{Attack, LossKind, Measured, Path, read_measured},
    batch::{Batch, Noise, Start, StartKey, random_start},
    dataset::SampleShape,
    device,
    model::{Classifier, Initialisation, ModelSpec, Network, Normalisation, named_tensors},
    random::{Purpose, Stream},
};
use proptest::prelude::*;

use crate::adapter::{adapter, devices};

/// f(x) = (w·x + b, −w·x − b).
struct Linear {
    weights: Vec<f32>,
    bias: f32,
    device: Device,
}

impl Classifier for Linear {
    fn logits(&self, samples: Tensor<2>) -> Tensor<2> {
        let inputs = self.weights.len();
        let both: Vec<f32> = self.weights.iter().flat_map(|&w| [w, -w]).collect();
        let matrix = Tensor::from_data(TensorData::new(both, [inputs, 2]), &self.device);
        let bias = Tensor::from_data(TensorData::new(vec![self.bias, -self.bias], [1, 2]), &self.device);
        samples.matmul(matrix) + bias
    }
}

fn run(attack: &Attack, model: &impl Classifier, batch: &Batch) -> (Vec<f32>, Vec<Measured>) {
    let adversarial = attack.run(model, batch);
    let end = adversarial.measure_end(model.logits(adversarial.images.clone()), batch.labels.clone(), attack);
    let measured = pollster::block_on(read_measured(&adversarial, end)).unwrap();
    (pollster::block_on(device::read(adversarial.images)).unwrap(), measured)
}

/// On a linear model every step shrinks the gap z_y − z_other by 2 α |w|₁, so that
/// kappa = min(K, ceil(gap / (2 α |w|₁))), counted from the x⁰ where the gap is not yet closed.
#[test]
fn on_a_linear_model_kappa_is_its_closed_form() {
    let (samples, inputs) = (500, 7);
    let mut stream = Stream::new(3, Purpose::Benchmark, 0, 0);
    let weights: Vec<f32> = (0..inputs).map(|_| stream.normal()).collect();
    // Away from the box, and all K steps inside the ball.
    let natural: Vec<f32> = (0..samples * inputs).map(|_| 0.35 + 0.3 * stream.uniform()).collect();
    let labels: Vec<u32> = (0..samples).map(|_| stream.below(2) as u32).collect();
    let centre: f32 = weights.iter().map(|w| 0.5 * w).sum();
    for steps in [1, 7, 10] {
        let attack = Attack {
            epsilon: 0.2,
            step_size: 0.2 / 12.0,
            steps,
            loss: LossKind::CrossEntropy,
            start: None,
            patience: None,
            path: Path::Auto,
        };
        let per_step = 2.0 * f64::from(attack.step_size) * weights.iter().map(|&w| f64::from(w.abs())).sum::<f64>();
        for device in devices() {
            let model = Linear { weights: weights.clone(), bias: -centre, device: device.device.clone() };
            let batch = Batch::new(natural.clone(), &labels, None, &device.device);
            let (_, measured) = run(&attack, &model, &batch);
            let mut compared = 0;
            for (sample, found) in measured.iter().enumerate() {
                let x = &natural[sample * inputs..(sample + 1) * inputs];
                let score: f64 =
                    x.iter().zip(&weights).map(|(&x, &w)| f64::from(x) * f64::from(w)).sum::<f64>() - f64::from(centre);
                let gap = if labels[sample] == 0 { 2.0 * score } else { -2.0 * score };
                let needed = gap / per_step;
                // A gap that closes within rounding of a step could fall to either side.
                if (needed - needed.round()).abs() < 1e-3 {
                    continue;
                }
                compared += 1;
                let expected = if gap < 0.0 { 0 } else { (needed.floor() as u32 + 1).min(steps) };
                assert_eq!((found.kappa, found.first_hit), (expected, expected), "sample {sample} on {}", device.name);
                assert_eq!(found.broken, needed < f64::from(steps), "sample {sample} on {}", device.name);
                assert!((f64::from(found.margin_start) - gap).abs() < 1e-5);
                assert!((f64::from(found.margin_adversarial) - (gap - per_step * f64::from(steps))).abs() < 1e-4);
            }
            assert!(compared > samples - 20, "only {compared} samples were clear of a boundary");
        }
    }
}

/// A trained-looking perceptron: fresh weights, spread out.
fn perceptron(spec: &str, shape: SampleShape, classes: usize, device: &Device) -> Network {
    let spec: ModelSpec = spec.parse().unwrap();
    Network::new(&spec, shape, classes, &Normalisation::None, Initialisation::He, 5, device).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn adversarial_inputs_stay_in_the_ball_and_in_the_box(
        samples in 1_usize..70, inputs in 1_usize..90, classes in 2_usize..12, epsilon in 0.0_f32..0.5, steps in 1_u32..6,
        kind in prop_oneof![Just(LossKind::CrossEntropy), Just(LossKind::CwMargin), Just(LossKind::Kl)], random_start: bool, seed: u64,
    ) {
        let device = Device::flex();
        let mut stream = Stream::new(seed, Purpose::Benchmark, 0, 0);
        let natural: Vec<f32> = (0..samples * inputs).map(|i| match i % 7 { 0 => 0.0, 1 => 1.0, _ => stream.uniform() }).collect();
        let labels: Vec<u32> = (0..samples).map(|_| stream.below(classes) as u32).collect();
        let rows: Vec<u32> = (0..samples as u32).collect();
        let noise = if kind == LossKind::Kl { Noise::Gaussian } else { Noise::Uniform };
        let start = (random_start || kind == LossKind::Kl).then_some(noise);
        let attack = Attack { epsilon, step_size: epsilon / 3.0, steps, loss: kind, start, patience: None, path: Path::Auto };
        let key = StartKey { seed, purpose: Purpose::Start, epoch: 1 };
        let start = attack.start.is_some().then(|| random_start_of(&natural, &rows, inputs, &attack, key));
        let model = perceptron("mlp:16", SampleShape::Flat(inputs), classes, &device);
        let before = pollster::block_on(named_tensors(&model)).unwrap();
        let (images, measured) = run(&attack, &model, &Batch::new(natural.clone(), &labels, start, &device));
        for (&x, &adversarial) in natural.iter().zip(&images) {
            prop_assert!((adversarial - x).abs() <= epsilon + 1e-6 && (0.0..=1.0).contains(&adversarial));
        }
        for found in measured {
            prop_assert!(found.kappa <= steps && found.first_hit <= steps);
            // Correct up to the first hit, so kappa is at least that; never hit means always counted.
            prop_assert!(found.kappa >= found.first_hit);
            prop_assert!(found.first_hit < steps || found.kappa == steps);
        }
        prop_assert_eq!(pollster::block_on(named_tensors(&model)).unwrap(), before, "the attack changes no weight");
    }
}

fn random_start_of(natural: &[f32], rows: &[u32], inputs: usize, attack: &Attack, key: StartKey) -> Vec<f32> {
    random_start(natural, rows, inputs, attack.start().unwrap(), key)
}

#[test]
fn a_start_depends_on_the_sample_and_not_on_its_batch() {
    let natural = [0.5; 30];
    let key = StartKey { seed: 1, purpose: Purpose::Start, epoch: 2 };
    let draw =
        |rows: &[u32]| random_start(&natural[..10 * rows.len()], rows, 10, Start { epsilon: 0.1, noise: Noise::Uniform }, key);
    let together = draw(&[4, 7, 9]);
    assert_eq!(&together[10..20], draw(&[7]));
    assert_ne!(&together[..10], &together[10..20]);
    assert!(together.iter().all(|x| (x - 0.5).abs() <= 0.1));
}

/// The input gradient that the attack follows against central differences of the loss, in f64, through a perceptron written down
/// a second time.
#[test]
fn the_gradient_with_respect_to_the_input_is_the_slope_of_the_loss() {
    let (inputs, classes, samples) = (5, 4, 30);
    for device in devices() {
        let model = perceptron("mlp:9,8", SampleShape::Flat(inputs), classes, &device.device);
        let weights = pollster::block_on(named_tensors(&model)).unwrap();
        let forward = |x: &[f64]| -> Vec<f64> {
            let mut signal = x.to_vec();
            for layer in [0, 2, 4] {
                let (w, b) = (&weights[&format!("{layer}.weight")], &weights[&format!("{layer}.bias")]);
                signal = (0..w.shape[0])
                    .map(|out| {
                        let row = &w.values[out * w.shape[1]..(out + 1) * w.shape[1]];
                        row.iter().zip(&signal).map(|(&w, x)| f64::from(w) * x).sum::<f64>() + f64::from(b.values[out])
                    })
                    .map(|z| if layer == 4 { z } else { f64::max(z, 0.0) })
                    .collect();
            }
            signal
        };
        let mut stream = Stream::new(8, Purpose::Benchmark, 0, 0);
        let natural: Vec<f32> = (0..samples * inputs).map(|_| stream.uniform()).collect();
        let labels: Vec<u32> = (0..samples).map(|_| stream.below(classes) as u32).collect();
        let batch = Batch::new(natural.clone(), &labels, None, &device.device);
        let tracked = batch.natural.clone().autodiff().require_grad();
        let logits = model.logits(tracked.clone());
        let settings = gairat::attack::CountSettings { kind: LossKind::CrossEntropy, step: 0, never: 1 };
        let nothing = Tensor::from_data(TensorData::new(vec![0.0_f32; samples * 4], [samples, 4]), &device.device);
        let counted = gairat::attack::count(logits.clone(), batch.labels, logits.inner(), nothing, settings);
        let gradient = pollster::block_on(device::read(tracked.grad(&counted.losses.backward()).unwrap())).unwrap();
        for (sample, &label) in labels.iter().enumerate() {
            let x: Vec<f64> = natural[sample * inputs..(sample + 1) * inputs].iter().map(|&x| x.into()).collect();
            let loss = |x: &[f64]| {
                let z = forward(x);
                z.iter().map(|z| z.exp()).sum::<f64>().ln() - z[label as usize]
            };
            for input in 0..inputs {
                let moved = |by: f64| {
                    let mut moved = x.clone();
                    moved[input] += by;
                    loss(&moved)
                };
                let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                let found = f64::from(gradient[sample * inputs + input]);
                assert!((found - slope).abs() < 1e-4 * (1.0 + slope.abs()), "{}: {found} is not {slope}", device.name);
            }
        }
    }
}

#[test]
fn cpu_and_gpu_find_the_same_kappa() {
    let Some(gpu) = adapter() else { return };
    let shape = SampleShape::Flat(64);
    let (samples, classes) = (400, 10);
    let mut stream = Stream::new(9, Purpose::Benchmark, 0, 0);
    let natural: Vec<f32> = (0..samples * 64).map(|_| stream.uniform()).collect();
    let rows: Vec<u32> = (0..samples as u32).collect();
    let attack = Attack {
        epsilon: 0.1,
        step_size: 0.02,
        steps: 10,
        loss: LossKind::CrossEntropy,
        start: Some(Noise::Uniform),
        patience: None,
        path: Path::Auto,
    };
    let start = random_start_of(&natural, &rows, 64, &attack, StartKey { seed: 1, purpose: Purpose::Start, epoch: 1 });
    let found: Vec<Vec<Measured>> = [Device::flex(), gpu.device.clone()]
        .into_iter()
        .map(|device| {
            let model = perceptron("mlp:64,64", shape, classes, &device);
            // Labels that the network gives, so that samples start out correct.
            let own = Tensor::<2>::from_data(TensorData::new(natural.clone(), [samples, 64]), &Device::flex());
            let cpu = perceptron("mlp:64,64", shape, classes, &Device::flex());
            let logits = pollster::block_on(device::read(cpu.logits(own))).unwrap();
            let labels: Vec<u32> =
                logits.chunks(classes).map(|z| (0..classes).max_by(|&a, &b| z[a].total_cmp(&z[b])).unwrap() as u32).collect();
            run(&attack, &model, &Batch::new(natural.clone(), &labels, Some(start.clone()), &device)).1
        })
        .collect();
    let equal = found[0].iter().zip(&found[1]).filter(|(a, b)| a.kappa == b.kappa && a.first_hit == b.first_hit).count();
    // Rounding differs, and where a gradient's entry is 0 up to rounding a sign may flip and move a coordinate by two steps.
    assert!(equal * 1000 >= samples * 995, "{equal} of {samples}");
    assert!(found[0].iter().any(|m| m.kappa > 0 && m.kappa < 10), "a test in which nothing is broken half-way shows nothing");
}

/// In training the attack sees `network.valid()`, in `gairat attack` a network that was never on the autodiff device.
#[test]
fn the_attack_on_a_frozen_training_network_is_the_attack_on_the_network_itself() {
    let shape = SampleShape::Image { channels: 1, height: 28, width: 28 };
    let device = Device::flex();
    let mut stream = Stream::new(4, Purpose::Benchmark, 0, 0);
    let natural: Vec<f32> = (0..16 * 784).map(|i| if i % 3 == 0 { stream.uniform() } else { 0.0 }).collect();
    let labels: Vec<u32> = (0..16).map(|i| i % 10).collect();
    let attack = Attack {
        epsilon: 0.1,
        step_size: 0.02,
        steps: 2,
        loss: LossKind::CrossEntropy,
        start: None,
        patience: None,
        path: Path::Auto,
    };
    use burn::module::Module as _;
    let plain = perceptron("small-cnn-28", shape, 10, &device);
    let training = perceptron("small-cnn-28", shape, 10, &device.clone().autodiff());
    let batch = Batch::new(natural, &labels, None, &device);
    let (a, found_a) = run(&attack, &plain, &batch);
    let (b, found_b) = run(&attack, &training.valid(), &batch);
    let differ = a.iter().zip(&b).filter(|(a, b)| a != b).count();
    assert_eq!(differ, 0, "{:?} {:?}", found_a[0], found_b[0]);
}

/// Batch norm and dropout would answer differently in training mode, and batch norm would move its running statistics.
#[test]
fn a_network_made_from_weights_is_frozen_and_an_attack_changes_nothing_of_it() {
    let device = Device::flex();
    let shape = SampleShape::Image { channels: 3, height: 8, width: 8 };
    for spec in ["resnet18", "preact-resnet18", "small-cnn-32", "wrn:10,1,0.5"] {
        let spec: ModelSpec = spec.parse().unwrap();
        let fresh = Network::new(&spec, shape, 4, &Normalisation::None, Initialisation::He, 2, &device).unwrap();
        let weights = pollster::block_on(named_tensors(&fresh)).unwrap();
        let network = Network::with_weights(&spec, shape, &weights, &Normalisation::None, &device).unwrap();
        let mut stream = Stream::new(6, Purpose::Benchmark, 0, 0);
        let natural: Vec<f32> = (0..6 * shape.len()).map(|_| stream.uniform()).collect();
        let batch = Batch::new(natural.clone(), &[0, 1, 2, 3, 0, 1], None, &device);
        let before = pollster::block_on(device::read(network.logits(batch.natural.clone()))).unwrap();
        // The margin at the end is measured layer by layer on either path; on the fused one it may differ by its rounding.
        for (path, rounding) in [(Path::Composed, 0.0), (Path::Fused, 1e-4)] {
            let still = Attack {
                epsilon: 0.0,
                step_size: 0.0,
                steps: 2,
                loss: LossKind::CrossEntropy,
                start: None,
                patience: None,
                path,
            };
            let (images, measured) = run(&still, &network, &batch);
            assert_eq!(images, natural, "{spec}: a ball of radius 0");
            for sample in measured {
                let allowed = rounding * (1.0 + sample.margin_start.abs());
                assert!((sample.margin_start - sample.margin_adversarial).abs() <= allowed, "{spec} {path}: {sample:?}");
                assert_eq!(sample.kappa, if sample.broken { 0 } else { 2 }, "{spec} {path}");
            }
        }
        assert_eq!(pollster::block_on(named_tensors(&network)).unwrap(), weights, "{spec}: no weight and no statistic moved");
        assert_eq!(pollster::block_on(device::read(network.logits(batch.natural))).unwrap(), before, "{spec}");
    }
}
