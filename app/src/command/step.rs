//! `gairat step`: one training step taken apart, so that it can be held against other code.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgMatches, Command, value_parser};
use gairat::{
    checkpoint::open_weights,
    dataset::{self, Arrays, Dataset, Samples},
    device,
    model::{Gradient, named_gradient, named_tensors, with_tensors},
    settings::{Field, Settings},
    train::Trainer,
};

use super::{apply, examples::examples, given, json_arg, settings_args};
use crate::{driver, failure::Failure};

/// The settings that matter here.
fn keeps(field: &Field) -> bool {
    const KEPT: [&str; 17] = [
        "data",
        "data_range",
        "model",
        "normalise",
        "epsilon",
        "step_size",
        "steps",
        "loss",
        "random_start",
        "path",
        "method",
        "lr",
        "weight_decay",
        "awp",
        "seed",
        "threads",
        "device",
    ];
    KEPT.contains(&field.name) || !field.methods.is_empty()
}

pub(super) fn definition() -> Command {
    let file = |name: &'static str, value: &'static str, help: &'static str| {
        let arg = Arg::new(name).long(name).value_name(value).value_parser(value_parser!(PathBuf)).required(true);
        arg.help(help).help_heading("Files")
    };
    Command::new("step")
        .about("Take one training step of a method on a file of samples, and write everything that went into it")
        .after_help(examples(&[
            ("A step of MART", "step --method mart --weights weights.safetensors --model mlp:64,64 --data npz:mine.npz --epsilon 0.1 --out step.npz"),
        ]))
        .long_about(
            "Take one training step of a method on a file of samples, and write everything that went into it. All samples are one batch, \
             without shuffling and augmentation, after burn-in.\n\n\
             The NPZ file holds, as float32: x_adv (N x D; of a second attack x_adv_second), kappa, first_hit, omega, loss (N, at the weights \
             before the step); what omega depends on and what the method measures, under their own names (`gairat methods NAME`); \
             loss_natural and loss_adversarial (N) where there are two terms; gradient.TENSOR (the one that is followed, without weight \
             decay), gradient_natural.TENSOR and gradient_adversarial.TENSOR where two are combined, after.TENSOR (weights and running \
             statistics after the step), with PyTorch's names and layouts; lr.",
        )
        .args(settings_args(keeps))
        .mut_arg("data", |arg| arg.required(true).help("The samples: a file or folder of any format (`gairat data` lists them)"))
        .mut_arg("model", |arg| {
            arg.help("The network that the weights are of, such as mlp:64,64 or resnet18 [default: the one that their names are of]")
        })
        .arg(file("weights", "FILE", "Weights of that network, as PyTorch (.pth, .pt) or safetensors writes them"))
        .arg(file("out", "FILE.npz", "Where to write; it must not exist yet"))
        .arg(
            Arg::new("adversarial")
                .long("adversarial")
                .value_name("WHERE")
                .value_parser(["attack", "given"])
                .default_value("attack")
                .help("attack (make adversarial data) or given (take `x_adv`, `kappa` and `first_hit` of the file)")
                .help_heading("Attack"),
        )
        .arg(json_arg())
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let mut settings = Settings { burn_in: 0, epochs: 1, ..Settings::default() };
    let given = given(matches, keeps);
    apply(&mut settings, &given)?;
    let weights = open_weights(&matches.get_one::<PathBuf>("weights").cloned().unwrap_or_default())?;
    super::tell_reading(&weights);
    settings.normalise = weights.normalisation(&settings.normalise)?;
    let plan = settings.checked()?;
    super::warn_of_idle(&settings, &given);
    let out = matches.get_one::<PathBuf>("out").cloned().unwrap_or_default();
    super::must_be_new(&out)?;
    let Arrays { shape, samples, notes, .. } = dataset::read_samples(&plan.request)?;
    super::tell_notes(&notes);
    let model = weights.network(&settings.model, shape)?;
    let weights = weights.tensors;
    let classes = model.last_layer(&weights).ok_or_else(|| {
        Failure::Request(format!("--weights: there is no last layer of `{model}` among {} tensors; check --model", weights.len()))
    })?;
    if let Some((row, label)) = samples.labels.iter().enumerate().find(|&(_, &label)| label as usize >= classes) {
        return Err(Failure::Request(format!(
            "{}: sample {row} has the label {label}, the weights know {classes} classes (0 to {})",
            settings.data,
            classes - 1
        )));
    }
    let count = samples.len();
    let given = match matches.get_one::<String>("adversarial").map(String::as_str) {
        Some("given") => {
            let files = settings.data.files();
            let file = files.first().copied().unwrap_or(Path::new(""));
            Some(dataset::read_given(file, shape, count)?)
        }
        _ => None,
    };
    if let Some(given) = &given {
        for (name, counts) in [("kappa", &given.kappa), ("first_hit", &given.first_hit)] {
            if let Some((row, count)) = counts.iter().enumerate().find(|(_, count)| **count > settings.steps) {
                return Err(Failure::Request(format!(
                    "{}: `{name}` of sample {row} is {count}; expected 0 to --steps {}",
                    settings.data, settings.steps
                )));
            }
        }
        // Rounding of float32 apart.
        let outside = |(x, adversarial): (&f32, &f32)| f64::from((adversarial - x).abs()) > settings.epsilon + 1e-5;
        if let Some(place) = samples.pixels.iter().zip(&given.x_adv).position(outside) {
            return Err(Failure::Request(format!(
                "{}: `x_adv` of sample {} is {} where `x` is {}, which is further than --epsilon {}",
                settings.data,
                place / shape.len(),
                given.x_adv[place],
                samples.pixels[place],
                settings.epsilon
            )));
        }
    }
    let chosen = pollster::block_on(device::choose(&settings.device))?;
    let nothing = Samples::default;
    let dataset = Dataset {
        source: settings.data.clone(),
        shape,
        classes,
        train: samples,
        validation: nothing(),
        test: nothing(),
        notes: Vec::new(),
        about: String::new(),
    };
    let arrays = driver::on_pool(driver::threads_for(settings.threads, &model, 0), || -> Result<_, Failure> {
        let mut trainer = Trainer::new(&plan, &dataset, &chosen.device)?;
        trainer
            .set_network(with_tensors(trainer.network().clone(), &weights).map_err(|error| Failure::Request(error.to_string()))?);
        let before = trainer.network().clone();
        let indices: Vec<usize> = (0..count).collect();
        let parts = match given {
            Some(given) => {
                let counts: Vec<(f32, f32)> = given
                    .kappa
                    .iter()
                    .zip(&given.first_hit)
                    .map(|(&kappa, &first_hit)| (kappa as f32, first_hit as f32))
                    .collect();
                trainer.step_apart_on(&dataset, &indices, (1, 0), given.x_adv, &counts)
            }
            None => trainer.step_apart(&dataset, &indices, (1, 0)),
        };
        let read = |tensor| pollster::block_on(device::read::<1>(tensor));
        let mut arrays: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
        let mut of_samples = shape.sizes();
        of_samples.insert(0, count);
        for (images, name) in parts.adversarial.into_iter().zip(["x_adv", "x_adv_second"]) {
            arrays.push((name.to_owned(), of_samples.clone(), pollster::block_on(device::read(images))?));
        }
        let loss = parts.loss.per_sample();
        let mut numbers = vec![("kappa", parts.kappa), ("first_hit", parts.first_hit), ("omega", parts.omega), ("loss", loss)];
        let about = settings.method.about();
        if !["kappa", "first_hit"].contains(&about.axis.name) {
            numbers.push((about.axis.name, parts.axis));
        }
        if let Some(natural) = parts.loss.natural {
            numbers.push(("loss_natural", natural));
            numbers.push(("loss_adversarial", parts.loss.adversarial));
        }
        for (name, tensor) in numbers {
            arrays.push((name.to_owned(), vec![count], read(tensor)?));
        }
        if let (Some(measure), Some(measured)) = (about.measure, parts.measured) {
            let measured = read(measured)?;
            arrays.push((measure.name.to_owned(), vec![measured.len()], measured));
        }
        let mut gradients = |prefix: &str, gradient: &Gradient| -> Result<(), Failure> {
            for (name, tensor) in pollster::block_on(named_gradient(&before, gradient))? {
                arrays.push((format!("{prefix}.{name}"), tensor.shape, tensor.values));
            }
            Ok(())
        };
        gradients("gradient", &parts.gradient)?;
        if let Some([natural, adversarial]) = &parts.terms {
            gradients("gradient_natural", natural)?;
            gradients("gradient_adversarial", adversarial)?;
        }
        for (name, tensor) in pollster::block_on(named_tensors(trainer.network()))? {
            arrays.push((format!("after.{name}"), tensor.shape, tensor.values));
        }
        arrays.push(("lr".to_owned(), vec![1], vec![parts.lr as f32]));
        Ok(arrays)
    })??;
    dataset::write_named(&out, &arrays)?;
    let mean = |wanted: &str| {
        let numbers =
            arrays.iter().find(|(name, ..)| name == wanted).map(|(_, _, numbers)| numbers.as_slice()).unwrap_or_default();
        numbers.iter().copied().map(f64::from).sum::<f64>() / numbers.len().max(1) as f64
    };
    if matches.get_flag("json") {
        let line = serde_json::json!({
            "event": "step", "method": settings.method.name(), "samples": count, "loss": mean("loss"), "kappa": mean("kappa"), "out": out,
        });
        crate::terminal::say!("{line}");
    } else {
        crate::terminal::say!(
            "{} on {count} samples: mean loss {:.4}, mean kappa {:.2}, mean weight {:.4} ({})",
            settings.method.title(),
            mean("loss"),
            mean("kappa"),
            mean("omega"),
            chosen.name
        );
        crate::terminal::say!("{} arrays written to {}", arrays.len(), out.display());
    }
    Ok(ExitCode::SUCCESS)
}
