//! Steps of a perceptron as a whole, from the attack to SGD, on a GPU and in lanes, against those of the tensor library on the CPU.

use burn::tensor::{Device, Tensor};
use gairat::{
    attack::Path,
    dataset::{Dataset, SampleShape},
    device, dispatches,
    model::{NamedTensor, Parameters, named_tensors, with_tensors},
    pace,
    random::{Purpose, Stream},
    settings::Settings,
    train::{EpochLog, SampleRecord, Trainer},
};

use crate::{
    adapter::adapter,
    one_update::{AT_A_KINK, DRAWS, NEAR, apart, noise, noise_of},
};

/// Methods whose steps go through the kernels.
const METHODS: [&str; 3] = ["at", "gairat", "ham"];

fn trainer(method: &str, spec: &str, epsilon: f64, path: Path, data: &Dataset, device: &Device) -> Trainer {
    let mut settings = Settings { epsilon, burn_in: 0, lr: 0.1, path, ..Settings::default() };
    for (name, value) in [("model", spec), ("init", "he"), ("method", method)] {
        settings.set(name, value).unwrap();
    }
    Trainer::new(&settings.checked().unwrap(), data, device).unwrap()
}

/// The CPU, and the GPU if there is one.
fn devices() -> Vec<Device> {
    [Device::flex()].into_iter().chain(adapter().map(|gpu| gpu.device.clone())).collect()
}

fn samples(log: &mut EpochLog) -> Vec<SampleRecord> {
    pollster::block_on(log.fetch()).unwrap();
    log.samples()
}

/// Weights, and velocities by their place.
fn state(trainer: &Trainer) -> [Parameters; 2] {
    let velocities = pollster::block_on(trainer.sgd.velocities()).unwrap();
    let named = velocities.into_iter().enumerate();
    let velocities =
        named.map(|(place, values)| (place.to_string(), NamedTensor { shape: vec![values.len()], values })).collect();
    [pollster::block_on(named_tensors(trainer.network())).unwrap(), velocities]
}

fn steps(trainer: &mut Trainer, data: &Dataset, count: usize) -> Vec<SampleRecord> {
    let all: Vec<usize> = (0..data.train.rows.len()).collect();
    let mut log = EpochLog::default();
    (0..count).for_each(|step| drop(trainer.step(data, &all, (1, step), &mut log)));
    samples(&mut log)
}

/// Whether two steps come to what they come to layer by layer on the CPU. The bound of the gradient (the velocity after a step is little
/// else) is that of updates of all networks: of a sum over up to 150 samples of sums of up to 150 products the last digit, 6e-8, counts the square root
/// of 300 times on average, and at most 300 times.
fn is_that_of_the_layers(
    method: &str,
    spec: &str,
    inputs: usize,
    classes: usize,
    count: usize,
    device: &Device,
) -> Result<(), String> {
    let mut jumps = Vec::new();
    for seed in 0..DRAWS {
        let data = noise_of(SampleShape::Flat(inputs), count, classes, seed);
        let [(found, said), (expected, expected_said)] =
            [(Path::Auto, device), (Path::Composed, &Device::flex())].map(|(path, device)| {
                let mut trainer = trainer(method, spec, 0.0, path, &data, device);
                let said = steps(&mut trainer, &data, 2);
                (state(&trainer), said)
            });
        let (distance, name, part) = (found.iter().zip(&expected))
            .map(|(found, expected)| apart(found, expected))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap();
        let near = |a: f32, b: f32| (a - b).abs() <= 1e-4 * (1.0 + b.abs());
        let wrong = said.iter().zip(&expected_said).find(|(f, e)| {
            let (f, e) = (**f, **e);
            let [measured, other] = [f.measured, e.measured];
            let counts = (f.row, measured.kappa, measured.first_hit, measured.broken)
                == (e.row, other.kappa, other.first_hit, other.broken);
            let numbers = [
                (measured.loss, other.loss),
                (measured.margin_start, other.margin_start),
                (measured.margin_adversarial, other.margin_adversarial),
                (f.omega, e.omega),
                (f.extra, e.extra),
            ];
            !counts || f.axis != e.axis || f.objective != e.objective || numbers.iter().any(|&(f, e)| !near(f, e))
        });
        if distance <= NEAR && wrong.is_none() {
            return Ok(());
        }
        jumps.push(format!("{name} by {distance} ({part} of the whole), {wrong:?}"));
        if part > AT_A_KINK {
            break;
        }
    }
    Err(format!("{spec}, {method}, {count} samples of {inputs}, {classes} classes: {}", jumps.join("; ")))
}

#[test]
fn a_step_is_that_of_the_layers_for_any_number_of_samples_and_any_size() {
    for device in devices() {
        any_size(&device);
    }
}

fn any_size(device: &Device) {
    // Drawn, but the same in every run.
    let mut stream = Stream::new(21, Purpose::Benchmark, 0, 0);
    for case in 0..24 {
        let mut between = |least: usize, most: usize| least + stream.below(most + 1 - least);
        let widths: Vec<String> = (0..between(0, 4)).map(|_| between(1, 70).to_string()).collect();
        let spec = if widths.is_empty() { "mlp:5".to_owned() } else { format!("mlp:{}", widths.join(",")) };
        let (inputs, classes, count) = (between(1, 70), between(2, 10), between(1, 150));
        is_that_of_the_layers(METHODS[case % 3], &spec, inputs, classes, count, device).unwrap();
    }
}

