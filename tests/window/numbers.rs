//! A real run in the window: its numbers on the screen are those in its files, and it goes on where it was closed.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use egui::vec2;
use egui_kittest::{Harness, kittest::Queryable as _};
use gairat::{
    session::{Changed, Turn, turns},
    settings::Settings,
};

use super::window;
use crate::lesson::PGD_ALONE;
use crate::window::{
    actions::{Action, judging},
    model::{Launcher, Phase, SPEEDS, State},
};

/// A window whose run rests until it is told to play.
pub(super) fn open(root: &Path, settings: Settings, resume: Option<&Path>) -> Harness<'static, State> {
    let launcher = Launcher { root: root.to_owned(), gpu: None, playing: false, drawn_by_cpu: false, wake: Arc::new(|| ()) };
    let state = State::new(settings, Some(launcher), resume.map(Path::to_owned), None);
    state.gate.set_speed(SPEEDS[SPEEDS.len() - 1]);
    window(state, vec2(1280.0, 800.0))
}

/// Draws frames until `done`, at most two minutes.
pub(super) fn until(window: &mut Harness<'_, State>, what: &str, done: impl Fn(&State) -> bool) {
    let begun = Instant::now();
    while !done(window.state()) {
        assert!(begun.elapsed() < Duration::from_secs(120), "{what}: {:?}", window.state().run().phase);
        std::thread::sleep(Duration::from_millis(10));
        window.step();
    }
    window.step();
}

fn settings() -> Settings {
    Settings { points: 200, epochs: 6, burn_in: 2, batch: 32, evaluate_every: 2, device: "cpu".to_owned(), ..Settings::default() }
}

#[test]
fn numbers_on_the_screen_are_those_in_the_files_of_the_run() {
    let root = tempfile::tempdir().unwrap();
    let mut window = open(root.path(), settings(), None);
    window.state_mut().gate.play(true);
    until(&mut window, "the run ends", |state| matches!(state.run().phase, Phase::Finished(_)));
    until(&mut window, "the last view comes", |state| state.run().place.is_end() && state.run().all_seen().count() == 180);
    let folder = window.state().run().folder.clone().unwrap();

    let samples = std::fs::read_to_string(folder.join("samples.csv")).unwrap();
    let mut lines = samples.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|title| *title == name).unwrap_or_else(|| panic!("{name} in {header:?}"));
    let (row, kappa, omega) = (column("index"), column("kappa"), column("weight"));
    let rows: Vec<Vec<String>> = lines.map(|line| line.split(',').map(str::to_owned).collect()).collect();
    assert_eq!(rows.len(), 180);
    for line in rows.iter().step_by(17) {
        let number: u32 = line[row].parse().unwrap();
        window.state_mut().select(Some(number));
        window.run_steps(2);
        window.get_by_label(&format!("Sample {number}"));
        window.get_by_label(&format!("κ in training {} of 10", line[kappa]));
        window.get_by_label(&format!("ω {:.4}", line[omega].parse::<f64>().unwrap()));
    }

    let metrics = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    window.get_by_label(&format!(
        "Curves: after epoch 6 loss {:.4}, mean kappa {:.4}, robust {:.4}",
        last["loss"].as_f64().unwrap(),
        last["mean_kappa"].as_f64().unwrap(),
        last["train_robust"].as_f64().unwrap()
    ));
    let summary: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("summary.json")).unwrap()).unwrap();
    for (name, label) in [("natural", "natural"), ("robust", "worst of the suite")] {
        let shown = format!("{label} {:.1} %", 100.0 * summary[name].as_f64().unwrap());
        assert!(window.query_all_by_label(&shown).next().is_some(), "{shown}");
    }
    window.state_mut().finish();
}

#[test]
fn a_window_that_is_closed_saves_a_run_that_goes_on_to_the_same_end() {
    let root = tempfile::tempdir().unwrap();
    let mut whole = open(root.path(), settings(), None);
    whole.state_mut().gate.play(true);
    until(&mut whole, "the run ends", |state| matches!(state.run().phase, Phase::Finished(_)));
    let folder = whole.state().run().folder.clone().unwrap();
    whole.state_mut().finish();

    let mut first = open(root.path(), settings(), None);
    let ctx = first.ctx.clone();
    first.state_mut().gate.stop_at(13);
    until(&mut first, "13 batches are done", |state| state.run().place.steps_done() == 13);
    first.state_mut().act(Action::Save, &ctx);
    first.state_mut().finish();
    let cut = first.state().run().folder.clone().unwrap();
    assert_ne!(cut, folder);

    let mut second = open(root.path(), settings(), Some(&cut));
    second.state_mut().gate.play(true);
    until(&mut second, "the run ends", |state| matches!(state.run().phase, Phase::Finished(_)));
    second.state_mut().finish();
    for file in ["samples.csv", "metrics.csv", "last.safetensors", "best.safetensors"] {
        assert_eq!(std::fs::read(folder.join(file)).unwrap(), std::fs::read(cut.join(file)).unwrap(), "{file}");
    }
}

