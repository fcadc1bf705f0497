//! The command line: what can be asked for, and which file answers.

mod adversaries;
mod attack;
mod attacks;
mod bench;
mod compare;
mod convert;
mod data;
mod devices;
mod eval;
mod examples;
mod figure;
mod listing;
mod markdown;
mod methods;
mod record;
mod report;
mod run_folder;
mod shell;
mod step;
mod tether;
mod train;
#[cfg(feature = "window")]
mod window;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgAction, ArgMatches, Command};
use gairat::{
    checkpoint::Weights,
    dataset::{Source, Toy},
    settings::{Field, Settings, fields},
};

use crate::{failure::Failure, terminal::output};

#[cfg(feature = "window")]
const AFTER: &str = "Without a command, gairat opens its window, which is training already.";
#[cfg(not(feature = "window"))]
const AFTER: &str = "Without a command, gairat trains with its defaults: a perceptron on the two moons, in a few seconds.";

const EXAMPLES: &[(&str, &str)] = &[
    #[cfg(feature = "window")]
    ("The window with other data and another method", "--data circles --method trades"),
    ("A run in the terminal, in a second", "train"),
    ("Plain adversarial training beside GAIRAT, five seeds each", "compare --methods at,gairat --data digits --out results"),
    ("How robust a run is, under a suite as strong as AutoAttack", "eval --run runs/NAME --suite trust"),
];

/// Reads the arguments and does what they ask.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> Result<ExitCode, Failure> {
    #[cfg(feature = "window")]
    let begun = std::time::Instant::now();
    let matches = match definition().try_get_matches_from(args) {
        Ok(matches) => matches,
        // clap prints help to standard output with code 0, errors to standard error with code 2.
        Err(error) => match error.print() {
            Err(cause) if !error.use_stderr() => output::end(&cause),
            _ => return Ok(ExitCode::from(if error.use_stderr() { 2 } else { 0 })),
        },
    };
    if matches.get_flag("version") {
        version(matches.get_flag("verbose"));
        return Ok(ExitCode::SUCCESS);
    }
    match matches.subcommand() {
        Some(("train", matches)) => train::run(matches),
        Some(("eval", matches)) => eval::run(matches),
        Some(("attack", matches)) => attack::run(matches),
        Some(("compare", matches)) => compare::run(matches),
        Some(("bench", matches)) => bench::run(matches),
        Some(("convert", matches)) => convert::convert(matches),
        Some(("export", matches)) => convert::export(matches),
        Some(("methods", matches)) => methods::LISTING.run(matches),
        Some(("attacks", matches)) => attacks::LISTING.run(matches),
        Some(("step", matches)) => step::run(matches),
        Some(("report", matches)) => report::run(matches),
        Some(("figure", matches)) => figure::run(matches),
        Some(("data", matches)) => data::run(matches),
        Some(("devices", matches)) => devices::run(matches),
        Some(("completions", matches)) => shell::completions(matches),
        Some(("man", matches)) => shell::man(matches),
        Some(("record", matches)) => match matches.get_one::<PathBuf>("file") {
            Some(file) => record::run(file),
            // clap has asked for it.
            None => Ok(ExitCode::FAILURE),
        },
        #[cfg(feature = "window")]
        _ => window::run(&matches, begun),
        #[cfg(not(feature = "window"))]
        _ => train::run(&train::definition().get_matches_from(["train"])),
    }
}

fn definition() -> Command {
    let command = Command::new("gairat")
        .about("Geometry-aware instance-reweighted adversarial training, on any GPU or on the CPU")
        .after_help(format!("{AFTER}\n\n{}", examples::examples(EXAMPLES)))
        .disable_version_flag(true)
        .arg(
            Arg::new("version")
                .long("version")
                .short('V')
                .action(ArgAction::SetTrue)
                .help("Print the version (with --verbose: sources and licences)"),
        )
        .arg(
            Arg::new("verbose")
                .long("verbose")
                .action(ArgAction::SetTrue)
                .requires("version")
                .help("With --version: sources and licences"),
        )
        .subcommand(train::definition())
        .subcommand(eval::definition())
        .subcommand(attack::definition())
        .subcommand(convert::convert_definition())
        .subcommand(convert::export_definition())
        .subcommand(methods::LISTING.definition())
        .subcommand(attacks::LISTING.definition())
        .subcommand(step::definition())
        .subcommand(compare::definition())
        .subcommand(report::definition())
        .subcommand(figure::definition())
        .subcommand(bench::definition())
        .subcommand(data::definition())
        .subcommand(devices::definition())
        .subcommand(shell::completions_definition())
        .subcommand(shell::man_definition())
        .subcommand(record::definition());
    #[cfg(feature = "window")]
    let command = window::arguments(command).args_conflicts_with_subcommands(true);
    command
}

/// What the program was built with.
const FEATURES: &str = if cfg!(feature = "window") { "window" } else { "none" };