#[test]
fn a_step_of_wide_and_of_narrow_perceptrons_is_that_of_the_layers() {
    // The largest there is, so large that a workgroup takes one sample, and batches of one sample, of a workgroup and one more, and of many.
    let cases = [
        ("mlp:256,256,256,256", 1024, 64, 3),
        ("mlp:256,256,256", 700, 10, 9),
        ("mlp:64,64", 2, 10, 1),
        ("mlp:64,64", 2, 10, 9),
        ("mlp:1", 1, 2, 17),
        ("mlp:64,64", 2, 3, 400),
    ];
    for (case, (spec, inputs, classes, count)) in cases.into_iter().enumerate() {
        for device in devices() {
            is_that_of_the_layers(METHODS[case % 3], spec, inputs, classes, count, &device).unwrap();
        }
    }
}

/// With a real attack: signs of gradients that are nearly 0 differ between devices, and kappa with them, for few samples.
#[test]
fn an_attack_before_a_step_counts_what_it_counts_on_the_cpu() {
    let Some(gpu) = adapter() else { return };
    let data = noise(SampleShape::Flat(2), 400, 3);
    let [found, expected] = [(Path::Auto, &gpu.device), (Path::Composed, &Device::flex())]
        .map(|(path, device)| steps(&mut trainer("gairat", "mlp:64,64", 0.05, path, &data, device), &data, 1));
    let same = found.iter().zip(&expected).filter(|(f, e)| f.measured.kappa == e.measured.kappa).count();
    assert!(same * 1000 >= found.len() * 995, "{same} of {}", found.len());
    let between = expected.iter().filter(|sample| (1..10).contains(&sample.measured.kappa)).count();
    assert!(between > 10, "{between} samples broken on the way");
}

#[test]
fn reading_between_steps_changes_nothing_and_two_runs_come_to_the_same_bits() {
    for device in devices() {
        reading_changes_nothing(&device);
    }
}

fn reading_changes_nothing(device: &Device) {
    let data = noise(SampleShape::Flat(3), 70, 1);
    let run = |reads: bool| {
        let mut trainer = trainer("gairat", "mlp:33,17", 0.05, Path::Auto, &data, device);
        let mut said = Vec::new();
        for _ in 0..4 {
            said.extend(steps(&mut trainer, &data, 1));
            if reads {
                let [weights, velocities] = state(&trainer);
                // As from a checkpoint.
                let network = with_tensors(trainer.network().clone(), &weights).unwrap();
                trainer.set_network(network);
                trainer.sgd.restore(velocities.into_values().map(|tensor| tensor.values).collect(), device);
            }
        }
        (state(&trainer), said)
    };
    let (one, two, read) = (run(false), run(false), run(true));
    assert!(one == two, "two runs");
    assert!(one == read, "with readings");
}

#[test]
fn a_network_that_is_kept_stays_as_it_was_and_other_methods_go_on_from_the_newest() {
    for device in devices() {
        kept_networks_stay(&device);
    }
}

fn kept_networks_stay(device: &Device) {
    let data = noise(SampleShape::Flat(3), 40, 1);
    let [found, expected] = [(Path::Auto, device), (Path::Composed, &Device::flex())].map(|(path, device)| {
        let mut trainer = trainer("at", "mlp:20,11", 0.0, path, &data, device);
        steps(&mut trainer, &data, 2);
        let kept = trainer.network().clone();
        for method in ["trades", "gairat"] {
            let mut settings = trainer.plan.settings.clone();
            settings.set("method", method).unwrap();
            trainer.change(settings.checked().unwrap());
            steps(&mut trainer, &data, 2);
        }
        [pollster::block_on(named_tensors(&kept)).unwrap(), state(&trainer)[0].clone()]
    });
    for (found, expected) in found.iter().zip(&expected) {
        let (distance, name, _) = apart(found, expected);
        assert!(distance <= 1e-3, "{name} by {distance}");
    }
    assert!(apart(&found[0], &found[1]).0 > 0.01, "it has moved");
}

#[test]
fn a_step_takes_at_most_six_dispatches() {
    let Some(gpu) = adapter() else { return };
    let data = noise(SampleShape::Flat(2), 256, 4);
    let all: Vec<usize> = (0..256).collect();
    // As on a device that is fast enough for the whole attack at once.
    (0..40).for_each(|_| pace::learn(u64::MAX, 1.0));
    for method in METHODS {
        let mut trainer = trainer(method, "mlp:64,64", 0.05, Path::Auto, &data, &gpu.device);
        let mut run = |count: usize| {
            let read = |images: Tensor<2>| pollster::block_on(device::read(images)).unwrap();
            let mut log = EpochLog::default();
            let (_, dispatches) = dispatches::count(|| {
                let mut images = None;
                (0..count).for_each(|step| images = Some(trainer.step(&data, &all, (1, step), &mut log)));
                images.map(read)
            });
            dispatches
        };
        // The first step packs the network's tensors; what the reading costs is in both counts.
        run(1);
        let (one, five) = (run(1), run(5));
        let each = (five - one).div_ceil(4);
        println!("{method}: {each} dispatches a step");
        assert!(each <= 6, "{method}: {each} dispatches a step");
    }
}
