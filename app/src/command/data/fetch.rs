//! Fetching files into a cache folder: with progress, taken up again where it broke off, and checked.
//!
//! The system's own `curl` speaks to the network. It is there on Linux, macOS and Windows 10 and later, knows the proxies and certificates of
//! the machine, and resumes; every Rust client for HTTPS either needs a C compiler (ring, aws-lc) or cryptography that is marked experimental.

use std::{
    fs,
    io::{IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{
    checksum,
    homes::{File, Home},
};
use crate::{failure::Failure, terminal::tell};

/// How often the bar is drawn.
const LOOK: Duration = Duration::from_millis(200);

/// Where fetched files are kept: `$XDG_CACHE_HOME/gairat`, else `~/.cache/gairat`.
pub(super) fn cache_folder() -> Result<PathBuf, Failure> {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = of("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or_else(|| {
        let home = of("HOME").or_else(|| of("USERPROFILE"))?;
        Some(home.join(".cache"))
    });
    folder
        .map(|folder| folder.join("gairat"))
        .ok_or_else(|| Failure::Request("there is no home folder to keep files in; give one with --cache DIR".to_owned()))
}

/// Fetches what lacks of a data set, and gives the folder that it is in.
pub(super) fn fetch(home: &Home, folder: &Path, from: Option<&str>) -> Result<PathBuf, Failure> {
    let unwritable = |cause: std::io::Error| {
        Failure::Work(format!(
            "{}: cannot be written: {cause}. Check the path, its permissions and the free space.",
            folder.display()
        ))
    };
    fs::create_dir_all(folder).map_err(unwritable)?;
    let own: Vec<&str> = match from {
        Some(mirror) => vec![mirror],
        None => home.homes.to_vec(),
    };
    for file in home.files {
        let path = folder.join(file.name);
        if path.is_file() {
            match checksum::of_file(&path) {
                Ok(found) if found == file.md5 => continue,
                Ok(found) => tell!(
                    "warning: {}: has the checksum {found} where {} is published; it is fetched again",
                    path.display(),
                    file.md5
                ),
                Err(cause) => tell!("warning: {}: cannot be read ({cause}); it is fetched again", path.display()),
            }
        }
        one(file, &path, &own)?;
    }
    Ok(folder.to_owned())
}

/// Why a file did not come.
enum Missed {
    /// The next address may have it.
    Here(String),
    /// Nothing will help.
    For(Failure),
}

/// Fetches one file from the first address that has it.
fn one(file: &File, path: &Path, homes: &[&str]) -> Result<(), Failure> {
    let part = path.with_file_name(format!("{}.part", file.name));
    let mut reasons = Vec::new();
    for home in homes {
        let url = format!("{}/{}", home.trim_end_matches('/'), file.name);
        match from(&url, file, &part, path) {
            Ok(()) => return Ok(()),
            Err(Missed::For(failure)) => return Err(failure),
            Err(Missed::Here(reason)) => reasons.push(format!("{url}: {reason}")),
        }
    }
    Err(Failure::Work(reasons.join("\n       ")))
}

fn from(url: &str, file: &File, part: &Path, path: &Path) -> Result<(), Missed> {
    let broken = |cause: std::io::Error| Missed::For(Failure::Work(format!("{}: {cause}", part.display())));
    // A part that is whole already is what a program left that was ended between the two steps.
    let whole = |part: &Path| part.is_file() && checksum::of_file(part).is_ok_and(|found| found == file.md5);
    let before = fs::metadata(part).map_or(0, |part| part.len());
    if !whole(part) {
        if before >= file.bytes {
            fs::remove_file(part).map_err(broken)?;
        } else if before > 0 {
            tell!("{}: goes on after {before} of {} bytes", file.name, file.bytes);
        }
        match curl(url, file, part)? {
            0 => {}
            // A server that knows no ranges, or a part that is longer than the file: from the beginning, once.
            33 | 36 if before > 0 => {
                fs::remove_file(part).map_err(broken)?;
                if curl(url, file, part)? != 0 {
                    return Err(Missed::Here(
                        "the server does not go on where the file broke off, and gave nothing from its beginning".to_owned(),
                    ));
                }
            }
            code => return Err(missed(code, file, part)),
        }
    }
    let found = checksum::of_file(part).map_err(broken)?;
    if found != file.md5 {
        let length = fs::metadata(part).map_or(0, |part| part.len());
        // What is damaged cannot be gone on with.
        fs::remove_file(part).map_err(broken)?;
        return Err(Missed::Here(format!(
            "{length} bytes came with the checksum (MD5) {found}; expected {} bytes with {}. They were removed.",
            file.bytes, file.md5
        )));
    }
    fs::rename(part, path).map_err(broken)
}

/// What curl's code means; see its manual.
fn missed(code: i32, file: &File, part: &Path) -> Missed {
    let kept = fs::metadata(part).map_or(0, |part| part.len());
    let again = if kept > 0 {
        format!(" {kept} of {} bytes are kept: the same command goes on with them.", file.bytes)
    } else {
        String::new()
    };
    match code {
        5 | 6 => Missed::Here(format!("there is no network here, or the name is not known.{again}")),
        7 => Missed::Here(format!("nothing answers there: no network, or the server is down.{again}")),
        22 => Missed::Here(format!("the server does not give the file; --from URL takes it from a mirror.{again}")),
        28 => Missed::Here(format!("the network has become silent.{again}")),
        18 | 52 | 55 | 56 | 92 => Missed::Here(format!("the connection broke off.{again}")),
        35 | 51 | 58 | 60 => {
            Missed::Here(format!("the server cannot be trusted: its certificate is refused (curl's code {code}).{again}"))
        }
        23 => Missed::For(Failure::Work(format!("{}: cannot be written. Check the free space.", part.display()))),
        _ => Missed::Here(format!("curl ended with code {code}.{again}")),
    }
}

/// Runs curl, which goes on after what is in `part`; gives its code.
fn curl(url: &str, file: &File, part: &Path) -> Result<i32, Missed> {
    let fail = |cause: &dyn std::fmt::Display| Missed::For(Failure::Work(format!("{}: {cause}", file.name)));
    let mut child = Command::new("curl")
        .args([
            "--fail",
            "--location",
            "--silent",
            "--show-error",
            "--connect-timeout",
            "20",
            "--speed-limit",
            "1",
            "--speed-time",
            "60",
        ])
        .args(["--continue-at", "-", "--output"])
        .arg(part)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|cause| {
            fail(&format!(
                "the program `curl`, which fetches, cannot be started ({cause}); install it, or fetch {url} by hand into {}",
                part.parent().unwrap_or(Path::new("")).display()
            ))
        })?;
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(file.bytes) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(file.name);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => {}
            Err(cause) => return Err(fail(&cause)),
        }
        bar.set_position(fs::metadata(part).map_or(0, |part| part.len()));
        thread::sleep(LOOK);
    };
    bar.finish_and_clear();
    if !status.success() {
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            // Its words are more than its code; without them the code has to do.
            let _ = stderr.read_to_string(&mut said);
        }
        if !said.trim().is_empty() {
            tell!("{}", said.trim());
        }
    }
    // A process that was ended from outside has no code.
    Ok(status.code().unwrap_or(18))
}
