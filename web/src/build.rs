//! Makes `web/dist`: the compiled program, the page around it, and what it takes to work without a network.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "page";
/// What all files together may weigh, as a server that packs with gzip sends them, in bytes.
const BUDGET: usize = 3_000_000;
/// The program, packed: its own name, because servers have ideas of their own about `.br` and `.gz`.
const PACKED: &str = "gairat.pack";
/// What the names of files begin with that are loaded when somebody needs them, and weigh nothing for the others.
const LATER: &str = "codecs";

/// Builds the page.
pub(crate) fn build(root: &Path) -> Result<(), String> {
    let web = root.join("web");
    let dist = web.join("dist");
    let program = compile(root, "gairat-app")?;
    let unpack = compile(&web, "gairat-unpack")?;
    let codecs = compile(&web, "gairat-codecs")?;
    // Beside the old one, until it is whole.
    let fresh = web.join("dist.new");
    remove(&fresh)?;
    fs::create_dir_all(&fresh).map_err(|error| told(&fresh, &error))?;
    bind(&program, "gairat", &fresh)?;
    bind(&unpack, "unpack", &fresh)?;
    bind(&codecs, "codecs", &fresh)?;
    number_imports(&fresh, "gairat")?;
    let weight = pack(&fresh.join("gairat_bg.wasm"), &fresh.join(PACKED))?;
    for name in ["page.js", "page.css", "worker.js", "gairat.webmanifest", "icon.svg", "icon-192.png", "icon-512.png"] {
        let (from, to) = (web.join(name), fresh.join(name));
        fs::copy(&from, &to).map_err(|error| told(&from, &error))?;
    }
    document(&web, &fresh, weight)?;
    service_worker(&web, &fresh)?;
    remove(&dist)?;
    fs::rename(&fresh, &dist).map_err(|error| told(&dist, &error))?;
    teacher(&web, &dist)?;
    weigh(&dist)
}

fn told(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

fn remove(folder: &Path) -> Result<(), String> {
    if folder.exists() { fs::remove_dir_all(folder).map_err(|error| told(folder, &error)) } else { Ok(()) }
}

/// Compiles a package of the workspace in `folder` for the web; gives the module.
fn compile(folder: &Path, package: &str) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command
        .current_dir(folder)
        .args(["rustc", "-p", package, "--lib", "--crate-type", "cdylib", "--profile", PROFILE, "--target", TARGET])
        // Vectors of 128 bits; browsers have had them since 2021, and the page says so where they are missing.
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "-C target-feature=+simd128");
    let status = command.status().map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !status.success() {
        return Err(format!("the page does not compile ({status}). If the target is missing: `rustup target add {TARGET}`."));
    }
    let metadata = Command::new(&cargo)
        .current_dir(folder)
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&metadata.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    let target = metadata["target_directory"].as_str().ok_or("cargo metadata names no target folder")?;
    Ok(Path::new(target).join(TARGET).join(PROFILE).join(format!("{}.wasm", package.replace('-', "_"))))
}

/// Writes the module and the script that loads it, under this name.
fn bind(module: &Path, name: &str, into: &Path) -> Result<(), String> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .out_name(name)
        .typescript(false)
        .remove_name_section(std::env::var_os("KEEP_NAMES").is_none())
        .remove_producers_section(true);
    bindgen.web(true).and_then(|bindgen| bindgen.generate(into)).map_err(|error| format!("wasm-bindgen: {error:#}"))
}

/// The hexadecimal digits that wasm-bindgen tells imports of one name apart by.
const HASH: usize = 16;

