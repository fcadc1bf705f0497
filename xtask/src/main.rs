//! Makes what a release ships, `cargo run --release -p xtask -- dist`, and the library for the registry, `… -- library`.
//!
//! It is a program of our own because each of the known tools does one part and needs minutes to compile where it is used: cargo-deb makes the
//! Debian package, cargo-about the licences, cargo-cyclonedx the list of components, and cargo-dist wants to own the workflow. All of them read
//! `cargo metadata`, as this does, and these four files are shorter than their settings would be.

mod archive;
mod components;
mod contents;
mod deb;
mod library;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use sha2::{Digest as _, Sha256};

use contents::Contents;

type Outcome<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: cargo run --release -p xtask -- dist [--terminal] [--built PROGRAM]
       cargo run --release -p xtask -- library

  --terminal        the terminal program alone, without the window
  --built PROGRAM   package this program instead of building one

`library` packages the library as the registry takes it, and builds it from the package";

/// What a stripped program may weigh, in MB: with the window, and without.
const BUDGET: [(&str, f64); 2] = [("window", 35.0), ("terminal", 15.0)];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match (arguments.as_slice(), read(&arguments)) {
        ([only], _) if only == "library" => library(),
        (_, Some(wanted)) => dist(&wanted),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What is asked for.
#[derive(Debug, Default, PartialEq)]
struct Wanted {
    terminal: bool,
    built: Option<PathBuf>,
}

/// Reads the arguments; none where they are not understood.
fn read(arguments: &[String]) -> Option<Wanted> {
    let mut wanted = Wanted::default();
    let ["dist", rest @ ..] = &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] else { return None };
    let mut rest = rest.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--terminal" => wanted.terminal = true,
            "--built" => wanted.built = Some(PathBuf::from(rest.next()?)),
            _ => return None,
        }
    }
    Some(wanted)
}

fn library() -> Outcome<()> {
    let root = root()?;
    let metadata = components::metadata(root)?;
    library::package(root, Path::new(metadata["target_directory"].as_str().ok_or("cargo says where it builds")?))
}

/// The workspace.
fn root() -> Outcome<&'static Path> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask lies in the workspace")?)
}

fn dist(wanted: &Wanted) -> Outcome<()> {
    let root = root()?;
    let metadata = components::metadata(root)?;
    let target = metadata["target_directory"].as_str().ok_or("cargo says where it builds")?;
    let program = match &wanted.built {
        Some(program) => program.clone(),
        None => build(root, Path::new(target), wanted.terminal)?,
    };
    let (door, budget) = BUDGET[usize::from(wanted.terminal)];
    let weight = fs::metadata(&program)?.len() as f64 / 1e6;
    println!("{} {weight:.1} MB; {budget} MB were meant for the {door}", program.display());

    let triple = triple()?;
    let version = env!("CARGO_PKG_VERSION");
    let suffix = if wanted.terminal { "-terminal" } else { "" };
    let name = format!("gairat{suffix}-{version}-{triple}");
    let shipped = components::shipped(&metadata, &triple, wanted.terminal)?;
    let contents = Contents::gather(root, &program, &shipped, version)?;

    let out = Path::new(target).join("dist-packages");
    fs::create_dir_all(&out)?;
    let mut made = vec![archive::write(&contents, &out, &name)?];
    if triple.contains("linux") {
        made.push(deb::write(&contents, &out, &format!("gairat{suffix}"), version, &triple)?);
    }
    let list = out.join(format!("{name}.cdx.json"));
    fs::write(&list, &contents.component_list)?;
    made.push(list);
    for file in &made {
        let sum = checksum(&fs::read(file)?);
        let file_name = file.file_name().unwrap_or_default().to_string_lossy();
        fs::write(file.with_file_name(format!("{file_name}.sha256")), format!("{sum}  {file_name}\n"))?;
        println!("{} {:.1} MB, sha256 {sum}", file.display(), fs::metadata(file)?.len() as f64 / 1e6);
    }
    Ok(())
}

/// Builds the program with the profile `dist`.
fn build(root: &Path, target: &Path, terminal: bool) -> Outcome<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(["build", "--locked", "--profile", "dist", "-p", "gairat-app", "--bin", "gairat"]);
    if terminal {
        cargo.arg("--no-default-features");
    }
    if !cargo.status()?.success() {
        return Err("cargo could not build the program".into());
    }
    Ok(target.join("dist").join(format!("gairat{}", std::env::consts::EXE_SUFFIX)))
}

/// The system that rustc builds for.
fn triple() -> Outcome<String> {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc does not name its host")?.to_owned())
}

/// SHA-256 in hexadecimal.
fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_answered_with_the_usage() {
        let read = |line: &str| read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(read("dist"), Some(Wanted::default()));
        assert_eq!(read("dist --terminal --built a"), Some(Wanted { terminal: true, built: Some("a".into()) }));
        for line in ["", "build", "dist --built", "dist now"] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn checksums_are_those_of_sha256sum() {
        assert_eq!(checksum(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
