//! Recognises files of other kinds that users give as data or weights.

use std::io::{Read, Seek};

use zip::ZipArchive;

/// How many bytes tell what a file is.
const ENOUGH: usize = 512;

/// Whether a file with these first bytes is a zip archive.
pub(crate) fn is_zip(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04")
}

/// Whether a file with these first bytes is a pickle of protocol 2 or later; those before it have no first bytes of their own.
pub(crate) fn is_pickle(start: &[u8]) -> bool {
    matches!(start, [0x80, 2..=5, ..])
}

/// The names of all files in a zip archive, in order.
pub(crate) fn names_in_zip<R: Read + Seek>(archive: &ZipArchive<R>) -> Vec<String> {
    let mut names: Vec<String> = archive.file_names().flatten().map(std::borrow::Cow::into_owned).collect();
    names.sort_unstable();
    names
}

/// What a file is that begins with these bytes, where it is something that is often mistaken for data; with what to do about it.
pub(crate) fn what_else(start: &[u8]) -> Option<&'static str> {
    let start = &start[..start.len().min(ENOUGH)];
    let text = String::from_utf8_lossy(start).trim_start_matches('\u{feff}').trim_start().to_lowercase();
    let begins = |with: &[u8]| start.starts_with(with);
    if text.starts_with("<!doctype") || text.starts_with("<html") || text.starts_with("<?xml") {
        Some(
            "is a web page: the download gave a page in the place of the file; fetch it again, and look at the page for the reason",
        )
    } else if text.starts_with("version https://git-lfs") {
        Some("is a pointer of Git LFS and not the file itself; fetch it with `git lfs pull`")
    } else if begins(b"\x1f\x8b") {
        Some("is packed with gzip; unpack it (`gunzip`)")
    } else if is_zip(start) {
        Some("is a zip archive, as PyTorch and NumPy write them")
    } else if begins(b"\x89HDF") {
        Some("is an HDF5 file, as Keras and MATLAB write them")
    } else if is_pickle(start) {
        Some("is a Python pickle")
    } else if begins(b"\x93NUMPY") {
        Some("is a single NumPy array (NPY)")
    } else if begins(b"BZh") {
        Some("is packed with bzip2; unpack it (`bunzip2`)")
    } else if begins(b"\xfd7zXZ") {
        Some("is packed with xz; unpack it (`unxz`)")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::what_else;

    #[test]
    fn what_is_mistaken_for_data_is_named_and_data_are_not() {
        for (start, said) in [
            (b"\n<!DOCTYPE html><html>".as_slice(), "web page"),
            (b"\xef\xbb\xbf<html lang=en>", "web page"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "Git LFS"),
            (b"\x1f\x8b\x08\x00", "gzip"),
            (b"PK\x03\x04\x14\x00", "zip archive"),
            (b"\x80\x02}q\x00", "pickle"),
        ] {
            assert!(what_else(start).unwrap_or_default().contains(said), "{said}");
        }
        for start in [b"".as_slice(), b"\x00\x00\x08\x03", b"0.5,0.25,1"] {
            assert_eq!(what_else(start), None);
        }
    }
}
