//! Weights of other people in, ours out, and runs whose data moved.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use gairat::{
    checkpoint::read_weights,
    dataset,
    model::{NamedTensor, Parameters},
    settings::Settings,
};

use crate::{command, fail, json, succeed};

const RUN: &str = "train --device cpu --points 600 --test 200 --epochs 2 --burn-in 1 --out run";
const ON_THE_TEST: &str = "--data moons --points 600 --test 200 --device cpu --attack natural,pgd:20 --epsilon 0.1 --json";

/// What `torch.save` wrote, as the library's tests read it.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/checkpoint/formats/fixtures").join(name)
}

/// A safetensors file as other programs write it, its numbers as `kind` by `bytes`.
fn write_theirs(path: &Path, tensors: &Parameters, kind: &str, bytes: impl Fn(f32) -> Vec<u8>) {
    let (mut head, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, NamedTensor { shape, values }) in tensors {
        let begin = data.len();
        data.extend(values.iter().flat_map(|value| bytes(*value)));
        head.insert(name.clone(), serde_json::json!({ "dtype": kind, "shape": shape, "data_offsets": [begin, data.len()] }));
    }
    let head = serde_json::Value::Object(head).to_string();
    let mut file = (head.len() as u64).to_le_bytes().to_vec();
    file.extend(head.bytes());
    file.extend(data);
    fs::write(path, file).unwrap();
}

fn as_f32(value: f32) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

fn renamed(tensors: &Parameters, name: impl Fn(&str) -> String) -> Parameters {
    tensors.iter().map(|(old, tensor)| (name(old), tensor.clone())).collect()
}

/// The report of an evaluation and what was said about the file.
fn evaluated(folder: &Path, arguments: &str) -> (serde_json::Value, String) {
    let arguments = format!("eval {arguments} {ON_THE_TEST}");
    let output = command(folder, &arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments}: {said}");
    let mut line = json(std::str::from_utf8(&output.stdout).unwrap()).pop().unwrap();
    // Times differ.
    line.as_object_mut().unwrap().remove("seconds");
    for score in line["scores"].as_array_mut().unwrap() {
        score.as_object_mut().unwrap().remove("seconds");
    }
    (line, said)
}

#[test]
fn weights_are_the_same_under_every_name_prefix_and_width() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), RUN);
    let own = read_weights(&folder.path().join("run/best.safetensors")).unwrap();
    let (expected, said) = evaluated(folder.path(), "--weights run/best.safetensors --model mlp:64,64");
    assert_eq!(said, "", "of our own file nothing is to be told");
    let theirs = folder.path().join("theirs.safetensors");
    for prefix in ["module.", "_orig_mod.", "model.", "module._orig_mod.", "_orig_mod.module.model."] {
        write_theirs(&theirs, &renamed(&own, |name| format!("{prefix}{name}")), "F32", as_f32);
        for model in ["--model mlp:64,64", ""] {
            let (found, said) = evaluated(folder.path(), &format!("--weights theirs.safetensors {model}"));
            assert_eq!(found, expected, "{prefix}");
            assert!(said.contains("read theirs.safetensors: safetensors, 6 tensors") && said.contains("taken off"), "{said}");
        }
    }
    let classes = renamed(&own, |name| name.replace("0.", "fc1.").replace("2.", "fc2.").replace("4.", "fc3."));
    write_theirs(&theirs, &classes, "F32", as_f32);
    assert_eq!(evaluated(folder.path(), "--weights theirs.safetensors").0, expected);
    write_theirs(&theirs, &own, "F64", |value| f64::from(value).to_le_bytes().to_vec());
    let (found, said) = evaluated(folder.path(), "--weights theirs.safetensors");
    assert_eq!(found, expected);
    assert!(said.contains("float64 as float32"), "{said}");
    // 16 bits hold three digits of a weight: the accuracy of 200 samples moves by some of them.
    write_theirs(&theirs, &own, "BF16", |value| value.to_bits().to_le_bytes()[2..].to_vec());
    let (found, said) = evaluated(folder.path(), "--weights theirs.safetensors");
    assert!((found["natural"].as_f64().unwrap() - expected["natural"].as_f64().unwrap()).abs() < 0.05, "{found}");
    assert!(said.contains("bfloat16 as float32"), "{said}");
}

