//! `gairat bench`: how long a training step takes.

use std::{process::ExitCode, time::Instant};

use clap::{Arg, ArgMatches, Command, value_parser};
use gairat::{
    attack::{Path, multiplications},
    batch::{StartKey, attack_batch},
    dataset::{Dataset, SampleShape, Samples},
    device::{self, Chosen, DeviceError},
    dispatches,
    model::{Classifier as _, ModelSpec},
    pace,
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
/// At least so many are timed,
const LEAST: usize = 5;
/// and at most so many,
const MOST: usize = 300;
/// until so many seconds have gone by.
const SECONDS: f64 = 4.0;
/// The settings that matter here.
fn keeps(field: &Field) -> bool {
    matches!(field.name, "model" | "batch" | "steps" | "path" | "seed" | "threads" | "device" | "method")
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
                .requires("model")
                .default_value("10")
                .help("Classes")
                .help_heading("Data"),
        )
        .arg(
            Arg::new("scale")
                .long("scale")
                .value_name("WHAT")
                .value_parser(["batch", "steps", "width"])
                .help("Let the batch, K or the hidden widths double and see how the cost grows (without --model: of mlp:64,64)")
                .help_heading("Run"),
        )
        .arg(json_arg())
}

/// What `--scale` lets grow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scale {
    Batch,
    Steps,
    Width,
}

/// One thing to time.
struct Case {
    model: ModelSpec,
    input: String,
    classes: usize,
    batch: usize,
    steps: u32,
    /// The value of what grows, if anything does.
    grown: Option<(Scale, usize)>,
}

/// What was measured of it.
struct Timed {
    path: Path,
    step_ms: f64,
    attack_ms: f64,
    turns: usize,
    dispatches: Option<usize>,
    /// Floating-point operations of a step, multiplications and additions counted apart.
    operations: Option<f64>,
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let mut settings = Settings::default();
    apply(&mut settings, &given(matches, keeps))?;
    let scale = match matches.get_one::<String>("scale").map(String::as_str) {
        Some("batch") => Some(Scale::Batch),
        Some("steps") => Some(Scale::Steps),
        Some("width") => Some(Scale::Width),
        _ => None,
    };
    let cases = cases(matches, &settings, scale)?;
    let chosen = pollster::block_on(device::choose(&settings.device))?;
    let json = matches.get_flag("json");
    let mut before: Option<Timed> = None;
    for case in cases {
        settings.model = case.model.clone();
        settings.batch = case.batch;
        settings.steps = case.steps;
        let shape: SampleShape = case.input.parse().map_err(|problem| Failure::Request(format!("--input: {problem}")))?;
        let resolved = settings.model.resolve(shape);
        resolved.accepts(shape, case.classes)?;
        let timed = driver::on_pool(driver::threads_for(settings.threads, &resolved, 0), || {
            time(&settings, shape, case.classes, &chosen)
        })??;
        let per_second = case.batch as f64 / timed.step_ms * 1e3;
        let rate = timed.operations.map(|operations| operations / timed.step_ms / 1e6);
        if json {
            let line = serde_json::json!({
                "model": resolved.to_string(), "input": case.input, "classes": case.classes, "device": chosen.name,
                "adapter": chosen.name, "api": chosen.api, "path": timed.path.to_string(), "batch": case.batch, "k": case.steps,
                "step_ms": timed.step_ms, "attack_ms": timed.attack_ms, "update_ms": timed.step_ms - timed.attack_ms,
                "samples_per_s": per_second, "dispatches": timed.dispatches, "gflop_per_s": rate, "steps_timed": timed.turns,
            });
            anstream::println!("{line}");
        } else if let Some((scale, value)) = case.grown {
            let name = match scale {
                Scale::Batch => "batch",
                Scale::Steps => "K",
                Scale::Width => "width",
            };
            let grown = before.as_ref().map_or_else(String::new, |before| {
                let work = match (timed.operations, before.operations) {
                    (Some(now), Some(then)) => format!("{:.2}", now / then),
                    _ => "?".to_owned(),
                };
                format!("; {:.2} times the time for {work} times the operations", timed.step_ms / before.step_ms)
            });
            anstream::println!("{name} {value:>5}: {:>9.2} ms a step, attack {:>9.2} ms{grown}", timed.step_ms, timed.attack_ms);
        } else {
            anstream::println!(
                "{resolved} on {}, {} classes, batch {}, K {}: {:.2} ms a step (attack {:.2}, update {:.2}), {per_second:.0} samples/s{}{}",
                case.input,
                case.classes,
                case.batch,
                case.steps,
                timed.step_ms,
                timed.attack_ms,
                timed.step_ms - timed.attack_ms,
                rate.map_or_else(String::new, |rate| format!(", {rate:.1} GFLOP/s")),
                timed.dispatches.map_or_else(String::new, |count| format!(", {count} dispatches")),
            );
            anstream::println!("    {} path, median of {} ({})", timed.path, timed.turns, chosen.name);
        }
        before = Some(timed);
    }
    Ok(ExitCode::SUCCESS)
}

