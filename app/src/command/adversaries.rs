//! What `eval` and `attack` ask in the same words: which adversaries, in which ball.

use clap::{Arg, ArgMatches, value_parser};
use gairat::evaluate::{self, ADVERSARIES, Adversary, Halt, Norm, Order, SUITES, Suite};

use crate::failure::Failure;

/// `--attack`, `--suite` and `--norm`; without the first two, `usual` is done.
pub(super) fn arguments(usual: &str) -> [Arg; 3] {
    let of_attack = |name: &'static str, value: &'static str, help: String| {
        Arg::new(name).long(name).value_name(value).help(help).help_heading("Attack")
    };
    [
        of_attack(
            "attack",
            "LIST",
            "Attacks, separated by commas, each on all samples that are correct before it; they are listed below".to_owned(),
        )
        .conflicts_with("suite"),
        of_attack(
            "suite",
            "NAME",
            format!("Attacks that together give one number: {}; described below [default: {usual}]", names().join(", ")),
        ),
        of_attack(
            "norm",
            "NORM",
            "What epsilon is the radius of: linf (every pixel) or l2 (the root of the sum of squares)".to_owned(),
        )
        .default_value("linf")
        .value_parser(value_parser!(Norm)),
    ]
}

fn names() -> Vec<&'static str> {
    SUITES.iter().map(|suite| suite.name).collect()
}

/// What is to be run.
pub(super) enum Asked {
    Suite(Suite),
    Attacks(Vec<Box<dyn Adversary>>),
}

impl Asked {
    /// What was asked for, if anything was.
    ///
    /// # Errors
    /// A sentence that names the attack or the suite that there is not, or the attack that is named twice.
    pub(super) fn from(matches: &ArgMatches) -> Result<Option<Self>, Failure> {
        if let Some(name) = matches.get_one::<String>("suite") {
            let suite = Suite::named(name).map_err(|problem| Failure::Request(format!("--suite: {problem}")))?;
            return Ok(Some(Self::Suite(suite)));
        }
        let Some(list) = matches.get_one::<String>("attack") else { return Ok(None) };
        let refused = |problem: String| Failure::Request(format!("--attack: {problem}"));
        let attacks = list.split(',').map(evaluate::parse).collect::<Result<Vec<_>, _>>().map_err(refused)?;
        let specs: Vec<String> = attacks.iter().map(|attack| attack.spec()).collect();
        match specs.iter().enumerate().find(|(place, spec)| specs[..*place].contains(spec)) {
            Some((_, spec)) => Err(refused(format!("{spec} is named twice; name each attack once"))),
            None => Ok(Some(Self::Attacks(attacks))),
        }
    }

    /// The stages for a network of so many classes, and the curve over `radii`, if there are any.
    ///
    /// # Errors
    /// A sentence that names the attack that cannot be run here.
    pub(super) fn order(self, classes: usize, norm: Norm, radii: Vec<f32>) -> Result<Order, Failure> {
        match self {
            Self::Suite(suite) => Ok(Order::suite(suite, classes, norm, radii)),
            Self::Attacks(adversaries) => {
                Order::attacks(adversaries, classes, norm).map_err(|why| Failure::Request(format!("--attack: {why}")))
            }
        }
    }
}

/// The radius of a ball that is not L∞, taken out of the settings: theirs is of L∞, and bounded by 1.
pub(super) fn radius_in(norm: Norm, given: &mut Vec<(&'static str, &str)>) -> Result<Option<f32>, Failure> {
    if norm == Norm::LInf {
        return Ok(None);
    }
    let Some(place) = given.iter().position(|(name, _)| *name == "epsilon") else {
        let label = norm.label();
        return Err(Failure::Request(format!(
            "--norm {norm}: give --epsilon as well, such as 0.5; a run's own is the radius of an L∞ ball and means little in {label}"
        )));
    };
    let (_, text) = given.remove(place);
    evaluate::radius(text).map(Some).map_err(|problem| Failure::Request(format!("--epsilon: {problem}")))
}

/// The labels must be classes of the network: `what` has them.
pub(super) fn known_labels(what: &str, labels: &[u32], classes: usize) -> Result<(), Failure> {
    match labels.iter().enumerate().find(|&(_, &label)| label as usize >= classes) {
        Some((row, label)) => Err(Failure::Request(format!(
            "{what}: sample {row} has the label {label}, the weights know {classes} classes (0 to {})",
            classes - 1
        ))),
        None => Ok(()),
    }
}

/// The failure of an attack that ended early. In a command only the device can end one.
pub(super) fn halted(halt: Halt) -> Failure {
    match halt {
        Halt::Device(error) => error.into(),
        Halt::Ledger(error) => error.into(),
        Halt::Stopped => Failure::Request(halt.to_string()),
    }
}

/// All attacks and suites, a line each.
pub(super) fn listed() -> String {
    let usages = ADVERSARIES.iter().map(|entry| entry.about.usage().len());
    let width = usages.max().unwrap_or_default();
    let attacks = ADVERSARIES.iter().map(|entry| format!("  {:<width$} {}", entry.about.usage(), entry.about.summary));
    let suites = SUITES.iter().map(|suite| format!("  {:<width$} {}", suite.name, suite.summary));
    let lines: Vec<String> =
        ["Attacks:".to_owned()].into_iter().chain(attacks).chain(["\nSuites:".to_owned()]).chain(suites).collect();
    lines.join("\n")
}
