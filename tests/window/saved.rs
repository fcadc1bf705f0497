//! The table of saved runs: what is in their files is on the screen.

use std::path::Path;

use egui::vec2;
use egui_kittest::kittest::Queryable as _;
use gairat::{
    checkpoint::RunFolder,
    metrics::{EpochMetrics, Summary},
    settings::Settings,
};

use super::{canned, window};
use crate::window::{actions::Action, model::saved::SavedRuns};

/// A run folder as training leaves it, with so many epochs, finished or not.
fn leave_run(folder: &Path, method: &str, epochs: u32, robust: Option<f64>) {
    let settings = Settings { epochs: 3, ..Settings::default() }.with("method", method);
    let run = RunFolder::create(folder, &settings).unwrap();
    let metrics: Vec<EpochMetrics> =
        (1..=epochs).map(|epoch| EpochMetrics { epoch, train_robust: 0.5, ..EpochMetrics::default() }).collect();
    run.write_metrics(&metrics).unwrap();
    if let Some(robust) = robust {
        let scores = [("natural".to_owned(), 0.875), ("pgd20".to_owned(), 0.75)].into();
        run.finish(&Summary { robust, epochs: 3, scores, ..Summary::default() }).unwrap();
    }
}

#[test]
fn saved_runs_stand_beside_each_other_and_are_drawn_when_they_are_ticked() {
    let root = tempfile::tempdir().unwrap();
    leave_run(&root.path().join("2026-01-01_a"), "trades", 3, Some(0.625));
    leave_run(&root.path().join("2026-01-02_b"), "mart", 2, None);
    // The runs of a comparison lie one folder deeper.
    leave_run(&root.path().join("results/gairat_seed0"), "gairat", 3, Some(0.5));
    std::fs::write(root.path().join("results/plan.json"), "{}").unwrap();
    let mut window = window(canned::state(), vec2(1280.0, 800.0));
    window.state_mut().saved = Some(SavedRuns::within(Some(root.path())));
    window.run_steps(3);
    let names: Vec<String> = window.state().saved.as_ref().unwrap().rows.iter().map(|row| row.name.clone()).collect();
    assert_eq!(names, ["2026-01-02_b", "2026-01-01_a", "results/gairat_seed0"]);
    for label in ["2 of 3", "62.5 %", "No run is ticked."] {
        assert!(window.query_all_by_label(label).next().is_some(), "{label}");
    }
    window.get_by_label("2026-01-01_a").click();
    window.run_steps(3);
    assert!(window.state().saved.as_ref().unwrap().rows[1].chosen);
    assert!(window.query_by_label("No run is ticked.").is_none());
    assert!(window.query_by_label("Open results/gairat_seed0").is_some());
    window.query_all_by_label("Close").last().unwrap().click();
    window.run_steps(3);
    assert!(window.state().saved.is_none());
}

#[test]
fn without_runs_the_table_says_so() {
    let root = tempfile::tempdir().unwrap();
    let mut window = window(canned::state(), vec2(1280.0, 800.0));
    window.state_mut().saved = Some(SavedRuns::within(Some(root.path())));
    window.run_steps(3);
    assert!(window.query_by_label("There is no run here yet.").is_some());
    let ctx = window.ctx.clone();
    window.state_mut().act(Action::Deselect, &ctx);
    assert!(window.state().saved.is_none());
}
