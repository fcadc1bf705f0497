//! The command as a person or a script meets it: what it prints, what it refuses, what it leaves behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod attack;
mod bench;
mod checkpoints;
mod compare;
mod data;
mod documents;
mod eval;
mod figure;
mod methods;
mod refusals;
mod screenshot;
mod training;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output},
};

/// The command, started in `folder` with `arguments` separated by blanks, on the CPU backend.
pub(crate) fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gairat"));
    command.current_dir(folder).args(arguments.split_whitespace());
    command
}

pub(crate) fn run(folder: &Path, arguments: &str) -> Output {
    command(folder, arguments).output().unwrap()
}

/// Standard output of a command that must succeed.
pub(crate) fn succeed(folder: &Path, arguments: &str) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "gairat {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The message of a command that must end with `code`.
pub(crate) fn fail(folder: &Path, arguments: &str, code: i32) -> String {
    let output = run(folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "gairat {arguments}: {message}");
    assert!(!message.contains("panicked"), "{message}");
    message
}

/// The JSON objects of an output, one a line.
pub(crate) fn json(output: &str) -> Vec<serde_json::Value> {
    output.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Every file below a folder, by its path from there, with its bytes.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(inside, bytes)| (format!("{name}/{inside}"), bytes)));
        } else {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}
