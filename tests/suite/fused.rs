//! The whole attack as one operation against the attack layer by layer, for every network and on every device.

use burn::{
    module::Module as _,
    tensor::{Device, Tensor, TensorData},
};
use gairat::{
    attack::{Adversarial, Attack, LossKind, Measured, Path, Point, read_measured},
    batch::{Batch, Noise, Start, StartKey, random_start},
    dataset::{Dataset, SampleShape, Samples},
    device::{self, Chosen},
    dispatches,
    model::{Classifier, Initialisation, ModelSpec, Network, Normalisation, named_tensors, with_tensors},
    pace,
    random::{Purpose, Stream},
    settings::Settings,
    train::{EpochLog, SgdSettings, Trainer, sgd_step},
};
use proptest::prelude::*;

use crate::adapter::{adapter, devices};

/// A frozen network whose every number was drawn: weights, biases, and the running statistics of batch normalisation.
pub(crate) fn network(spec: &str, shape: SampleShape, classes: usize, normalise: &str, device: &Device) -> Network {
    let model: ModelSpec = spec.parse().unwrap();
    let normalise: Normalisation = normalise.parse().unwrap();
    let fresh = Network::new(&model, shape, classes, &normalise, Initialisation::He, 7, device).unwrap();
    let mut tensors = pollster::block_on(named_tensors(&fresh)).unwrap();
    let mut stream = Stream::new(11, Purpose::Benchmark, 0, 0);
    for (name, tensor) in &mut tensors {
        if name.ends_with("running_var") {
            tensor.values.iter_mut().for_each(|v| *v = 0.5 + stream.uniform());
        } else if name.ends_with("running_mean") || name.ends_with("bias") {
            tensor.values.iter_mut().for_each(|v| *v = 0.2 * stream.normal());
        }
    }
    with_tensors(fresh, &tensors).unwrap().valid()
}

/// Samples, starts, and the labels that the network gives, but for every fifth.
fn batch(network: &Network, shape: SampleShape, samples: usize, classes: usize, attack: &Attack, device: &Device) -> Batch {
    let mut stream = Stream::new(5, Purpose::Benchmark, 0, 0);
    let natural: Vec<f32> = (0..samples * shape.len()).map(|_| stream.uniform()).collect();
    let rows: Vec<u32> = (0..samples as u32).collect();
    let unlabelled = Batch::new(natural.clone(), &vec![0; samples], None, device);
    let logits = read(network.logits(unlabelled.natural));
    let own = |z: &[f32]| (0..classes).max_by(|&a, &b| z[a].total_cmp(&z[b])).unwrap();
    let labels: Vec<u32> = (logits.chunks(classes).enumerate())
        .map(|(sample, z)| if sample % 5 == 4 { (own(z) + 1) % classes } else { own(z) } as u32)
        .collect();
    let key = StartKey { seed: 1, purpose: Purpose::Start, epoch: 1 };
    // For KL too, whose own start lies so near that its gradient is a difference of two probabilities that agree in their first four
    // digits: there the signs of small entries are those of rounding errors, and no two programs agree on them.
    let start = Start { epsilon: attack.epsilon, noise: Noise::Uniform };
    let start = random_start(&natural, &rows, shape.len(), start, key);
    Batch::new(natural, &labels, Some(start), device)
}

fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    pollster::block_on(device::read(tensor)).unwrap()
}

fn attack(loss: LossKind, steps: u32, path: Path) -> Attack {
    Attack {
        epsilon: 0.1,
        step_size: 0.02,
        steps,
        loss,
        start: Some(if loss == LossKind::Kl { Noise::Gaussian } else { Noise::Uniform }),
        patience: None,
        path,
    }
}

fn measured(adversarial: &Adversarial, network: &Network, batch: &Batch, attack: &Attack) -> Vec<Measured> {
    let end = adversarial.measure_end(network.logits(adversarial.images.clone()), batch.labels.clone(), attack);
    pollster::block_on(read_measured(adversarial, end)).unwrap()
}

