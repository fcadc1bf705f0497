//! `gairat eval`: what it prints, what it writes, what it says of networks that hide.

use std::fs;

use gairat::{
    checkpoint::{read_weights, write_weights},
    dataset,
};

use crate::{fail, json, succeed};

const RUN: &str = "train --device cpu --points 600 --test 200 --epochs 6 --burn-in 3 --out run";

#[test]
fn a_suite_gives_one_number_with_its_interval_and_files_that_the_program_reads() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), RUN);
    let text = succeed(folder.path(), "eval --run run --device cpu --epsilons 0:0.2:5 --out eval");
    for part in ["natural", "PGD-20", "MIFPE", "PMA", "Square-1000", "95 % interval", "flag left-out: APGD-T", "curve"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("eval/evaluation.json")).unwrap()).unwrap();
    let robust = report["robust"].as_f64().unwrap();
    assert!(report["interval"][0].as_f64().unwrap() <= robust && robust <= report["interval"][1].as_f64().unwrap());
    // A row for each sample, and as many robust ones as the report says.
    let table = fs::read_to_string(folder.path().join("eval/samples.csv")).unwrap();
    let robust_rows = table.lines().skip(1).filter(|line| line.split(',').nth(3) == Some("true")).count();
    assert_eq!(table.lines().count(), 201);
    assert!((robust - robust_rows as f64 / 200.0).abs() < 1e-9);
    // The adversarial images are data: the network is wrong on those that were broken.
    let again = json(&succeed(
        folder.path(),
        "eval --weights run/best.safetensors --model mlp:64,64 --data npz:eval/adversarial.npz --part all --attack natural --device cpu --json",
    ))
    .pop()
    .unwrap();
    assert!((again["natural"].as_f64().unwrap() - robust).abs() < 1e-9, "{again}");
    // The curve begins at the natural accuracy and falls.
    let curve: Vec<f64> = report["curve"].as_array().unwrap().iter().map(|point| point["robust"].as_f64().unwrap()).collect();
    assert!(curve.len() == 5 && (curve[0] - report["natural"].as_f64().unwrap()).abs() < 1e-9);
    assert!(curve.windows(2).all(|pair| pair[1] <= pair[0]) && curve[4] < curve[0], "{curve:?}");
    assert!(fs::read_to_string(folder.path().join("eval/curve.svg")).unwrap().starts_with("<svg"));
    assert_eq!(fs::read_to_string(folder.path().join("eval/curve.csv")).unwrap().lines().count(), 6);
    // Nothing is written over.
    fail(folder.path(), "eval --run run --device cpu --out eval", 2);
}

#[test]
fn requests_that_cannot_be_met_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), RUN);
    for (arguments, said) in [
        ("--attack pgdd", "expected one of natural"),
        ("--attack pgd:0", "1 to 100000"),
        ("--attack apgd-t", "needs 4 classes"),
        ("--attack ddn", "works in L2"),
        ("--suite best", "expected `fast`"),
        ("--epsilons 1:0:3", "LOW:HIGH:COUNT"),
        ("--norm l3", "linf"),
    ] {
        let message = fail(folder.path(), &format!("eval --run run --device cpu {arguments}"), 2);
        assert!(message.contains(said), "{arguments}: {message}");
    }
}

#[test]
fn logits_that_hide_the_gradient_are_told_by_eval_and_attack() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), RUN);
    let at = |name: &str| folder.path().join(name);
    let mut weights = read_weights(&at("run/best.safetensors")).unwrap();
    let last = weights.keys().rfind(|name| name.ends_with("weight")).unwrap().trim_end_matches("weight").to_owned();
    for part in ["weight", "bias"] {
        weights.get_mut(&format!("{last}{part}")).unwrap().values.iter_mut().for_each(|number| *number *= 9000.0);
    }
    write_weights(&at("hidden.safetensors"), &weights, "").unwrap();
    let data = dataset::load(&gairat::settings::Settings::default().checked().unwrap().request).unwrap();
    dataset::write_samples(&at("data.npz"), data.shape, &data.test).unwrap();
    let honest = json(&succeed(folder.path(), "eval --run run --device cpu --json")).pop().unwrap();
    let hidden = json(&succeed(folder.path(), "eval --run run --weights hidden.safetensors --device cpu --json")).pop().unwrap();
    let names = |line: &serde_json::Value| -> Vec<String> {
        line["flags"].as_array().unwrap().iter().map(|flag| flag["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&honest), ["left-out"]);
    assert!(names(&hidden).contains(&"zero-gradient".to_owned()), "{hidden}");
    // The scale hides the gradient from PGD, and not from the suite.
    assert!(hidden["pgd20"].as_f64().unwrap() >= honest["pgd20"].as_f64().unwrap());
    assert!((hidden["robust"].as_f64().unwrap() - honest["robust"].as_f64().unwrap()).abs() <= 0.01, "{hidden} {honest}");
    let attack =
        "attack --data npz:data.npz --weights hidden.safetensors --model mlp:64,64 --epsilon 0.05 --device cpu --out o.npz";
    assert!(succeed(folder.path(), attack).contains("flag zero-gradient"));
}
