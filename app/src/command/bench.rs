//! `gairat bench`: how long a training step takes.

use std::{process::ExitCode, time::Instant};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use gairat::{
    attack::{Path, multiplications},
    batch::{StartKey, attack_batch},
    dataset::{Dataset, SampleShape, Samples},
    device::{self, Chosen, DeviceError},
    dispatches,
    method::METHODS,
    model::{Classifier as _, ModelSpec},
    pace,
    random::{Purpose, Stream},
    settings::{Checked, Field, Settings},
    train::{EpochLog, Trainer},
};

use super::{apply, examples::examples, given, json_arg, settings_args};
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
        || !field.methods.is_empty()
}

pub(super) fn definition() -> Command {
    Command::new("bench")
        .about("Time a training step (attack and update); without --model the four reference cases")
        .after_help(examples(&[
            ("The four reference cases", "bench"),
            ("One network on the CPU", "bench --model small-cnn-28 --device cpu --threads 1"),
            ("A step of every method beside plain adversarial training", "bench --methods --model mlp:64,64"),
        ]))
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
        .arg(
            Arg::new("methods")
                .long("methods")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["scale", "method"])
                .help("Time a step of every method beside one of plain adversarial training, in turns")
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
    /// Bytes of the GPU's memory after the steps, which keep their buffers.
    memory: Option<u64>,
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
    let instructions = device::is_cpu(&chosen.device).then(device::instructions);
    let json = matches.get_flag("json");
    let mut before: Option<Timed> = None;
    for case in cases {
        settings.model = case.model.clone();
        settings.batch = case.batch;
        settings.steps = case.steps;
        let shape: SampleShape = case.input.parse().map_err(|problem| Failure::Request(format!("--input: {problem}")))?;
        let resolved = settings.model.resolve(shape);
        resolved.accepts(shape, case.classes)?;
        let threads = driver::threads_for(settings.threads, &resolved, 0);
        if matches.get_flag("methods") {
            if !json {
                crate::terminal::say!("{resolved} on {}, batch {}, K {} ({})", case.input, case.batch, case.steps, chosen.name);
            }
            for entry in METHODS {
                let settings = settings.clone().with("method", entry.about.name);
                let beside = driver::on_pool(threads, || beside_plain(&settings, shape, case.classes, &chosen))??;
                beside.print(&settings, json);
            }
            continue;
        }
        let timed = driver::on_pool(threads, || time(&settings, shape, case.classes, &chosen))??;
        let per_second = case.batch as f64 / timed.step_ms * 1e3;
        let rate = timed.operations.map(|operations| operations / timed.step_ms / 1e6);
        if json {
            let line = serde_json::json!({
                "model": resolved.to_string(), "input": case.input, "classes": case.classes, "device": chosen.name,
                "adapter": chosen.name, "api": chosen.api, "path": timed.path.to_string(), "batch": case.batch, "k": case.steps,
                "step_ms": timed.step_ms, "attack_ms": timed.attack_ms, "update_ms": timed.step_ms - timed.attack_ms,
                "samples_per_s": per_second, "dispatches": timed.dispatches, "memory": timed.memory, "gflop_per_s": rate,
                "steps_timed": timed.turns, "instructions": instructions,
            });
            crate::terminal::say!("{line}");
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
            crate::terminal::say!(
                "{name} {value:>5}: {:>9.2} ms a step, attack {:>9.2} ms{grown}",
                timed.step_ms,
                timed.attack_ms
            );
        } else {
            crate::terminal::say!(
                "{resolved} on {}, {} classes, batch {}, K {}: {:.2} ms a step (attack {:.2}, update {:.2}), {per_second:.0} samples/s{}{}{}",
                case.input,
                case.classes,
                case.batch,
                case.steps,
                timed.step_ms,
                timed.attack_ms,
                timed.step_ms - timed.attack_ms,
                rate.map_or_else(String::new, |rate| format!(", {rate:.1} GFLOP/s")),
                timed.dispatches.map_or_else(String::new, |count| format!(", {count} dispatches")),
                timed.memory.map_or_else(String::new, |bytes| format!(", {} MiB", bytes.div_ceil(1 << 20))),
            );
            let instructions = instructions.map_or_else(String::new, |name| format!(" with {name}"));
            crate::terminal::say!("    {} path, median of {} ({}{instructions})", timed.path, timed.turns, chosen.name);
            if matches.contains_id("method") {
                driver::on_pool(threads, || beside_plain(&settings, shape, case.classes, &chosen))??.print(&settings, json);
            }
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
    let mut stepper = Stepper::new(settings, shape, classes, chosen)?;
    let plan = stepper.plan.clone();
    let path = plan.attack.path.taken(&stepper.trainer.frozen(), &chosen.device)?;
    let program = stepper.trainer.frozen().program();
    if !chosen.cpu {
        // As a run does all the time; the first steps compile kernels.
        let per_sample = program.as_ref().map_or(0, |program| multiplications(&program.layers, settings.steps));
        stepper.steps(WARM_UP)?;
        for _ in 0..LEAST {
            let start = Instant::now();
            stepper.steps(1)?;
            pace::learn(settings.batch as u64 * per_sample, start.elapsed().as_secs_f64());
        }
    }
    let (step_ms, turns) = median_ms(&mut |count| stepper.steps(count))?;
    let dispatches = if chosen.cpu {
        None
    } else {
        // What the reading costs is in both counts.
        let (few, fewer) = dispatches::count(|| stepper.steps(2));
        let (many, more) = dispatches::count(|| stepper.steps(6));
        few.and(many)?;
        Some((more - fewer) / 4)
    };

    let memory = chosen.memory();

    let attack = plan.attack_in(1);
    let samples = stepper.dataset.train.select(&stepper.indices, shape.len());
    let key = StartKey { seed: settings.seed, purpose: Purpose::Start, epoch: 1 };
    let against = attack_batch(samples, shape, attack.start(), key, &chosen.device);
    let frozen = stepper.trainer.frozen();
    let mut attacks = |count: usize| {
        let mut log = EpochLog::default();
        (0..count).for_each(|_| log.push(Vec::new(), attack.run(&frozen, &against).on_path));
        pollster::block_on(log.fetch())
    };
    let (attack_ms, _) = median_ms(&mut attacks)?;

    let passes = settings.method.build().passes().in_all(settings.steps);
    let operations = program.map(|program| 2.0 * program.layers.multiplications() as f64 * settings.batch as f64 * passes);
    Ok(Timed { path, step_ms, attack_ms, turns, dispatches, memory, operations })
}

/// A step of a method beside one of plain adversarial training.
struct Beside {
    step_ms: f64,
    plain_ms: f64,
    /// Passes of the method by those of plain adversarial training.
    passes: f64,
}

impl Beside {
    fn print(&self, settings: &Settings, json: bool) {
        let (name, ratio) = (settings.method.name(), self.step_ms / self.plain_ms);
        if json {
            let line = serde_json::json!({
                "method": name, "step_ms": self.step_ms, "plain_ms": self.plain_ms, "ratio": ratio, "passes": self.passes,
            });
            crate::terminal::say!("{line}");
        } else {
            crate::terminal::say!(
                "    {name:<14} {:>9.2} ms a step, plain adversarial training {:>9.2}: ratio {ratio:.2}, its passes {:.2} times as many",
                self.step_ms,
                self.plain_ms,
                self.passes
            );
        }
    }
}

/// Times a step of the method and one of plain adversarial training in turns, so that a machine that grows slower does so for both.
fn beside_plain(settings: &Settings, shape: SampleShape, classes: usize, chosen: &Chosen) -> Result<Beside, Failure> {
    // Plain adversarial training stands first in the list.
    let plain = settings.clone().with("method", METHODS[0].about.name);
    let mut steppers = [Stepper::new(&plain, shape, classes, chosen)?, Stepper::new(settings, shape, classes, chosen)?];
    let mut times = [Vec::new(), Vec::new()];
    for stepper in &mut steppers {
        stepper.steps(WARM_UP)?;
    }
    let begun = Instant::now();
    while times[0].len() < LEAST || (times[0].len() < MOST && begun.elapsed().as_secs_f64() < 2.0 * SECONDS) {
        for (stepper, times) in steppers.iter_mut().zip(&mut times) {
            let start = Instant::now();
            stepper.steps(1)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    let [plain_ms, step_ms] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    let passes = |settings: &Settings| settings.method.build().passes().in_all(settings.steps);
    Ok(Beside { step_ms, plain_ms, passes: passes(settings) / passes(&plain) })
}

/// A trainer on random samples.
struct Stepper {
    trainer: Trainer,
    dataset: Dataset,
    plan: Checked,
    indices: Vec<usize>,
    done: usize,
}

impl Stepper {
    fn new(settings: &Settings, shape: SampleShape, classes: usize, chosen: &Chosen) -> Result<Self, Failure> {
        let batch = settings.batch;
        let mut stream = Stream::new(settings.seed, Purpose::Benchmark, 0, 0);
        let train = Samples {
            pixels: (0..batch * shape.len()).map(|_| stream.uniform()).collect(),
            labels: (0..batch).map(|_| stream.below(classes) as u32).collect(),
            rows: (0..batch as u32).collect(),
        };
        let nothing = Samples::default;
        let dataset = Dataset {
            source: settings.data.clone(),
            shape,
            classes,
            train,
            validation: nothing(),
            test: nothing(),
            notes: Vec::new(),
            about: String::new(),
        };
        // Weights from the first step on: what is timed is the method, not its burn-in.
        let plan = Settings { burn_in: 0, lr: 0.01, ..settings.clone() }.checked()?;
        let trainer = Trainer::new(&plan, &dataset, &chosen.device)?;
        Ok(Self { trainer, dataset, plan, indices: (0..batch).collect(), done: 0 })
    }

    fn steps(&mut self, count: usize) -> Result<(), DeviceError> {
        let mut log = EpochLog::default();
        for _ in 0..count {
            self.trainer.step(&self.dataset, &self.indices, (1, self.done), &mut log);
            self.done += 1;
        }
        // Reading what was measured waits for the device.
        pollster::block_on(log.fetch())
    }
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