#[test]
fn what_pytorch_saved_is_evaluated_attacked_and_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let (first, said) = evaluated(folder.path(), &format!("--weights {}", fixture("plain.pth").display()));
    assert!(said.contains("plain.pth: PyTorch zip, 4 tensors, names of an `nn.Sequential` of linear layers"), "{said}");
    for name in ["legacy.pth", "checkpoint.pth", "half.pth", "bfloat16.pth", "double_legacy.pth", "protocol_4.pth"] {
        let (found, said) = evaluated(folder.path(), &format!("--weights {}", fixture(name).display()));
        assert_eq!(found, first, "{name}");
        assert_eq!(said.matches("read ").count(), 1, "{said}");
    }
    let data = dataset::load(&Settings::default().checked().unwrap().request).unwrap();
    dataset::write_samples(&folder.path().join("data.npz"), data.shape, &data.test).unwrap();
    let attack = format!(
        "attack --data npz:data.npz --weights {} --model mlp:3 --epsilon 0.05 --device cpu --out o.npz",
        fixture("legacy.pth").display()
    );
    assert!(succeed(folder.path(), &attack).contains("written to o.npz"));
}

#[test]
fn files_that_hold_no_weights_are_named_for_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pointer.safetensors"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
        .unwrap();
    fs::write(folder.path().join("empty.safetensors"), "").unwrap();
    fs::copy(fixture("nothing.pth"), folder.path().join("nothing.safetensors")).unwrap();
    fs::copy(fixture("hostile.pth"), folder.path().join("hostile.pth")).unwrap();
    for (file, said) in [
        ("pointer.safetensors", "git lfs pull"),
        ("empty.safetensors", "an empty file"),
        ("nothing.safetensors", "a zip archive or pickle that `torch.save` wrote) without weights"),
        ("hostile.pth", "posix.system"),
        ("absent.pth", "absent.pth: "),
    ] {
        for door in [format!("eval --weights {file}"), format!("convert {file} out.safetensors")] {
            let message = fail(folder.path(), &door, 2);
            assert!(message.contains(said), "{door}: {message}");
        }
    }
    assert!(!folder.path().join("out.safetensors").exists() && !folder.path().join("ran-by-a-checkpoint").exists());
}

#[test]
fn a_normalisation_inside_the_network_is_used_and_another_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &format!("{RUN} --normalise 0.5/0.25"));
    let own = read_weights(&folder.path().join("run/best.safetensors")).unwrap();
    let (expected, _) = evaluated(folder.path(), "--weights run/best.safetensors");
    let theirs = renamed(&own, |name| match name {
        "normalise.mean" => "module.mu".to_owned(),
        "normalise.std" => "module.sigma".to_owned(),
        other => format!("module.model.{other}"),
    });
    write_theirs(&folder.path().join("theirs.safetensors"), &theirs, "F32", as_f32);
    for normalise in ["", "--normalise 0.5/0.25"] {
        let (found, said) = evaluated(folder.path(), &format!("--weights theirs.safetensors {normalise}"));
        assert_eq!(found, expected);
        assert!(said.contains("normalisation 0.5/0.25 found inside the network"), "{said}");
    }
    let message = fail(folder.path(), "eval --weights theirs.safetensors --device cpu --normalise 0.1307/0.3081", 2);
    assert!(message.contains("0.1307/0.3081") && message.contains("0.5/0.25"), "{message}");
}

