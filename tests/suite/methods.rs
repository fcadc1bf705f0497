//! What holds for every method, through the trainer: on every network, way and device, over interruptions, and in the limits in which one
//! method is another.

use std::fs;

use burn::tensor::{Device, Tensor};
use gairat::{
    attack::{Attack, LossKind, Path},
    batch::{Batch, Noise, Start, StartKey, random_start},
    dataset::{Dataset, SampleShape, Samples},
    device::{self, Chosen},
    evaluate::{self, Evaluation, Norm, Target, Threat},
    method::METHODS,
    model::{Gradient, Initialisation, Network, Normalisation, named_tensors},
    random::{Purpose, Stream},
    session::{Ending, Event},
    settings::Settings,
    train::{EpochLog, Trainer},
};

use crate::{
    adapter::adapter,
    runs::{assert_same_files, files, run, run_in, settings},
};

fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    pollster::block_on(device::read(tensor)).unwrap()
}

/// Random samples in [0, 1] with random labels.
fn noise(shape: SampleShape, classes: usize, samples: usize, seed: u64) -> Dataset {
    let mut stream = Stream::new(seed, Purpose::Benchmark, 0, 0);
    let train = Samples {
        pixels: (0..samples * shape.len()).map(|_| stream.uniform()).collect(),
        labels: (0..samples).map(|_| stream.below(classes) as u32).collect(),
        rows: (0..samples as u32).collect(),
    };
    Dataset {
        source: Settings::default().data,
        shape,
        classes,
        train,
        validation: Samples::default(),
        test: Samples::default(),
        notes: Vec::new(),
        about: String::new(),
    }
}

/// The names of all methods.
fn names() -> impl Iterator<Item = &'static str> {
    METHODS.iter().map(|entry| entry.about.name)
}

fn flat(gradient: &Gradient) -> Vec<f64> {
    gradient.tensors.iter().flat_map(|tensor| read(tensor.clone())).map(f64::from).collect()
}

/// How far two gradients point apart, and how much longer one is than the other.
fn apart(a: &[f64], b: &[f64]) -> (f64, f64) {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (of_a, of_b) = (dot(a, a).sqrt(), dot(b, b).sqrt());
    (1.0 - dot(a, b) / (of_a * of_b), (of_a / of_b - 1.0).abs())
}

/// A trainer of `method` on the CPU that has not stepped yet.
fn trainer(method: &str, model: &str, data: &Dataset, (steps, path): (u32, Path)) -> Trainer {
    let mut settings = Settings { burn_in: 0, epochs: 1, epsilon: 0.02, step_size: 0.01, steps, path, ..Settings::default() };
    for (name, value) in [("model", model), ("init", "he"), ("method", method)] {
        settings.set(name, value).unwrap();
    }
    Trainer::new(&settings.checked().unwrap(), data, &Device::flex()).unwrap()
}

/// On the same adversarial data: those of the two ways differ by a step where a gradient is near zero.
#[test]
fn every_method_comes_to_the_same_in_lanes_and_layer_by_layer() {
    let data = noise(SampleShape::Image { channels: 1, height: 28, width: 28 }, 4, 21, 3);
    let indices: Vec<usize> = (0..21).collect();
    for method in names() {
        let found = trainer(method, "small-cnn-28", &data, (5, Path::Auto)).step_apart(&data, &indices, (1, 0));
        let images = read(found.adversarial[0].clone());
        let counts: Vec<(f32, f32)> = read(found.kappa).into_iter().zip(read(found.first_hit)).collect();
        let [lanes, layers] = [Path::Auto, Path::Composed].map(|path| {
            trainer(method, "small-cnn-28", &data, (5, path)).step_apart_on(&data, &indices, (1, 0), images.clone(), &counts)
        });
        let close = |what: &str, a: Vec<f32>, b: Vec<f32>| {
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= 1e-4 * (0.01 + b.abs())), "{method}: {what} {a:?} {b:?}");
        };
        close("losses", read(lanes.loss.per_sample()), read(layers.loss.per_sample()));
        close("weights", read(lanes.omega.clone()), read(layers.omega.clone()));
        let (angle, length) = apart(&flat(&lanes.gradient), &flat(&layers.gradient));
        assert!(angle < 1e-6 && length < 1e-4, "{method}: gradients apart by {angle}, longer by {length}");
    }
}

