//! `gairat attack`: adversarial examples of one's own data against one's own weights, as NPZ.

use std::{path::PathBuf, process::ExitCode};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use gairat::{
    attack::{LossKind, read_measured},
    batch::{StartKey, attack_batch},
    checkpoint::read_weights,
    dataset::{self, AdversarialExamples, Arrays},
    device,
    evaluate::{self, Norm, Probes, Report, Target, Threat, Verdict},
    loss::Labels,
    model::{Classifier, Network},
    random::Purpose,
    settings::{Field, Settings},
};

use super::{apply, given, json_arg, settings_args};
use crate::{driver, failure::Failure, terminal};

/// The settings that matter here.
fn keeps(field: &Field) -> bool {
    matches!(
        field.name,
        "data"
            | "data_range"
            | "model"
            | "normalise"
            | "epsilon"
            | "step_size"
            | "steps"
            | "loss"
            | "path"
            | "batch"
            | "seed"
            | "threads"
            | "device"
    )
}

pub(super) fn definition() -> Command {
    let file = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name(value)
            .value_parser(value_parser!(PathBuf))
            .required(true)
            .help(help)
            .help_heading("Files")
    };
    Command::new("attack")
        .about("Attack every sample of an NPZ file and write x_adv, kappa, first_hit, broken and margins, in input order")
        .args(settings_args(keeps))
        .mut_arg("data", |arg| {
            arg.required(true)
                .help("The samples: a file or folder of any format (`gairat data` lists them); train and test part together")
        })
        .mut_arg("model", |arg| arg.required(true).help("The network that the weights are of, such as mlp:64,64 or resnet18"))
        .mut_arg("epsilon", |arg| arg.required(true).help("Radius of the L∞ ball in pixel units of [0, 1]; 8/255 is fine"))
        .mut_arg("step_size", |arg| arg.help("Length of a step, in the same units [default: epsilon / 4]"))
        .mut_arg("loss", |arg| arg.help("What the attack climbs: ce, cw or kl [default: ce]"))
        .mut_arg("batch", |arg| arg.help("Samples at a time; it changes no result [default: 128]"))
        .arg(file("weights", "FILE.safetensors", "Weights of the network named by --model"))
        .arg(file("out", "FILE.npz", "Where to write; it must not exist yet"))
        .arg(
            Arg::new("no-random-start")
                .long("no-random-start")
                .action(ArgAction::SetTrue)
                .help("Start at the sample itself")
                .help_heading("Attack"),
        )
        .arg(json_arg())
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let mut settings = Settings::default();
    apply(&mut settings, &given(matches, keeps))?;
    if !matches.contains_id("step_size") {
        settings.step_size = settings.epsilon / 4.0;
    }
    settings.random_start = !matches.get_flag("no-random-start");
    if settings.loss.0 == Some(LossKind::Kl) && !settings.random_start {
        return Err(Failure::Request(
            "--loss: kl has a zero gradient at the sample itself; leave --no-random-start out".to_owned(),
        ));
    }
    if f64::from(settings.steps) * settings.step_size < settings.epsilon {
        crate::terminal::tell!(
            "warning: {} steps of {} do not reach across the ball of radius {}",
            settings.steps,
            settings.step_size,
            settings.epsilon
        );
    }
    let plan = settings.checked()?;
    let attack = plan.attack_in(1);
    let out = matches.get_one::<PathBuf>("out").cloned().unwrap_or_default();
    super::must_be_new(&out)?;
    let weights = read_weights(&matches.get_one::<PathBuf>("weights").cloned().unwrap_or_default())?;
    let Arrays { shape, samples, notes, .. } = dataset::read_samples(&plan.request)?;
    super::tell_notes(&notes);
    let chosen = pollster::block_on(device::choose(&settings.device))?;
    let model = settings.model.resolve(shape);
    let (mut examples, natural, flags) = driver::on_pool(driver::threads_for(settings.threads, &model, 0), || {
        let network = Network::with_weights(&model, shape, &weights, &settings.normalise, &chosen.device)?;
        let classes = network.classes(shape, &chosen.device);
        if let Some((row, label)) = samples.labels.iter().enumerate().find(|&(_, &label)| label as usize >= classes) {
            return Err(Failure::Request(format!(
                "{}: sample {row} has the label {label}, the weights know {classes} classes (0 to {})",
                settings.data,
                classes - 1
            )));
        }
        settings.path.taken(&network, &chosen.device)?;
        let mut examples = AdversarialExamples::empty(shape);
        let mut correct = Vec::with_capacity(samples.len());
        let places: Vec<usize> = (0..samples.len()).collect();
        for places in places.chunks(settings.batch) {
            let key = StartKey { seed: settings.seed, purpose: Purpose::Start, epoch: 0 };
            let batch = attack_batch(samples.select(places, shape.len()), shape, attack.start(), key, &chosen.device);
            let adversarial = attack.run(&network, &batch);
            let end = adversarial.measure_end(network.logits(adversarial.images.clone()), batch.labels.clone(), &attack);
            let measured = pollster::block_on(read_measured(&adversarial, end))?;
            // Of the sample itself: with a random start, x⁰ is another point.
            let natural = Verdict::of(&network.logits(batch.natural), &Labels::new(batch.labels, classes));
            correct.extend(pollster::block_on(device::read(natural.wrong))?.into_iter().map(|wrong| wrong < 0.5));
            examples.x_adv.extend(pollster::block_on(device::read(adversarial.images))?);
            examples.margin_natural.extend(pollster::block_on(device::read(natural.margin))?);
            for sample in measured {
                examples.kappa.push(sample.kappa);
                examples.first_hit.push(sample.first_hit);
                examples.broken.push(sample.broken);
                examples.margin_adversarial.push(sample.margin_adversarial);
            }
        }
        let threat = Threat { norm: Norm::LInf, epsilon: attack.epsilon, seed: settings.seed, path: settings.path };
        let target =
            Target { network: &network, samples: &samples, shape, threat, batch: settings.batch, device: &chosen.device };
        let probes = pollster::block_on(Probes::of(target, &mut || false)).map_err(super::eval::halted)?;
        Ok((examples, correct, evaluate::flags(&Report::default(), &probes, &[])))
    })??;
    examples.labels.clone_from(&samples.labels);
    dataset::write_adversarial(&out, &examples)?;
    // A sample that is wrong before the attack does not withstand it, whatever the attack makes of it.
    let withstand = examples.broken.iter().zip(&natural).filter(|(broken, natural)| **natural && !**broken).count();
    let robust = evaluate::share(withstand, natural.len());
    let natural = evaluate::share(natural.iter().filter(|natural| **natural).count(), natural.len());
    if matches.get_flag("json") {
        let line = serde_json::json!({ "event": "attacked", "samples": examples.broken.len(), "natural": natural, "robust": robust,
            "flags": flags, "out": out });
        crate::terminal::say!("{line}");
    } else {
        crate::terminal::say!(
            "{}  of {} samples are correct before it",
            terminal::accuracy_line("natural", natural),
            examples.broken.len()
        );
        crate::terminal::say!(
            "{}  of {} samples withstand the attack ({})",
            terminal::accuracy_line("robust", robust),
            examples.broken.len(),
            chosen.name
        );
        for flag in &flags {
            crate::terminal::say!("flag {}: {}", flag.name, flag.message);
        }
        crate::terminal::say!("written to {}", out.display());
    }
    Ok(ExitCode::SUCCESS)
}