#[test]
fn weights_of_another_network_are_refused_with_both_lists_and_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let zeros = |shape: &[usize]| NamedTensor { shape: shape.to_vec(), values: vec![0.0; shape.iter().product()] };
    let net_mnist: Parameters = BTreeMap::from(
        [
            ("conv1.weight", vec![10, 1, 5, 5]),
            ("conv1.bias", vec![10]),
            ("conv2.weight", vec![20, 10, 5, 5]),
            ("conv2.bias", vec![20]),
            ("fc1.weight", vec![50, 320]),
            ("fc1.bias", vec![50]),
            ("fc2.weight", vec![10, 50]),
            ("fc2.bias", vec![10]),
        ]
        .map(|(name, shape)| (name.to_owned(), zeros(&shape))),
    );
    write_theirs(&folder.path().join("net.safetensors"), &net_mnist, "F32", as_f32);
    let grey = dataset::SampleShape::Image { channels: 1, height: 28, width: 28 };
    let samples = dataset::Samples {
        pixels: vec![0.5; 40 * 784],
        labels: (0..40).map(|row| row % 10).collect(),
        ..dataset::Samples::default()
    };
    dataset::write_samples(&folder.path().join("grey.npz"), grey, &samples).unwrap();
    let asked = "eval --weights net.safetensors --data npz:grey.npz --part all --attack natural --device cpu";
    let message = fail(folder.path(), &format!("{asked} --model small-cnn-28"), 2);
    for part in [
        "`conv1.bias` [10]",
        "`small-cnn-28` has 14 tensors",
        "`classifier.fc1.bias` [200]",
        "nearest network here is `net-mnist`: 8 of its 8",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    assert!(succeed(folder.path(), asked).contains("net-mnist from net.safetensors"));
    let perceptron = format!("eval --weights {} --device cpu --model", fixture("plain.pth").display());
    let message = fail(folder.path(), &format!("{perceptron} mlp:5"), 2);
    assert!(message.contains("`0.bias` is [3], expected [5]") && message.contains("`mlp:3`: 4 of its 4 tensors"), "{message}");
}

#[test]
fn convert_and_export_write_whole_files_that_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (expected, _) = evaluated(folder.path(), &format!("--weights {}", fixture("checkpoint.pth").display()));
    let convert = format!("convert {} ours.safetensors", fixture("checkpoint.pth").display());
    let told = succeed(folder.path(), &convert);
    assert!(told.contains("mlp:3 for 2 and 2 classes written to ours.safetensors"), "{told}");
    let (found, said) = evaluated(folder.path(), "--weights ours.safetensors");
    assert_eq!((found, said.as_str()), (expected.clone(), ""));
    assert!(fail(folder.path(), &convert, 2).contains("exists already"));
    // Exported again it is the same file, and once more as ONNX: its first field is the version of the format.
    let lines =
        json(&succeed(folder.path(), "export --weights ours.safetensors --safetensors again.safetensors --onnx net.onnx --json"));
    assert_eq!(lines.iter().map(|line| line["kind"].as_str().unwrap()).collect::<Vec<_>>(), ["safetensors", "onnx"]);
    assert_eq!(evaluated(folder.path(), "--weights again.safetensors").0, expected);
    assert_eq!(fs::read(folder.path().join("net.onnx")).unwrap()[..2], [0x08, 7]);
    succeed(folder.path(), RUN);
    assert!(succeed(folder.path(), "export --run run --onnx run.onnx").contains("mlp:64,64 for 2 and 2 classes"));
    for (arguments, said) in [
        ("export --onnx a.onnx", "--weights"),
        ("export --run run", "--onnx"),
        ("export --run run --onnx no/folder.onnx", "there is no folder"),
        ("export --weights ours.safetensors --model resnet18 --shape 3x8x8 --onnx a.onnx", "do not fit"),
        ("export --weights ours.safetensors --shape 3x8 --onnx a.onnx", "3x8"),
    ] {
        let message = fail(folder.path(), arguments, 2);
        assert!(message.contains(said), "{arguments}: {message}");
    }
    assert!(!folder.path().join("a.onnx").exists());
}

