//! Wrong requests are refused before any work, with code 2 and a sentence that names the value and what was expected.

use std::fs;

use crate::fail;

#[test]
fn wrong_settings_are_refused_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, parts) in [
        ("train --epsilon 3", ["--epsilon", "3", "0 to 1"]),
        ("train --epsilon eight/255", ["--epsilon", "eight/255", "no number"]),
        ("train --data moon", ["`moon`", "moons", "digits"]),
        ("train --model mlp:0", ["--model", "mlp:0", "1"]),
        ("train --model resnet18", ["resnet18", "2", "image"]),
        // 30 milliards of numbers: more than any machine of today holds.
        (
            "train --device cpu --model mlp:65536,65536,65536,65536,65536,65536,65536,65536",
            ["does not fit into memory on CPU", "30065557506 numbers need 1082.4 GB", "are free"],
        ),
        ("train --weights nowhere.pth", ["nowhere.pth", "No such file", "path"]),
        ("train --method tradess", ["`tradess`", "`trades`", "`gairat`"]),
        ("train --method mart --lambda 1", ["--lambda", "mart", "gairat"]),
        ("train --method ham --steps 3", ["--drop-after", "3", "steps"]),
        ("methods tradess", ["`tradess`", "`trades`", "`at`"]),
        ("train --loss kl --random-start false", ["--loss", "zero gradient", "random start"]),
        ("train --lambda-schedule linear --lambda-max inf", ["--lambda-max", "finite", "linear"]),
        ("train --validation 1.5", ["--validation", "1.5", "0"]),
        ("train --test 0", ["test", "0", "1"]),
        ("train --points 10 --validation 10", ["validation", "10", "train"]),
        ("train --device no-such-adapter", ["no-such-adapter", "gairat devices", "cpu"]),
        ("train --epsillon 1", ["--epsillon", "--epsilon", "Usage"]),
        ("train --resume nowhere", ["nowhere", "settings.json", "`run folder`"]),
        ("eval", ["--run", "required", "Usage"]),
        ("eval --run nowhere", ["nowhere", "settings.json", "run"]),
        ("bench --model mlp:8 --input 2x2", ["--input", "2x2", "3x32x32"]),
        ("bench --scale width --model small-cnn-28", ["--scale width", "MLP", "mlp:64,64"]),
        ("bench --classes 5", ["--classes", "--model", "Usage"]),
        ("train --epsilon 8/0", ["--epsilon", "`8/0`", "divides by 0"]),
        ("train --path sideways", ["`sideways`", "fused", "composed"]),
        ("--screenshot a.png --size 1x1", ["--size", "1x1", "360x480"]),
        ("--screenshot a.png --theme blue", ["--theme", "`blue`", "light"]),
        ("--screenshot a.png --lesson 9", ["--lesson", "9", "1 to 6"]),
        ("--screenshot a.png --lesson 2 --lesson-step 9", ["--lesson-step", "9", "1 to 3"]),
        ("--screenshot a.png --after-steps x", ["--after-steps", "`x`", "whole number"]),
        ("--frame-stats x", ["--frame-stats", "`x`", "0.1"]),
        ("--epsilon 7", ["--epsilon", "7", "0 to 1"]),
        ("nonsense", ["nonsense", "Usage", "help"]),
    ] {
        let message = fail(folder.path(), arguments, 2);
        for part in parts {
            assert!(message.contains(part), "`{part}` in the answer to `gairat {arguments}`: {message}");
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no folder was made for a run that never began");
}

#[test]
fn files_that_are_not_what_they_should_be_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    // Two images of 2 x 2 claimed, one there.
    write("images", &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4]);
    write("labels", &[0, 0, 8, 1, 0, 0, 0, 2, 0, 1]);
    write("text", b"hello");
    write("half.safetensors", &[255, 0, 0, 0]);
    write("settings.json", b"{\"epsilonn\": 0.1}");
    for (arguments, parts) in [
        ("train --data idx:images,labels", ["images", "8 bytes", "4 bytes"]),
        ("train --data idx:text,labels", ["text", "expected", "IDX"]),
        ("train --data idx:absent,labels", ["absent", "cannot be read", "Check"]),
        ("train --data npz:text", ["text", "archive", "NPZ"]),
        ("train --data mnist:.", ["train-images", "train-labels", "t10k-images"]),
        ("train --settings settings.json", ["settings.json", "epsilonn", "epsilon"]),
        ("eval --data moons --model mlp:64,64 --weights half.safetensors", ["half.safetensors", "safetensors", "expected"]),
    ] {
        let message = fail(folder.path(), arguments, 2);
        for part in parts {
            assert!(message.contains(part), "`{part}` in the answer to `gairat {arguments}`: {message}");
        }
    }
    assert!(!folder.path().join("runs").exists());
}
