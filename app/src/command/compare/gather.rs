//! What the runs of a comparison have come to, read from their folders.

use std::path::Path;

use gairat::{
    checkpoint::RunFolder,
    compare::{Found, Table},
    evaluate::Suite,
    files,
    metrics::{Beside, score_name},
};

use super::{
    plan::{Line, Plan, State, evaluation_of},
    task::read_record,
};
use crate::failure::Failure;

/// The accuracies of the table.
pub(super) const COLUMNS: [&str; 4] = ["natural", "pgd20", "cw20", "robust"];
/// The weights it tells apart: those of the best epoch on the validation part, and those of the last.
pub(super) const WEIGHTS: [&str; 2] = ["best", "last"];

/// A comparison as far as it is done.
pub(super) struct Gathered {
    /// The finished runs, with their names.
    pub(super) found: Vec<(String, Found)>,
    /// The runs that are not finished, and what has become of them.
    pub(super) missing: Vec<(String, State)>,
    /// Their table.
    pub(super) table: Table,
}

/// Reads all runs of the plan.
pub(super) fn gather(dir: &Path, plan: &Plan) -> Result<Gathered, Failure> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for line in &plan.runs {
        match line.state(dir, &plan.suite)? {
            State::Done => found.push((line.name.clone(), of_run(dir, plan, line)?)),
            state => missing.push((line.name.clone(), state)),
        }
    }
    let all: Vec<Found> = found.iter().map(|(_, found)| found.clone()).collect();
    let table = Table::of(&all, &plan.variants(), &COLUMNS, &WEIGHTS);
    Ok(Gathered { found, missing, table })
}

fn of_run(dir: &Path, plan: &Plan, line: &Line) -> Result<Found, Failure> {
    let (folder, settings) = RunFolder::open(&dir.join(&line.name))?;
    let summary = folder.summary()?.unwrap_or_default();
    let mut scores = Vec::new();
    let mut add = |weights: &str, name: &str, score: f64| scores.push((weights.to_owned(), name.to_owned(), score));
    let reported = || summary.reported().chain([("robust", summary.robust)]);
    // Without a validation part nothing was chosen, and what the run reports is of its last epoch.
    let chosen = settings.validation.to_string() != "0";
    match &line.evaluate {
        None if chosen => reported().for_each(|(name, score)| add("best", name, score)),
        None => {}
        Some(_) => {
            let file = folder.file(&evaluation_of(&plan.suite)).join("evaluation.json");
            let malformed =
                |what: &str| Failure::Work(format!("{}: {what}; remove its folder, and it is made again", file.display()));
            let text = files::read_text(&file).map_err(|error| malformed(&error.to_string()))?;
            let report: serde_json::Value = serde_json::from_str(&text).map_err(|error| malformed(&error.to_string()))?;
            for score in report["scores"].as_array().into_iter().flatten() {
                if let (Some(attack), Some(accuracy)) = (score["attack"].as_str(), score["accuracy"].as_f64()) {
                    add(if chosen { "best" } else { "last" }, &score_name(attack), accuracy);
                }
            }
            let robust = report["robust"].as_f64().ok_or_else(|| malformed("there is no robust accuracy in it"))?;
            add(if chosen { "best" } else { "last" }, "robust", robust);
        }
    }
    // Those of the last epoch are what the run reports where no other epoch was better.
    if chosen || line.evaluate.is_none() {
        if summary.epoch == summary.epochs {
            reported().for_each(|(name, score)| add("last", name, score));
        } else {
            summary.beside(Beside::Last).for_each(|(name, score)| add("last", name, score));
        }
    }
    let seconds = read_record(dir, &line.name).seconds;
    let seconds = (seconds > 0.0).then_some(seconds);
    Ok(Found { variant: line.variant.clone(), seed: line.seed, scores, seconds })
}

/// Which suite made the numbers of a block: training's own, or the one that was asked for.
pub(super) fn suite_of<'a>(plan: &'a Plan, table: &Table, weights: &str) -> &'a str {
    let evaluated = table.blocks.first().is_some_and(|block| block.weights == weights);
    if evaluated { &plan.suite } else { Suite::QUICK.name }
}
