//! A run that is stopped or killed and resumed leaves the same bytes as one that never was.

use std::fs;

use gairat::{device::Chosen, session::Ending, session::Event};

use crate::runs::{assert_same_files, files, run, run_in, settings};

#[test]
fn a_run_stopped_anywhere_and_resumed_is_bit_identical_to_an_uninterrupted_one() {
    // 270 training samples in steps of 64: five steps an epoch, the last one smaller.
    let settings = settings(&[
        ("data", "moons"),
        ("points", "300"),
        ("test", "60"),
        ("batch", "64"),
        ("epochs", "4"),
        ("burn_in", "2"),
        ("evaluate_every", "2"),
    ]);
    let cpu = Chosen::cpu("tested");
    let whole = run(&settings, &cpu);
    // Within an epoch, at its end, in burn-in and after it, and more than once.
    for stops in [vec![1], vec![4], vec![5], vec![12], vec![17], vec![3, 1, 6, 2]] {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("run");
        for &steps in &stops {
            let (ending, _) = run_in(&folder, &settings, &cpu, Some(steps));
            assert!(matches!(ending.unwrap(), Ending::Stopped { .. }), "{stops:?}");
        }
        let (ending, _) = run_in(&folder, &settings, &cpu, None);
        assert!(matches!(ending.unwrap(), Ending::Finished { .. }));
        assert_same_files(&whole, &files(&folder), &[]);
    }
}

#[test]
fn a_run_killed_between_any_two_of_its_writes_goes_on_from_its_last_commit() {
    let settings = settings(&[
        ("data", "moons"),
        ("points", "200"),
        ("test", "50"),
        ("epochs", "3"),
        ("burn_in", "1"),
        ("evaluate_every", "1"),
    ]);
    let cpu = Chosen::cpu("tested");
    let whole = run(&settings, &cpu);
    // As if killed after these files of epoch 2 were written, but not the one that commits them; or before any commit.
    for (committed, also_written) in [
        (1, vec![]),
        (1, vec!["metrics.csv", "metrics.jsonl"]),
        (1, vec!["metrics.jsonl", "samples.csv", "best.safetensors", "last.safetensors"]),
        (0, vec!["metrics.csv"]),
    ] {
        let root = tempfile::tempdir().unwrap();
        let state_after = |epochs: u32| {
            let folder = root.path().join(format!("after{epochs}"));
            // Two steps of 128 an epoch; the last poll of an epoch comes after it is saved.
            let (ending, _) = run_in(&folder, &settings, &cpu, Some(2 * epochs as usize));
            assert!(matches!(ending.unwrap(), Ending::Stopped { step: 0, .. }));
            folder
        };
        let later = state_after(committed + 1);
        let folder = if committed == 0 {
            let folder = root.path().join("after0");
            gairat::checkpoint::RunFolder::create(&folder, &settings).unwrap();
            folder
        } else {
            state_after(committed)
        };
        for name in also_written {
            fs::copy(later.join(name), folder.join(name)).unwrap();
        }
        let (ending, _) = run_in(&folder, &settings, &cpu, None);
        assert!(matches!(ending.unwrap(), Ending::Finished { .. }));
        assert_same_files(&whole, &files(&folder), &[]);
    }
}

#[test]
fn more_epochs_extend_a_finished_run() {
    let short = settings(&[("data", "moons"), ("points", "200"), ("test", "50"), ("epochs", "2"), ("burn_in", "1")]);
    let cpu = Chosen::cpu("tested");
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    run_in(&folder, &short, &cpu, None).0.unwrap();
    let mut long = short;
    long.set("epochs", "4").unwrap();
    let (ending, events) = run_in(&folder, &long, &cpu, None);
    assert!(matches!(ending.unwrap(), Ending::Finished { .. }));
    let epochs: Vec<u32> =
        events.iter().filter_map(|event| if let Event::Epoch(epoch) = event { Some(epoch.epoch) } else { None }).collect();
    assert_eq!(epochs, [3, 4]);
}