#[test]
fn changes_on_the_way_are_written_down_and_a_rewound_run_has_a_folder_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let mut window = open(root.path(), settings(), None);
    window.state_mut().gate.stop_at(15);
    until(&mut window, "15 batches are done", |state| state.run().place.steps_done() == 15);
    let before = window.state().run().folder.clone().unwrap();
    window.state_mut().form.set("lambda", "0.25").unwrap();
    window.state_mut().edited();
    until(&mut window, "the change is told", |state| {
        !state.run().moments.iter().all(|mark| !mark.text.contains("lambda -1 to 0.25"))
    });
    let written: Settings = serde_json::from_slice(&std::fs::read(before.join("settings.json")).unwrap()).unwrap();
    assert_eq!(written.get("lambda").as_deref(), Some("0.25"));
    // Two epochs of 6 batches, and 3 of the next one.
    let turned = turns(&before).unwrap();
    let lambda = Changed { name: "lambda".to_owned(), from: "-1".to_owned(), to: "0.25".to_owned() };
    assert_eq!(turned, [Turn { epoch: 3, step: 3, changes: vec![lambda.clone()] }]);

    window.state_mut().rewind_to(1);
    until(&mut window, "the run is rewound", |state| state.run().folder.as_ref().is_some_and(|folder| *folder != before));
    window.state_mut().gate.play(true);
    until(&mut window, "the run ends", |state| matches!(state.run().phase, Phase::Finished(_)));
    let after = window.state().run().folder.clone().unwrap();
    window.state_mut().finish();
    let metrics = std::fs::read_to_string(after.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().count(), 6);
    let first = |folder: &Path| std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap().lines().next().unwrap().to_owned();
    assert_eq!(first(&after), first(&before), "its first epoch is that of the run it comes from");
    // It has had the settings of the other from where it begins.
    assert_eq!(turns(&after).unwrap(), [Turn { epoch: 2, step: 0, changes: vec![lambda] }]);
    assert!(before.join("part.safetensors").is_file(), "the run before was saved where it was left");
}

#[test]
fn a_change_that_a_kill_overtakes_holds_from_the_state_that_was_kept() {
    let root = tempfile::tempdir().unwrap();
    let mut window = open(root.path(), settings(), None);
    window.state_mut().gate.stop_at(15);
    until(&mut window, "15 batches are done", |state| state.run().place.steps_done() == 15);
    window.state_mut().form.set("lambda", "0.25").unwrap();
    window.state_mut().edited();
    let folder = window.state().run().folder.clone().unwrap();
    until(&mut window, "the change is written down", |_| !turns(&folder).unwrap().is_empty());
    // What a kill leaves.
    let killed = root.path().join("killed");
    std::fs::create_dir(&killed).unwrap();
    for file in std::fs::read_dir(&folder).unwrap().flatten().filter(|file| file.path().is_file()) {
        std::fs::copy(file.path(), killed.join(file.file_name())).unwrap();
    }
    window.state_mut().finish();
    assert_eq!(turns(&killed).unwrap()[0].step, 3);

    let mut again = open(root.path(), settings(), Some(&killed));
    again.state_mut().gate.stop_at(1);
    until(&mut again, "it goes on", |state| state.run().place.steps_done() > 12);
    again.state_mut().finish();
    let lambda = Changed { name: "lambda".to_owned(), from: "-1".to_owned(), to: "0.25".to_owned() };
    assert_eq!(turns(&killed).unwrap(), [Turn { epoch: 3, step: 0, changes: vec![lambda] }]);
}

#[test]
fn twins_stay_beside_each_other_and_the_difference_is_shown() {
    let root = tempfile::tempdir().unwrap();
    let mut window = open(root.path(), settings(), None);
    let ctx = window.ctx.clone();
    window.state_mut().act(Action::Twin, &ctx);
    window.state_mut().act(Action::Difference, &ctx);
    // Six batches an epoch: 12 are the burn-in.
    for (steps, same) in [(12, true), (20, false)] {
        window.state_mut().gate.stop_at(steps);
        let done = |state: &State| {
            state.runs.iter().all(|run| run.place.steps_done() as u64 == steps && run.all_seen().count() == 180)
                && state.both_regions().is_some_and(|[(a, of_a), (b, of_b)]| a == b && (of_a == of_b) == same)
        };
        until(&mut window, "both do so many batches, and are the same in burn-in alone", done);
    }
    window.state_mut().finish();
}

