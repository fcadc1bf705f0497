//! `gairat bench`: how long a training step takes.

use std::{process::ExitCode, time::Instant};

use clap::{Arg, ArgMatches, Command, value_parser};
use gairat::{
    dataset::{Dataset, SampleShape, Samples},
    device::{self, Chosen},
    model::ModelSpec,
    random::{Purpose, Stream},
    settings::{Field, Settings},
    train::{EpochLog, Trainer},
};

use super::{apply, given, json_arg, settings_args};
use crate::{driver, failure::Failure};

/// The reference cases: network, input, classes, batch.
const CASES: [(&str, &str, usize, usize); 4] = [
    ("mlp:64,64", "2", 2, 256),
    ("mlp:128,128", "64", 10, 128),
    ("small-cnn-28", "1x28x28", 10, 128),
    ("resnet18", "3x32x32", 10, 16),
];
/// Steps that are not counted: kernels are compiled and caches fill.
const WARM_UP: usize = 2;
/// At least so many steps are timed,
const LEAST: usize = 5;
/// and at most so many,
const MOST: usize = 300;
/// until so many seconds have gone by.
const SECONDS: f64 = 5.0;

/// The settings that matter here.
fn keeps(field: &Field) -> bool {
    matches!(field.name, "model" | "batch" | "steps" | "seed" | "threads" | "device" | "method")
}

pub(super) fn definition() -> Command {
    Command::new("bench")
        .about("Time a training step (attack and update); without --model the four reference cases")
        .args(settings_args(keeps))
        .arg(
            Arg::new("input")
                .long("input")
                .value_name("SHAPE")
                .requires("model")
                .help("Shape of a sample: 2, 64, 1x28x28, 3x32x32 [default: the network's usual one]")
                .help_heading("Data"),
        )
        .arg(
            Arg::new("classes")
                .long("classes")
                .value_name("C")
                .value_parser(value_parser!(u32).range(2..=65_536))
                .default_value("10")
                .help("Classes")
                .help_heading("Data"),
        )
        .arg(json_arg())
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let mut settings = Settings::default();
    apply(&mut settings, &given(matches, keeps))?;
    let mut cases = Vec::new();
    if matches.contains_id("model") {
        let classes = matches.get_one::<u32>("classes").copied().unwrap_or(10) as usize;
        let input = matches.get_one::<String>("input").map_or(usual_input(&settings.model), String::as_str);
        cases.push((settings.model.to_string(), input.to_owned(), classes, settings.batch));
    } else {
        let batch = matches.contains_id("batch").then_some(settings.batch);
        cases.extend(
            CASES.map(|(model, input, classes, usual)| (model.to_owned(), input.to_owned(), classes, batch.unwrap_or(usual))),
        );
    }
    let chosen = pollster::block_on(device::choose(&settings.device))?;
    for (model, input, classes, batch) in cases {
        settings.set("model", &model)?;
        settings.batch = batch;
        let shape: SampleShape = input.parse().map_err(|problem| Failure::Request(format!("--input: {problem}")))?;
        let resolved = settings.model.resolve(shape);
        resolved.accepts(shape, classes)?;
        let (step_ms, steps) =
            driver::on_pool(driver::threads_for(settings.threads, &resolved), || time(&settings, shape, classes, &chosen))??;
        let per_second = batch as f64 / step_ms * 1e3;
        if matches.get_flag("json") {
            let line = serde_json::json!({
                "model": resolved.to_string(), "input": input, "classes": classes, "device": chosen.name, "api": chosen.api,
                "batch": batch, "k": settings.steps, "step_ms": step_ms, "samples_per_s": per_second, "steps_timed": steps,
            });
            anstream::println!("{line}");
        } else {
            anstream::println!(
                "{resolved} on {input}, {classes} classes, batch {batch}, K {}: {step_ms:.2} ms a step, {per_second:.0} samples/s (median of {steps}, {})",
                settings.steps,
                chosen.name
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The input that a network was made for.
fn usual_input(model: &ModelSpec) -> &'static str {
    match model {
        ModelSpec::Auto | ModelSpec::Mlp(_) => "2",
        ModelSpec::SmallCnn28 => "1x28x28",
        _ => "3x32x32",
    }
}

/// The median time of a step in milliseconds, and how many were timed.
fn time(settings: &Settings, shape: SampleShape, classes: usize, chosen: &Chosen) -> Result<(f64, usize), Failure> {
    let batch = settings.batch;
    let mut stream = Stream::new(settings.seed, Purpose::Benchmark, 0, 0);
    let train = Samples {
        pixels: (0..batch * shape.len()).map(|_| stream.uniform()).collect(),
        labels: (0..batch).map(|_| stream.below(classes) as u32).collect(),
        rows: (0..batch as u32).collect(),
    };
    let dataset = Dataset {
        source: settings.data.clone(),
        shape,
        classes,
        train,
        validation: Samples::default(),
        test: Samples::default(),
    };
    // Weights from the first step on: what is timed is GAIRAT, not its burn-in.
    let plan = Settings { burn_in: 0, lr: 0.01, ..settings.clone() }.checked()?;
    let mut trainer = Trainer::new(&plan, &dataset, &chosen.device)?;
    let places: Vec<usize> = (0..batch).collect();
    let mut times = Vec::new();
    let begun = Instant::now();
    for step in 0..WARM_UP + MOST {
        let mut log = EpochLog::default();
        let start = Instant::now();
        trainer.step(&dataset, &places, (1, step), &mut log);
        // Reading what was measured waits for the device.
        pollster::block_on(log.fetch())?;
        if step >= WARM_UP {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        if times.len() >= LEAST && begun.elapsed().as_secs_f64() > SECONDS {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    Ok((times[times.len() / 2], times.len()))
}