#[test]
fn every_method_trains_with_batch_norm_and_with_one_sample_a_batch() {
    let image = SampleShape::Image { channels: 3, height: 32, width: 32 };
    for method in names() {
        for (model, shape, samples) in [("resnet18", image, 2), ("mlp:8", SampleShape::Flat(5), 1)] {
            let data = noise(shape, 3, samples, 5);
            // Dropping samples takes more steps than that.
            let steps = if method == "ham" { 4 } else { 1 };
            let mut trainer = trainer(method, model, &data, (steps, Path::Auto));
            let parts = trainer.step_apart(&data, &(0..samples).collect::<Vec<_>>(), (1, 0));
            let gradient = flat(&parts.gradient);
            assert!(gradient.iter().all(|number| number.is_finite()), "{method} {model}");
            assert!(read(parts.omega).iter().all(|omega| omega.is_finite() && *omega >= 0.0), "{method} {model}");
        }
    }
}

/// A short run on the moons; gives natural accuracy and PGD-20.
fn moons(method: &str, chosen: &Chosen) -> [f64; 2] {
    let settings = settings(&[
        ("points", "300"),
        ("epochs", "10"),
        ("burn_in", "5"),
        ("batch", "90"),
        ("validation", "0.1"),
        ("method", method),
    ]);
    let plan = settings.checked().unwrap();
    let data = gairat::dataset::load(&plan.request).unwrap();
    let mut trainer = Trainer::new(&plan, &data, &chosen.device).unwrap();
    for epoch in 1..=settings.epochs {
        let mut log = EpochLog::default();
        for (step, indices) in trainer.steps_of(&data, epoch).iter().enumerate() {
            trainer.step(&data, indices, (epoch, step), &mut log);
        }
        pollster::block_on(log.fetch()).unwrap();
    }
    let network = trainer.frozen();
    let threat = Threat { norm: Norm::LInf, epsilon: plan.attack.epsilon, seed: 0, path: Path::Auto };
    let target = Target { network: &network, samples: &data.test, shape: data.shape, threat, batch: 500, device: &chosen.device };
    let mut evaluation = Evaluation::new(target);
    ["natural", "pgd:20"].map(|attack| pollster::block_on(evaluation.attack(evaluate::parse(attack).unwrap())).unwrap().accuracy)
}

#[test]
fn every_method_learns_the_moons_on_a_gpu_as_on_the_cpu() {
    let Some(gpu) = adapter() else { return };
    for method in names() {
        let (on_cpu, on_gpu) = (moons(method, &Chosen::cpu("tested")), moons(method, &gpu));
        for (cpu, gpu) in on_cpu.iter().zip(on_gpu) {
            assert!((cpu - gpu).abs() <= 0.02, "{method}: {on_cpu:?} on the CPU, {on_gpu:?} on the GPU");
        }
        assert!(on_cpu[0] > 0.7, "{method}: {on_cpu:?}");
    }
}

/// What is kept besides the weights: the doubly robust average, the averaged weights; and perturbed weights leave nothing behind.
#[test]
fn runs_that_keep_more_than_weights_resume_bit_for_bit() {
    let cpu = Chosen::cpu("tested");
    for more in [
        &[("method", "dro"), ("nu", "0.3"), ("implicit", "barrier")][..],
        &[("method", "mart"), ("average", "0.9"), ("average_from", "2")],
        &[("method", "trades"), ("awp", "0.01"), ("awp_warmup", "1")],
        &[("method", "ca-at")],
        &[("method", "gair-fat"), ("tau", "2")],
        &[("method", "gair-trades"), ("weighted", "rst"), ("lambda", "3")],
    ] {
        let base = [
            ("data", "moons"),
            ("points", "220"),
            ("test", "50"),
            ("batch", "64"),
            ("epochs", "3"),
            ("burn_in", "1"),
            ("evaluate_every", "1"),
        ];
        let settings = settings(&[&base[..], more].concat());
        let whole = run(&settings, &cpu);
        assert_eq!(whole.contains_key("average.safetensors"), more.iter().any(|(name, _)| *name == "average"));
        for stops in [vec![2], vec![5, 1]] {
            let root = tempfile::tempdir().unwrap();
            let folder = root.path().join("run");
            for &steps in &stops {
                assert!(matches!(run_in(&folder, &settings, &cpu, Some(steps)).0.unwrap(), Ending::Stopped { .. }));
            }
            assert!(matches!(run_in(&folder, &settings, &cpu, None).0.unwrap(), Ending::Finished { .. }));
            assert_same_files(&whole, &files(&folder), &[]);
        }
    }
}