/// The gradient with respect to the input at the start of the attack, through the tensor library.
fn input_gradient(network: &Network, batch: &Batch, loss: LossKind) -> Vec<f32> {
    use gairat::attack::{CountSettings, count};
    let tracked = batch.start.clone().autodiff().require_grad();
    let logits = network.logits(tracked.clone());
    let reference = match loss {
        LossKind::Kl => network.logits(batch.natural.clone()),
        _ => logits.clone().inner(),
    };
    let nothing = Tensor::zeros([batch.len(), 4], &batch.natural.device());
    let settings = CountSettings { kind: loss, step: 0, never: 1 };
    let counted = count(logits, batch.labels.clone(), reference, nothing, settings);
    let mut gradients = counted.losses.backward();
    read(tracked.grad_remove(&mut gradients).unwrap())
}

const LOSSES: [LossKind; 3] = [LossKind::CrossEntropy, LossKind::CwMargin, LossKind::Kl];

/// One step: coordinates are the same but where the gradient vanishes up to rounding, where the sign is rounding's to choose and a
/// coordinate may lie two steps away.
fn one_step_is_the_same(spec: &str, shape: SampleShape, classes: usize, normalise: &str, samples: usize, chosen: &Chosen) {
    // An entry is a sum of products along all ways through the network. Each rounds by 6e-8 of itself; with the few thousand ways
    // that end in a pixel of a convolutional network, and their signs at random, that comes to some 1e-6 of the greatest entry.
    let vanishing = if spec.starts_with("mlp") { 1e-6 } else { 1e-5 };
    let network = network(spec, shape, classes, normalise, &chosen.device);
    for loss in LOSSES {
        let batch = batch(&network, shape, samples, classes, &attack(loss, 1, Path::Auto), &chosen.device);
        let fused = read(attack(loss, 1, Path::Fused).run(&network, &batch).images);
        let composed = read(attack(loss, 1, Path::Composed).run(&network, &batch).images);
        let gradient = input_gradient(&network, &batch, loss);
        let inputs = shape.len();
        let mut compared = 0;
        for sample in 0..samples {
            let row = sample * inputs..(sample + 1) * inputs;
            let greatest = gradient[row.clone()].iter().fold(0.0_f32, |most, g| most.max(g.abs()));
            // Where both predictions are next to certain, KL's gradient is a difference of numbers that agree but for rounding.
            if loss == LossKind::Kl && greatest < 1e-3 {
                continue;
            }
            compared += 1;
            for i in row {
                let apart = (fused[i] - composed[i]).abs();
                assert!(
                    apart <= 1e-5 || gradient[i].abs() <= vanishing * greatest,
                    "{spec} {loss} on {}: sample {sample}, {} and {} with gradient {} of {greatest}",
                    chosen.name,
                    fused[i],
                    composed[i],
                    gradient[i]
                );
            }
        }
        assert!(2 * compared >= samples, "{spec} {loss}: only {compared} of {samples} samples say anything");
    }
}

/// K steps: what the issue of the fused attack promises.
fn many_steps_are_the_same(spec: &str, shape: SampleShape, classes: usize, normalise: &str, samples: usize, chosen: &Chosen) {
    let network = network(spec, shape, classes, normalise, &chosen.device);
    for loss in LOSSES {
        let steps = 5;
        let batch = batch(&network, shape, samples, classes, &attack(loss, steps, Path::Auto), &chosen.device);
        let [fused, composed] = [Path::Fused, Path::Composed].map(|path| {
            let attack = attack(loss, steps, path);
            let adversarial = attack.run(&network, &batch);
            let measured = measured(&adversarial, &network, &batch, &attack);
            (read(adversarial.images), measured)
        });
        let kappa = fused.1.iter().zip(&composed.1).filter(|(f, c)| f.kappa == c.kappa && f.first_hit == c.first_hit).count();
        assert!(kappa * 1000 >= samples * 995, "{spec} {loss} on {}: {kappa} of {samples} kappas", chosen.name);
        let near = fused.0.iter().zip(&composed.0).filter(|(f, c)| (*f - *c).abs() <= 1e-5).count();
        assert!(near * 1000 >= fused.0.len() * 999, "{spec} {loss} on {}: {near} of {} coordinates", chosen.name, fused.0.len());
        for (f, c) in fused.1.iter().zip(&composed.1) {
            let apart = (f.margin_start - c.margin_start).abs();
            assert!(apart <= 1e-4 * (1.0 + c.margin_start.abs()), "{spec} {loss}: {} and {}", f.margin_start, c.margin_start);
        }
    }
}

