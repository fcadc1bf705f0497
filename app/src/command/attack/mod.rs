//! `gairat attack`: adversarial examples of one's own data against one's own weights, as NPZ.

mod judged;
mod of_training;

use std::{path::PathBuf, process::ExitCode};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use gairat::{
    checkpoint::{Weights, open_weights},
    dataset::{self, Arrays},
    device::{self, Chosen},
    evaluate::{Flag, Norm},
    model::{ModelSpec, Network},
    settings::{Field, Settings},
};

use super::{
    adversaries::{self, Asked, known_labels, radius_in},
    apply,
    examples::examples,
    given, json_arg, settings_args,
};
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
    let of_training =
        |arg: Arg, help: &'static str| arg.help(help).help_heading(OF_TRAINING).conflicts_with_all(["attack", "suite"]);
    Command::new("attack")
        .about("Attack every sample of a file and write the adversarial images and what is known of each, in input order")
        .long_about(
            "Attack every sample of a file and write the adversarial images and what is known of each, in input order, as NPZ.\n\n\
             With --attack or --suite: x_adv (the image that broke the sample, else the one of least margin), y, broken, broken_by, \
             margin_natural, margin_adversarial and distance. Without: the attack of training, which counts; x_adv, kappa, first_hit, \
             broken, margin_natural and margin_adversarial.",
        )
        .after_help(format!(
            "{}\n\n{}",
            examples(&[
                ("Adversarial images by a suite", "attack --data npz:mine.npz --weights weights.safetensors --model mlp:64,64 --epsilon 0.1 --suite trust --out adversarial.npz"),
                ("The attack of training, which counts kappa", "attack --data npz:mine.npz --weights weights.safetensors --model mlp:64,64 --epsilon 0.1 --out kappa.npz"),
            ]),
            adversaries::listed()
        ))
        .args(settings_args(keeps))
        .mut_arg("data", |arg| {
            arg.required(true)
                .help("The samples: a file or folder of any format (`gairat data` lists them); train and test part together")
        })
        .mut_arg("model", |arg| {
            arg.help("The network that the weights are of, such as mlp:64,64 or resnet18 [default: the one that their names are of]")
        })
        .mut_arg("epsilon", |arg| arg.required(true).help("Radius of the ball in pixel units of [0, 1]; 8/255 is fine"))
        .mut_arg("step_size", |arg| of_training(arg, "Length of a step, in the units of epsilon [default: epsilon / 4]"))
        .mut_arg("steps", |arg| of_training(arg, "K: attack steps; kappa counts from 0 to K [default: 10; 1 to 1000]"))
        .mut_arg("loss", |arg| of_training(arg, "What the attack climbs: ce, cw or kl [default: ce]"))
        .mut_arg("batch", |arg| {
            arg.help("Samples at a time; it changes no result [default: 128]").help_heading(None::<&str>)
        })
        .args(adversaries::arguments("the attack of training"))
        .arg(file("weights", "FILE", "Weights of that network, as PyTorch (.pth, .pt) or safetensors writes them"))
        .arg(file("out", "FILE.npz", "Where to write; it must not exist yet"))
        .arg(of_training(
            Arg::new("no-random-start").long("no-random-start").action(ArgAction::SetTrue),
            "Start at the sample itself",
        ))
        .arg(json_arg())
}

const OF_TRAINING: &str = "Attack of training";

/// What was asked for, read and found whole.
struct Request {
    settings: Settings,
    norm: Norm,
    epsilon: f32,
    arrays: Arrays,
    weights: Weights,
    model: ModelSpec,
    out: PathBuf,
    chosen: Chosen,
    json: bool,
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let norm = matches.get_one::<Norm>("norm").copied().unwrap_or_default();
    let asked = Asked::from(matches)?;
    if asked.is_none() && norm != Norm::LInf {
        return Err(Failure::Request(format!(
            "--norm {norm}: the attack of training knows the L∞ ball alone; name --attack or --suite"
        )));
    }
    let mut given = given(matches, keeps);
    let radius = radius_in(norm, &mut given)?;
    let mut settings = Settings::default();
    apply(&mut settings, &given)?;
    if !matches.contains_id("step_size") {
        settings.step_size = settings.epsilon / 4.0;
    }
    settings.random_start = !matches.get_flag("no-random-start");
    let plan = settings.checked()?;
    let out = matches.get_one::<PathBuf>("out").cloned().unwrap_or_default();
    super::must_be_new(&out)?;
    let weights = open_weights(&matches.get_one::<PathBuf>("weights").cloned().unwrap_or_default())?;
    super::tell_reading(&weights);
    if asked.is_none() {
        of_training::check(&settings)?;
    }
    let arrays = dataset::read_samples(&plan.request)?;
    super::tell_notes(&arrays.notes);
    let chosen = pollster::block_on(device::choose(&settings.device))?;
    let model = weights.network(&settings.model, arrays.shape)?;
    let epsilon = radius.unwrap_or(plan.attack.epsilon);
    let json = matches.get_flag("json");
    let request = Request { settings, norm, epsilon, arrays, weights, model, out, chosen, json };
    match asked {
        Some(asked) => judged::run(&request, asked),
        None => of_training::run(&request, &plan.attack_in(1)),
    }?;
    Ok(ExitCode::SUCCESS)
}

impl Request {
    /// Does something with the network, on a pool of its own.
    fn with_network<T: Send>(&self, work: impl FnOnce(&Network, usize) -> Result<T, Failure> + Send) -> Result<T, Failure> {
        let device = &self.chosen.device;
        driver::on_pool(driver::threads_for(self.settings.threads, &self.model, 0), || {
            let shape = self.arrays.shape;
            let network = Network::with_weights(&self.model, shape, &self.weights.tensors, &self.settings.normalise, device)?;
            let classes = network.classes(shape, device);
            known_labels(&self.settings.data.to_string(), &self.arrays.samples.labels, classes)?;
            self.settings.path.taken(&network, device)?;
            work(&network, classes)
        })?
    }

    /// The last lines of the attack of training: the numbers, and what to think of them.
    fn tell(&self, correct: &[bool], broken: &[bool], flags: &[Flag]) {
        // A sample that is wrong before the attack does not withstand it, whatever the attack makes of it.
        let withstand = broken.iter().zip(correct).filter(|(broken, correct)| **correct && !**broken).count();
        let robust = gairat::evaluate::share(withstand, correct.len());
        let natural = gairat::evaluate::share(correct.iter().filter(|correct| **correct).count(), correct.len());
        if self.json {
            let line = serde_json::json!({ "event": "attacked", "samples": broken.len(), "natural": natural, "robust": robust,
                "flags": flags, "out": self.out });
            crate::terminal::say!("{line}");
            return;
        }
        let samples = broken.len();
        crate::terminal::say!("{}  of {samples} samples are correct before it", terminal::accuracy_line("natural", natural));
        crate::terminal::say!(
            "{}  of {samples} samples withstand the attack ({})",
            terminal::accuracy_line("robust", robust),
            self.chosen.name
        );
        for flag in flags {
            crate::terminal::say!("flag {}: {}", flag.name, flag.message);
        }
        crate::terminal::say!("written to {}", self.out.display());
    }
}
