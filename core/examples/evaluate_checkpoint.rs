//! How robust a checkpoint is: weights from a file of PyTorch or of this program, a suite of attacks, the worst case with its interval.
//!
//! ```text
//! cargo run --release -p gairat --example evaluate_checkpoint [-- WEIGHTS DATA EPSILON]
//! ```
//!
//! Without arguments it trains a perceptron on digits for a moment, saves it, and evaluates that file.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use gairat::{
    checkpoint::{open_weights, write_weights},
    dataset::{self, Dataset, Source},
    evaluate::{Ledger, Norm, Order, Suite, Target, Threat, Unwatched, judge, radius},
    model::{ModelSpec, Normalisation, named_tensors},
    settings::Settings,
    train::{EpochLog, Trainer},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = tempfile::tempdir()?;
    let (weights, source, epsilon) = match &arguments[..] {
        [] => {
            let file = folder.path().join("digits.safetensors");
            train_and_save(&file)?;
            (file, Source::Digits, 0.1)
        }
        [weights, data, epsilon] => (PathBuf::from(weights), data.parse()?, radius(epsilon)?),
        _ => return Err("expected WEIGHTS DATA EPSILON, or nothing".into()),
    };
    let data = dataset::load(&Settings::recipe(source).checked()?.request)?;
    evaluate(&weights, &data, epsilon)
}

fn evaluate(file: &Path, data: &Dataset, epsilon: f32) -> Result<(), Box<dyn std::error::Error>> {
    // The names of the tensors tell which network they are of.
    let weights = open_weights(file)?;
    println!("{}", weights.reading);
    let device = Device::flex();
    let model = weights.network(&ModelSpec::Auto, data.shape)?;
    let network = weights.build(&model, data.shape, &weights.normalisation(&Normalisation::None)?)?;
    let threat = Threat { norm: Norm::LInf, epsilon, seed: 0, path: gairat::attack::Path::Auto };
    let target = Target { network: &network, samples: &data.test, shape: data.shape, threat, batch: 256, device: &device };
    let order = Order::suite(Suite::TRUST, data.classes, Norm::LInf, Vec::new());
    // A ledger on disk (`Ledger::open`) would go on where an evaluation was interrupted.
    let found = pollster::block_on(judge(target, data.classes, &order, &mut Ledger::in_memory(), &mut Unwatched))?;
    for score in &found.report.scores {
        println!("  {:<15} {:6.2} %", score.label, 100.0 * score.accuracy);
    }
    if let Some((robust, strongest)) = found.report.robust() {
        println!("  {:<15} {:6.2} %, lowest under {strongest}", "robust", 100.0 * robust);
    }
    for flag in &found.flags {
        println!("  flag {}: {}", flag.name, flag.message);
    }
    Ok(())
}

fn train_and_save(file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut settings = Settings::recipe(Source::Digits);
    settings.set("epochs", "10")?;
    settings.set("burn_in", "5")?;
    let plan = settings.checked()?;
    let data = dataset::load(&plan.request)?;
    let mut trainer = Trainer::new(&plan, &data, &Device::flex())?;
    for epoch in 1..=plan.settings.epochs {
        let mut log = EpochLog::default();
        for (step, indices) in trainer.steps_of(&data, epoch).iter().enumerate() {
            trainer.step(&data, indices, (epoch, step), &mut log);
        }
    }
    write_weights(file, &pollster::block_on(named_tensors(&trainer.frozen()))?, "{}")?;
    Ok(())
}
