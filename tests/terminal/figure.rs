//! Figures for a paper, and what a finished run leaves beside its numbers.

use std::{fs, path::Path};

use crate::{fail, json, succeed};

const MOONS: &str = "train --device cpu --points 600 --test 200 --epochs 3 --burn-in 1";

/// The names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn in_three_formats(figures: &[&str]) -> Vec<String> {
    let mut names: Vec<String> =
        figures.iter().flat_map(|name| ["csv", "png", "svg"].map(|kind| format!("{name}.{kind}"))).collect();
    names.sort();
    names
}

#[test]
fn a_finished_run_leaves_figures_of_what_it_recorded_and_equal_runs_equal_ones() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for run in ["a", "b"] {
        succeed(folder.path(), &format!("{MOONS} --out {run}"));
    }
    let recorded = ["accuracy", "effective", "kappa", "loss", "margins", "mean-kappa", "weights"];
    assert_eq!(names(&at("a/figures")), in_three_formats(&recorded));
    for name in names(&at("a/figures")) {
        assert_eq!(fs::read(at("a/figures").join(&name)).unwrap(), fs::read(at("b/figures").join(&name)).unwrap(), "{name}");
    }
    // The numbers are those of the run's own files.
    let loss = fs::read_to_string(at("a/figures/loss.csv")).unwrap();
    for epoch in json(&fs::read_to_string(at("a/metrics.jsonl")).unwrap()) {
        assert!(loss.contains(&format!(",{},{}\n", epoch["epoch"], epoch["loss"])), "{loss}");
    }
}

#[test]
fn figures_are_drawn_of_one_run_and_of_several_without_a_screen() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeed(folder.path(), &format!("{MOONS} --out gairat"));
    succeed(folder.path(), &format!("{MOONS} --method at --seed 1 --out at"));
    succeed(folder.path(), "eval --run gairat --suite quick --epsilons 0:0.1:3 --out gairat/eval");
    let told = succeed(folder.path(), "figure gairat");
    assert!(told.contains("stage.png") && told.contains("epsilon-curve.svg"), "{told}");
    let stage = fs::read_to_string(at("gairat/figures/stage.csv")).unwrap();
    let samples = fs::read_to_string(at("gairat/samples.csv")).unwrap();
    assert_eq!(stage.lines().count(), samples.lines().count(), "every training sample is in it");
    // What moved stays within the ball, and what the network answers is what it says.
    for line in stage.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |place: usize| cells[cells.len() - place].parse::<f64>().unwrap();
        let moved = (number(9) - number(7)).abs().max((number(8) - number(6)).abs());
        assert!(moved <= 0.04 + 1e-6, "{line}");
        let broken = cells[cells.len() - 5] == "true";
        assert_eq!(broken, cells[cells.len() - 3] != cells[cells.len() - 10], "{line}");
    }
    let curve = fs::read_to_string(at("gairat/figures/epsilon-curve.csv")).unwrap();
    let kept = fs::read_to_string(at("gairat/eval/curve.csv")).unwrap();
    assert_eq!(curve.lines().filter(|line| line.starts_with("eval,")).count(), kept.lines().count() - 1);
    // Of several runs.
    succeed(folder.path(), "figure gairat at --only accuracy,stage --out both");
    assert_eq!(names(&at("both")), in_three_formats(&["accuracy", "stage"]));
    let svg = fs::read_to_string(at("both/accuracy.svg")).unwrap();
    assert!(svg.contains("seed 0") && svg.contains("seed 1"), "{svg}");
    // Requests that cannot be fulfilled.
    assert!(fail(folder.path(), "figure nowhere", 2).contains("nowhere"));
    assert!(fail(folder.path(), "figure gairat --only stages", 2).contains("stage"));
    let nothing = fail(folder.path(), "figure at --only images", 2);
    assert!(nothing.contains("nothing to draw of images"), "{nothing}");
}

#[test]
fn images_are_drawn_with_what_the_network_takes_them_for() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), "train --data digits --device cpu --epochs 2 --burn-in 1 --out run");
    succeed(folder.path(), "figure run --only images");
    let table = fs::read_to_string(folder.path().join("run/figures/images.csv")).unwrap();
    assert_eq!(table.lines().count(), 13);
    let svg = fs::read_to_string(folder.path().join("run/figures/images.svg")).unwrap();
    assert!(svg.contains("magnified × 5.0: blue −0.1, grey 0, red +0.1") && svg.contains("→"), "the scale is said");
    assert_eq!(svg.matches("data:image/png;base64,").count(), 36);
    let row = table.lines().nth(1).unwrap().split(',').nth(1).unwrap();
    succeed(folder.path(), &format!("figure run --only images --rows {row} --out one"));
    let one = fs::read_to_string(folder.path().join("one/images.csv")).unwrap();
    assert_eq!(one.lines().nth(1), table.lines().nth(1));
    assert!(fail(folder.path(), "figure run --only images --rows 99999", 2).contains("--rows 99999"));
}
