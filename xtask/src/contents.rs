//! What a package holds, whatever its kind.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use flate2::{Compression, write::GzEncoder};

use crate::{Outcome, components::Shipped};

/// One file of a package.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct File {
    /// Its path inside.
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) executable: bool,
}

impl File {
    pub(crate) fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), bytes: bytes.into(), executable: false }
    }
}

/// All that a package is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    pub(crate) program: Vec<u8>,
    /// README, licences, changes: name and text.
    pub(crate) documents: Vec<File>,
    /// Man pages: `gairat-train.1`.
    pub(crate) man: Vec<File>,
    /// Completions by shell: `bash`, `zsh`, `fish`, `powershell`.
    pub(crate) completions: Vec<File>,
    /// The icon, as SVG.
    pub(crate) icon: Vec<u8>,
    /// Every component and its licence, as CycloneDX.
    pub(crate) component_list: Vec<u8>,
}

/// Documents that every package has.
const DOCUMENTS: [&str; 5] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "core/data/LICENSE-digits.md"];

impl Contents {
    /// Asks the program for its man pages and completions, and reads the rest from the checkout.
    pub(crate) fn gather(root: &Path, program: &Path, shipped: &Shipped, version: &str) -> Outcome<Self> {
        let mut documents = Vec::new();
        for name in DOCUMENTS {
            let base = Path::new(name).file_name().unwrap_or_default().to_string_lossy();
            documents.push(File::new(base, fs::read(root.join(name))?));
        }
        documents.push(File::new("LICENSES-dependencies.txt", shipped.licences()));
        let ask = |arguments: &[&str]| -> Outcome<Vec<u8>> {
            let output = Command::new(program).args(arguments).output()?;
            if !output.status.success() {
                return Err(format!("gairat {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)).into());
            }
            Ok(output.stdout)
        };
        let mut completions = Vec::new();
        for shell in ["bash", "fish", "powershell", "zsh"] {
            completions.push(File::new(shell, ask(&["completions", shell])?));
        }
        Ok(Self {
            program: fs::read(program)?,
            documents,
            man: man_pages(&ask)?,
            completions,
            icon: fs::read(root.join("web/icon.svg"))?,
            component_list: shipped.cyclonedx(version).into_bytes(),
        })
    }
}

fn man_pages(ask: &impl Fn(&[&str]) -> Outcome<Vec<u8>>) -> Outcome<Vec<File>> {
    let folder = std::env::temp_dir().join(format!("gairat-man-{}", std::process::id()));
    ask(&["man", &folder.to_string_lossy()])?;
    let mut pages = Vec::new();
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    for path in paths {
        pages.push(File::new(path.file_name().unwrap_or_default().to_string_lossy(), fs::read(&path)?));
    }
    fs::remove_dir_all(&folder)?;
    Ok(pages)
}

/// The bytes packed with gzip, the same for the same bytes.
pub(crate) fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes)?;
    packed.finish()
}

/// A tar archive of these files in folders of their own, without times and owners: the same for the same files.
pub(crate) fn tar(files: &[File]) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut folders = std::collections::BTreeSet::new();
    for file in files {
        let parents: Vec<&Path> = Path::new(&file.path).ancestors().skip(1).collect();
        for parent in parents.iter().rev().filter(|parent| !parent.as_os_str().is_empty()) {
            if folders.insert(parent.to_path_buf()) {
                let mut header = header(tar::EntryType::Directory, 0o755, 0)?;
                archive.append_data(&mut header, parent, std::io::empty())?;
            }
        }
        let mode = if file.executable { 0o755 } else { 0o644 };
        let mut header = header(tar::EntryType::Regular, mode, file.bytes.len() as u64)?;
        archive.append_data(&mut header, &file.path, &file.bytes[..])?;
    }
    archive.into_inner()
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> std::io::Result<tar::Header> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    // The names of user 0 and group 0 on every system that has a Debian package.
    header.set_username("root")?;
    header.set_groupname("root")?;
    Ok(header)
}
