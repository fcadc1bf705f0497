//! Data from elsewhere: every format through the command, what is said of it, and sets fetched from a server beside the test.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{command, fail, json, succeed};

const TABLE: &str =
    "x,y,class\n0,0.5,a\n1,0.25,b\n0.5,0.5,a\n0.75,0.25,b\n0.1,0.2,a\n0.9,0.8,b\n0.2,0.4,a\n0.8,0.9,b\n0.3,0.5,a\n0.7,0.6,b\n";

#[test]
fn a_path_is_enough_and_what_is_in_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("table.csv"), TABLE).unwrap();
    let said = succeed(folder.path(), "data inspect table.csv --out sheet.png");
    assert!(said.contains("10 samples, 2 (CSV") && said.contains("2 classes, 5 of each") && said.contains("0 a, 1 b"), "{said}");
    assert!(fs::read(folder.path().join("sheet.png")).unwrap().starts_with(b"\x89PNG"));
    // A sheet is never overwritten.
    assert!(fail(folder.path(), "data inspect table.csv --out sheet.png", 2).contains("never overwritten"));
    let line = json(&succeed(folder.path(), "data inspect csv:table.csv --json")).pop().unwrap();
    assert_eq!((line["samples"].as_u64(), line["classes"].as_u64()), (Some(10), Some(2)));
    let train = "train --data ./table.csv --model mlp:8 --epochs 2 --burn-in 1 --device cpu --validation 0 --out run";
    let said = succeed(folder.path(), train);
    assert!(said.contains("data       10 samples"), "{said}");
}

#[test]
fn another_range_is_refused_with_the_switch_that_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "-1,0.5,0,0\n1,0.25,-0.5,1\n0,1,0.5,0\n0.5,-1,1,1\n0.25,0,-0.25,0\n";
    fs::write(folder.path().join("rows.csv"), format!("a,b,c,label\n{rows}")).unwrap();
    let train = "train --data ./rows.csv --model mlp:4 --epochs 1 --burn-in 0 --device cpu --validation 0 --out run";
    let message = fail(folder.path(), train, 2);
    assert!(message.contains("-1 at sample 0") && message.contains("--data-range=-1..1"), "{message}");
    assert!(!folder.path().join("run").exists());
    let said = succeed(folder.path(), &format!("{train} --data-range -1..1"));
    assert!(said.contains("from 0.000 to 1.000"), "{said}");
    // The run keeps it.
    let settings: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("run/settings.json")).unwrap()).unwrap();
    assert_eq!(settings["data_range"], "-1..1");
}

#[test]
fn what_is_no_data_is_named_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("page.gz", b"<!DOCTYPE html><html>no such file</html>");
    write("pointer.npz", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    write("set.parquet", b"PAR1\x15\x04");
    write("new.mat", b"MATLAB 7.3 MAT-file");
    write("empty.csv", b"");
    fs::create_dir(folder.path().join("nothing")).unwrap();
    for (data, parts) in [
        ("./page.gz", ["web page", "fetch it again"]),
        ("./pointer.npz", ["Git LFS", "git lfs pull"]),
        ("npz:pointer.npz", ["Git LFS", "git lfs pull"]),
        ("./set.parquet", ["breaks off", "whole Parquet file"]),
        ("./new.mat", ["7.3", "-v7"]),
        ("./empty.csv", ["empty file", "expected one of"]),
        ("./nothing", ["empty folder", "expected one of"]),
        ("./absent.csv", ["absent.csv", "cannot be read"]),
        ("nonsense", ["`nonsense`", "`csv:FILE`"]),
    ] {
        for command in [format!("data inspect {data}"), format!("train --data {data} --out run")] {
            let message = fail(folder.path(), &command, 2);
            for part in parts {
                assert!(message.contains(part), "`{part}` in the answer to `gairat {command}`: {message}");
            }
        }
    }
    assert!(!folder.path().join("run").exists());
}

#[test]
fn the_formats_and_the_sets_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let said = succeed(folder.path(), "data");
    for part in ["npz:FILE", "cifar:PATH", "images:DIR", "csv:FILE", "svhn:FILE.mat", "cifar10", "fashion-mnist", "kmnist"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(fail(folder.path(), "data imagenet", 2).contains("cifar100"));
}

/// A server of one file for every name, which answers `Range` unless told otherwise; it cuts the first answer short if asked to.
fn server(body: &'static [u8], cut: Option<usize>, ranges: bool) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let resumed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&resumed);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read(&mut byte).unwrap_or(0) == 0 {
                    break;
                }
                request.push(byte[0]);
            }
            let text = String::from_utf8_lossy(&request).into_owned();
            let from =
                text.lines().find_map(|line| line.strip_prefix("Range: bytes=")?.trim_end_matches('-').parse::<usize>().ok());
            let (head, rest) = match from.filter(|_| ranges) {
                Some(from) => {
                    count.fetch_add(1, Ordering::SeqCst);
                    let range = format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{}", body.len() - 1, body.len());
                    (range, &body[from..])
                }
                None => ("200 OK".to_owned(), body),
            };
            let sent = cut.filter(|_| number == 0).map_or(rest, |cut| &rest[..cut]);
            let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len());
            // The client may have gone.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent));
        }
    });
    (address, resumed)
}

