//! `gairat eval`: how a trained network does under the attacks asked for.

mod folder;
pub(super) mod report;
pub(super) mod table;

use std::{path::PathBuf, process::ExitCode};

use clap::{Arg, ArgGroup, ArgMatches, Command, value_parser};
use gairat::{
    checkpoint::{RunFolder, open_weights},
    dataset, device,
    evaluate::{self, ATTACKS, Identity, Ledger, Norm, Suite, Target, Threat, fingerprint},
    model::Network,
    settings::{Field, Group},
};

use self::{folder::Folder, table::Table};
use super::{
    adversaries::{self, Asked, halted, known_labels, radius_in},
    apply,
    examples::examples,
    given, json_arg, settings_args, settings_from, tether,
};
use crate::{driver, failure::Failure};

/// The settings that matter here.
fn keeps(field: &Field) -> bool {
    field.group == Group::Data && field.name != "augment"
        || matches!(field.name, "model" | "normalise" | "epsilon" | "path" | "seed" | "threads" | "device" | "batch")
}

pub(super) fn definition() -> Command {
    Command::new("eval")
        .about("Say how robust a trained network is on the test part")
        .after_help(format!(
            "{}\n\n{}",
            examples(&[
                ("How robust a run is", "eval --run runs/NAME"),
                ("AutoAttack, stage by stage, with files; the same line goes on after an interruption", "eval --run runs/NAME --suite autoattack --out evaluation"),
                ("A network of PyTorch on your own samples", "eval --weights checkpoint.pth --data npz:test.npz --part all --epsilon 8/255"),
            ]),
            adversaries::listed()
        ))
        .args(settings_args(keeps))
        .arg(
            Arg::new("run")
                .long("run")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("A run's folder: its data, network and best weights")
                .help_heading("Files"),
        )
        .arg(
            Arg::new("weights")
                .long("weights")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Weights as PyTorch (.pth, .pt) or safetensors writes them, of the network named by --model or, without it, of the one that their names are of; beside --run in place of its best weights")
                .help_heading("Files"),
        )
        .group(ArgGroup::new("network").args(["run", "weights"]).required(true).multiple(true))
        .args(adversaries::arguments(Suite::TRUST.name))
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
                    "Write the report, what is known of every sample, and the adversarial images; on an evaluation that was cut off or asked for less, go on",
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
        .arg(tether::arg())
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    // Files are written whole and the ledger is kept up: it goes on from anywhere.
    tether::watch(matches, || std::process::exit(130));
    let norm = matches.get_one::<Norm>("norm").copied().unwrap_or_default();
    let mut given = given(matches, keeps);
    let radius = radius_in(norm, &mut given)?;
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
    let asked = Asked::from(matches)?.unwrap_or(Asked::Suite(Suite::TRUST));
    let radii = match matches.get_one::<String>("epsilons") {
        Some(text) => evaluate::radii(text).map_err(|problem| Failure::Request(format!("--epsilons: {problem}")))?,
        None => Vec::new(),
    };
    let plan = settings.checked()?;
    let epsilon = radius.unwrap_or(plan.attack.epsilon);
    let read = open_weights(&weights)?;
    super::tell_reading(&read);
    let mut dataset = dataset::load(&plan.request)?;
    super::tell_notes(&dataset.notes);
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
    let model = read.network(&settings.model, dataset.shape)?;
    let parameters = read.tensors;
    let identity = Identity {
        weights: fingerprint(&parameters),
        model: model.to_string(),
        normalise: settings.normalise.to_string(),
        norm: norm.to_string(),
        epsilon: epsilon.to_string(),
        seed: settings.seed,
        path: settings.path.to_string(),
        device: chosen.name.clone(),
        version: format!("{}, attacks {ATTACKS}", env!("CARGO_PKG_VERSION")),
    };
    let json = matches.get_flag("json");
    let mut table = Table::new(!json);
    let network_pool = driver::threads_for(settings.threads, &model, 0);
    let (judgement, folder) = driver::on_pool(network_pool, || -> Result<_, Failure> {
        let network = Network::with_weights(&model, dataset.shape, &parameters, &settings.normalise, &chosen.device)?;
        let classes = network.classes(dataset.shape, &chosen.device);
        known_labels(&settings.data.to_string(), &samples.labels, classes)?;
        settings.path.taken(&network, &chosen.device)?;
        let order = asked.order(classes, norm, radii)?;
        let folder = matches.get_one::<PathBuf>("out").map(|out| Folder::open(out, &identity)).transpose()?;
        let (folder, mut ledger) = folder.map_or_else(|| (None, Ledger::in_memory()), |(folder, ledger)| (Some(folder), ledger));
        if !json {
            crate::terminal::say!(
                "{model} from {} on {} samples of {}, {} ball of {} ({})",
                weights.display(),
                samples.len(),
                settings.data,
                norm.label(),
                epsilon,
                chosen.name
            );
            if let (Some(folder), false) = (&folder, ledger.is_empty()) {
                crate::terminal::say!("going on with {} verdicts kept in {}", ledger.len(), folder.path().display());
            }
        }
        let threat = Threat { norm, epsilon, seed: settings.seed, path: settings.path };
        let (shape, batch, device) = (dataset.shape, settings.batch, &chosen.device);
        let target = Target { network: &network, samples: &samples, shape, threat, batch, device };
        let judged = pollster::block_on(evaluate::judge(target, classes, &order, &mut ledger, &mut table)).map_err(halted)?;
        Ok((judged, folder))
    })??;
    // As it was written: 0.05 and not the nearest float of 32 bits.
    let written: f64 = epsilon.to_string().parse().unwrap_or_else(|_| f64::from(epsilon));
    let about = serde_json::json!({
        "event": "evaluation", "samples": judgement.report.samples, "epsilon": written, "norm": norm.to_string(),
        "device": chosen.name,
    });
    let mut line = report::line(about, &judgement);
    if let Some(folder) = &folder {
        folder.write(&judgement, (dataset.shape, &samples), (norm, &settings), &line)?;
    }
    if json {
        report::add_seconds(&mut line, table.seconds());
        crate::terminal::say!("{line}");
    } else {
        report::print(&judgement);
    }
    Ok(ExitCode::SUCCESS)
}
