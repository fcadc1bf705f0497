//! Files that come together: in a folder, in a tar archive (packed with gzip or not) or in a zip archive.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use super::found::{name_of, unpacked, unreadable};
use crate::{
    dataset::DatasetError,
    files::{self, is_zip, names_in_zip},
};

/// How deep folders are looked into.
const DEPTH: usize = 6;

/// Whether a file with these first bytes is a tar or zip archive.
pub(super) fn is_archive(start: &[u8]) -> bool {
    is_tar(start) || is_zip(start)
}

fn is_tar(start: &[u8]) -> bool {
    start.get(257..262) == Some(b"ustar")
}

/// The first files of a folder, `most` or a few more, at any depth and in order, each with its name below the folder.
fn walk(folder: &Path, most: usize) -> Result<Vec<(String, PathBuf)>, DatasetError> {
    type Files = Vec<(String, PathBuf)>;
    fn below(folder: &Path, prefix: &str, depth: usize, most: usize, found: &mut Files) -> Result<(), DatasetError> {
        let mut entries = files::list(folder).map_err(|cause| unreadable(folder, &cause))?;
        entries.sort();
        for entry in entries {
            if found.len() >= most {
                break;
            }
            let name = format!("{prefix}{}", name_of(&entry));
            // What begins with a point is the system's own.
            if name_of(&entry).starts_with('.') {
                continue;
            }
            if !files::is_dir(&entry) {
                found.push((name, entry));
            } else if depth > 0 {
                below(&entry, &format!("{name}/"), depth - 1, most, found)?;
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    below(folder, "", DEPTH, most, &mut found)?;
    Ok(found)
}

/// The names of a folder's first files, `most` or a few more, at any depth and in order.
pub(super) fn names_in_folder(folder: &Path, most: usize) -> Result<Vec<String>, DatasetError> {
    Ok(walk(folder, most)?.into_iter().map(|(name, _)| name).collect())
}

/// How much of a tar archive is looked at: it has no list of its names, and a page must not stand still.
const LOOK: u64 = 1 << 20;

/// The first names in an archive; fewer where it is long or breaks off.
pub(super) fn first_names(path: &Path, most: usize) -> Vec<String> {
    let Ok(reader) = unpacked(path) else { return Vec::new() };
    let mut names = Vec::new();
    let mut archive = tar::Archive::new(reader.take(LOOK));
    // What is broken says so when it is read.
    for entry in archive.entries().into_iter().flatten() {
        let Some(name) = entry.ok().and_then(|entry| entry.path().ok().map(|path| path.to_string_lossy().into_owned())) else {
            break;
        };
        if !name.ends_with('/') {
            names.push(name);
        }
        if names.len() == most {
            break;
        }
    }
    names.retain(|name| !name_of(Path::new(name)).starts_with('.'));
    if names.is_empty() {
        let zip = files::open(path).ok().and_then(|file| zip::ZipArchive::new(file).ok());
        names = zip.iter().flat_map(names_in_zip).collect();
    }
    names
}

/// Takes every file at `path`, with its name and its bytes, until `take` says that it has enough: those of a folder or a zip archive in the
/// order of their names, those of a tar archive in its own. Another file is taken as the only one.
pub(super) fn each(
    path: &Path,
    take: &mut dyn FnMut(&str, &mut dyn Read) -> Result<bool, DatasetError>,
) -> Result<(), DatasetError> {
    if files::is_dir(path) {
        for (name, file) in walk(path, usize::MAX)? {
            if !take(&name, &mut *unpacked(&file)?)? {
                break;
            }
        }
        return Ok(());
    }
    let mut reader = unpacked(path)?;
    let mut start = Vec::new();
    // A `tar` is told by its 257th byte, and a buffer may have fewer: these bytes go before the rest again.
    let outcome = (&mut reader).take(512).read_to_end(&mut start);
    outcome.map_err(|cause| torn(path, &cause))?;
    let zip = is_zip(&start);
    let tar = is_tar(&start);
    let mut reader = start.chain(reader);
    if zip {
        return each_of_zip(path, take);
    }
    if !tar {
        return take(&name_of(path), &mut reader).map(drop);
    }
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries().map_err(|cause| torn(path, &cause))? {
        let mut entry = entry.map_err(|cause| torn(path, &cause))?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path().map_err(|cause| torn(path, &cause))?.to_string_lossy().into_owned();
        // What macOS adds beside every file.
        if name_of(Path::new(&name)).starts_with('.') {
            continue;
        }
        if !take(&name, &mut entry)? {
            break;
        }
    }
    Ok(())
}

fn each_of_zip(path: &Path, take: &mut dyn FnMut(&str, &mut dyn Read) -> Result<bool, DatasetError>) -> Result<(), DatasetError> {
    let file = files::open(path).map_err(|cause| unreadable(path, &cause))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|cause| torn(path, &cause))?;
    let mut names = names_in_zip(&archive);
    names.retain(|name| !name.ends_with('/') && !name.starts_with("__MACOSX/") && !name_of(Path::new(name)).starts_with('.'));
    for name in names {
        let mut entry = archive.by_name(&name).map_err(|cause| torn(path, &cause))?;
        if !take(&name, &mut entry)? {
            break;
        }
    }
    Ok(())
}

fn torn(path: &Path, cause: &dyn std::fmt::Display) -> DatasetError {
    DatasetError::malformed(path, format!("is an archive that breaks off ({cause})"), "a whole archive; fetch it again")
}

/// All bytes of a file in an archive, of which there may be at most `most`.
pub(super) fn whole(path: &Path, name: &str, reader: &mut dyn Read, most: u64) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    reader.take(most + 1).read_to_end(&mut bytes).map_err(|cause| {
        DatasetError::malformed(
            path,
            format!("`{name}` breaks off after {} bytes ({cause})", bytes.len()),
            "a whole archive; fetch it again",
        )
    })?;
    if bytes.len() as u64 > most {
        return Err(DatasetError::malformed(
            path,
            format!("`{name}` holds more than {most} bytes"),
            "less, which fits into memory",
        ));
    }
    Ok(bytes)
}