/// The average is `decay · average + (1 − decay) · weights`, from the epoch on that was asked for.
#[test]
fn averaged_weights_are_the_average_of_the_weights() {
    let data = noise(SampleShape::Flat(6), 3, 40, 1);
    let mut settings = Settings { burn_in: 0, average: 0.75, average_from: 2, ..Settings::default() };
    settings.set("model", "mlp:5").unwrap();
    let mut trainer = Trainer::new(&settings.checked().unwrap(), &data, &Device::flex()).unwrap();
    let indices: Vec<usize> = (0..40).collect();
    let weights = |network: &Network| -> Vec<f32> {
        pollster::block_on(named_tensors(network)).unwrap().into_values().flat_map(|tensor| tensor.values).collect()
    };
    trainer.step(&data, &indices, (1, 0), &mut EpochLog::default());
    assert!(trainer.averaged().is_none());
    let mut expected: Option<Vec<f32>> = None;
    for step in 0..4 {
        trainer.step(&data, &indices, (2, step), &mut EpochLog::default());
        let now = weights(trainer.network());
        expected = Some(match expected {
            Some(kept) => kept.iter().zip(&now).map(|(kept, now)| 0.75 * kept + 0.25 * now).collect(),
            None => now,
        });
        let found = weights(&trainer.averaged().unwrap());
        assert!(found.iter().zip(expected.as_ref().unwrap()).all(|(f, e)| (f - e).abs() <= 1e-6 * (1.0 + e.abs())));
    }
}

/// With perturbed weights the gradient is the one at `w + γ ‖w‖ g / ‖g‖`, here computed by hand, and the step is made at w.
#[test]
fn perturbed_weights_move_along_the_gradient_by_their_own_length() {
    let data = noise(SampleShape::Flat(6), 3, 40, 2);
    let indices: Vec<usize> = (0..40).collect();
    let trainer = |awp: f64| {
        let mut settings = Settings { burn_in: 0, awp, epsilon: 0.0, step_size: 0.0, random_start: false, ..Settings::default() };
        settings.set("model", "mlp:5").unwrap();
        settings.set("method", METHODS[0].about.name).unwrap();
        Trainer::new(&settings.checked().unwrap(), &data, &Device::flex()).unwrap()
    };
    let plain = trainer(0.0).step_apart(&data, &indices, (1, 0));
    let mut by_hand = trainer(0.0);
    let weights = pollster::block_on(named_tensors(by_hand.network())).unwrap();
    let gradient = pollster::block_on(gairat::model::named_gradient(by_hand.network(), &plain.gradient)).unwrap();
    let norm = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    let moved = weights
        .iter()
        .map(|(name, tensor)| {
            let mut tensor = tensor.clone();
            if tensor.shape.len() > 1 {
                let factor = 0.1 * norm(&tensor.values) / norm(&gradient[name].values);
                tensor.values.iter_mut().zip(&gradient[name].values).for_each(|(w, g)| *w += (factor * f64::from(*g)) as f32);
            }
            (name.clone(), tensor)
        })
        .collect();
    by_hand.set_network(gairat::model::with_tensors(by_hand.network().clone(), &moved).unwrap());
    let expected = by_hand.step_apart(&data, &indices, (1, 0));
    let mut perturbed = trainer(0.1);
    let before = pollster::block_on(named_tensors(perturbed.network())).unwrap();
    let found = perturbed.step_apart(&data, &indices, (1, 0));
    assert_eq!(
        read(found.loss.per_sample()),
        read(plain.loss.per_sample()),
        "the loss that is told is that of the weights as they were"
    );
    let (angle, length) = apart(&flat(&found.gradient), &flat(&expected.gradient));
    assert!(angle < 1e-9 && length < 1e-5, "{angle} {length}");
    assert!(apart(&flat(&found.gradient), &flat(&plain.gradient)).0 > 1e-6, "the perturbation changes something");
    let after = pollster::block_on(named_tensors(perturbed.network())).unwrap();
    for (name, tensor) in &after {
        let g = &pollster::block_on(gairat::model::named_gradient(by_hand.network(), &found.gradient)).unwrap()[name].values;
        for ((after, before), g) in tensor.values.iter().zip(&before[name].values).zip(g) {
            let expected = before - 0.1 * (g + 2e-4 * before);
            assert!((after - expected).abs() < 1e-6, "{name}: the step is made at the weights as they were");
        }
    }
}