const IMAGE_28: SampleShape = SampleShape::Image { channels: 1, height: 16, width: 17 };
const IMAGE_32: SampleShape = SampleShape::Image { channels: 3, height: 9, width: 12 };

#[test]
fn one_step_of_every_network_on_the_cpu_is_the_composed_one() {
    let cpu = Chosen::cpu("tested");
    for (spec, shape, normalise) in [
        ("mlp:64,64", SampleShape::Flat(2), "none"),
        ("mlp:33,7", SampleShape::Flat(5), "0.3/0.5"),
        ("mlp:20", IMAGE_32, "0.1,0.2,0.3/0.4,0.5,0.6"),
        ("small-cnn-28", IMAGE_28, "0.1307/0.3081"),
        ("small-cnn-32", IMAGE_32, "none"),
        ("resnet18", IMAGE_32, "none"),
        ("preact-resnet18", IMAGE_32, "none"),
        ("wrn:10,1", IMAGE_32, "none"),
    ] {
        one_step_is_the_same(spec, shape, 10, normalise, 21, &cpu);
    }
}

#[test]
fn many_steps_of_networks_on_the_cpu_come_to_the_same() {
    let cpu = Chosen::cpu("tested");
    many_steps_are_the_same("mlp:64,64", SampleShape::Flat(2), 2, "none", 1000, &cpu);
    many_steps_are_the_same("mlp:128,128", SampleShape::Flat(64), 10, "none", 300, &cpu);
    many_steps_are_the_same("small-cnn-28", IMAGE_28, 10, "none", 40, &cpu);
}

/// Inputs, hidden widths and classes up to the limits, and sizes that fill no register and no slot.
const PERCEPTRONS: [(&str, usize, usize); 6] = [
    ("mlp:64,64", 2, 2),
    ("mlp:128,128", 64, 10),
    ("mlp:5,7,3", 3, 2),
    ("mlp:61", 90, 11),
    ("mlp:256,200", 784, 10),
    ("mlp:256,256,256,256", 1024, 64),
];

#[test]
fn the_kernel_comes_to_the_same_as_the_layers_on_the_gpu() {
    let Some(gpu) = adapter() else { return };
    for (spec, inputs, classes) in PERCEPTRONS {
        one_step_is_the_same(spec, SampleShape::Flat(inputs), classes, "none", 19, &gpu);
        many_steps_are_the_same(spec, SampleShape::Flat(inputs), classes, "none", 203, &gpu);
    }
}

#[test]
fn the_kernel_and_its_twin_come_to_the_same() {
    let Some(gpu) = adapter() else { return };
    let cpu = Chosen::cpu("tested");
    for (spec, inputs, classes) in PERCEPTRONS {
        for loss in LOSSES {
            let attack = attack(loss, 4, Path::Fused);
            let samples = 101;
            let [on_gpu, on_cpu] = [&gpu, &cpu].map(|chosen| {
                let shape = SampleShape::Flat(inputs);
                let network = network(spec, shape, classes, "none", &chosen.device);
                let batch = batch(&network, shape, samples, classes, &attack, &chosen.device);
                let (adversarial, ways) = attack.trace(&network, &batch);
                let measured = measured(&adversarial, &network, &batch, &attack);
                (read(adversarial.images), measured, pollster::block_on(ways.read()).unwrap())
            });
            let kappa = on_gpu.1.iter().zip(&on_cpu.1).filter(|(g, c)| g.kappa == c.kappa && g.first_hit == c.first_hit).count();
            assert!(kappa * 1000 >= samples * 990, "{spec} {loss}: {kappa} of {samples} kappas");
            let near = on_gpu.0.iter().zip(&on_cpu.0).filter(|(g, c)| (*g - *c).abs() <= 1e-5).count();
            // The gradient of KL is a difference of probabilities, so more of its small entries are rounding's to choose.
            let least = if loss == LossKind::Kl { 995 } else { 999 };
            assert!(near * 1000 >= on_gpu.0.len() * least, "{spec} {loss}: {near} of {} coordinates", on_gpu.0.len());
            for (g, c) in on_gpu.2.iter().zip(&on_cpu.2) {
                let apart = (g[0].margin - c[0].margin).abs() + (g[0].loss - c[0].loss).abs();
                assert!(apart <= 1e-3 * (1.0 + c[0].margin.abs() + c[0].loss.abs()), "{spec} {loss}: {g:?} {c:?}");
            }
        }
    }
}