/// Whether there is a `curl`; without it there is nothing to test, and that is said.
fn has_curl() -> bool {
    let there = std::process::Command::new("curl").arg("--version").output().is_ok();
    if !there {
        eprintln!("NOT TESTED: there is no curl here");
    }
    there
}

#[test]
fn a_file_with_another_checksum_is_refused_and_removed() {
    if !has_curl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (address, _) = server(b"no archive", None, true);
    let message = fail(folder.path(), &format!("data cifar10 --from {address} --cache cache"), 1);
    assert!(message.contains("checksum") && message.contains("c58f30108f718f92721af3b95e74349a"), "{message}");
    assert_eq!(fs::read_dir(folder.path().join("cache/cifar10")).unwrap().count(), 0);
}

#[test]
fn a_file_that_breaks_off_is_gone_on_with() {
    if !has_curl() {
        return;
    }
    for ranges in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let body: &'static [u8] = Box::leak(vec![7; 5000].into_boxed_slice());
        let (address, resumed) = server(body, Some(3000), ranges);
        let fetch = format!("data cifar10 --from {address} --cache cache");
        let message = fail(folder.path(), &fetch, 1);
        assert!(message.contains("broke off") && message.contains("3000 of 170498071 bytes are kept"), "{message}");
        assert_eq!(fs::read(folder.path().join("cache/cifar10/cifar-10-python.tar.gz.part")).unwrap().len(), 3000);
        // The whole file is no CIFAR: its length in the answer says that all of it came, from where it broke off or from the beginning.
        let message = fail(folder.path(), &fetch, 1);
        assert!(message.contains("5000 bytes came with the checksum"), "{message}");
        assert_eq!(resumed.load(Ordering::SeqCst), usize::from(ranges));
    }
}

#[test]
fn where_there_is_no_network_it_is_said() {
    if !has_curl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago, and nobody listens to.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let message = fail(folder.path(), &format!("data svhn --from http://{address} --cache cache"), 1);
    assert!(message.contains("no network"), "{message}");
    let message = fail(folder.path(), "data mnist --from http://no-such-host.invalid --cache cache", 1);
    assert!(message.contains("no network"), "{message}");
}

#[test]
fn what_is_in_the_cache_is_not_fetched_again_unless_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache/gairat/cifar10");
    fs::create_dir_all(&cache).unwrap();
    fs::write(cache.join("cifar-10-python.tar.gz"), b"damaged").unwrap();
    let mut command = command(folder.path(), "data cifar10 --from http://127.0.0.1:1");
    let output = command.env("XDG_CACHE_HOME", folder.path().join("cache")).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && message.contains("fetched again"), "{message}");
}

#[test]
fn our_own_adversarial_examples_are_data_again() {
    let folder = tempfile::tempdir().unwrap();
    let train = "train --data moons --points 200 --model mlp:8 --epochs 2 --burn-in 1 --device cpu --out run";
    succeed(folder.path(), train);
    fs::write(folder.path().join("table.csv"), TABLE).unwrap();
    let network = "--weights run/best.safetensors --model mlp:8 --device cpu";
    let attacked = json(&succeed(
        folder.path(),
        &format!(
            "attack --data csv:table.csv {network} --epsilon 0.1 --step-size 0.02 --steps 5 --no-random-start --out a.npz --json"
        ),
    ));
    let evaluated = json(&succeed(folder.path(), &format!("eval --data npz:a.npz {network} --part all --attack natural --json")));
    let natural = evaluated.iter().find_map(|line| line["natural"].as_f64().or_else(|| line["accuracy"].as_f64()));
    assert!(natural.is_some(), "{evaluated:?}");
    let attacked = attacked.last().unwrap();
    assert!(attacked["robust"].as_f64().unwrap() <= natural.unwrap() + 1e-9, "{attacked} {evaluated:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn standard_output_that_is_full_or_closed_is_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        ["devices", "methods", "data", "--help", "train --points 50 --model mlp:4 --epochs 1 --burn-in 0 --device cpu"]
    {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command(folder.path(), arguments).stdout(full).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "gairat {arguments}: {message}");
        assert!(
            message.contains("standard output cannot be written") && !message.contains("panicked"),
            "gairat {arguments}: {message}"
        );
        // A reader that goes away before anything is written.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        // Without this folder a graphics driver has words of its own.
        let output = command(folder.path(), arguments).env("XDG_RUNTIME_DIR", folder.path()).stdout(writer).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(141), "gairat {arguments}: {message}");
        assert_eq!(message, "", "gairat {arguments}");
    }
}