/// A network and a batch of which early-stopped attacks break some samples early, some late and some never.
fn to_stop_early() -> (Network, Samples, Attack) {
    let device = Device::flex();
    let model = "mlp:16".parse().unwrap();
    let network =
        Network::new(&model, SampleShape::Flat(6), 3, &Normalisation::None, Initialisation::He, 4, &device.autodiff()).unwrap();
    let samples = noise(SampleShape::Flat(6), 3, 150, 9).train;
    let attack = Attack {
        epsilon: 0.12,
        step_size: 0.02,
        steps: 8,
        loss: LossKind::CrossEntropy,
        start: Some(Noise::Uniform),
        patience: None,
        path: Path::Auto,
    };
    (network, samples, attack)
}

/// Images, kappa and first hit of the samples at `indices`, by the row of each.
fn attacked(network: &Network, samples: &Samples, attack: Attack, indices: &[usize]) -> Vec<(u32, Vec<f32>, [f32; 2])> {
    use burn::module::Module as _;
    let samples = samples.select(indices, 6);
    let key = StartKey { seed: 3, purpose: Purpose::Start, epoch: 1 };
    let start = random_start(&samples.pixels, &samples.rows, 6, Start { epsilon: attack.epsilon, noise: Noise::Uniform }, key);
    let batch = Batch::new(samples.pixels.clone(), &samples.labels, Some(start), &Device::flex());
    let found = attack.run(&network.valid(), &batch);
    let (images, records) = (read(found.images), read(found.on_path));
    let each = samples.rows.iter().zip(images.chunks_exact(6)).zip(records.chunks_exact(4));
    let mut all: Vec<_> = each.map(|((&row, image), record)| (row, image.to_vec(), [record[2], record[3]])).collect();
    all.sort_by_key(|(row, ..)| *row);
    all
}

/// In place, nothing is reordered: whatever the order of the batch, every sample comes to the same, with its own label, kappa and row.
#[test]
fn early_stopped_attacks_do_not_depend_on_the_order_of_the_batch() {
    let (network, samples, attack) = to_stop_early();
    let in_order: Vec<usize> = (0..samples.len()).collect();
    for patience in [0, 1, 3] {
        let attack = Attack { patience: Some(patience), ..attack };
        let expected = attacked(&network, &samples, attack, &in_order);
        let kappas: Vec<f32> = expected.iter().map(|(.., [kappa, _])| *kappa).collect();
        assert!(kappas.iter().any(|kappa| *kappa < 3.0) && kappas.contains(&8.0), "{kappas:?}");
        for seed in 0..8 {
            let mut order = in_order.clone();
            Stream::new(seed, Purpose::Benchmark, 1, 0).shuffle(&mut order);
            assert!(attacked(&network, &samples, attack, &order) == expected, "τ {patience}, order {seed}");
        }
    }
}

#[test]
fn early_stopped_attacks_follow_their_definition_in_lanes_and_layer_by_layer() {
    let (network, samples, attack) = to_stop_early();
    let indices: Vec<usize> = (0..samples.len()).collect();
    let all_steps = attacked(&network, &samples, attack, &indices);
    // Patience for all checks never stops early: plain PGD, bit for bit.
    assert!(attacked(&network, &samples, Attack { patience: Some(8), ..attack }, &indices) == all_steps);
    for patience in [0, 1, 3] {
        let early = Attack { patience: Some(patience), ..attack };
        let lanes = attacked(&network, &samples, early, &indices);
        let layers = attacked(&network, &samples, Attack { path: Path::Composed, ..early }, &indices);
        let mut stopped = 0;
        for ((row, lanes, [kappa, first_hit]), (_, layers, counts)) in lanes.iter().zip(&layers) {
            assert_eq!([*kappa, *first_hit], *counts, "sample {row}");
            assert!(lanes.iter().zip(layers).all(|(a, b)| (a - b).abs() < 1e-6), "sample {row}");
            if patience == 0 {
                assert_eq!(kappa, first_hit, "without patience kappa is the first hit");
            }
            stopped += usize::from(*kappa < 8.0 - f64::from(patience) as f32);
        }
        assert!(stopped > 10 && stopped < samples.len() - 10, "τ {patience}: {stopped} stopped early");
        // A sample that stops at its first check has not moved from its start; one that is never wrong takes all steps.
        for ((row, early, [kappa, _]), (_, full, [of_full, _])) in lanes.iter().zip(&all_steps) {
            assert!(*kappa <= *of_full, "sample {row}");
            assert!(*of_full < 8.0 || early == full, "sample {row} was never wrong and must take all steps");
        }
    }
}

