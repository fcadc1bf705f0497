//! The report of one run.

use std::path::Path;

use gairat::{
    checkpoint::RunFolder,
    files,
    metrics::{Beside, PLUS, Summary, score_label, stage_label},
    session::{Judged, Turn, Weights, judgements, turns},
    settings::{Change, Settings, fields},
};

use super::{
    FILE,
    figures::{evaluations, subject},
    page::Page,
};
use crate::{
    failure::Failure,
    figure::{FIGURES, Measured, Subject},
    svg::Ink,
};

/// The figures that speak of the samples of the last epoch, and the one of an evaluation; all others are of epochs.
const OF_SAMPLES: [&str; 3] = ["kappa", "weights", "margins"];
const OF_EVALUATION: &str = "epsilon-curve";

/// Writes the report of the run in `folder` beside its files.
///
/// # Errors
/// A folder without a run, or with files that cannot be read or written.
pub(crate) fn write_of_run(folder: &Path) -> Result<(), Failure> {
    let subject = subject(folder)?;
    let (folder, _) = RunFolder::open(folder)?;
    let judged = judgements(&folder).unwrap_or_default();
    let turns = turns(folder.path()).unwrap_or_default();
    let text = of_run(&subject, &evaluations(&folder), &judged, &turns).finish();
    let file = folder.file(FILE);
    files::write(&file, text.as_bytes()).map_err(|error| Failure::Work(format!("{}: {error}", file.display())))
}

fn of_run(subject: &Subject, evaluations: &[(String, serde_json::Value)], judged: &[Judged], turns: &[Turn]) -> Page {
    let Subject { settings, epochs, samples, summary, .. } = subject;
    let about = settings.method.about();
    let title = format!("{} on {}, seed {}", settings.method.title(), settings.data, settings.seed);
    let mut page = Page::new(&title, about.summary);
    match summary {
        Some(summary) => scores(&mut page, summary),
        None => page.paragraph(&format!("The run is not finished: {} of {} epochs are done.", epochs.len(), settings.epochs)),
    }
    for warning in settings.warnings() {
        page.flag("Setting", &warning);
    }
    for (name, report) in evaluations {
        evaluation(&mut page, name, report);
    }
    judgements_of(&mut page, judged);
    // A title says what is seen; whose it is says the page's.
    let unnamed = [Subject { label: String::new(), ..subject.clone() }];
    let drawn = |wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
        let kinds = FIGURES.iter().filter(|kind| wanted(kind.name));
        kinds.filter_map(|kind| Some(kind.draw(&unnamed, Ink::Page)?.drawing.svg())).collect()
    };
    page.figures(&drawn(&|name| name == OF_EVALUATION));
    if !epochs.is_empty() {
        page.heading("Training");
        page.figures(&drawn(&|name| name != OF_EVALUATION && !OF_SAMPLES.contains(&name)));
    }
    if !samples.kappa.is_empty() {
        page.heading("Training samples in the last epoch");
        page.paragraph(
            "κ counts the attack steps before which a sample is classified correctly: samples of a small κ lie close to the boundary. ω is the weight of a sample in the loss.",
        );
        page.figures(&drawn(&|name| OF_SAMPLES.contains(&name)));
        weights(&mut page, settings, samples);
    }
    page.heading("Settings");
    page.paragraph("Bold: differs from what is usual for these data.");
    let usual = Settings::recipe(settings.data.clone());
    let shown: Vec<_> = fields().iter().filter_map(|field| Some((field, settings.get(field.name)?))).collect();
    let differs: Vec<bool> = shown
        .iter()
        .map(|(field, value)| field.name != "data" && usual.get(field.name).is_some_and(|usual| usual != *value))
        .collect();
    let values = shown.iter().zip(&differs);
    let values = values.map(|((field, value), differs)| (field.name.replace('_', " "), value.clone(), *differs));
    page.values(&values.collect::<Vec<_>>());
    page.heading("Again");
    let changed = shown.iter().zip(&differs).filter(|((field, _), differs)| {
        let of_method = !field.methods.is_empty();
        field.name == "data" || **differs && field.change != Change::OnResume || of_method && field.applies(settings)
    });
    let flags: Vec<String> = changed.map(|((field, value), _)| format!("--{}={value}", field.name.replace('_', "-"))).collect();
    page.command(&format!("gairat train {}", flags.join(" ")));
    changed_on_the_way(&mut page, turns);
    page
}