/// The cases that were asked for.
fn cases(matches: &ArgMatches, settings: &Settings, scale: Option<Scale>) -> Result<Vec<Case>, Failure> {
    let classes = matches.get_one::<u32>("classes").copied().unwrap_or(10) as usize;
    let steps = settings.steps;
    let asked = matches.contains_id("model");
    let case = |model: ModelSpec, input: &str, classes, batch| Case {
        model,
        input: input.to_owned(),
        classes,
        batch,
        steps,
        grown: None,
    };
    if !asked && scale.is_none() {
        let batch = matches.contains_id("batch").then_some(settings.batch);
        let read = |model: &str| model.parse().map_err(Failure::Request);
        return CASES
            .iter()
            .map(|&(model, input, classes, usual)| Ok(case(read(model)?, input, classes, batch.unwrap_or(usual))))
            .collect();
    }
    let first = if asked {
        let input = matches.get_one::<String>("input").map_or(usual_input(&settings.model), String::as_str);
        case(settings.model.clone(), input, classes, settings.batch)
    } else {
        let (model, input, classes, batch) = CASES[0];
        case(
            model.parse().map_err(Failure::Request)?,
            input,
            classes,
            if matches.contains_id("batch") { settings.batch } else { batch },
        )
    };
    let grown =
        |scale, value| Case { model: first.model.clone(), input: first.input.clone(), grown: Some((scale, value)), ..first };
    match scale {
        None => Ok(vec![first]),
        Some(Scale::Batch) => {
            let sizes = [8, 4, 2, 1].into_iter().map(|part| first.batch / part).chain([2, 4].map(|times| first.batch * times));
            Ok(sizes
                .filter(|batch| (1..=65_536).contains(batch))
                .map(|batch| Case { batch, ..grown(Scale::Batch, batch) })
                .collect())
        }
        Some(Scale::Steps) => {
            let counts = [1, 2, 4].map(|times| steps * times);
            Ok(counts
                .into_iter()
                .filter(|&steps| steps <= 1000)
                .map(|steps| Case { steps, ..grown(Scale::Steps, steps as usize) })
                .collect())
        }
        Some(Scale::Width) => {
            let ModelSpec::Mlp(hidden) = &first.model else {
                return Err(Failure::Request("--scale width: expected an MLP, such as --model mlp:64,64".to_owned()));
            };
            let wider =
                |part: [usize; 2]| -> Vec<usize> { hidden.iter().map(|width| (width * part[0] / part[1]).max(1)).collect() };
            let widths = [[1, 4], [1, 2], [1, 1], [2, 1], [4, 1]].map(wider);
            let case = |widths: Vec<usize>| {
                let value = widths.first().copied().unwrap_or(0);
                Case { model: ModelSpec::Mlp(widths), ..grown(Scale::Width, value) }
            };
            Ok(widths.into_iter().map(case).collect())
        }
    }
}

/// The input that a network was made for.
fn usual_input(model: &ModelSpec) -> &'static str {
    match model {
        ModelSpec::Auto | ModelSpec::Mlp(_) => "2",
        ModelSpec::SmallCnn28 => "1x28x28",
        _ => "3x32x32",
    }
}

/// Times steps, and attacks alone.
fn time(settings: &Settings, shape: SampleShape, classes: usize, chosen: &Chosen) -> Result<Timed, Failure> {
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
    let path = plan.attack.path.taken(&trainer.frozen(), &chosen.device)?;
    let program = trainer.frozen().program();
    let places: Vec<usize> = (0..batch).collect();
    let mut done = 0;
    let mut steps = |count: usize| {
        let mut log = EpochLog::default();
        for _ in 0..count {
            trainer.step(&dataset, &places, (1, done), &mut log);
            done += 1;
        }
        // Reading what was measured waits for the device.
        pollster::block_on(log.fetch())
    };
    if !chosen.cpu {
        // As a run does all the time; the first steps compile kernels.
        let per_sample = program.as_ref().map_or(0, |program| multiplications(&program.layers, settings.steps));
        steps(WARM_UP)?;
        for _ in 0..LEAST {
            let start = Instant::now();
            steps(1)?;
            pace::learn(batch as u64 * per_sample, start.elapsed().as_secs_f64());
        }
    }
    let (step_ms, turns) = median_ms(&mut steps)?;
    let dispatches = if chosen.cpu {
        None
    } else {
        // What the reading costs is in both counts.
        let (few, fewer) = dispatches::count(|| steps(2));
        let (many, more) = dispatches::count(|| steps(6));
        few.and(many)?;
        Some((more - fewer) / 4)
    };

    let samples = dataset.train.select(&places, shape.len());
    let key = StartKey { seed: settings.seed, purpose: Purpose::Start, epoch: 1 };
    let against = attack_batch(samples, shape, plan.attack.start(), key, &chosen.device);
    let frozen = trainer.frozen();
    let mut attacks = |count: usize| {
        let mut log = EpochLog::default();
        (0..count).for_each(|_| log.push(Vec::new(), plan.attack.run(&frozen, &against).on_path));
        pollster::block_on(log.fetch())
    };
    let (attack_ms, _) = median_ms(&mut attacks)?;

    // Forwards and back to the input K times, then forwards, back to the input and to the parameters.
    let passes = f64::from(2 * settings.steps + 3);
    let operations = program.map(|program| 2.0 * program.layers.multiplications() as f64 * batch as f64 * passes);
    Ok(Timed { path, step_ms, attack_ms, turns, dispatches, operations })
}

/// The median time of `work` done once, in milliseconds, and how many times it was timed. It waits for the device each time, as
/// reading a loss after each step does.
fn median_ms(work: &mut dyn FnMut(usize) -> Result<(), DeviceError>) -> Result<(f64, usize), Failure> {
    work(WARM_UP)?;
    let mut times = Vec::new();
    let begun = Instant::now();
    while times.len() < LEAST || (times.len() < MOST && begun.elapsed().as_secs_f64() < SECONDS) {
        let start = Instant::now();
        work(1)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok((times[times.len() / 2], times.len()))
}