/// The gradient with the implicit term is the same in two orders of magnitude of the shift's size only if it is a derivative; that it is
/// the right one is shown beside `Surroundings` in the library. Here: it changes the gradient, and little where the barrier is strong.
#[test]
fn the_implicit_term_of_the_doubly_robust_method_vanishes_with_a_strong_barrier() {
    let data = noise(SampleShape::Flat(6), 3, 40, 7);
    let gradient = |pairs: &[(&str, &str)]| {
        let mut settings = Settings { burn_in: 0, epsilon: 0.1, step_size: 0.01, steps: 3, ..Settings::default() };
        for (name, value) in [&[("model", "mlp:12"), ("method", "dro")][..], pairs].concat() {
            settings.set(name, value).unwrap();
        }
        let mut trainer = Trainer::new(&settings.checked().unwrap(), &data, &Device::flex()).unwrap();
        flat(&trainer.step_apart(&data, &(0..40).collect::<Vec<_>>(), (1, 0)).gradient)
    };
    let without = gradient(&[]);
    let moved = |pairs: &[(&str, &str)]| apart(&gradient(pairs), &without).0;
    let (weak, strong) =
        (moved(&[("implicit", "barrier"), ("barrier", "0.1")]), moved(&[("implicit", "barrier"), ("barrier", "1000")]));
    assert!(weak > 100.0 * strong.abs() && strong < 1e-6, "{weak} {strong}");
    assert!(moved(&[("implicit", "fast-bat"), ("curvature", "1")]) > 1e-7);
}

/// log u is in units of 1/r: with another r it would switch all samples off.
#[test]
fn what_a_method_keeps_begins_anew_when_its_parameters_change() {
    let with_r = |r: &str, epochs: &str| {
        settings(&[
            ("data", "moons"),
            ("points", "200"),
            ("test", "50"),
            ("burn_in", "0"),
            ("evaluate_every", "1"),
            ("method", "dro"),
            ("nu", "0.01"),
            ("r", r),
            ("epochs", epochs),
        ])
    };
    let (small, large) = (with_r("0.05", "4"), with_r("10", "4"));
    let data = gairat::dataset::load(&small.checked().unwrap().request).unwrap();
    let mut trainer = Trainer::new(&small.checked().unwrap(), &data, &Device::flex()).unwrap();
    trainer.step(&data, &(0..100).collect::<Vec<_>>(), (1, 0), &mut EpochLog::default());
    trainer.change(with_r("0.05", "9").checked().unwrap());
    assert!(trainer.memory.numbers.is_some(), "more epochs change nothing of it");
    trainer.change(large.checked().unwrap());
    assert!(trainer.memory.numbers.is_none());

    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let cpu = Chosen::cpu("tested");
    assert!(matches!(run_in(&folder, &small, &cpu, Some(4)).0.unwrap(), Ending::Stopped { .. }));
    assert!(matches!(run_in(&folder, &large, &cpu, None).0.unwrap(), Ending::Finished { .. }));
    let samples = fs::read_to_string(folder.join("samples.csv")).unwrap();
    let weights: Vec<f64> = samples.lines().skip(1).map(|line| line.split(',').nth(4).unwrap().parse().unwrap()).collect();
    let mean = weights.iter().sum::<f64>() / weights.len() as f64;
    assert!((0.8..1.2).contains(&mean), "mean weight {mean}");
}

