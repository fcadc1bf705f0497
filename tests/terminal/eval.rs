//! `gairat eval`: what it prints, what it writes, what it says of networks that hide.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::Instant,
};

use gairat::{
    checkpoint::{read_weights, write_weights},
    dataset,
};

use crate::{command, fail, json, succeed};

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
    // A folder that holds no evaluation, or another one, is left alone.
    let message = fail(folder.path(), "eval --run run --device cpu --out run", 2);
    assert!(message.contains("exists already"), "{message}");
    let before = files(&folder.path().join("eval"));
    let message = fail(folder.path(), "eval --run run --device cpu --epsilon 0.2 --out eval", 2);
    assert!(message.contains("an evaluation with the epsilon 0.04"), "{message}");
    assert!(files(&folder.path().join("eval")) == before);
}

/// Every file below a folder, by its path, with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// The same, with paths from `folder` on.
fn files_in(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder).into_iter().map(|(path, bytes)| (path.strip_prefix(folder).unwrap().to_owned(), bytes)).collect()
}

#[test]
fn an_evaluation_that_is_killed_ten_times_ends_with_the_bytes_of_one_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), RUN);
    let arguments =
        |out: &str| format!("eval --run run --device cpu --batch 8 --suite autoattack --epsilons 0:0.2:3 --out {out}");
    let begun = Instant::now();
    succeed(folder.path(), &arguments("whole"));
    let whole = begun.elapsed();
    let (mut kills, mut number) = (0, 0x2545_f491_u32);
    loop {
        let mut child = command(folder.path(), &arguments("killed")).stdout(Stdio::null()).spawn().unwrap();
        if kills < 10 {
            // Moments that have nothing to do with what the program does then; early enough that ten of them come before the end.
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            thread::sleep(whole.mul_f64(0.02 + 0.13 * f64::from(number >> 8) / f64::from(1 << 24)));
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
                continue;
            }
        }
        assert!(child.wait().unwrap().success());
        break;
    }
    assert!(kills >= 5, "ended after {kills} kills");
    let mut killed = files_in(&folder.path().join("killed"));
    // What a kill in the middle of a write leaves has another ending, and nothing reads it.
    killed.retain(|path, _| path.extension().is_none_or(|ending| ending != "tmp"));
    let whole = files_in(&folder.path().join("whole"));
    assert_eq!(killed.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
    for (path, bytes) in &whole {
        assert!(killed[path] == *bytes, "{} after {kills} kills", path.display());
    }
}

#[test]
fn more_samples_and_more_attacks_repeat_nothing() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), RUN);
    let ledger = |out: &str| -> BTreeMap<PathBuf, Vec<u8>> {
        let all = files_in(&folder.path().join(out).join("ledger"));
        all.into_iter().filter(|(path, _)| path.extension().is_some_and(|ending| ending == "safetensors")).collect()
    };
    succeed(folder.path(), "eval --run run --device cpu --attack pgd:20 --samples 100 --out eval");
    let first = ledger("eval");
    let text = succeed(folder.path(), "eval --run run --device cpu --attack pgd:20 --samples 100 --out eval");
    assert!(text.contains("going on with") && ledger("eval") == first, "{text}");
    succeed(folder.path(), "eval --run run --device cpu --attack pgd:20,cw:20,square:100 --out eval");
    let grown = ledger("eval");
    assert!(grown.len() > first.len() && first.iter().all(|(path, bytes)| grown[path] == *bytes));
    // Each attack has met each correct sample once.
    let rows: u64 = grown.values().map(|bytes| rows_of(bytes)).sum();
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("eval/evaluation.json")).unwrap()).unwrap();
    let tried: u64 = report["scores"].as_array().unwrap().iter().map(|score| score["tried"].as_u64().unwrap()).sum();
    assert_eq!(rows, tried);
    // And what has grown says what is found at once.
    succeed(folder.path(), "eval --run run --device cpu --attack pgd:20,cw:20,square:100 --out fresh");
    for name in ["evaluation.json", "samples.csv", "samples.npz", "adversarial.npz"] {
        let of = |out: &str| fs::read(folder.path().join(out).join(name)).unwrap();
        assert!(of("eval") == of("fresh"), "{name}");
    }
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
        ("--norm l2", "give --epsilon as well"),
        ("--norm l2 --epsilon 0", "above 0, such as 0.5"),
        ("--attack pgd:20,cw:20,pgd:20", "named twice"),
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

/// How many samples a file of a ledger is of: its head is JSON behind eight bytes that say how long it is.
fn rows_of(bytes: &[u8]) -> u64 {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let head: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    head["row"]["shape"][0].as_u64().unwrap()
}
