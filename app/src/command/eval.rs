//! `gairat eval`: how a trained network does under the attacks asked for.

use std::{path::PathBuf, process::ExitCode};

use clap::{Arg, ArgMatches, Command, value_parser};
use gairat::{
    checkpoint::{RunFolder, read_weights},
    dataset, device,
    evaluate::{self, Report, Target, Threat},
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
        .about("Evaluate a trained network on the test part")
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
                .default_value("natural,pgd:20,cw:20")
                .help("Attacks, separated by commas: natural, fgsm, pgd:STEPS, cw:STEPS")
                .help_heading("Attack"),
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
    let attacks = matches.get_one::<String>("attack").map_or("", String::as_str);
    let attacks = attacks.split(',').map(evaluate::parse).collect::<Result<Vec<_>, _>>();
    let attacks = attacks.map_err(|problem| Failure::Request(format!("--attack: {problem}")))?;
    let plan = settings.checked()?;
    let parameters = read_weights(&weights)?;
    let mut dataset = dataset::load(&plan.request)?;
    let part = matches.get_one::<String>("part").map_or("test", String::as_str);
    let samples = match part {
        "train" => std::mem::take(&mut dataset.train),
        "validation" => std::mem::take(&mut dataset.validation),
        "all" => dataset.all(),
        _ => std::mem::take(&mut dataset.test),
    };
    if samples.is_empty() {
        return Err(Failure::Request(format!("--part {part}: it holds no samples; choose another part or another split")));
    }
    let chosen = pollster::block_on(device::choose(&settings.device))?;
    let model = settings.model.resolve(dataset.shape);
    let json = matches.get_flag("json");
    if !json {
        anstream::println!(
            "{model} from {} on {} samples of {} ({})",
            weights.display(),
            samples.len(),
            settings.data,
            chosen.name
        );
    }
    let (report, at_chance) = driver::on_pool(driver::threads_for(settings.threads, &model, 0), || {
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
        let threat = Threat { epsilon: plan.attack.epsilon, seed: settings.seed, path: settings.path };
        let mut report = Report { samples: samples.len(), scores: Vec::new() };
        for attack in &attacks {
            let (shape, batch, device) = (dataset.shape, settings.batch, &chosen.device);
            let target = Target { network: &network, samples: &samples, shape, threat, batch, device };
            let score = pollster::block_on(evaluate::score(attack.as_ref(), target, &mut || false))?;
            let Some(score) = score else { break };
            if !json {
                anstream::println!("{}", terminal::accuracy_line(&score.label, score.accuracy));
            }
            report.scores.push(score);
        }
        let (shape, batch, device) = (dataset.shape, settings.batch, &chosen.device);
        let whole = Target { network: &network, samples: &samples, shape, threat, batch, device };
        let at_chance = pollster::block_on(evaluate::at_chance(whole, classes))?;
        Ok((report, at_chance))
    })??;
    if json {
        let scores: serde_json::Map<String, serde_json::Value> =
            report.scores.iter().map(|score| (score.attack.replace(':', ""), score.accuracy.into())).collect();
        let mut line = serde_json::json!({
            "event": "evaluation", "samples": report.samples, "epsilon": settings.epsilon, "device": chosen.name,
        });
        if let Some(map) = line.as_object_mut() {
            map.extend(scores);
            if let Some((robust, strongest)) = report.robust() {
                map.insert("robust".to_owned(), robust.into());
                map.insert("strongest".to_owned(), strongest.into());
            }
            if let Some(sentence) = at_chance {
                map.insert("at_chance".to_owned(), sentence.into());
            }
        }
        anstream::println!("{line}");
    } else {
        if let Some((robust, strongest)) = report.robust() {
            anstream::println!(
                "{}  correct under every attack; the strongest was {strongest}",
                terminal::accuracy_line("robust", robust)
            );
        }
        if let Some(sentence) = at_chance {
            anstream::println!("warning: {sentence}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
