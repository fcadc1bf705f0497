//! `gairat methods`, `gairat step` and `gairat bench --methods`: the family as a person or a script meets it.

use std::fs;

use gairat::method::METHODS;

use crate::{
    attack::{data_of, floats, write_npz},
    fail, json, succeed,
};

#[test]
fn every_method_is_listed_described_and_told_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let list = succeed(folder.path(), "methods");
    let lines = json(&succeed(folder.path(), "methods --json"));
    assert_eq!(lines.len(), METHODS.len());
    for (entry, line) in METHODS.iter().zip(&lines) {
        let about = entry.about;
        assert!(list.lines().any(|line| line.starts_with(&format!("{} ", about.name)) && line.contains(about.summary)), "{list}");
        assert_eq!(line["name"], about.name);
        let described = succeed(folder.path(), &format!("methods {}", about.name));
        for part in [about.formula, about.source, about.title].iter().chain(about.caveats) {
            assert!(described.contains(part), "{part} in {described}");
        }
        for part in [about.formula, about.source].iter().chain(about.caveats) {
            assert!(list.contains(part), "{part} in {list}");
        }
        for text in [&list, &described] {
            assert!(text.contains(&format!("{}", about.passes)), "{text}");
        }
        let parameters = line["parameters"].as_array().unwrap();
        assert_eq!(parameters.len(), about.parameters.len());
        for (parameter, told) in about.parameters.iter().zip(parameters) {
            assert_eq!(told["name"], parameter.name);
            let flag = format!("--{} {}", parameter.name.replace('_', "-"), told["default"].as_str().unwrap());
            assert!(described.contains(&flag), "{flag} in {described}");
            assert!(list.contains(&format!("{flag} (")), "{flag} in {list}");
        }
    }
    assert!(list.contains("--lambda -1 (-1000 to inf)") && list.contains("--implicit none (none, barrier, fast-bat)"), "{list}");
    for (method, with, cost) in [
        ("dro", "--implicit barrier", "to the input"),
        ("gair-trades", "--weighted rst", "attack 2 K"),
        ("vir-at", "--form shipped", "2 backward"),
        ("mail-at", "--margin natural", "2 forward"),
        ("hard-instance", "--measure p_natural", "2 forward"),
    ] {
        let described = succeed(folder.path(), &format!("methods {method}"));
        assert!(described.lines().any(|line| line.contains(&format!("with {with}: ")) && line.contains(cost)), "{described}");
        assert!(list.lines().any(|line| line.contains(&format!("cost with {with}: ")) && line.contains(cost)), "{list}");
        let told = lines.iter().find(|line| line["name"] == method).unwrap();
        assert!(told["variants"].as_array().unwrap().iter().any(|variant| variant["with"] == with), "{told}");
    }
    assert!(fail(folder.path(), "methods mial-at", 2).contains("did you mean `mail-at`?"));
}

/// A run says in words which of the settings that were asked for have no effect, prints none of them, and no share where there is none.
#[test]
fn what_has_no_effect_is_said_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let train = |more: &str| {
        let short = "--device cpu --points 120 --test 40 --epochs 2 --evaluate-every 2";
        succeed(folder.path(), &format!("train {short} {more}"))
    };
    let text = train("--method at --burn-in 1 --out a");
    assert!(text.contains("warning: burn-in has no effect: at weighs no samples"), "{text}");
    let text = train("--method mart --burn-in 1 --out b");
    assert!(text.contains("warning: burn-in has no effect: what mart weighs by is part of its loss"), "{text}");
    let row = |text: &str| text.lines().find(|line| line.starts_with("    2 ")).unwrap().to_owned();
    assert_eq!(row(&text).split_whitespace().nth(5), Some("-"), "{text}");
    // Asked for at its default as well.
    for (lambda, out) in [("-1", "c"), ("2", "d")] {
        let text = train(&format!("--burn-in 0 --weighting discrete --lambda {lambda} --out {out}"));
        assert_eq!(text.matches("warning: lambda has no effect").count(), 1, "{text}");
        assert!(!text.contains("λ") && !text.lines().any(|line| line.starts_with("epoch") && line.contains("lambda")), "{text}");
    }
    let text = train("--burn-in 0 --out e");
    assert!(!text.contains("no effect") && text.contains("(weighting tanh, λ -1, λ schedule fixed)"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("epoch") && line.ends_with("  lambda")), "{text}");
    let text = train("--method gair-fat --burn-in 0 --average 0.5 --out f");
    assert!(row(&text).ends_with("6") && text.contains("stopped early"), "{text}");
    let (_, averaged) = text.split_once("accuracy of the averaged weights of the last epoch").unwrap();
    let names: Vec<&str> = averaged.lines().skip(1).map_while(|line| line.split_whitespace().next()).collect();
    let robust = names.iter().position(|name| *name == "robust").unwrap();
    assert!(names[0] == "natural" && names[..robust].iter().filter(|name| name.contains("-20")).count() == robust - 1, "{text}");
    assert!(text.contains("evaluating on the test part: PGD-20, averaged weights"), "{text}");
}

