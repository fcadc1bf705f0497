//! Training, evaluating and going on.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Stdio},
};

use crate::{command, fail, files, json, run, succeed};

const SHORT: &str = "--device cpu --points 300 --test 100 --epochs 4 --burn-in 2 --epsilon 0.02 --step-size 0.004";

#[test]
fn without_arguments_it_trains_and_shows_that_it_worked() {
    let folder = tempfile::tempdir().unwrap();
    let text = succeed(folder.path(), "");
    for part in [
        "natural",
        "PGD-20",
        "CW-20",
        "MIFPE-20",
        "robust",
        "kappa of the training samples",
        "decision regions",
        "run folder runs/",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains('\u{1b}'), "no escape codes where standard output is no terminal");
    let accuracy = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.trim_start().starts_with(name) && line.contains('%')).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    assert!(accuracy("natural") > 95.0 && accuracy("PGD-20") > 85.0, "{text}");
    assert_eq!(fs::read_dir(folder.path().join("runs")).unwrap().count(), 1);
}

#[test]
fn json_is_one_object_a_line_and_the_summary_comes_last() {
    let folder = tempfile::tempdir().unwrap();
    let events = json(&succeed(folder.path(), &format!("train {SHORT} --out run --json")));
    assert_eq!(events[0]["event"], "run");
    assert_eq!(events.iter().filter(|event| event["event"] == "epoch").count(), 4);
    let summary = events.last().unwrap();
    assert_eq!(summary["event"], "summary");
    for part in ["natural", "pgd20", "cw20", "mifpe20", "robust"] {
        assert!((0.0..=1.0).contains(&summary[part].as_f64().unwrap()), "{part}");
    }
    // What `eval` finds in the folder is what the run said.
    let again = json(&succeed(folder.path(), "eval --run run --suite quick --device cpu --json")).pop().unwrap();
    for part in ["natural", "pgd20", "cw20", "mifpe20", "robust"] {
        assert_eq!(again[part], summary[part], "{part}");
    }
}

#[test]
fn a_settings_file_and_the_same_flags_are_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &format!("train {SHORT} --seed 5 --out a"));
    succeed(folder.path(), "train --settings a/settings.json --out b");
    assert_eq!(files(&folder.path().join("a")), files(&folder.path().join("b")));
}

#[test]
fn a_finished_run_says_so_and_takes_more_epochs_but_no_other_data() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &format!("train {SHORT} --out run"));
    let before = files(&folder.path().join("run"));
    let text = succeed(folder.path(), "train --resume run");
    assert!(text.contains("is finished (4 epochs)"), "{text}");
    assert_eq!(files(&folder.path().join("run")), before);
    let message = fail(folder.path(), "train --resume run --data circles", 2);
    assert!(message.contains("--data") && message.contains("`moons`"), "{message}");
    let message = fail(folder.path(), "train --resume run --epochs 3", 2);
    assert!(message.contains("fewer than the 4 epochs"), "{message}");
    assert_eq!(files(&folder.path().join("run")), before, "a refused request changes nothing");
    let text = succeed(folder.path(), "train --resume run --epochs 6");
    assert!(text.contains("goes on after epoch 4"), "{text}");
    assert_eq!(fs::read_to_string(folder.path().join("run/metrics.jsonl")).unwrap().lines().count(), 6);
    // Six epochs from the beginning would have been another run.
    let report = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    assert!(
        report.contains("Settings were changed on the way") && report.contains("<td>5</td><td>epochs</td><td>4</td><td>6</td>"),
        "{report}"
    );
    succeed(folder.path(), &format!("train {SHORT} --out straight"));
    assert!(!fs::read_to_string(folder.path().join("straight/report.html")).unwrap().contains("on the way"));
}

#[test]
fn an_existing_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("run")).unwrap();
    let message = fail(folder.path(), "train --out run", 2);
    assert!(message.contains("exists already") && message.contains("--resume run"), "{message}");
}

/// Starts a run and returns when its `epoch`-th epoch is told.
fn started(folder: &Path, arguments: &str, epoch: usize) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = command(folder, arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told = lines.by_ref().filter(|line| line.contains("\"event\":\"epoch\"")).take(epoch).count();
    assert_eq!(told, epoch);
    (child, lines)
}

/// A run long enough to be caught in its middle.
const LONG: &str =
    "--device cpu --points 4000 --test 100 --epochs 12 --burn-in 4 --batch 32 --lr 0.02 --epsilon 0.02 --step-size 0.004";

#[test]
fn killed_at_any_moment_it_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &format!("train {LONG} --out whole"));
    for epoch in [1, 3] {
        let name = format!("killed{epoch}");
        let (mut child, _) = started(folder.path(), &format!("train {LONG} --out {name} --json"), epoch);
        child.kill().unwrap();
        child.wait().unwrap();
        succeed(folder.path(), &format!("train --resume {name}"));
        assert_eq!(files(&folder.path().join(&name)), files(&folder.path().join("whole")));
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_leaves_a_run_that_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &format!("train {LONG} --out whole"));
    let (mut child, lines) = started(folder.path(), &format!("train {LONG} --out run --json"), 2);
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let last = lines.last().unwrap();
    assert!(last.contains("\"event\":\"stopped\""), "{last}");
    assert!(child.wait().unwrap().success());
    succeed(folder.path(), "train --resume run");
    assert_eq!(files(&folder.path().join("run")), files(&folder.path().join("whole")));
}

#[test]
fn devices_and_version_always_answer() {
    let folder = tempfile::tempdir().unwrap();
    let devices = json(&succeed(folder.path(), "devices --json"));
    assert_eq!(devices.iter().filter(|device| device["auto"] == true).count(), 1);
    assert_eq!(devices.last().unwrap()["api"], "flex");
    let about = succeed(folder.path(), "--version --verbose");
    assert!(about.contains("MIT OR Apache-2.0") && about.contains("CC BY 4.0"), "{about}");
    assert!(run(folder.path(), "train --help").status.success());
}

/// The control chunk of an APNG says how many frames there are, and each frame has one of its own.
#[test]
fn a_run_on_a_plane_is_filmed_and_is_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &format!("train {SHORT} --out plain"));
    succeed(folder.path(), &format!("train {SHORT} --out filmed --animation run.png"));
    assert_eq!(files(&folder.path().join("plain")), files(&folder.path().join("filmed")));
    let film = fs::read(folder.path().join("run.png")).unwrap();
    assert!(film.starts_with(b"\x89PNG"));
    let chunks =
        |name: &[u8]| film.windows(4).enumerate().filter(|(_, four)| *four == name).map(|(at, _)| at).collect::<Vec<_>>();
    let control = chunks(b"acTL")[0];
    assert_eq!(film[control + 4..control + 8], 4_u32.to_be_bytes(), "a frame an epoch");
    assert_eq!(chunks(b"fcTL").len(), 4);
    for (arguments, part) in [
        ("train --data digits --animation a.png", "64 numbers a sample"),
        ("train --animation run.png", "exists already"),
        ("train --animation nowhere/a.png", "no folder nowhere"),
        ("train --animation run.txt", "ends in .png"),
    ] {
        assert!(fail(folder.path(), arguments, 2).contains(part), "{arguments}");
    }
}