/// Puts numbers in the place of the hashes in the names of imports, in the module and in its script: no packing makes hashes smaller, and
/// they are ten thousand bytes of the download.
fn number_imports(dist: &Path, name: &str) -> Result<(), String> {
    let (script, module) = (dist.join(format!("{name}.js")), dist.join(format!("{name}_bg.wasm")));
    let text = read(&script)?;
    let hashes = hashes(&text);
    let numbers: HashMap<&[u8], String> =
        hashes.iter().enumerate().map(|(number, hash)| (hash.as_bytes(), format!("{number:0HASH$x}"))).collect();
    let bytes = fs::read(&module).map_err(|error| told(&module, &error))?;
    write(&script, &numbered(text.as_bytes(), &numbers))?;
    write(&module, &numbered(&bytes, &numbers))
}

/// The hashes at the ends of names in a script, each once.
fn hashes(script: &str) -> Vec<&str> {
    let words = script.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ends = words.filter_map(|word| Some(word.strip_prefix("__wb")?.rsplit_once('_')?.1));
    let mut seen = HashSet::new();
    ends.filter(|end| end.len() == HASH && end.bytes().all(|digit| digit.is_ascii_hexdigit()) && seen.insert(*end)).collect()
}

/// The same bytes with other digits behind each `_` where `numbers` has some.
fn numbered(bytes: &[u8], numbers: &HashMap<&[u8], String>) -> Vec<u8> {
    let mut numbered = bytes.to_vec();
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_') {
        if let Some(number) = bytes.get(at + 1..=at + HASH).and_then(|hash| numbers.get(hash)) {
            numbered[at + 1..=at + HASH].copy_from_slice(number.as_bytes());
        }
    }
    numbered
}

/// Packs the module as small as it gets, in the place of it; gives the size.
fn pack(module: &Path, packed: &Path) -> Result<u64, String> {
    let bytes = fs::read(module).map_err(|error| told(module, &error))?;
    println!("packing   {} bytes (half a minute)", bytes.len());
    let small = gairat_unpack::pack(&bytes).map_err(|error| told(module, &error))?;
    write(packed, &small)?;
    fs::remove_file(module).map_err(|error| told(module, &error))?;
    Ok(small.len() as u64)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| told(path, &error))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| told(path, &error))
}

/// `index.html`, with the recorded run inside, so that there is a picture as soon as there is a page.
fn document(web: &Path, dist: &Path, weight: u64) -> Result<(), String> {
    let first = read(&web.join("first.json"))?;
    // `</` would end the element that it stands in.
    let first = first.trim().replace("</", "<\\/");
    let page = read(&web.join("index.html"))?.replace("{{first}}", &first).replace("{{weight}}", &weight.to_string());
    write(&dist.join("index.html"), page.as_bytes())
}

/// The files of the page with their fingerprints, by name.
fn files(dist: &Path) -> Result<Vec<(String, String, Vec<u8>)>, String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dist).map_err(|error| told(dist, &error))?.flatten() {
        let bytes = fs::read(entry.path()).map_err(|error| told(&entry.path(), &error))?;
        let mut print = String::new();
        for byte in Sha256::digest(&bytes).iter().take(8) {
            // Writing to a String cannot fail.
            let _ = write!(print, "{byte:02x}");
        }
        files.push((entry.file_name().to_string_lossy().into_owned(), print, bytes));
    }
    files.sort();
    Ok(files)
}

/// `sw.js`, with the list of what it keeps.
fn service_worker(web: &Path, dist: &Path) -> Result<(), String> {
    let (later, first): (Vec<_>, Vec<_>) = files(dist)?.into_iter().partition(|(name, ..)| name.starts_with(LATER));
    let list = |files: Vec<(String, String, Vec<u8>)>| {
        let list: Vec<_> = files.iter().map(|(name, print, _)| json!([name, print])).collect();
        serde_json::Value::from(list).to_string()
    };
    let text = read(&web.join("sw.js"))?.replace("{{files}}", &list(first)).replace("{{later}}", &list(later));
    write(&dist.join("sw.js"), text.as_bytes())
}