fn version(verbose: bool) {
    crate::terminal::say!("gairat {} (commit {}, features: {FEATURES})", env!("CARGO_PKG_VERSION"), env!("GAIRAT_COMMIT"));
    if verbose {
        crate::terminal::say!("licence   MIT OR Apache-2.0");
        #[cfg(not(feature = "window"))]
        crate::terminal::say!("fonts     Ubuntu (Ubuntu font licence), Hack (MIT), as egui ships them");
        #[cfg(feature = "window")]
        crate::terminal::say!(
            "fonts     Ubuntu (Ubuntu font licence), Hack, Noto Emoji and Emoji Icon Font (OFL 1.1, MIT), as egui ships them"
        );
        crate::terminal::say!("digits    {}", gairat::dataset::DIGITS_ATTRIBUTION);
        crate::terminal::say!(
            "method    Zhang, Zhu, Niu, Han, Sugiyama, Kankanhalli: Geometry-aware Instance-reweighted Adversarial Training, ICLR 2021"
        );
    }
}

/// The argument of one setting. Values are read by the settings themselves, so that all doors refuse with the same words.
fn setting(field: &Field) -> Arg {
    if !field.methods.is_empty() {
        // Its defaults and ranges are those of the methods.
        return argument(field, field.doc.to_string());
    }
    let mut help = format!("{} [default: {}", field.doc.trim(), usual(field.name, &Settings::default()));
    for (data, source) in
        [("three-blobs", Source::Toy(Toy::ThreeBlobs)), ("digits", Source::Digits), ("images", Source::npz(PathBuf::new()))]
    {
        let recipe = usual(field.name, &Settings::recipe(source));
        if field.name != "data" && recipe != usual(field.name, &Settings::default()) {
            help.push_str(&format!(", {data} {recipe}"));
        }
    }
    if let Some((low, high)) = field.range() {
        help.push_str(&format!("; {low} to {high}"));
    }
    help.push(']');
    argument(field, help)
}

/// The argument of a setting with this help.
fn argument(field: &Field, help: String) -> Arg {
    Arg::new(field.name)
        .long(flag(field.name))
        .value_name(flag(field.name).to_uppercase())
        .help(help)
        .help_heading(if field.methods.is_empty() {
            field.group.to_string()
        } else {
            "Parameters of methods, with their defaults (`gairat methods` describes them)".to_owned()
        })
        // Also for what is wrong: the settings know better than clap what to say of `--seed -1`.
        .allow_hyphen_values(true)
}

/// The value of a setting as text.
fn usual(name: &str, settings: &Settings) -> String {
    settings.get(name).unwrap_or_default()
}

/// The arguments of the settings that `keep` says.
fn settings_args(keep: impl Fn(&Field) -> bool) -> Vec<Arg> {
    fields().iter().filter(|field| keep(field)).map(setting).collect()
}

/// A setting's name as it is written on the command line.
fn flag(name: &str) -> String {
    name.replace('_', "-")
}

/// Warns of settings that were asked for and have no effect.
fn warn_of_idle(settings: &Settings, given: &[(&'static str, &str)]) {
    for sentence in given.iter().filter_map(|(name, _)| settings.without_effect(name)) {
        crate::terminal::tell!("warning: {sentence}");
    }
}

/// Tells what was done to the numbers of a file, and what is strange about them.
fn tell_notes(notes: &[String]) {
    for note in notes {
        crate::terminal::tell!("note: {note}");
    }
}

/// Tells how weights that another program wrote were read.
fn tell_reading(weights: &Weights) {
    if !weights.reading.ours {
        crate::terminal::tell!("{}", weights.reading);
    }
}

/// A file that is to be written must not be there yet, and its folder must.
fn must_be_new(out: &Path) -> Result<(), Failure> {
    must_be_new_as("--out", out)
}

/// The same for a file that was named with another `flag`.
fn must_be_new_as(flag: &str, out: &Path) -> Result<(), Failure> {
    if out.exists() {
        return Err(Failure::Request(format!(
            "{flag} {}: exists already and is never overwritten; choose another name",
            out.display()
        )));
    }
    match out.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.is_dir()) {
        Some(parent) => {
            Err(Failure::Request(format!("{flag} {}: there is no folder {}; make it first", out.display(), parent.display())))
        }
        None => Ok(()),
    }
}

fn json_arg() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON, one object a line")
}

/// What was given for the settings, in the order of the table.
fn given(matches: &ArgMatches, keep: impl Fn(&Field) -> bool) -> Vec<(&'static str, &str)> {
    fields()
        .iter()
        .filter(|field| keep(field))
        .filter_map(|field| matches.get_one::<String>(field.name).map(|text| (field.name, text.as_str())))
        .collect()
}

/// The recipe of the data that was asked for, with what else was given on top.
fn settings_from(given: &[(&'static str, &str)]) -> Result<Settings, Failure> {
    let mut settings = Settings::default();
    if let Some((name, data)) = given.iter().find(|(name, _)| *name == "data") {
        settings.set(name, data)?;
        settings = Settings::recipe(settings.data);
    }
    apply(&mut settings, given)?;
    Ok(settings)
}

/// Puts what was given into `settings`.
fn apply(settings: &mut Settings, given: &[(&'static str, &str)]) -> Result<(), Failure> {
    for (name, text) in given {
        settings.set(name, text)?;
    }
    Ok(())
}