#[test]
fn trajectories_begin_at_the_start_end_at_the_result_and_say_what_the_records_say() {
    for chosen in devices() {
        let shape = SampleShape::Flat(6);
        let network = network("mlp:9,8", shape, 3, "none", &chosen.device);
        for loss in LOSSES {
            let ways = [Path::Fused, Path::Composed].map(|path| {
                let attack = attack(loss, 4, path);
                let batch = batch(&network, shape, 37, 3, &attack, &chosen.device);
                let (adversarial, ways) = attack.trace(&network, &batch);
                let ways = pollster::block_on(ways.read()).unwrap();
                let (start, images) = (read(batch.start.clone()), read(adversarial.images.clone()));
                for (sample, (way, measured)) in ways.iter().zip(measured(&adversarial, &network, &batch, &attack)).enumerate() {
                    let row = sample * 6..(sample + 1) * 6;
                    assert_eq!(way.len(), 5);
                    assert_eq!(way[0].position, start[row.clone()], "{path}");
                    assert_eq!(way[4].position, images[row], "{path}");
                    assert!((way[0].margin - measured.margin_start).abs() < 1e-6);
                    assert!((way[4].margin - measured.margin_adversarial).abs() < 1e-4, "{path} {way:?} {measured:?}");
                    let correct = way[..4].iter().filter(|point| point.margin > 0.0).count();
                    assert!(correct as u32 == measured.kappa || way.iter().any(|point| point.margin == 0.0));
                }
                // Keeping the way changes nothing.
                assert_eq!(read(attack.run(&network, &batch).images), images);
                ways
            });
            let points = |ways: &[Vec<Point>]| ways.iter().flatten().cloned().collect::<Vec<_>>();
            let (fused, composed) = (points(&ways[0]), points(&ways[1]));
            let near =
                fused.iter().zip(&composed).filter(|(f, c)| (f.loss - c.loss).abs() <= 1e-4 * (1.0 + c.loss.abs())).count();
            assert!(near * 100 >= fused.len() * 98, "{loss} on {}: {near} of {}", chosen.name, fused.len());
        }
    }
}

#[test]
fn on_the_cpu_a_sample_comes_to_the_same_whatever_samples_are_around_it() {
    let device = Device::flex();
    for (spec, shape) in [("mlp:64,64", SampleShape::Flat(2)), ("small-cnn-28", IMAGE_28)] {
        let network = network(spec, shape, 10, "none", &device);
        let attack = attack(LossKind::CrossEntropy, 3, Path::Fused);
        let all = batch(&network, shape, 70, 10, &attack, &device);
        let images = read(attack.run(&network, &all).images);
        let few = |tensor: &Tensor<2>| tensor.clone().slice([33..36, 0..shape.len()]);
        let labels = all.labels.clone().narrow(0, 33, 3);
        let part = Batch { natural: few(&all.natural), labels, start: few(&all.start) };
        assert_eq!(read(attack.run(&network, &part).images), images[33 * shape.len()..36 * shape.len()]);
    }
}

