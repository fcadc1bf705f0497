//! `gairat attack` on one's own data and weights.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    path::Path,
};

use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::{fail, json, succeed};

/// An NPY file of version 1.0.
fn npy(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00".as_slice(), &(text.len() as u16).to_le_bytes(), text.as_bytes(), data].concat()
}

pub(crate) fn write_npz(path: &Path, x: &[f32], y: &[u8]) {
    let mut archive = ZipWriter::new(File::create(path).unwrap());
    let bytes: Vec<u8> = x.iter().flat_map(|x| x.to_le_bytes()).collect();
    for (name, array) in
        [("x.npy", npy("<f4", &format!("({}, 2)", y.len()), &bytes)), ("y.npy", npy("|u1", &format!("({},)", y.len()), y))]
    {
        archive.start_file(name, SimpleFileOptions::default()).unwrap();
        archive.write_all(&array).unwrap();
    }
    archive.finish().unwrap();
}

/// Samples with adversarial ones from elsewhere, and the counts of these.
pub(crate) fn write_given(path: &Path, [x, x_adv]: [&[f32]; 2], y: &[u8], [kappa, first_hit]: [&[u8]; 2]) {
    let mut archive = ZipWriter::new(File::create(path).unwrap());
    let bytes = |x: &[f32]| -> Vec<u8> { x.iter().flat_map(|x| x.to_le_bytes()).collect() };
    let (samples, counts) = (format!("({}, 2)", y.len()), format!("({},)", y.len()));
    for (name, array) in [
        ("x.npy", npy("<f4", &samples, &bytes(x))),
        ("x_adv.npy", npy("<f4", &samples, &bytes(x_adv))),
        ("y.npy", npy("|u1", &counts, y)),
        ("kappa.npy", npy("|u1", &counts, kappa)),
        ("first_hit.npy", npy("|u1", &counts, first_hit)),
    ] {
        archive.start_file(name, SimpleFileOptions::default()).unwrap();
        archive.write_all(&array).unwrap();
    }
    archive.finish().unwrap();
}

/// The numbers of an array behind its header.
pub(crate) fn data_of(path: &Path, name: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut bytes = Vec::new();
    archive.by_name(&format!("{name}.npy")).unwrap().read_to_end(&mut bytes).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[header..].to_vec()
}

pub(crate) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

#[test]
fn adversarial_examples_come_in_input_order_and_inside_the_ball() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeed(
        folder.path(),
        "train --device cpu --points 600 --test 100 --epochs 20 --burn-in 10 --batch 32 --epsilon 0.02 --step-size 0.004 --out run",
    );
    // A grid, so that order shows.
    let x: Vec<f32> = (0..15).flat_map(|row| (0..20).flat_map(move |column| [0.05 * column as f32, row as f32 / 15.0])).collect();
    let y: Vec<u8> = (0..300).map(|i| u8::from(i % 2 == 0)).collect();
    write_npz(&at("data.npz"), &x, &y);
    let attack = "attack --device cpu --weights run/best.safetensors --model mlp:64,64 --data npz:data.npz --epsilon 8/255 --step-size 0.01 --steps 7";
    let line = json(&succeed(folder.path(), &format!("{attack} --out out.npz --json"))).pop().unwrap();
    let broken = data_of(&at("out.npz"), "broken");
    assert_eq!(line["samples"], 300);
    // Half of the labels are wrong: a sample that is wrong before the attack does not withstand it.
    let margins = floats(&data_of(&at("out.npz"), "margin_natural"));
    let withstand = broken.iter().zip(&margins).filter(|(broken, margin)| **broken == 0 && **margin > 0.0).count();
    assert!((line["robust"].as_f64().unwrap() - withstand as f64 / 300.0).abs() < 1e-9);
    assert!(line["robust"].as_f64() <= line["natural"].as_f64() && line["natural"].as_f64().unwrap() < 0.8, "{line}");
    let adversarial = floats(&data_of(&at("out.npz"), "x_adv"));
    assert!(adversarial.iter().zip(&x).all(|(a, x)| (a - x).abs() <= 8.0 / 255.0 + 1e-6 && (0.0..=1.0).contains(a)));
    let counts = |name: &str| -> Vec<u32> {
        data_of(&at("out.npz"), name).chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    };
    let (kappa, first_hit) = (counts("kappa"), counts("first_hit"));
    let margins = floats(&data_of(&at("out.npz"), "margin_adversarial"));
    let natural = floats(&data_of(&at("out.npz"), "margin_natural"));
    for sample in 0..300 {
        assert!(kappa[sample] <= 7 && first_hit[sample] <= kappa[sample]);
        assert_eq!(broken[sample] == 1, margins[sample] < 0.0, "sample {sample}");
        assert!(margins[sample] <= natural[sample] + 1e-4, "an attack does not raise the margin");
    }

    // Another batch size is the same attack: a sample's start does not depend on its neighbours.
    succeed(folder.path(), &format!("{attack} --batch 7 --out again.npz"));
    assert_eq!(counts("kappa"), kappa);
    assert_eq!(data_of(&at("again.npz"), "broken"), broken);

    let message = fail(folder.path(), &format!("{attack} --out out.npz"), 2);
    assert!(message.contains("never overwritten"), "{message}");
    let message = fail(folder.path(), &format!("{attack} --out new.npz").replace("mlp:64,64", "mlp:64,32"), 2);
    assert!(message.contains("`2.weight`") && message.contains("[64, 64]") && message.contains("[32, 64]"), "{message}");
    let message = fail(folder.path(), &format!("{attack} --out new.npz --no-random-start --loss kl"), 2);
    assert!(message.contains("zero gradient"), "{message}");
    write_npz(&at("data.npz"), &x, &[5; 300]);
    let message = fail(folder.path(), &format!("{attack} --out new.npz"), 2);
    assert!(message.contains("label 5") && message.contains("2 classes"), "{message}");
    assert!(!at("new.npz").exists());
}

