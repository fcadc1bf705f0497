//! `gairat bench` says what it measured, and on which path.

use crate::{json, succeed};

#[test]
fn a_benchmark_names_its_path_and_splits_a_step_into_attack_and_update() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["fused", "composed"] {
        let arguments =
            format!("bench --model mlp:4 --input 2 --classes 2 --batch 8 --steps 2 --device cpu --json --path {path}");
        let lines = json(&succeed(folder.path(), &arguments));
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!((&line["model"], &line["path"]), (&"mlp:4".into(), &path.into()));
        assert_eq!((&line["batch"], &line["k"]), (&8.into(), &2.into()));
        assert!(line["dispatches"].is_null(), "the CPU is sent none");
        assert_eq!(line["instructions"], gairat::device::instructions(), "so that figures of several machines can be compared");
        let [step, attack, update] = ["step_ms", "attack_ms", "update_ms"].map(|name| line[name].as_f64().unwrap());
        assert!(step > 0.0 && attack > 0.0 && (step - attack - update).abs() < 1e-9);
        assert!(line["samples_per_s"].as_f64().unwrap() > 0.0 && line["gflop_per_s"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn growth_is_measured_against_the_operations_within_the_settings_ranges() {
    let folder = tempfile::tempdir().unwrap();
    let steps = "bench --scale steps --steps 400 --model mlp:2 --batch 2 --device cpu";
    let told = succeed(folder.path(), steps);
    // 1600 would be out of range.
    assert!(told.contains("K   400") && told.contains("K   800") && !told.contains("1600"), "{told}");
    assert!(told.contains("times the time for 2.00 times the operations"), "{told}");
}