/// What was changed while the run was on its way, so that the command is not taken for all of it.
fn changed_on_the_way(page: &mut Page, turns: &[Turn]) {
    if turns.is_empty() {
        return;
    }
    page.paragraph(
        "Settings were changed on the way, and this command gives another run, which has the last ones from its first epoch on. To come to the same \
         results, begin with the values on the left and change them where they were changed:",
    );
    let mut rows = vec![["from epoch", "setting", "was", "became"].map(str::to_owned).to_vec()];
    for turn in turns {
        let at = if turn.step > 0 { format!("{}, after {} steps", turn.epoch, turn.step) } else { turn.epoch.to_string() };
        rows.extend(
            turn.changes
                .iter()
                .map(|change| vec![at.clone(), change.name.replace('_', " "), change.from.clone(), change.to.clone()]),
        );
    }
    page.table(&rows, |_, _| false);
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Tiles of the weights that the run reports, and a table of all weights.
fn scores(page: &mut Page, summary: &Summary) {
    // Natural data first, then the attacks as they come, the worst case last.
    let ordered = |scores: Vec<(&str, f64)>| -> Vec<(String, f64)> {
        let (natural, attacks): (Vec<_>, Vec<_>) = scores.into_iter().partition(|(name, _)| *name == "natural");
        natural.into_iter().chain(attacks.into_iter().rev()).map(|(name, score)| (name.to_owned(), score)).collect()
    };
    let reported = ordered(summary.reported().collect());
    let mut tiles: Vec<(String, String)> = reported.iter().map(|(name, score)| (score_label(name), percent(*score))).collect();
    tiles.push((format!("worst (by {})", summary.strongest), percent(summary.robust)));
    page.tiles(&tiles);
    let is_last = summary.epoch == summary.epochs;
    let which = if is_last { "of the last epoch".to_owned() } else { format!("of epoch {}, the best", summary.epoch) };
    page.paragraph(&format!(
        "Accuracy of the weights {which}, on {} test samples. The worst case counts a sample only if it is correct under every attack; the attacks of training's own report are few, and `gairat eval` has more.",
        summary.samples
    ));
    if let Some(sentence) = &summary.at_chance {
        page.flag("At chance", sentence);
    }
    let names: Vec<&str> = reported.iter().map(|(name, _)| name.as_str()).collect();
    let mut rows = vec![
        ["weights".to_owned()]
            .into_iter()
            .chain(names.iter().map(|name| score_label(name)))
            .chain(["worst".to_owned()])
            .collect(),
    ];
    let row = |label: String, of: &dyn Fn(&str) -> Option<f64>| -> Vec<String> {
        let numbers = names.iter().copied().chain(["robust"]).map(|name| of(name).map_or_else(|| "-".to_owned(), percent));
        [label].into_iter().chain(numbers).collect()
    };
    let own = |name: &str| if name == "robust" { Some(summary.robust) } else { summary.scores.get(name).copied() };
    rows.push(row(format!("epoch {}", summary.epoch), &own));
    for beside in Beside::ALL {
        let scores: Vec<(&str, f64)> = summary.beside(beside).collect();
        if !scores.is_empty() {
            rows.push(row(beside.label().to_owned(), &|name| scores.iter().find(|(of, _)| *of == name).map(|(_, score)| *score)));
        }
        if let Some(sentence) = summary.beside_at_chance(beside) {
            page.flag("At chance", &format!("{}: {sentence}", beside.label()));
        }
    }
    if rows.len() > 2 {
        page.table(&rows, |_, _| false);
    }
}

/// What `gairat eval` said.
fn evaluation(page: &mut Page, name: &str, report: &serde_json::Value) {
    page.heading(&format!("Evaluation in {name}"));
    let number = |value: &serde_json::Value| value.as_f64().map_or_else(|| "-".to_owned(), percent);
    let count = |value: &serde_json::Value| value.as_u64().map_or_else(|| "-".to_owned(), |count| count.to_string());
    let mut rows = vec![["attack", "correct", "broke", "of"].map(str::to_owned).to_vec()];
    for score in report["scores"].as_array().into_iter().flatten() {
        let attack = score["label"].as_str().or(score["attack"].as_str()).unwrap_or_default();
        let attack = stage_label(attack, score["on_survivors"].as_bool().unwrap_or_default());
        rows.push(vec![attack, number(&score["accuracy"]), count(&score["broke"]), count(&score["tried"])]);
    }
    rows.push(vec!["under every attack".to_owned(), number(&report["robust"]), String::new(), count(&report["samples"])]);
    let last = rows.len() - 1;
    page.table(&rows, |place, _| place == last);
    if rows.iter().any(|row| row[0].starts_with('+')) {
        page.paragraph(PLUS);
    }
    for flag in report["flags"].as_array().into_iter().flatten() {
        page.flag(flag["name"].as_str().unwrap_or_default(), flag["message"].as_str().unwrap_or_default());
    }
}

/// What suites said of the network in the window, the newest first.
fn judgements_of(page: &mut Page, judged: &[Judged]) {
    let verdicts: Vec<_> = judged.iter().rev().filter_map(|judged| Some((judged, judged.verdict.as_ref()?))).collect();
    if verdicts.is_empty() {
        return;
    }
    page.heading("Judged on the way");
    for (judged, verdict) in verdicts {
        let whose = if judged.weights == Weights::Best { ", the best so far" } else { "" };
        let step = if judged.step > 0 { format!(" and {} steps", judged.step) } else { String::new() };
        let (low, high) = verdict.interval;
        page.paragraph(&format!(
            "{} on {} test samples, weights of epoch {}{step}{whose}, L∞ ball of {}: {} correct under every attack (95 % interval {} to {}), lowest under {}.",
            judged.attacks,
            verdict.samples,
            judged.epoch,
            judged.epsilon,
            percent(verdict.robust),
            percent(low),
            percent(high),
            verdict.strongest
        ));
        let mut rows = vec![["attack", "correct", "broke", "of"].map(str::to_owned).to_vec()];
        rows.extend(verdict.bars.iter().map(|bar| {
            vec![stage_label(&bar.attack, bar.on_survivors), percent(bar.accuracy), bar.broke.to_string(), bar.tried.to_string()]
        }));
        rows.push(vec!["under every attack".to_owned(), percent(verdict.robust), String::new(), verdict.samples.to_string()]);
        let last = rows.len() - 1;
        page.table(&rows, |place, _| place == last);
        if verdict.bars.iter().any(|bar| bar.on_survivors) {
            page.paragraph(PLUS);
        }
        for flag in &verdict.flags {
            page.flag(&flag.name, &flag.message);
        }
        if let Some(sentence) = &verdict.at_chance {
            page.flag("At chance", sentence);
        }
    }
}

/// The mean weight of each κ.
fn weights(page: &mut Page, settings: &Settings, samples: &Measured) {
    let of = samples.weight_by_kappa(settings.steps as usize);
    if of.len() > 41 {
        return;
    }
    let row = |label: &str, cells: Vec<String>| [label.to_owned()].into_iter().chain(cells).collect::<Vec<String>>();
    page.table(
        &[
            row("κ", of.iter().map(|(kappa, ..)| kappa.to_string()).collect()),
            row("samples", of.iter().map(|(_, count, _)| count.to_string()).collect()),
            row(
                "mean ω",
                of.iter().map(|(.., weight)| weight.map_or_else(|| "-".to_owned(), |weight| format!("{weight:.2}"))).collect(),
            ),
        ],
        |_, _| false,
    );
}

#[cfg(test)]
mod tests {
    use gairat::metrics::EpochMetrics;

    use super::*;

    #[test]
    fn a_report_needs_no_other_file_and_no_script() {
        let subject = Subject {
            label: "GAIRAT".to_owned(),
            settings: Settings::default().with("epochs", "90"),
            epochs: vec![EpochMetrics { epoch: 1, loss: 0.5, effective: Some(0.5), ..EpochMetrics::default() }],
            samples: Measured {
                row: vec![0, 1],
                kappa: vec![0.0, 10.0],
                weight: vec![1.5, 0.5],
                margin_start: vec![0.1, 2.0],
                margin_adversarial: vec![-1.0, 1.0],
                depends_on: vec![0.0, 10.0],
            },
            ..Subject::default()
        };
        let evaluation = serde_json::json!({
            "scores": [{ "attack": "pgd:20", "label": "<PGD>", "accuracy": 0.5, "broke": 1, "tried": 2 }], "robust": 0.5, "samples": 2,
            "flags": [{ "name": "labels", "message": "odd" }],
        });
        let judged: Judged = serde_json::from_value(serde_json::json!({
            "attacks": "trust", "weights": "Now", "epoch": 7, "step": 3, "epsilon": 0.25,
            "verdict": {
                "samples": 40, "bars": [{ "attack": "Square", "accuracy": 0.625, "tried": 40, "broke": 15, "on_survivors": false }],
                "robust": 0.625, "interval": [0.5, 0.75], "strongest": "Square", "curve": [],
                "flags": [{ "name": "masked", "message": "the gradient <vanishes>", "severity": "Wrong" }], "at_chance": null,
            },
            "sample": null,
        }))
        .unwrap();
        let text = of_run(&subject, &[("eval-trust".to_owned(), evaluation)], &[judged], &[]).finish();
        for part in ["1 of 90 epochs", "eval-trust", "&lt;PGD&gt;", "labels", "--epochs=90", "mean ω", "prefers-color-scheme"] {
            assert!(text.contains(part), "{part}");
        }
        for part in [
            "weights of epoch 7 and 3 steps",
            "62.50 % correct under every attack",
            "lowest under Square",
            "the gradient &lt;vanishes&gt;",
        ] {
            assert!(text.contains(part), "{part}");
        }
        for part in ["<script", "src=", "href=", "NaN", "<PGD>", "<vanishes>"] {
            assert!(!text.contains(part), "{part}");
        }
        assert_eq!(text.matches("<svg").count(), 7);
        let addresses: Vec<&str> = text.match_indices("http").map(|(at, _)| &text[at..at + 26]).collect();
        assert!(addresses.iter().all(|address| *address == "http://www.w3.org/2000/svg"), "{addresses:?}");
    }
}