/// Without a ball to move in, both paths train on the same images: what differs is how the update is computed.
#[test]
fn training_steps_computed_as_a_whole_are_the_composed_ones() {
    let (shape, classes, samples) = (IMAGE_28, 4, 37);
    let mut stream = Stream::new(8, Purpose::Benchmark, 0, 0);
    let train = Samples {
        pixels: (0..samples * shape.len()).map(|_| stream.uniform()).collect(),
        labels: (0..samples).map(|_| stream.below(classes) as u32).collect(),
        rows: (0..samples as u32).collect(),
    };
    let source = Settings::default().data;
    let (validation, test) = (Samples::default(), Samples::default());
    let dataset = Dataset { source, shape, classes, train, validation, test, notes: Vec::new(), about: String::new() };
    for method in ["at", "gairat"] {
        let [fused, composed] = [Path::Fused, Path::Composed].map(|path| {
            let mut settings = Settings { epsilon: 0.0, burn_in: 0, lr: 0.05, path, ..Settings::default() };
            for (name, value) in [("model", "small-cnn-28"), ("normalise", "0.1/0.5"), ("init", "he"), ("method", method)] {
                settings.set(name, value).unwrap();
            }
            let mut trainer = Trainer::new(&settings.checked().unwrap(), &dataset, &Device::flex()).unwrap();
            let mut log = EpochLog::default();
            for step in 0..3 {
                trainer.step(&dataset, &(0..samples).collect::<Vec<_>>(), (1, step), &mut log);
            }
            pollster::block_on(log.fetch()).unwrap();
            let weights = pollster::block_on(named_tensors(trainer.network())).unwrap();
            (weights, log.samples(), pollster::block_on(trainer.sgd.velocities()).unwrap())
        });
        assert!(method == "at" || fused.1.iter().any(|sample| (sample.omega - 1.0).abs() > 0.1), "weights that say something");
        for (f, c) in fused.1.iter().zip(&composed.1) {
            let (f, c) = (f.measured, c.measured);
            assert_eq!((f.kappa, f.broken), (c.kappa, c.broken));
            assert!((f.loss - c.loss).abs() < 1e-4 * (1.0 + c.loss.abs()), "{f:?} {c:?}");
        }
        for ((name, f), c) in fused.0.iter().zip(composed.0.values()) {
            let greatest = c.values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            for (f, c) in f.values.iter().zip(&c.values) {
                assert!((f - c).abs() <= 1e-4 * greatest, "{method} {name}: {f} {c}");
            }
        }
        for (f, c) in fused.2.iter().zip(&composed.2) {
            let greatest = c.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            assert!(f.iter().zip(c).all(|(f, c)| (f - c).abs() <= 1e-3 * greatest), "{method}: a velocity");
        }
    }
}

/// Submissions are of bounded length: a batch may be attacked in one dispatch or in many.
#[test]
fn slices_of_a_batch_come_to_what_the_whole_batch_comes_to() {
    let Some(gpu) = adapter() else { return };
    let shape = SampleShape::Flat(3);
    let network = network("mlp:33,64", shape, 3, "none", &gpu.device);
    let attack = attack(LossKind::Kl, 6, Path::Fused);
    let batch = batch(&network, shape, 301, 3, &attack, &gpu.device);
    let [many, few] = [1, u64::MAX].map(|speed| {
        (0..40).for_each(|_| pace::learn(speed, 1.0));
        let (found, dispatches) = dispatches::count(|| {
            let (adversarial, ways) = attack.trace(&network, &batch);
            let ways = pollster::block_on(ways.read()).unwrap();
            (read(adversarial.images), read(adversarial.on_path), ways)
        });
        (found, dispatches)
    });
    assert!(many.1 > few.1 + 5, "{} and {} dispatches", many.1, few.1);
    assert_eq!(many.0, few.0);
}

#[test]
fn on_the_cpu_one_thread_and_three_come_to_the_same_bits() {
    let device = Device::flex();
    let network = network("small-cnn-28", IMAGE_28, 10, "none", &device);
    let attack = attack(LossKind::CrossEntropy, 2, Path::Fused);
    let batch = batch(&network, IMAGE_28, 5, 10, &attack, &device);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| read(attack.run(&network, &batch).images))
    };
    // Fewer tiles than threads: three threads share the channels of one.
    assert_eq!(on(1), on(3));
}

