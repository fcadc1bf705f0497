//! Every method on the digits recipe, several seeds each: the table of `docs/reproduction.md`.
//!
//! ```text
//! cargo run --release -p gairat --example digits_table [METHOD ...]
//! ```
//!
//! Rows 1 to 1,437 train, 1,438 to 1,797 test; MLP 64-128-128-10; ε 0.1, step 0.02, K 10; 60 epochs, burn-in 30; learning rate 0.05, a tenth
//! after 1/2 and after 3/4 of the epochs; batch 128; the last weights are evaluated. All parameters of a method as they are by default.

use std::time::Instant;

use burn::tensor::Device;
use gairat::{
    dataset::{self, Source},
    evaluate::{self, Evaluation, Norm, Target, Threat},
    method::METHODS,
    settings::Settings,
    train::{EpochLog, Trainer},
};

/// The columns.
const ATTACKS: [&str; 3] = ["natural", "pgd:20", "cw:20"];
const SEEDS: u64 = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    println!("| method | natural | PGD-20 | CW-20 | PGD-20 − CW-20 | seconds a run |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for entry in METHODS.iter().filter(|entry| asked.is_empty() || asked.iter().any(|name| name == entry.about.name)) {
        let mut found: [Vec<f64>; 3] = Default::default();
        let begun = Instant::now();
        for seed in 0..SEEDS {
            let mut settings = Settings { seed, ..Settings::recipe(Source::Digits) };
            settings.set("validation", "0")?;
            settings.set("method", entry.about.name)?;
            for (column, accuracy) in found.iter_mut().zip(accuracies(&settings)?) {
                column.push(100.0 * accuracy);
            }
        }
        let seconds = begun.elapsed().as_secs_f64() / SEEDS as f64;
        let [natural, pgd, cw] = found.map(|column| moments(&column));
        let with_deviation = |(mean, deviation): (f64, f64)| format!("{mean:.2} ± {deviation:.2}");
        println!(
            "| `{}` | {} | {} | {} | {:+.2} | {seconds:.1} |",
            entry.about.name,
            with_deviation(natural),
            with_deviation(pgd),
            with_deviation(cw),
            pgd.0 - cw.0
        );
    }
    Ok(())
}

/// Accuracies on the test part after a run, from 0 to 1.
fn accuracies(settings: &Settings) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let plan = settings.checked()?;
    let data = dataset::load(&plan.request)?;
    let device = Device::flex();
    let mut trainer = Trainer::new(&plan, &data, &device)?;
    for epoch in 1..=settings.epochs {
        let mut log = EpochLog::default();
        for (step, indices) in trainer.steps_of(&data, epoch).iter().enumerate() {
            trainer.step(&data, indices, (epoch, step), &mut log);
        }
        pollster::block_on(log.fetch())?;
    }
    let network = trainer.frozen();
    let threat = Threat { norm: Norm::LInf, epsilon: plan.attack.epsilon, seed: settings.seed, path: settings.path };
    let target =
        Target { network: &network, samples: &data.test, shape: data.shape, threat, batch: settings.batch, device: &device };
    let mut evaluation = Evaluation::new(target);
    let mut score = |attack: &str| -> Result<f64, Box<dyn std::error::Error>> {
        Ok(pollster::block_on(evaluation.attack(evaluate::parse(attack)?))?.accuracy)
    };
    ATTACKS.into_iter().map(&mut score).collect()
}

/// The mean and the deviation of a sample.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt())
}
