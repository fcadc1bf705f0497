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

#[test]
fn a_run_killed_during_its_final_evaluation_still_ends_with_the_same_bytes() {
    let settings = settings(&[("data", "moons"), ("points", "200"), ("test", "50"), ("epochs", "2"), ("burn_in", "1")]);
    let cpu = Chosen::cpu("tested");
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    run_in(&folder, &settings, &cpu, None).0.unwrap();
    let whole = files(&folder);
    for lost in [&["summary.json"][..], &["summary.json", "best.safetensors"]] {
        for name in lost {
            fs::remove_file(folder.join(name)).unwrap();
        }
        run_in(&folder, &settings, &cpu, None).0.unwrap();
        assert_same_files(&whole, &files(&folder), &[]);
    }
}

#[test]
fn other_data_under_a_run_and_a_damaged_state_are_refused() {
    let settings = settings(&[("data", "moons"), ("points", "200"), ("test", "50"), ("epochs", "2"), ("burn_in", "1")]);
    let cpu = Chosen::cpu("tested");
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    assert!(matches!(run_in(&folder, &settings, &cpu, Some(2)).0.unwrap(), Ending::Stopped { epoch: 1, .. }));
    let mut other = settings.clone();
    other.set("data_seed", "9").unwrap();
    let message = run_in(&folder, &other, &cpu, None).0.unwrap_err().to_string();
    assert!(message.contains("other data") && message.contains("180 train samples"), "{message}");
    let (open, _) = gairat::checkpoint::RunFolder::open(&folder).unwrap();
    let mut state = open.resume_state().unwrap().unwrap();
    state.velocities.pop();
    open.commit(&state).unwrap();
    let message = run_in(&folder, &settings, &cpu, None).0.unwrap_err().to_string();
    assert!(message.contains("numbers of momentum"), "{message}");
}

#[test]
fn a_folder_is_taken_by_one_run_at_a_time() {
    let root = tempfile::tempdir().unwrap();
    let folder = gairat::checkpoint::RunFolder::create(&root.path().join("run"), &settings(&[])).unwrap();
    let lock = folder.lock().unwrap();
    assert!(folder.lock().unwrap_err().to_string().contains("at work"));
    drop(lock);
    assert!(folder.lock().is_ok());
}
