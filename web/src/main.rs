//! The page's tools: `build` makes `web/dist`, `serve` shows it on this machine.
//!
//! ```text
//! cargo run --release --manifest-path web/Cargo.toml -- build
//! cargo run --release --manifest-path web/Cargo.toml -- serve
//! ```

mod build;
mod serve;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

const USAGE: &str = "\
gairat-page build            compile the page into web/dist, and gairat-teacher.zip beside it
gairat-page serve [PORT]     serve web/dist on http://localhost:PORT (default 8080)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["build"] => build::build(&root()),
        ["serve"] => serve::serve(&root().join("web/dist"), 8080),
        ["serve", port] => match port.parse::<u16>() {
            Ok(port) if port > 0 => serve::serve(&root().join("web/dist"), port),
            _ => Err(format!("`{port}` is no port; expected 1 to 65535")),
        },
        _ => Err(format!("expected one of:\n{USAGE}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the repository.
fn root() -> PathBuf {
    // Where cargo starts the program it says where its package is; elsewhere one is expected to stand in the repository.
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(package) => Path::new(&package).parent().map(Path::to_owned).unwrap_or_default(),
        None => PathBuf::from("."),
    }
}