#[test]
fn a_run_goes_on_with_the_same_data_in_another_place_and_with_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let moons = |seed: &str| {
        let mut settings = Settings { points: 300, ..Settings::default() };
        settings.set("data_seed", seed).unwrap();
        dataset::load(&settings.checked().unwrap().request).unwrap()
    };
    for (place, seed) in [("a", "0"), ("other", "1")] {
        fs::create_dir(at(place)).unwrap();
        dataset::write_samples(&at(place).join("data.npz"), moons(seed).shape, &moons(seed).all()).unwrap();
    }
    let settings = "--model mlp:16 --burn-in 1 --device cpu";
    for run in ["whole", "r"] {
        succeed(&at("a"), &format!("train --data npz:data.npz {settings} --epochs 2 --out {run}"));
    }
    succeed(&at("a"), "train --resume whole --epochs 3");
    fs::rename(at("a").join("data.npz"), at("moved.npz")).unwrap();
    let message = fail(&at("a"), "train --resume r --epochs 3", 2);
    assert!(message.contains("data.npz") && message.contains("--data"), "{message}");
    let before = fs::read(at("a").join("r/settings.json")).unwrap();
    for other in ["npz:../other/data.npz", "moons"] {
        let message = fail(&at("a"), &format!("train --resume r --data {other} --epochs 3"), 2);
        assert!(message.contains("was made with `npz:data.npz`") && message.contains(other), "{message}");
    }
    assert_eq!(fs::read(at("a").join("r/settings.json")).unwrap(), before);
    assert!(at("a").join("r/summary.json").exists(), "a refusal leaves the finished run as it was");
    fs::create_dir(at("b")).unwrap();
    succeed(&at("b"), "train --resume ../a/r --data npz:../moved.npz --epochs 3");
    let last = |run: &str| read_weights(&at("a").join(run).join("last.safetensors")).unwrap();
    assert_eq!(last("r"), last("whole"));
    // From now on the run knows the new place.
    succeed(&at("b"), "train --resume ../a/r --epochs 4");
}

#[test]
fn a_run_starts_from_weights_of_other_people_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeed(folder.path(), RUN);
    let best = read_weights(&at("run/best.safetensors")).unwrap();
    // As other code names and wraps it.
    let theirs = renamed(&best, |name| format!("module.{name}"));
    write_theirs(&at("theirs.safetensors"), &theirs, "F32", as_f32);
    let settings = "--device cpu --points 600 --test 200 --epochs 1 --burn-in 1 --lr 1e-12 --weight-decay 0";
    let output = command(folder.path(), &format!("train {settings} --weights theirs.safetensors --out from")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("prefix `module.` taken off"), "{said}");
    assert_eq!(read_weights(&at("from/last.safetensors")).unwrap(), best, "steps too small for float32 leave them as they were");
    // A network that is not the default is told by the names.
    let kept: Settings = serde_json::from_str(&fs::read_to_string(at("from/settings.json")).unwrap()).unwrap();
    assert_eq!(kept.get("model").as_deref(), Some("mlp:64,64"));
    // What goes on has its own weights, and does not begin again.
    succeed(folder.path(), "train --resume from --epochs 2 --lr 0.1");
    assert_ne!(read_weights(&at("from/last.safetensors")).unwrap(), best);
    let other = fail(folder.path(), "train --device cpu --data digits --weights theirs.safetensors --out other", 2);
    assert!(other.contains("`0.weight`") && other.contains("64"), "{other}");
    let classes = fail(folder.path(), "train --device cpu --data three-blobs --weights theirs.safetensors --out other", 2);
    assert!(classes.contains("of 2 classes") && classes.contains("3"), "{classes}");
    assert!(!at("other").exists());
}
