//! `gairat eval`: how a trained network does under the attacks asked for.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::{Arg, ArgMatches, Command, value_parser};
use gairat::{
    checkpoint::{RunFolder, read_weights},
    dataset::{self, SampleShape, Samples},
    device,
    evaluate::{
        self, ADVERSARIES, About, Adversary, CurvePoint, Evaluation, Halt, Known, Norm, Probes, Report, SUITES, Stage, Suite,
        Target, Threat, interval,
    },
    files,
    metrics::score_name,
    model::Network,
    settings::{Field, Group},
};

use super::{apply, given, json_arg, settings_args, settings_from};
use crate::{driver, failure::Failure, terminal};

/// The settings that matter here.
fn keeps(field: &Field) -> bool {
    field.group == Group::Data && field.name != "augment"
        || matches!(field.name, "model" | "normalise" | "epsilon" | "path" | "seed" | "threads" | "device" | "batch")
}

pub(super) fn definition() -> Command {
    Command::new("eval")
        .about("Say how robust a trained network is on the test part")
        .after_help(list_of_attacks())
        .args(settings_args(keeps))
        .arg(
            Arg::new("run")
                .long("run")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .required_unless_present("weights")
                .help("A run's folder: its data, network and best weights")
                .help_heading("Files"),
        )
        .arg(
            Arg::new("weights")
                .long("weights")
                .value_name("FILE.safetensors")
                .value_parser(value_parser!(PathBuf))
                .help("Weights, of the network named by --model; beside --run in place of its best weights")
                .help_heading("Files"),
        )
        .arg(
            Arg::new("attack")
                .long("attack")
                .value_name("LIST")
                .conflicts_with("suite")
                .help("Attacks, separated by commas, each on all samples that are correct before it; they are listed below")
                .help_heading("Attack"),
        )
        .arg(
            Arg::new("suite")
                .long("suite")
                .value_name("NAME")
                .default_value(Suite::TRUST.name)
                .help("Attacks that together give one number: fast, quick, trust, autoattack or autoattack-plus; described below")
                .help_heading("Attack"),
        )
        .arg(
            Arg::new("norm")
                .long("norm")
                .value_name("NORM")
                .default_value("linf")
                .value_parser(value_parser!(Norm))
                .help("What epsilon is the radius of: linf (every pixel) or l2 (the root of the sum of squares)")
                .help_heading("Attack"),
        )
        .arg(
            Arg::new("epsilons")
                .long("epsilons")
                .value_name("LOW:HIGH:COUNT")
                .conflicts_with("attack")
                .help("Also the curve of robust accuracy over these radii, such as 0:0.3:16; with --out as CSV, JSON and SVG")
                .help_heading("Attack"),
        )
        .arg(
            Arg::new("samples")
                .long("samples")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..))
                .help("The first N samples of the part alone [default: all]")
                .help_heading("Data"),
        )
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help(
                    "Write the report, what is known of every sample, and the adversarial images; the folder must not exist yet",
                )
                .help_heading("Files"),
        )
        .arg(
            Arg::new("part")
                .long("part")
                .value_name("PART")
                .default_value("test")
                .value_parser(["train", "validation", "test", "all"])
                .help("Which part of the data")
                .help_heading("Data"),
        )
        .arg(json_arg())
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let given = given(matches, keeps);
    let (settings, weights) = match matches.get_one::<PathBuf>("run") {
        Some(dir) => {
            let (folder, mut settings) = RunFolder::open(dir)?;
            apply(&mut settings, &given)?;
            let best = folder.file("best.safetensors");
            if !best.exists() && !matches.contains_id("weights") {
                return Err(Failure::Request(format!(
                    "{}: the run has no best weights yet; go on with `gairat train --resume {}`, or name --weights",
                    dir.display(),
                    dir.display()
                )));
            }
            (settings, best)
        }
        None => (settings_from(&given)?, PathBuf::new()),
    };
    let weights = matches.get_one::<PathBuf>("weights").cloned().unwrap_or(weights);
    let norm = matches.get_one::<Norm>("norm").copied().unwrap_or_default();
    let asked = asked(matches)?;
    let radii = match matches.get_one::<String>("epsilons") {
        Some(text) => evaluate::radii(text).map_err(|problem| Failure::Request(format!("--epsilons: {problem}")))?,
        None => Vec::new(),
    };
    if let Some(out) = matches.get_one::<PathBuf>("out") {
        super::must_be_new(out)?;
    }
    let plan = settings.checked()?;
    let parameters = read_weights(&weights)?;
    let mut dataset = dataset::load(&plan.request)?;
    let part = matches.get_one::<String>("part").map_or("test", String::as_str);
    let mut samples = match part {
        "train" => std::mem::take(&mut dataset.train),
        "validation" => std::mem::take(&mut dataset.validation),
        "all" => dataset.all(),
        _ => std::mem::take(&mut dataset.test),
    };
    if let Some(&most) = matches.get_one::<u32>("samples") {
        let first: Vec<usize> = (0..samples.len().min(most as usize)).collect();
        samples = samples.select(&first, dataset.shape.len());
    }
    if samples.is_empty() {
        return Err(Failure::Request(format!("--part {part}: it holds no samples; choose another part or another split")));
    }
    let chosen = pollster::block_on(device::choose(&settings.device))?;
    let model = settings.model.resolve(dataset.shape);
    let json = matches.get_flag("json");
    if !json {
        anstream::println!(
            "{model} from {} on {} samples of {}, {} ball of {} ({})",
            weights.display(),
            samples.len(),
            settings.data,
            norm.label(),
            settings.epsilon,
            chosen.name
        );
    }
    let begun = Instant::now();
    let (done, seconds, at_chance, flags) =
        driver::on_pool(driver::threads_for(settings.threads, &model, 0), || -> Result<_, Failure> {
            let network = Network::with_weights(&model, dataset.shape, &parameters, &settings.normalise, &chosen.device)?;
            let classes = network.classes(dataset.shape, &chosen.device);
            let highest = samples.labels.iter().max().copied().unwrap_or_default();
            if highest as usize >= classes {
                return Err(Failure::Request(format!(
                    "the data has a label {highest}, the weights know {classes} classes (0 to {})",
                    classes - 1
                )));
            }
            settings.path.taken(&network, &chosen.device)?;
            let threat = Threat { norm, epsilon: plan.attack.epsilon, seed: settings.seed, path: settings.path };
            let mut suite_of_curve = Suite::TRUST;
            let (stages, left_out) = match asked {
                Asked::Suite(suite) => {
                    suite_of_curve = suite;
                    suite.stages(classes, threat)
                }
                Asked::Attacks(adversaries) => {
                    for adversary in &adversaries {
                        fits(adversary.about(), classes, norm).map_err(|why| {
                            Failure::Request(format!("--attack: {} cannot be run here: {why}", adversary.spec()))
                        })?;
                    }
                    (adversaries.into_iter().map(|adversary| Stage { adversary, on_survivors: false }).collect(), Vec::new())
                }
            };
            let (shape, batch, device) = (dataset.shape, settings.batch, &chosen.device);
            let target = Target { network: &network, samples: &samples, shape, threat, batch, device };
            let mut evaluation = Evaluation::new(target);
            let mut seconds = Vec::new();
            for stage in &stages {
                let begun = Instant::now();
                let label = stage.adversary.label();
                let padded = format!("{label:<12}");
                let bar = Bar::new(label.clone(), !json);
                let ran = pollster::block_on(evaluation.run(stage, &mut || false, &mut |done, all| bar.tell(done, all)));
                bar.clear();
                let score = ran.map_err(halted)?;
                seconds.push(begun.elapsed().as_secs_f64());
                if !json {
                    let on = if stage.on_survivors { "survivors" } else { "samples" };
                    anstream::println!(
                        "{}  broke {:>5} of {:>5} {on:<9} {:>8.1} s",
                        terminal::accuracy_line(&padded, score.accuracy),
                        score.broke,
                        score.tried,
                        seconds[seconds.len() - 1]
                    );
                    if score.outside > 0 {
                        anstream::println!("warning: {label} left ball or box with {} images, which do not count", score.outside);
                    }
                }
            }
            let at_chance = pollster::block_on(evaluate::at_chance(target, classes))?;
            let probes = pollster::block_on(Probes::of(target, &mut || false)).map_err(halted)?;
            let flags = evaluate::flags(evaluation.report(), &probes, &left_out);
            let mut tell = |point: &CurvePoint| {
                if !json {
                    anstream::println!(
                        "{}  at epsilon {:.4}",
                        terminal::accuracy_line("curve       ", point.robust),
                        point.epsilon
                    );
                }
            };
            let mut nobody = || false;
            let points = evaluate::curve(target, suite_of_curve, classes, &radii, &mut nobody, &mut tell);
            let points = pollster::block_on(points).map_err(halted)?;
            let done = Done { curve: points, report: evaluation.report().clone(), samples: evaluation.samples().to_vec() };
            Ok((done, seconds, at_chance, flags))
        })??;
    let report = &done.report;
    let whole = begun.elapsed().as_secs_f64();
    let robust = report.robust();
    let (low, high) = interval(report.robust_samples(), report.samples);
    let mut line = serde_json::json!({
        "event": "evaluation", "samples": report.samples, "epsilon": settings.epsilon, "norm": norm.to_string(), "device": chosen.name,
    });
    if let Some(map) = line.as_object_mut() {
        // By name as well, as a run's summary has them.
        map.extend(report.scores.iter().map(|score| (score_name(&score.attack), score.accuracy.into())));
        let scores: Vec<serde_json::Value> = report
            .scores
            .iter()
            .zip(&seconds)
            .map(|(score, seconds)| {
                let mut score = serde_json::to_value(score).unwrap_or_default();
                if let Some(map) = score.as_object_mut() {
                    map.insert("seconds".to_owned(), (*seconds).into());
                }
                score
            })
            .collect();
        map.insert("scores".to_owned(), scores.into());
        map.insert("seconds".to_owned(), whole.into());
        if let Some((robust, strongest)) = robust {
            map.insert("robust".to_owned(), robust.into());
            map.insert("interval".to_owned(), vec![low, high].into());
            map.insert("strongest".to_owned(), strongest.into());
        }
        if !done.curve.is_empty() {
            map.insert("curve".to_owned(), serde_json::to_value(&done.curve).unwrap_or_default());
        }
        map.insert("flags".to_owned(), serde_json::to_value(&flags).unwrap_or_default());
        if let Some(sentence) = &at_chance {
            map.insert("at_chance".to_owned(), sentence.clone().into());
        }
    }
    if let Some(out) = matches.get_one::<PathBuf>("out") {
        write(out, &done, (dataset.shape, &samples), line.clone())?;
    }
    if json {
        anstream::println!("{line}");
        return Ok(ExitCode::SUCCESS);
    }
    if let Some((robust, strongest)) = robust {
        anstream::println!(
            "{}  correct under every attack ({} of {}; 95 % interval {:.1} to {:.1} %); the lowest was {strongest}",
            terminal::accuracy_line("robust      ", robust),
            report.robust_samples(),
            report.samples,
            100.0 * low,
            100.0 * high
        );
    }
    for flag in &flags {
        anstream::println!("flag {}: {}", flag.name, flag.message);
    }
    if let Some(sentence) = at_chance {
        anstream::println!("warning: {sentence}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The failure of an attack that ended early: nobody stops one here but the device.
pub(super) fn halted(halt: Halt) -> Failure {
    match halt {
        Halt::Device(error) => error.into(),
        Halt::Stopped => Failure::Request(halt.to_string()),
    }
}

/// What is to be run.
enum Asked {
    Suite(Suite),
    Attacks(Vec<Box<dyn Adversary>>),
}

fn asked(matches: &ArgMatches) -> Result<Asked, Failure> {
    match matches.get_one::<String>("attack") {
        Some(list) => {
            let attacks = list.split(',').map(evaluate::parse).collect::<Result<Vec<_>, _>>();
            Ok(Asked::Attacks(attacks.map_err(|problem| Failure::Request(format!("--attack: {problem}")))?))
        }
        None => {
            let name = matches.get_one::<String>("suite").map_or(Suite::TRUST.name, String::as_str);
            Ok(Asked::Suite(Suite::named(name).map_err(|problem| Failure::Request(format!("--suite: {problem}")))?))
        }
    }
}

/// Whether an attack can be run on a network of so many classes in a norm; else why not.
fn fits(about: &About, classes: usize, norm: Norm) -> Result<(), String> {
    if classes < about.classes {
        return Err(format!("it needs {} classes, the network knows {classes}", about.classes));
    }
    if !about.norms.contains(&norm) {
        let norms: Vec<&str> = about.norms.iter().map(|norm| norm.label()).collect();
        return Err(format!("it works in {}; give --norm", norms.join(" and ")));
    }
    Ok(())
}

/// All attacks and suites, a line each.
fn list_of_attacks() -> String {
    let attacks = ADVERSARIES.iter().map(|entry| format!("  {:<26} {}", entry.about.usage(), entry.about.summary));
    let suites = SUITES.iter().map(|suite| format!("  {:<26} {}", suite.name, suite.summary));
    let lines: Vec<String> =
        ["Attacks:".to_owned()].into_iter().chain(attacks).chain(["\nSuites:".to_owned()]).chain(suites).collect();
    lines.join("\n")
}

/// What an evaluation leaves.
struct Done {
    report: Report,
    samples: Vec<Known>,
    curve: Vec<CurvePoint>,
}

/// Writes the folder of an evaluation, each file whole or not at all, and `evaluation.json` when all others are there.
fn write(out: &Path, done: &Done, (shape, samples): (SampleShape, &Samples), line: serde_json::Value) -> Result<(), Failure> {
    let failed = |path: &Path, error: &std::io::Error| Failure::Request(format!("{}: {error}", path.display()));
    files::create_dir_all(out).map_err(|error| failed(out, &error))?;
    let mut table = "row,label,natural,robust,broken_by,distance,margin\n".to_owned();
    let mut adversarial = Samples { pixels: Vec::new(), ..samples.clone() };
    for (known, natural) in done.samples.iter().zip(samples.pixels.chunks_exact(shape.len())) {
        let broken_by = known.broken_by.as_deref().unwrap_or_default();
        let distance = known.distance.map(|distance| distance.to_string()).unwrap_or_default();
        let robust = known.natural && known.broken_by.is_none();
        table += &format!("{},{},{},{robust},{broken_by},{distance},{}\n", known.row, known.label, known.natural, known.margin);
        adversarial.pixels.extend_from_slice(known.image.as_deref().unwrap_or(natural));
    }
    let put = |name: &str, bytes: &[u8]| files::write(&out.join(name), bytes).map_err(|error| failed(&out.join(name), &error));
    put("samples.csv", table.as_bytes())?;
    dataset::write_samples(&out.join("adversarial.npz"), shape, &adversarial)?;
    let verdicts: Vec<(String, Vec<bool>)> = done
        .report
        .scores
        .iter()
        .map(|score| (format!("correct_{}", score.attack.replace(':', "-")), score.correct.clone()))
        .collect();
    dataset::write_verdicts(&out.join("samples.npz"), shape, samples, &verdicts)?;
    if !done.curve.is_empty() {
        let mut table = "epsilon,robust,low,high\n".to_owned();
        for point in &done.curve {
            table += &format!("{},{},{},{}\n", point.epsilon, point.robust, point.interval.0, point.interval.1);
        }
        put("curve.csv", table.as_bytes())?;
        let title = format!("correct under every attack, {} samples, with the 95 % interval", samples.len());
        let axis = format!("radius of the {} ball", line["norm"].as_str().unwrap_or_default());
        put("curve.svg", terminal::curve::svg(&done.curve, &title, &axis).as_bytes())?;
    }
    let mut text = serde_json::to_string_pretty(&line).unwrap_or_default();
    text.push('\n');
    put("evaluation.json", text.as_bytes())
}

/// How far a stage is, on one line of a terminal that is written over.
struct Bar {
    label: String,
    shown: bool,
    begun: Instant,
}

impl Bar {
    fn new(label: String, wanted: bool) -> Self {
        let bar = Self { label, shown: wanted && std::io::stderr().is_terminal(), begun: Instant::now() };
        bar.tell(0, 0);
        bar
    }

    fn tell(&self, done: usize, all: usize) {
        if !self.shown {
            return;
        }
        let seconds = self.begun.elapsed().as_secs_f64();
        let left = if done == 0 { String::new() } else { format!(", {:.0} s left", seconds * (all - done) as f64 / done as f64) };
        anstream::eprint!("\r{}: {done} of {all} samples, {seconds:.0} s{left}\x1b[K", self.label);
    }

    fn clear(&self) {
        if self.shown {
            anstream::eprint!("\r\x1b[K");
        }
    }
}
