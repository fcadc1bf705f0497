//! The report of one run.

use std::path::Path;

use gairat::{
    checkpoint::RunFolder,
    files,
    metrics::{Beside, EpochMetrics, Summary, score_label},
    settings::{Change, Settings, fields},
};

use super::{FILE, page::Page, samples::Measured};
use crate::{
    failure::Failure,
    svg::{
        Ink, WEIGHT,
        histogram::{self, Height},
        lines::{self, Line, Scale},
    },
};

/// Width and height of a figure.
const SIZE: (f64, f64) = (640.0, 320.0);

/// Writes the report of the run in `folder` beside its files.
///
/// # Errors
/// A folder without a run, or with files that cannot be read or written.
pub(crate) fn write_of_run(folder: &Path) -> Result<(), Failure> {
    let (folder, settings) = RunFolder::open(folder)?;
    let epochs = files::read_text(&folder.file("metrics.jsonl")).unwrap_or_default();
    let epochs: Vec<EpochMetrics> = epochs.lines().map_while(|line| serde_json::from_str(line).ok()).collect();
    let samples = Measured::read(&files::read_text(&folder.file("samples.csv")).unwrap_or_default());
    let summary = folder.summary()?;
    let text = of_run(&settings, &epochs, &samples, summary.as_ref(), &evaluations(&folder)).finish();
    let file = folder.file(FILE);
    files::write(&file, text.as_bytes()).map_err(|error| Failure::Work(format!("{}: {error}", file.display())))
}

/// The reports of `gairat eval` that lie in the run's folder, by the name of their own.
fn evaluations(folder: &RunFolder) -> Vec<(String, serde_json::Value)> {
    let mut found: Vec<(String, serde_json::Value)> = files::list(folder.path())
        .unwrap_or_default()
        .iter()
        .filter_map(|path| {
            let text = files::read_text(&path.join("evaluation.json")).ok()?;
            Some((path.file_name()?.to_string_lossy().into_owned(), serde_json::from_str(&text).ok()?))
        })
        .collect();
    // The order of a folder's files is anybody's.
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn of_run(
    settings: &Settings,
    epochs: &[EpochMetrics],
    samples: &Measured,
    summary: Option<&Summary>,
    evaluations: &[(String, serde_json::Value)],
) -> Page {
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
    if !epochs.is_empty() {
        page.heading("Training");
        page.figures(&curves(settings, epochs, summary));
    }
    if !samples.kappa.is_empty() {
        page.heading("Training samples in the last epoch");
        page.paragraph(
            "κ counts the steps of the attack before which a sample is still classified correctly: samples of a small κ lie close to the boundary. ω is the weight of a sample in the loss.",
        );
        page.figures(&spreads(settings, samples));
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
    page
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
        rows.push(vec![attack.to_owned(), number(&score["accuracy"]), count(&score["broke"]), count(&score["tried"])]);
    }
    rows.push(vec!["under every attack".to_owned(), number(&report["robust"]), String::new(), count(&report["samples"])]);
    let last = rows.len() - 1;
    page.table(&rows, |place, _| place == last);
    for flag in report["flags"].as_array().into_iter().flatten() {
        page.flag(flag["name"].as_str().unwrap_or_default(), flag["message"].as_str().unwrap_or_default());
    }
}

/// Accuracies, loss, and what else there is over the epochs.
fn curves(settings: &Settings, epochs: &[EpochMetrics], summary: Option<&Summary>) -> Vec<String> {
    let line = |label: &str, dashes: &'static str, of: &dyn Fn(&EpochMetrics) -> Option<f64>| Line {
        label: label.to_owned(),
        points: epochs.iter().filter_map(|epoch| Some((f64::from(epoch.epoch), of(epoch)?))).collect(),
        dashes,
        colour: None,
    };
    let mut marks: Vec<(f64, &str)> = Vec::new();
    if settings.method.about().burns_in && settings.burn_in > 0 && settings.burn_in < settings.epochs {
        marks.push((f64::from(settings.burn_in) + 0.5, "weights begin"));
    }
    if let Some(summary) = summary.filter(|summary| summary.epoch < summary.epochs) {
        marks.push((f64::from(summary.epoch), "best"));
    }
    let accuracies = [
        line("validation", "", &|epoch| epoch.validation("natural")),
        line("PGD-20", "7 4", &|epoch| epoch.validation("pgd:20")),
        line("worst", "2 3", &|epoch| epoch.get("validation_robust")),
        line("train, PGD", "1 4", &|epoch| Some(epoch.train_robust)),
    ];
    let accuracies: Vec<Line> = accuracies.into_iter().filter(|line| !line.points.is_empty()).collect();
    let mut figures = vec![
        lines::svg("Accuracy", &accuracies, Scale::Share, &marks, SIZE, Ink::Page),
        lines::svg(
            "Loss that is minimised",
            &[line("loss", "", &|epoch| Some(epoch.loss))],
            Scale::Number,
            &marks,
            SIZE,
            Ink::Page,
        ),
        lines::svg("Mean κ", &[line("κ", "", &|epoch| Some(epoch.mean_kappa))], Scale::Number, &marks, SIZE, Ink::Page),
    ];
    let mut effective = line("effective", "", &|epoch| epoch.effective);
    effective.colour = Some(WEIGHT);
    if !effective.points.is_empty() {
        figures.push(lines::svg("Effective share of samples, (Σω)²/(nΣω²)", &[effective], Scale::Share, &marks, SIZE, Ink::Page));
    }
    figures
}

