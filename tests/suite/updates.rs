//! The update of a network in lanes on the CPU against the one layer by layer through the tensor library, and on several threads.

use burn::tensor::Device;
use gairat::{
    attack::Path,
    dataset::{Dataset, SampleShape, Samples},
    model::{Parameters, named_gradient, named_tensors},
    random::{Purpose, Stream},
    settings::Settings,
    train::Trainer,
};

use crate::executor::{AT_KINKS, apart};

const COLOUR: SampleShape = SampleShape::Image { channels: 3, height: 9, width: 12 };
/// More than fill the registers of any machine, and no multiple of their width.
const SAMPLES: usize = 19;

/// Drawn samples of three classes.
fn noise() -> Dataset {
    let mut stream = Stream::new(3, Purpose::Benchmark, 0, 0);
    let train = Samples {
        pixels: (0..SAMPLES * COLOUR.len()).map(|_| stream.uniform()).collect(),
        labels: (0..SAMPLES).map(|_| stream.below(3) as u32).collect(),
        rows: (0..SAMPLES as u32).collect(),
    };
    let (validation, test) = (Samples::default(), Samples::default());
    Dataset {
        source: Settings::default().data,
        shape: COLOUR,
        classes: 3,
        train,
        validation,
        test,
        about: String::new(),
        notes: Vec::new(),
    }
}

/// The gradient of an update, the gradients of its natural and adversarial terms where a method asks for them, and the network after
/// it, running statistics included.
fn update(method: &str, spec: &str, normalise: &str, path: Path) -> Vec<Parameters> {
    let data = noise();
    let mut settings = Settings { epsilon: 0.0, burn_in: 0, lr: 0.1, path, ..Settings::default() };
    for (name, value) in [("model", spec), ("normalise", normalise), ("init", "he"), ("method", method)] {
        settings.set(name, value).unwrap();
    }
    let mut trainer = Trainer::new(&settings.checked().unwrap(), &data, &Device::flex()).unwrap();
    let counts: Vec<(f32, f32)> = (0..SAMPLES).map(|sample| (sample as f32 % 11.0, sample as f32 % 11.0)).collect();
    // Not the natural samples: the two passes of a method are to differ.
    let images = data.train.pixels.iter().map(|pixel| 1.0 - pixel).collect();
    let parts = trainer.step_apart_on(&data, &(0..SAMPLES).collect::<Vec<_>>(), (1, 0), images, &counts);
    let named = |gradient| pollster::block_on(named_gradient(&trainer.network, gradient)).unwrap();
    let mut found = vec![named(&parts.gradient)];
    found.extend(parts.terms.iter().flatten().map(named));
    found.push(pollster::block_on(named_tensors(&trainer.network)).unwrap());
    found
}

#[test]
fn an_update_in_lanes_is_the_one_layer_by_layer() {
    for spec in ["small-cnn-32"] {
        for (method, normalise) in [("at", "0.3/0.5"), ("trades", "none"), ("ca-at", "none")] {
            let [lanes, layers] = [Path::Fused, Path::Composed].map(|path| update(method, spec, normalise, path));
            assert_eq!(lanes.len(), layers.len());
            for (found, expected) in lanes.iter().zip(&layers) {
                let (share, furthest) = apart(found, expected, 1e-3);
                let what =
                    format!("{spec}, {method}, normalise {normalise}: {share} of the numbers are apart; furthest {furthest}");
                println!("{what}");
                assert!(share <= AT_KINKS, "{what}");
            }
        }
    }
}

#[test]
fn threads_change_no_bit_of_an_update() {
    for (spec, method) in [("small-cnn-32", "at"), ("resnet18", "trades")] {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| update(method, spec, "none", Path::Fused))
        };
        let one = on(1);
        for threads in [2, 4, 16] {
            assert!(on(threads) == one, "{spec} on {threads} threads");
        }
    }
}
