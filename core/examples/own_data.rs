//! Samples of your own, from arrays in memory: trained on, evaluated, and written as a file that the program reads.
//!
//! ```text
//! cargo run --release -p gairat --example own_data
//! ```
//!
//! Each sample is a ring on a canvas of 8 x 8 pixels, drawn inside (class 0) or outside (class 1) of a circle. A program that has its samples in
//! a file needs less: `Source::from_str("npz:FILE")` and `dataset::load`.

use std::path::Path;

use burn::tensor::Device;
use gairat::{
    dataset::{self, Source, write_named},
    evaluate::{self, Evaluation, Norm, Target, Threat},
    settings::Settings,
    train::{EpochLog, Trainer},
};

/// Pixels of a side.
const SIDE: usize = 8;
/// How many samples there are.
const COUNT: usize = 600;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Arrays as any program has them: N x channels x height x width, numbers in [0, 1], and N labels.
    let labels: Vec<usize> = (0..COUNT).map(|sample| sample % 2).collect();
    let pixels: Vec<f32> = labels.iter().enumerate().flat_map(|(sample, label)| ring(sample, *label)).collect();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rings.npz");
    write(&file, pixels, &labels)?;

    let mut settings = Settings::recipe(Source::npz(file));
    let values =
        [("model", "mlp:32"), ("epsilon", "0.15"), ("step_size", "0.03"), ("epochs", "20"), ("burn_in", "5"), ("lr", "0.1")];
    for (name, value) in values {
        settings.set(name, value)?;
    }
    let plan = settings.checked()?;
    let data = dataset::load(&plan.request)?;
    println!("{} train and {} test samples of {}, {} classes", data.train.len(), data.test.len(), data.shape, data.classes);

    let device = Device::flex();
    let mut trainer = Trainer::new(&plan, &data, &device)?;
    for epoch in 1..=plan.settings.epochs {
        let mut log = EpochLog::default();
        for (step, indices) in trainer.steps_of(&data, epoch).iter().enumerate() {
            trainer.step(&data, indices, (epoch, step), &mut log);
        }
    }
    let network = trainer.frozen();
    let threat = Threat { norm: Norm::LInf, epsilon: plan.attack.epsilon, seed: 0, path: plan.settings.path };
    let target = Target { network: &network, samples: &data.test, shape: data.shape, threat, batch: 256, device: &device };
    let mut evaluation = Evaluation::new(target);
    for attack in ["natural", "pgd:20", "cw:20"] {
        let score = pollster::block_on(evaluation.attack(evaluate::parse(attack)?))?;
        println!("{:<8} {:6.2} %", score.label, 100.0 * score.accuracy);
    }
    Ok(())
}

/// A ring of a size and a place that depend on the sample's number.
fn ring(sample: usize, label: usize) -> Vec<f32> {
    let wobble = |factor: usize| ((sample * factor) % 97) as f32 / 97.0 - 0.5;
    let centre = [3.5 + wobble(31), 3.5 + wobble(57)];
    let radius = if label == 0 { 1.5 } else { 2.8 } + 0.8 * wobble(13);
    let pixel = |place: usize| {
        let [dx, dy] = [(place % SIDE) as f32 - centre[0], (place / SIDE) as f32 - centre[1]];
        (1.0 - (dx.hypot(dy) - radius).abs()).clamp(0.0, 1.0)
    };
    (0..SIDE * SIDE).map(pixel).collect()
}

/// An NPZ file with `x` and `y`, as `numpy.savez` writes it.
fn write(file: &Path, pixels: Vec<f32>, labels: &[usize]) -> Result<(), Box<dyn std::error::Error>> {
    let labels = labels.iter().map(|label| *label as f32).collect();
    write_named(file, &[("x".to_owned(), vec![COUNT, 1, SIDE, SIDE], pixels), ("y".to_owned(), vec![COUNT], labels)])?;
    Ok(())
}