/// How κ, ω and the margins are spread.
fn spreads(settings: &Settings, samples: &Measured) -> Vec<String> {
    let kappa: Vec<histogram::Bar> = samples
        .weight_by_kappa(settings.steps as usize)
        .into_iter()
        .map(|(kappa, count, _)| histogram::Bar { low: kappa as f64 - 0.5, high: kappa as f64 + 0.5, count })
        .collect();
    let bins = |values: &[f64]| histogram::bins(values.iter().copied(), 30);
    let natural = bins(&samples.margin_start);
    let adversarial = bins(&samples.margin_adversarial);
    let mut figures = vec![histogram::svg(
        "κ of the training samples (counts on a logarithmic scale)",
        &kappa,
        Height::Logarithmic,
        "κ, steps withstood",
        None,
        SIZE,
        Ink::Page,
    )];
    if samples.weight.iter().any(|weight| (weight - samples.weight[0]).abs() > 1e-6) {
        let weights = bins(&samples.weight);
        figures.push(histogram::svg(
            "Weights (counts on a logarithmic scale)",
            &weights,
            Height::Logarithmic,
            "ω, mean 1 where it is a share",
            Some(WEIGHT),
            SIZE,
            Ink::Page,
        ));
    }
    figures.push(histogram::svg(
        "Margin at the attack's start",
        &natural,
        Height::Plain,
        "z of the label − greatest other, logits",
        None,
        SIZE,
        Ink::Page,
    ));
    figures.push(histogram::svg(
        "Margin after the attack",
        &adversarial,
        Height::Plain,
        "z of the label − greatest other, logits",
        None,
        SIZE,
        Ink::Page,
    ));
    figures
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
    use super::*;

    #[test]
    fn a_report_needs_no_other_file_and_no_script() {
        let settings = Settings::default().with("epochs", "90");
        let epochs = [EpochMetrics { epoch: 1, loss: 0.5, effective: Some(0.5), ..EpochMetrics::default() }];
        let samples = Measured {
            kappa: vec![0.0, 10.0],
            weight: vec![1.5, 0.5],
            margin_start: vec![0.1, 2.0],
            margin_adversarial: vec![-1.0, 1.0],
        };
        let evaluation = serde_json::json!({
            "scores": [{ "attack": "pgd:20", "label": "<PGD>", "accuracy": 0.5, "broke": 1, "tried": 2 }], "robust": 0.5, "samples": 2,
            "flags": [{ "name": "labels", "message": "odd" }],
        });
        let text = of_run(&settings, &epochs, &samples, None, &[("eval-trust".to_owned(), evaluation)]).finish();
        for part in ["1 of 90 epochs", "eval-trust", "&lt;PGD&gt;", "labels", "--epochs=90", "mean ω", "prefers-color-scheme"] {
            assert!(text.contains(part), "{part}");
        }
        for part in ["<script", "src=", "href=", "NaN", "<PGD>"] {
            assert!(!text.contains(part), "{part}");
        }
        assert_eq!(text.matches("<svg").count(), 8);
        let addresses: Vec<&str> = text.match_indices("http").map(|(at, _)| &text[at..at + 26]).collect();
        assert!(addresses.iter().all(|address| *address == "http://www.w3.org/2000/svg"), "{addresses:?}");
    }
}