/// What is recorded of an epoch: all that is scheduled, no share where weights are factors, no λ where none counts; and what is told of
/// averaged weights says so.
#[test]
fn an_epoch_records_what_its_method_has_and_nothing_else() {
    let cpu = Chosen::cpu("tested");
    let table = |more: &[(&str, &str)]| -> (Vec<String>, Vec<String>) {
        let base =
            [("data", "moons"), ("points", "120"), ("test", "40"), ("epochs", "2"), ("burn_in", "0"), ("evaluate_every", "2")];
        let whole = run(&settings(&[&base[..], more].concat()), &cpu);
        let text = String::from_utf8(whole["metrics.csv"].clone()).unwrap();
        let line = |at: usize| text.lines().nth(at).unwrap().split(',').map(str::to_owned).collect();
        (line(0), line(2))
    };
    let cell = |(names, cells): &(Vec<String>, Vec<String>), name: &str| {
        names.iter().position(|there| there == name).map(|place| cells[place].clone())
    };
    let both = table(&[("method", "gair-fat")]);
    assert_eq!((cell(&both, "tau").as_deref(), cell(&both, "lambda").as_deref()), (Some("6"), Some("0")));
    assert!(cell(&both, "effective").unwrap().parse::<f64>().unwrap() > 0.0);
    for method in METHODS.iter().filter(|entry| !entry.about.omega_is_share) {
        assert_eq!(cell(&table(&[("method", method.about.name)]), "effective").as_deref(), Some(""), "{}", method.about.name);
    }
    assert_eq!(cell(&table(&[("weighting", "discrete"), ("lambda", "2")]), "lambda"), None);

    let averaged = settings(&[("points", "120"), ("test", "40"), ("epochs", "1"), ("average", "0.5"), ("method", "at")]);
    let (_, events) = run_in(&tempfile::tempdir().unwrap().path().join("run"), &averaged, &cpu, None);
    let told: Vec<&str> = events
        .iter()
        .filter_map(|event| if let Event::Evaluating { attack } = event { Some(attack.as_str()) } else { None })
        .collect();
    let (of_average, plain): (Vec<&str>, Vec<&str>) =
        told.iter().partition(|attack| attack.ends_with(", averaged weights of the last epoch"));
    assert!(!plain.is_empty() && of_average.len() == plain.len(), "{told:?}");
}

/// Where no sample counts, no share of them does, and a run is stopped rather than left to train on nothing.
#[test]
fn a_run_in_which_no_sample_counts_is_stopped() {
    let settings = settings(&[
        ("data", "blobs"),
        ("points", "200"),
        ("epochs", "60"),
        ("burn_in", "20"),
        ("epsilon", "0.01"),
        ("step_size", "0.002"),
        ("noise", "0.01"),
        ("method", "ham"),
        ("drop_after", "0"),
    ]);
    let (ending, _) = run_in(&tempfile::tempdir().unwrap().path().join("run"), &settings, &Chosen::cpu("tested"), None);
    let error = ending.unwrap_err().to_string();
    assert!(error.contains("only 0.00 % of the samples count"), "{error}");
}

/// A run that ends at chance level says so: in an event, in its summary, with both shares.
#[test]
fn a_run_that_learned_nothing_says_so_whatever_its_method() {
    for method in ["at", "gairat", "trades"] {
        // A step so short that no sample changes sides.
        let settings = settings(&[
            ("data", "gairat-overlapping"),
            ("points", "200"),
            ("epochs", "1"),
            ("lr", "1e-9"),
            ("validation", "0"),
            ("burn_in", "0"),
            ("seed", "1"),
            ("method", method),
            ("model", "mlp:2"),
            ("init", "he"),
            ("epsilon", "0.3"),
            ("step_size", "0.1"),
        ]);
        let (ending, events) = run_in(&tempfile::tempdir().unwrap().path().join("run"), &settings, &Chosen::cpu("tested"), None);
        let Ending::Finished { summary, .. } = ending.unwrap() else { panic!("it was not stopped") };
        let Some(sentence) = summary.at_chance.clone() else { panic!("{method}: {summary:?}") };
        assert!(sentence.contains("chance level") && sentence.contains('%'), "{sentence}");
        assert!(events.iter().any(|event| matches!(event, Event::Summary(told) if *told == summary)));
        let json = serde_json::to_string(&summary).unwrap();
        assert!(json.contains("at_chance") && serde_json::from_str::<gairat::metrics::Summary>(&json).unwrap() == summary);
    }
    let learned = settings(&[("points", "400"), ("epochs", "10"), ("burn_in", "5")]);
    let (ending, _) = run_in(&tempfile::tempdir().unwrap().path().join("run"), &learned, &Chosen::cpu("tested"), None);
    assert!(matches!(ending.unwrap(), Ending::Finished { summary, .. } if summary.at_chance.is_none()));
}