#[test]
fn help_shows_the_parameters_of_all_methods_with_their_defaults() {
    let help = succeed(tempfile::tempdir().unwrap().path(), "train --help");
    for part in ["--beta", "trades 6", "mart 5", "--gamma", "mail-at 10", "--weight-norm", "--average", "--awp"] {
        assert!(help.contains(part), "{part} in {help}");
    }
}

/// The names of the arrays of an NPZ file.
fn arrays(path: &std::path::Path) -> Vec<String> {
    let archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    archive.file_names().flatten().map(|name| name.trim_end_matches(".npy").to_owned()).collect()
}

#[test]
fn a_step_taken_apart_says_what_went_into_it_and_is_repeated_from_given_adversarial_data() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeed(folder.path(), "train --device cpu --points 300 --test 50 --epochs 3 --burn-in 1 --model mlp:8 --out run");
    let x: Vec<f32> = (0..40).flat_map(|i| [i as f32 / 40.0, ((7 * i) % 40) as f32 / 40.0]).collect();
    let y: Vec<u8> = (0..40).map(|i| u8::from(i % 3 == 0)).collect();
    write_npz(&at("data.npz"), &x, &y);
    let step =
        "step --device cpu --weights run/last.safetensors --model mlp:8 --epsilon 0.05 --step-size 0.01 --lr 0.1 --method ca-at";
    let line = json(&succeed(folder.path(), &format!("{step} --data npz:data.npz --out step.npz --json"))).pop().unwrap();
    assert_eq!((&line["method"], &line["samples"]), (&"ca-at".into(), &40.into()));
    let names = arrays(&at("step.npz"));
    for name in ["x_adv", "kappa", "first_hit", "omega", "loss", "loss_natural", "loss_adversarial", "lr"] {
        assert!(names.iter().any(|there| there == name), "{name} in {names:?}");
    }
    let numbers = |file: &str, name: &str| floats(&data_of(&at(file), name));
    let loss: Vec<f32> =
        numbers("step.npz", "loss_natural").iter().zip(numbers("step.npz", "loss_adversarial")).map(|(a, b)| a + b).collect();
    assert_eq!(numbers("step.npz", "loss"), loss);
    assert!(numbers("step.npz", "x_adv").iter().zip(&x).all(|(adversarial, x)| (adversarial - x).abs() <= 0.0501));
    // SGD's first step from the gradient that is written: w - lr (g + 2e-4 w).
    let before = {
        let bytes = fs::read(at("run/last.safetensors")).unwrap();
        let tensors = safetensors_values(&bytes, "0.weight");
        assert_eq!(tensors.len(), 16);
        tensors
    };
    for ((after, before), gradient) in
        numbers("step.npz", "after.0.weight").iter().zip(before).zip(numbers("step.npz", "gradient.0.weight"))
    {
        let expected = before - 0.1 * (gradient + 2e-4 * before);
        assert!((after - expected).abs() < 1e-6, "{after} is not {expected}");
    }

    // The same adversarial data, given: everything comes out again.
    let kappa: Vec<u8> = numbers("step.npz", "kappa").iter().map(|kappa| *kappa as u8).collect();
    let first_hit: Vec<u8> = numbers("step.npz", "first_hit").iter().map(|hit| *hit as u8).collect();
    crate::attack::write_given(&at("given.npz"), [&x, &numbers("step.npz", "x_adv")], &y, [&kappa, &first_hit]);
    succeed(folder.path(), &format!("{step} --data npz:given.npz --adversarial given --out again.npz"));
    for name in names {
        assert_eq!(numbers("again.npz", &name), numbers("step.npz", &name), "{name}");
    }
    let refused = fail(folder.path(), &format!("{step} --data npz:given.npz --out again.npz"), 2);
    assert!(refused.contains("again.npz") && refused.contains("never overwritten"), "{refused}");
    let refused = fail(folder.path(), &format!("{step} --data npz:data.npz --adversarial given --out other.npz"), 2);
    assert!(refused.contains("x_adv"), "{refused}");
    let refused = fail(folder.path(), &format!("{step} --data npz:given.npz --adversarial given --steps 1 --out other.npz"), 2);
    assert!(refused.contains("kappa"), "{refused}");
    assert!(!at("other.npz").exists());
}

/// The numbers of a tensor in a safetensors file.
fn safetensors_values(bytes: &[u8], name: &str) -> Vec<f32> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let offsets = header[name]["data_offsets"].as_array().unwrap();
    let [from, to] = [0, 1].map(|end| 8 + length + offsets[end].as_u64().unwrap() as usize);
    floats(&bytes[from..to])
}

#[test]
fn a_benchmark_of_all_methods_sets_each_beside_plain_adversarial_training() {
    let arguments = "bench --methods --model mlp:4 --input 2 --classes 2 --batch 8 --steps 4 --device cpu --json";
    let lines = json(&succeed(tempfile::tempdir().unwrap().path(), arguments));
    assert_eq!(lines.len(), METHODS.len());
    for (entry, line) in METHODS.iter().zip(lines) {
        assert_eq!(line["method"], entry.about.name);
        assert!(line["ratio"].as_f64().unwrap() > 0.0 && line["passes"].as_f64().unwrap() >= 1.0, "{line}");
    }
}