#[test]
fn the_kernel_of_sgd_is_its_twin() {
    let Some(gpu) = adapter() else { return };
    let mut stream = Stream::new(4, Purpose::Benchmark, 0, 0);
    let mut draw = || (0..1000).map(|_| stream.normal()).collect::<Vec<f32>>();
    let (theta, velocity, gradient) = (draw(), draw(), draw());
    for momentum in [0.0, 0.9] {
        let settings = SgdSettings { momentum, decay: 0.01, rate: 0.1 };
        let upload = |values: &[f32]| Tensor::<1>::from_data(TensorData::new(values.to_vec(), [1000]), &gpu.device);
        // In the first step the gradient itself stands in for the velocity.
        let before = if momentum == 0.0 { &gradient } else { &velocity };
        let on_gpu = gairat::train::step_of_sgd(upload(&theta), upload(before), upload(&gradient), settings);
        let expected = sgd_step(&theta, before, &gradient, settings);
        for (found, expected) in [(read(on_gpu.0), expected.0), (read(on_gpu.1), expected.1)] {
            assert!(found.iter().zip(&expected).all(|(f, e)| (f - e).abs() <= 1e-6 * (1.0 + e.abs())), "momentum {momentum}");
        }
    }
}

/// A classifier that is no list of layers.
struct Opaque(Network);

impl Classifier for Opaque {
    fn logits(&self, samples: Tensor<2>) -> Tensor<2> {
        self.0.logits(samples)
    }
}

#[test]
fn the_way_is_chosen_by_network_and_device_and_a_forced_one_that_is_not_there_is_refused() {
    let cpu = Device::flex();
    let shape = SampleShape::Flat(2);
    let perceptron = network("mlp:8", shape, 2, "none", &cpu);
    assert_eq!(Path::Auto.taken(&perceptron, &cpu), Ok(Path::Fused));
    assert_eq!(Path::Composed.taken(&perceptron, &cpu), Ok(Path::Composed));
    let opaque = Opaque(perceptron);
    assert_eq!(Path::Auto.taken(&opaque, &cpu), Ok(Path::Composed));
    let refused = Path::Fused.taken(&opaque, &cpu).unwrap_err().to_string();
    assert!(refused.starts_with("path") && refused.contains("auto or composed"), "{refused}");
    if let Some(gpu) = adapter() {
        // In one kernel, or in whole passes.
        for (spec, shape, normalise) in [
            ("mlp:64", shape, "none"),
            ("mlp:257", shape, "none"),
            ("mlp:8", shape, "0.5/0.5"),
            ("small-cnn-28", IMAGE_28, "none"),
        ] {
            let network = network(spec, shape, 10, normalise, &gpu.device);
            assert_eq!(Path::Auto.taken(&network, &gpu.device), Ok(Path::Fused));
            assert_eq!(Path::Fused.taken(&network, &gpu.device), Ok(Path::Fused));
            assert_eq!(Path::Composed.taken(&network, &gpu.device), Ok(Path::Composed));
        }
        let opaque = Opaque(network("mlp:8", shape, 2, "none", &gpu.device));
        assert_eq!(Path::Auto.taken(&opaque, &gpu.device), Ok(Path::Composed));
        assert!(Path::Fused.taken(&opaque, &gpu.device).unwrap_err().to_string().contains("list of layers"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_step_of_sgd_is_its_formula(numbers in 1_usize..300, momentum in 0.0_f32..0.99, decay in 0.0_f32..0.1, rate in 1e-4_f32..1.0, seed: u64) {
        let mut stream = Stream::new(seed, Purpose::Benchmark, 0, 0);
        let mut draw = || (0..numbers).map(|_| stream.normal()).collect::<Vec<f32>>();
        let (theta, velocity, gradient) = (draw(), draw(), draw());
        let (next, kept) = sgd_step(&theta, &velocity, &gradient, SgdSettings { momentum, decay, rate });
        for i in 0..numbers {
            let v = f64::from(momentum) * f64::from(velocity[i]) + f64::from(gradient[i]) + f64::from(decay) * f64::from(theta[i]);
            prop_assert!((f64::from(kept[i]) - v).abs() < 1e-6 * (1.0 + v.abs()) * 4.0);
            let moved = f64::from(theta[i]) - f64::from(rate) * v;
            prop_assert!((f64::from(next[i]) - moved).abs() < 1e-6 * (1.0 + moved.abs() + v.abs()) * 4.0);
        }
    }
}