/// The text of each sample: `broken_by`.
fn texts(bytes: &[u8], count: usize) -> Vec<String> {
    let width = bytes.len() / count;
    let text = |bytes: &[u8]| -> String {
        let letters = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        letters.filter(|&letter| letter != 0).map(|letter| char::from_u32(letter).unwrap()).collect()
    };
    bytes.chunks_exact(width).map(text).collect()
}

#[test]
fn the_adversaries_of_an_evaluation_attack_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeed(
        folder.path(),
        "train --device cpu --points 600 --test 100 --epochs 20 --burn-in 10 --batch 32 --epsilon 0.02 --step-size 0.004 --out run",
    );
    let x: Vec<f32> = (0..15).flat_map(|row| (0..20).flat_map(move |column| [0.05 * column as f32, row as f32 / 15.0])).collect();
    let y: Vec<u8> = (0..300).map(|i| u8::from(i % 2 == 0)).collect();
    write_npz(&at("data.npz"), &x, &y);
    let attack = "attack --device cpu --weights run/best.safetensors --model mlp:64,64 --data npz:data.npz";
    let count = |name: &str, file: &str| -> usize { data_of(&at(file), name).iter().filter(|&&bit| bit == 1).count() };
    let margins_of = |name: &str, file: &str| floats(&data_of(&at(file), name));
    let mut withstood = Vec::new();
    for (file, asked) in [
        ("pgd.npz", "--attack pgd:20 --epsilon 8/255"),
        ("both.npz", "--attack pgd:20,mifpe:20 --epsilon 8/255"),
        ("suite.npz", "--suite trust --epsilon 8/255"),
        ("l2.npz", "--attack ddn --norm l2 --epsilon 0.04"),
    ] {
        let line = json(&succeed(folder.path(), &format!("{attack} {asked} --out {file} --json"))).pop().unwrap();
        // What is not broken withstands; a sample that was wrong before counts as broken.
        let robust = 1.0 - count("broken", file) as f64 / 300.0;
        assert!((line["robust"].as_f64().unwrap() - robust).abs() < 1e-9, "{asked}: {line}");
        assert!(robust <= line["natural"].as_f64().unwrap(), "{asked}");
        let (before, after) = (margins_of("margin_natural", file), margins_of("margin_adversarial", file));
        let broken = data_of(&at(file), "broken");
        let by = texts(&data_of(&at(file), "broken_by"), 300);
        let images = margins_of("x_adv", file);
        let distances = margins_of("distance", file);
        assert_eq!(data_of(&at(file), "y").iter().step_by(4).copied().collect::<Vec<u8>>(), y);
        for sample in 0..300 {
            assert_eq!(broken[sample] == 1, after[sample] <= 0.0, "{asked}: sample {sample}");
            assert_eq!(
                by[sample].is_empty(),
                broken[sample] == 0 || before[sample] <= 0.0,
                "{asked}: sample {sample}: {}",
                by[sample]
            );
            let moved: Vec<f32> = (0..2).map(|pixel| (images[2 * sample + pixel] - x[2 * sample + pixel]).abs()).collect();
            let (far, radius) =
                if asked.contains("l2") { (moved[0].hypot(moved[1]), 0.04) } else { (moved[0].max(moved[1]), 8.0 / 255.0) };
            assert!(far <= radius + 1e-6, "{asked}: sample {sample} is {far} away");
            if !by[sample].is_empty() {
                assert!(distances[sample] <= far + 1e-6, "{asked}: sample {sample}");
            }
        }
        withstood.push(robust);
    }
    // More attacks leave no more; and something was broken at all.
    assert!(withstood[1] <= withstood[0] && withstood[2] <= withstood[0] && withstood[0] > 0.0 && count("broken", "pgd.npz") > 0);

    for (asked, words) in [
        ("--norm l2 --epsilon 0.1", "name --attack or --suite"),
        ("--attack pgd:20 --norm l2", "--epsilon"),
        ("--attack pgd:20 --steps 5 --epsilon 0.1", "cannot be used with"),
        ("--attack pdg --epsilon 0.1", "pdg"),
        ("--attack ddn --epsilon 0.1", "L2"),
        ("--suite best --epsilon 0.1", "autoattack"),
    ] {
        let message = fail(folder.path(), &format!("{attack} {asked} --out new.npz"), 2);
        assert!(message.contains(words), "{asked}: {message}");
        assert!(!at("new.npz").exists());
    }
}
