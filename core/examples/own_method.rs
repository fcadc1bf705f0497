//! A training method of your own, written outside the library: samples count by how close the race between the label and its strongest
//! rival is, whoever leads it.
//!
//! ```text
//! cargo run --release -p gairat --example own_method
//! ```
//!
//! trains a perceptron on the two moons beside plain adversarial training, and draws what it found: accuracies, weights over the margin,
//! and the regions of both networks.

use burn::tensor::Device;
use gairat::{
    dataset::{self, Dataset},
    evaluate::{self, Evaluation, Norm, Report, Target, Threat},
    method::{About, Axis, Clock, Evidence, METHODS, Memory, Method, Parameter, Passes, Side, Weights},
    settings::{Checked, Settings},
    snapshot::Regions,
    train::{EpochLog, SampleRecord, Trainer},
    weight::normalise,
};

/// Everything that is said of the method. A program that lists methods would print this.
const ABOUT: About = About {
    name: "photo-finish",
    title: "Photo finish",
    summary: "Samples count the more, the closer the label and its strongest rival are.",
    formula: "(1/n) Σ ω CE(f(x~), y), ω ∝ exp(−γ |p_y − max other p|), mean 1 over the batch",
    source: "This file",
    caveats: &["Made to show how a method is written, not to be the best."],
    parameters: &[Parameter::number(
        ("gamma", "γ"),
        3.0,
        (0.0, 100.0),
        (0.0, 10.0),
        "How fast the weight falls with the margin.",
    )],
    axis: Axis::PROBABILITY_MARGIN,
    omega_is_share: true,
    burns_in: true,
    passes: Passes::PLAIN,
    measure: None,
};

#[derive(Debug)]
struct PhotoFinish {
    gamma: f64,
}

// Adversarial data, loss and gradient stay those of plain adversarial training; only the weights are new.
impl Method for PhotoFinish {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        let margin = evidence.probability_margin(Side::Adversarial);
        // `normalise` takes logarithms of weights, so that none of them vanishes.
        Some(Weights { omega: normalise(margin.clone().abs().mul_scalar(-self.gamma)), axis: margin })
    }

    fn curve(&self, margin: f64, _steps: u32, clock: Clock) -> Option<f64> {
        Some(if clock.weighs() { (-self.gamma * margin.abs()).exp() } else { 1.0 })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut settings = Settings::default();
    for (name, value) in [("noise", "0.15"), ("epsilon", "0.08"), ("step_size", "0.016"), ("epochs", "40"), ("burn_in", "10")] {
        settings.set(name, value)?;
    }
    // Plain adversarial training stands first in the list.
    settings.set("method", METHODS[0].about.name)?;
    let plain = settings.checked()?;
    let mut own = plain.clone();
    own.method = std::sync::Arc::new(PhotoFinish { gamma: 3.0 });

    let data = dataset::load(&plain.request)?;
    let device = Device::flex();
    println!("{}: {}\n  {}\n", ABOUT.title, ABOUT.summary, ABOUT.formula);
    let (plain_report, plain_regions, _) = train(&plain, &data, &device)?;
    let (report, regions, samples) = train(&own, &data, &device)?;

    println!("accuracy on {} test samples   plain AT   {}", report.samples, ABOUT.title);
    for (before, score) in plain_report.scores.iter().zip(&report.scores) {
        println!("  {:<26} {:>6.2} %   {:>6.2} %", score.label, 100.0 * before.accuracy, 100.0 * score.accuracy);
    }
    println!("\nmean weight ω over the probability margin of the adversarial samples");
    println!("{}", histogram(&samples));
    println!("regions: plain AT{:24}{}", "", ABOUT.title);
    for (left, right) in rows(&plain_regions).into_iter().zip(rows(&regions)) {
        println!("{left}  {right}");
    }
    Ok(())
}

/// Trains all epochs; gives the worst case over three attacks, the regions and the samples of the last epoch.
fn train(
    plan: &Checked,
    data: &Dataset,
    device: &Device,
) -> Result<(Report, Regions, Vec<SampleRecord>), Box<dyn std::error::Error>> {
    let mut trainer = Trainer::new(plan, data, device)?;
    let mut samples = Vec::new();
    for epoch in 1..=plan.settings.epochs {
        let mut log = EpochLog::default();
        for (step, indices) in trainer.steps_of(data, epoch).iter().enumerate() {
            trainer.step(data, indices, (epoch, step), &mut log);
        }
        // The one read of an epoch.
        pollster::block_on(log.fetch())?;
        samples = log.samples();
    }
    let network = trainer.frozen();
    let threat = Threat { norm: Norm::LInf, epsilon: plan.attack.epsilon, seed: plan.settings.seed, path: plan.settings.path };
    let target = Target { network: &network, samples: &data.test, shape: data.shape, threat, batch: 256, device };
    let mut evaluation = Evaluation::new(target);
    for attack in ["natural", "pgd:20", "cw:20"] {
        pollster::block_on(evaluation.attack(evaluate::parse(attack)?))?;
    }
    let report = evaluation.into_report();
    let regions =
        pollster::block_on(Regions::of(&network, data.shape, (40, 20), device))?.ok_or("the data are points of a plane")?;
    Ok((report, regions, samples))
}

/// Bars of the mean weight in bins of the margin.
fn histogram(samples: &[SampleRecord]) -> String {
    const BINS: usize = 10;
    let mut sums = [(0.0, 0_usize); BINS];
    for sample in samples {
        let Some(margin) = sample.axis else { continue };
        let bin = (((f64::from(margin) + 1.0) / 2.0 * BINS as f64) as usize).min(BINS - 1);
        sums[bin].0 += f64::from(sample.omega);
        sums[bin].1 += 1;
    }
    let line = |(bin, (sum, count)): (usize, &(f64, usize))| {
        let mean = if *count == 0 { 0.0 } else { sum / *count as f64 };
        let from = 2.0 * bin as f64 / BINS as f64 - 1.0;
        format!(
            "{from:>5.1} to {:>4.1}  ω {mean:>5.2} {:<40} {count:>5} samples\n",
            from + 0.2,
            "█".repeat((10.0 * mean).round() as usize)
        )
    };
    sums.iter().enumerate().map(line).collect()
}

/// A character for each cell.
fn rows(regions: &Regions) -> Vec<String> {
    let characters = |row: &[u32]| row.iter().map(|class| if *class == 0 { '·' } else { '▒' }).collect();
    regions.class.chunks(regions.columns).map(characters).collect()
}