/// `gairat-teacher.zip`: the page, and a line that serves it from a stick.
fn teacher(web: &Path, dist: &Path) -> Result<(), String> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        // No clock: the same page gives the same bytes.
        .last_modified_time(zip::DateTime::default());
    let mut put = |name: &str, bytes: &[u8], mode: u32| {
        archive
            .start_file(format!("gairat/{name}"), options.unix_permissions(mode))
            .map_err(std::io::Error::from)
            .and_then(|()| archive.write_all(bytes))
            .map_err(|error| format!("gairat-teacher.zip: {error}"))
    };
    for (name, _, bytes) in files(dist)? {
        put(&format!("page/{name}"), &bytes, 0o644)?;
    }
    for (name, mode) in [("README.txt", 0o644), ("start.sh", 0o755), ("start.bat", 0o644), ("start.ps1", 0o644)] {
        let path = web.join("teacher").join(name);
        put(name, &fs::read(&path).map_err(|error| told(&path, &error))?, mode)?;
    }
    let bytes = archive.finish().map_err(|error| format!("gairat-teacher.zip: {error}"))?.into_inner();
    let file = web.join("gairat-teacher.zip");
    write(&file, &bytes)?;
    println!("written   {} ({} bytes)", file.display(), bytes.len());
    Ok(())
}

/// Prints what a visitor loads, and refuses a page that is too heavy.
fn weigh(dist: &Path) -> Result<(), String> {
    let mut sum = 0;
    for (name, _, bytes) in files(dist)? {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        let packed = packed.write_all(&bytes).and_then(|()| packed.finish()).map_err(|error| format!("{name}: {error}"))?;
        let later = if name.starts_with(LATER) { " (when a set needs it)" } else { "" };
        println!("{:>10} bytes, {:>9} with gzip   {name}{later}", bytes.len(), packed.len());
        if later.is_empty() {
            sum += packed.len();
        }
    }
    println!("download  {sum} bytes with gzip; {BUDGET} are allowed");
    println!("written   {}", dist.display());
    if sum > BUDGET { Err(format!("the page weighs {sum} bytes with gzip, more than the {BUDGET} that it may")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The versions of these packages that a lock file names.
    fn versions(lock: &str) -> Vec<(&str, &str)> {
        let wanted = ["image", "png", "zune-jpeg", "snap", "ruzstd"];
        let mut lines = lock.lines().map(|line| line.split('"').nth(1).unwrap_or_default());
        let mut versions = Vec::new();
        while let Some(name) = lines.next() {
            if wanted.contains(&name) {
                versions.push((name, lines.next().unwrap_or_default()));
            }
        }
        versions.retain(|(_, version)| version.starts_with(|first: char| first.is_ascii_digit()));
        versions
    }

    #[test]
    fn the_page_decodes_pictures_with_the_programs_own_versions() {
        let (page, program) = (versions(include_str!("../Cargo.lock")), versions(include_str!("../../Cargo.lock")));
        assert_eq!(page.len(), 5, "{page:?}");
        for version in page {
            assert!(program.contains(&version), "{version:?} is not in {program:?}");
        }
    }

    #[test]
    fn hashes_become_numbers_wherever_they_stand_and_nothing_else_does() {
        let script = "__wbg_now_0123456789abcdef: f, __wbg_now_fedcba9876543210() {}, other_0123456789abcdef0, __wbindgen_malloc";
        let hashes = hashes(script);
        assert_eq!(hashes, ["0123456789abcdef", "fedcba9876543210"]);
        let numbers = hashes.iter().zip(["0000000000000000", "0000000000000001"]);
        let numbers: HashMap<&[u8], String> = numbers.map(|(hash, number)| (hash.as_bytes(), number.to_owned())).collect();
        let module = b"\x00__wbg_now_fedcba9876543210\x01_0123456789abcdef_fedcba987654321";
        assert_eq!(numbered(module, &numbers), b"\x00__wbg_now_0000000000000001\x01_0000000000000000_fedcba987654321");
    }
}
