//! The same seed gives the same run: over threads, over repetitions on one adapter, and where two methods are one.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use gairat::{
    dataset,
    device::{self, Chosen},
    model::{NamedTensor, Parameters, named_tensors},
    settings::Settings,
    train::{EpochLog, Trainer},
};

use crate::{
    adapter::adapter,
    runs::{assert_same_files, enlarged_digits, run, settings},
};

/// All files of a run on a pool of `threads` threads.
fn run_on(threads: usize, settings: &Settings) -> BTreeMap<String, Vec<u8>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| run(settings, &Chosen::cpu("tested")))
}

#[test]
fn one_thread_and_two_leave_the_same_bytes() {
    let digits = settings(&[("data", "digits"), ("epochs", "3"), ("burn_in", "1")]);
    assert_same_files(&run_on(1, &digits), &run_on(2, &digits), &[]);
    let root = tempfile::tempdir().unwrap();
    let data = enlarged_digits(root.path(), 120);
    let cnn = settings(&[
        ("data", &data),
        ("epochs", "2"),
        ("burn_in", "1"),
        ("steps", "2"),
        ("batch", "64"),
        ("model", "small-cnn-28"),
    ]);
    assert_same_files(&run_on(1, &cnn), &run_on(2, &cnn), &[]);
}

/// The CPU backend splits reductions over threads where they are long (4 Mi numbers and more, by its source). The sums of a step are those
/// along one dimension that are tried here, and whole sums over a batch, of 65,536 numbers at most. One that depended on the
/// number of threads would break the claim above for large networks.
#[test]
fn long_sums_do_not_depend_on_the_number_of_threads() {
    let len = (4 << 20) + 12_345;
    let values: Vec<f32> = (0..len).map(|i| ((i * 7919) % 1000) as f32 * 1e-3 - 0.3).collect();
    let sums = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let flat = Tensor::<1>::from_data(TensorData::new(values.clone(), [len]), &Device::flex());
            let square = flat.clone().narrow(0, 0, 4 << 20).reshape([64, 1 << 16]);
            let read = |tensor: Tensor<1>| pollster::block_on(device::read(tensor)).unwrap();
            let columns = read(square.clone().sum_dim(0).reshape([1 << 16]));
            let rows = read(square.clone().sum_dim(1).reshape([64]));
            let image = read(square.reshape([4, 16, 256, 256]).swap_dims(0, 1).reshape([16, 4 << 16]).mean_dim(1).reshape([16]));
            (columns, rows, image)
        })
    };
    let one = sums(1);
    for threads in [2, 3] {
        assert!(sums(threads) == one, "{threads} threads");
    }
}

#[test]
fn two_runs_on_one_adapter_leave_the_same_bytes() {
    let Some(gpu) = adapter() else { return };
    let settings =
        settings(&[("data", "digits"), ("epochs", "1"), ("burn_in", "0"), ("test", "100"), ("steps", "4"), ("model", "mlp:32")]);
    let root = tempfile::tempdir().unwrap();
    let data = enlarged_digits(root.path(), 44);
    let layers = crate::runs::settings(&[
        ("data", &data),
        ("epochs", "1"),
        ("burn_in", "0"),
        ("test", "8"),
        ("steps", "1"),
        ("batch", "20"),
        ("model", "small-cnn-28"),
    ]);
    for settings in [settings, layers] {
        let alone = run(&settings, &gpu);
        assert_same_files(&alone, &beside_busy_threads(|| run(&settings, &gpu)), &[]);
    }
}

/// Does the work while other threads keep every core busy: what is measured of the device's speed then is another.
fn beside_busy_threads<T>(work: impl FnOnce() -> T) -> T {
    use std::sync::atomic::{AtomicBool, Ordering};
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let result = work();
        done.store(true, Ordering::Relaxed);
        result
    })
}

/// The weights after three epochs of a trainer.
fn trained(settings: &Settings, device: &Device) -> Parameters {
    let plan = settings.checked().unwrap();
    let data = dataset::load(&plan.request).unwrap();
    let mut trainer = Trainer::new(&plan, &data, device).unwrap();
    for epoch in 1..=3 {
        let mut log = EpochLog::default();
        for (step, places) in trainer.steps_of(&data, epoch).iter().enumerate() {
            trainer.step(&data, places, (epoch, step), &mut log);
        }
    }
    pollster::block_on(named_tensors(trainer.network())).unwrap()
}

#[test]
fn an_infinite_lambda_and_burn_in_are_adversarial_training_bit_for_bit() {
    let base = [("data", "digits"), ("epochs", "3"), ("burn_in", "0")];
    let with = |more: &[(&str, &str)]| trained(&settings(&[&base[..], more].concat()), &Device::flex());
    let at = with(&[("method", "at")]);
    for rule in ["tanh", "sigmoid", "discrete"] {
        assert!(with(&[("lambda", "inf"), ("weighting", rule)]) == at, "{rule} at λ = inf");
    }
    assert!(with(&[("burn_in", "3")]) == at, "GAIRAT before its burn-in is over");
    assert!(with(&[]) != at, "weights change something, or the test shows nothing");
}

#[test]
fn weights_survive_the_way_through_names_and_layouts() {
    let plan = settings(&[("data", "digits")]).checked().unwrap();
    let data = dataset::load(&plan.request).unwrap();
    let trainer = Trainer::new(&plan, &data, &Device::flex()).unwrap();
    let named = pollster::block_on(named_tensors(trainer.network())).unwrap();
    let shapes: Vec<(&str, &[usize])> = named.iter().map(|(name, tensor)| (name.as_str(), tensor.shape.as_slice())).collect();
    assert_eq!(
        shapes,
        [
            ("0.bias", &[128][..]),
            ("0.weight", &[128, 64]),
            ("2.bias", &[128]),
            ("2.weight", &[128, 128]),
            ("4.bias", &[10]),
            ("4.weight", &[10, 128])
        ]
    );
    let mut given: Parameters = named.iter().map(|(name, tensor)| (format!("module.{name}"), tensor.clone())).collect();
    given.insert("bn.num_batches_tracked".to_owned(), NamedTensor { shape: vec![], values: vec![3.0] });
    let back = gairat::model::with_tensors(trainer.network().clone(), &given).unwrap();
    assert_eq!(pollster::block_on(named_tensors(&back)).unwrap(), named);

    given.remove("module.2.bias");
    given.insert("extra".to_owned(), NamedTensor { shape: vec![1], values: vec![0.0] });
    given.get_mut("module.0.weight").unwrap().shape = vec![64, 128];
    let problems = gairat::model::with_tensors(trainer.network().clone(), &given).unwrap_err().problems;
    assert_eq!(problems.len(), 3, "{problems:?}");
    for part in ["`2.bias` [128] is missing", "`0.weight` is [64, 128], expected [128, 64]", "`extra` [1] is unknown"] {
        assert!(problems.iter().any(|problem| problem == part), "{part} in {problems:?}");
    }
}