#[test]
fn a_finished_run_keeps_its_results_until_it_gets_more_epochs() {
    let root = tempfile::tempdir().unwrap();
    let mut window = open(root.path(), settings(), None);
    window.state_mut().gate.play(true);
    until(&mut window, "the run ends", |state| matches!(state.run().phase, Phase::Finished(_)));
    let folder = window.state().run().folder.clone().unwrap();
    let read = |name: &str| std::fs::read(folder.join(name)).ok();
    let before: Vec<_> = ["settings.json", "summary.json", "best.safetensors"].iter().map(|name| read(name)).collect();
    assert!(before.iter().all(Option::is_some));

    window.state_mut().form.epsilon = 0.09;
    window.state_mut().edited();
    until(&mut window, "a new run is offered", |state| state.question.is_some());
    let after: Vec<_> = ["settings.json", "summary.json", "best.safetensors"].iter().map(|name| read(name)).collect();
    assert_eq!(before, after);
    window.state_mut().take_back();

    window.state_mut().form.epochs = 8;
    window.state_mut().edited();
    until(&mut window, "it goes on to its new end", |state| {
        matches!(state.run().phase, Phase::Finished(_)) && state.run().metrics.len() == 8
    });
    window.state_mut().finish();
    assert_eq!(std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap().lines().count(), 8);
}

#[test]
fn fewer_epochs_than_were_begun_are_refused_and_nothing_is_lost() {
    let root = tempfile::tempdir().unwrap();
    let mut window = open(root.path(), settings(), None);
    window.state_mut().gate.stop_at(21);
    until(&mut window, "21 batches are done", |state| state.run().place.steps_done() == 21);
    let folder = window.state().run().folder.clone().unwrap();
    window.state_mut().form.epochs = 2;
    window.state_mut().edited();
    until(&mut window, "that is refused", |state| state.notices.iter().any(|notice| notice.text.contains("give at least 4")));
    window.state_mut().finish();

    let mut again = open(root.path(), settings(), Some(&folder));
    again.state_mut().gate.play(true);
    until(&mut again, "the run ends", |state| matches!(state.run().phase, Phase::Finished(_)));
    assert_eq!(again.state().run().metrics.len(), 6);
    again.state_mut().finish();
}

#[test]
fn the_lesson_on_lambda_trains_through_low_values_of_it() {
    let root = tempfile::tempdir().unwrap();
    let mut window = open(root.path(), settings(), None);
    crate::window::actions::lessons::begin(window.state_mut(), 2);
    // Its run alone.
    window.state_mut().lesson = None;
    window.state_mut().form.set("lambda", "-2").unwrap();
    window.state_mut().edited();
    // A hundred epochs, twelve times the burn-in.
    window.state_mut().gate.set_speed(SPEEDS[SPEEDS.len() - 1]);
    window.state_mut().gate.stop_at(1500);
    until(&mut window, "1500 batches are done", |state| state.run().place.steps_done() == 1500 || !state.run().is_at_work());
    assert_eq!(window.state().run().phase, Phase::Training);
    assert!(window.state().run().effective.unwrap() < 0.9, "few samples count");
    window.state_mut().finish();
}

#[test]
fn a_run_that_ends_in_the_window_leaves_its_report_and_what_it_is_judged_to_be_goes_into_it() {
    let root = tempfile::tempdir().unwrap();
    let mut window = open(root.path(), settings(), None);
    window.state_mut().gate.play(true);
    until(&mut window, "the run ends", |state| matches!(state.run().phase, Phase::Finished(_)));
    let folder = window.state().run().folder.clone().unwrap();
    let report = || std::fs::read_to_string(folder.join("report.html")).unwrap_or_default();
    assert!(report().contains("Training samples in the last epoch") && !report().contains("Judged on the way"));
    for name in ["accuracy.svg", "accuracy.png", "weights.csv"] {
        assert!(folder.join("figures").join(name).is_file(), "{name}");
    }
    window.state_mut().judge.attacks = PGD_ALONE;
    judging::begin(window.state_mut(), true);
    until(&mut window, "the judgement comes", |state| {
        state.run().judgements.under_way.is_none() && !state.run().judgements.done.is_empty()
    });
    assert!(report().contains("Judged on the way") && report().contains(&format!("{PGD_ALONE} on ")), "{}", report());
}
