//! SVHN, the street view house numbers, as their home gives them: MATLAB files with `X` (32 x 32 x 3 x N bytes) and `y` (N x 1; the digit 0
//! is class 10). <http://ufldl.stanford.edu/housenumbers/>

use std::path::{Path, PathBuf};

use super::{
    Format, Reader,
    found::{Found, bytes_of, name_of},
    labels::{labels, strange},
    mat::{self, Array},
    npy::Numbers,
    pixels::{Layout, Pixels, pixels_of},
};
use crate::{
    dataset::{DataRange, DatasetError, Raw, SampleShape, Samples, claimed_numbers, classes_of},
    files::{self, what_else},
};

pub(super) const FORMAT: Format = Format {
    name: "svhn",
    usage: "svhn:FILE.mat",
    about: "MATLAB file (version 5) with `X` and `y`, as SVHN's train_32x32.mat",
    sniff,
    read: Reader::Numbers(read),
};

const EXPECTED: &str = "a MATLAB file of version 5 with `X` (height x width x channels x N) and `y` (N labels)";
/// The most bytes that are read of a file and of an array in it.
const LARGEST: u64 = 1 << 31;

fn sniff(found: &Found) -> bool {
    if found.folder {
        return found.inside.iter().any(|name| name == "train_32x32.mat");
    }
    found.start.starts_with(mat::MAGIC) || found.start.starts_with(b"MATLAB 7.3")
}

fn read(paths: &[PathBuf], range: &DataRange) -> Result<Raw, DatasetError> {
    let mut notes = Vec::new();
    let (train, test) = match paths {
        [folder] if files::is_dir(folder) => (folder.join("train_32x32.mat"), Some(folder.join("test_32x32.mat"))),
        [path] => {
            let name = name_of(path);
            let test = name.strip_prefix("train").map(|rest| path.with_file_name(format!("test{rest}")));
            (path.clone(), test)
        }
        [first, second] if name_of(first).starts_with("test") => (second.clone(), Some(first.clone())),
        [first, second] => (first.clone(), Some(second.clone())),
        _ => {
            let path = paths.first().map_or(Path::new(""), PathBuf::as_path);
            return Err(DatasetError::malformed(
                path,
                format!("is one of {} files", paths.len()),
                "the train file, and the test file or none",
            ));
        }
    };
    let (pixels, labels) = read_file(&train, &mut notes, range)?;
    let Pixels { shape, values, origin, .. } = pixels;
    let mut classes = classes_of(&labels);
    notes.extend(strange(&labels));
    let in_order = |pixels, labels: Vec<u32>| Samples { pixels, rows: (0..labels.len() as u32).collect(), labels };
    let own_test = match test.filter(|test| files::is_file(test)) {
        None => {
            notes.push("there is no test file beside it: the test part is taken from this one".to_owned());
            None
        }
        Some(test) => {
            let (pixels, labels) = read_file(&test, &mut Vec::new(), range)?;
            if pixels.shape != shape {
                return Err(DatasetError::malformed(
                    &test,
                    format!("holds images of {}", pixels.shape),
                    format!("images of {shape}"),
                ));
            }
            classes = classes.max(classes_of(&labels));
            Some(in_order(pixels.values, labels))
        }
    };
    Ok(Raw { shape, classes, samples: in_order(values, labels), own_test, usual_test: None, notes, origin })
}

fn read_file(path: &Path, notes: &mut Vec<String>, range: &DataRange) -> Result<(Pixels, Vec<u32>), DatasetError> {
    let malformed = |found: String| DatasetError::malformed(path, found, EXPECTED);
    let bytes = bytes_of(path, LARGEST)?;
    if bytes.starts_with(b"MATLAB 7.3") || bytes.starts_with(b"\x89HDF") {
        let expected = "version 5: in MATLAB `save('file.mat', 'X', 'y', '-v7')`, in Python `scipy.io.savemat('file.mat', {'X': x, 'y': y})`";
        return Err(DatasetError::malformed(path, "is a MATLAB file of version 7.3, which is HDF5 inside", expected));
    }
    if let Some(what) = what_else(&bytes) {
        return Err(malformed(what.to_owned()));
    }
    let arrays = mat::arrays(&bytes, LARGEST).map_err(malformed)?;
    drop(bytes);
    let named = |wanted: &[&str]| {
        arrays.iter().find(|array| wanted.contains(&array.name.as_str())).ok_or_else(|| {
            let names: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
            malformed(format!("has no array `{}` (its arrays: {})", wanted[0], names.join(", ")))
        })
    };
    let (x, y) = (named(&["X", "x", "images"])?, named(&["y", "Y", "labels"])?);
    let pixels = pixels(path, x, range)?;
    let numbers: Vec<f64> = y.numbers().collect();
    if numbers.len() != pixels.count() {
        return Err(malformed(format!("has {} labels for {} images", numbers.len(), pixels.count())));
    }
    let mut labels =
        labels(1, &numbers).map_err(|(found, expected)| DatasetError::malformed(path, format!("`y` {found}"), expected))?;
    // SVHN counts its digits 1 to 9, and 0 as 10.
    if labels.contains(&10) && labels.iter().all(|label| (1..=10).contains(label)) {
        labels.iter_mut().filter(|label| **label == 10).for_each(|label| *label = 0);
        notes.push("class 10 is the digit 0, as SVHN counts: it is taken as 0".to_owned());
    }
    Ok((pixels, labels))
}

/// The images of `X`, whose first dimension runs fastest.
fn pixels(path: &Path, x: &Array, range: &DataRange) -> Result<Pixels, DatasetError> {
    let refused = |(found, expected): (String, String)| DatasetError::malformed(path, format!("`{}` {found}", x.name), expected);
    let (height, width, channels, count) = match *x.sizes.as_slice() {
        [height, width, channels @ (1 | 3), count] => (height, width, channels, count),
        [height, width, count] => (height, width, 1, count),
        ref sizes => return Err(refused((format!("has the shape {sizes:?}"), EXPECTED.to_owned()))),
    };
    let sizes: Vec<u64> = x.sizes.iter().map(|&size| size as u64).collect();
    claimed_numbers(path, &format!("`{}`", x.name), &sizes)?;
    let shape = SampleShape::Image { channels, height, width };
    let mut values = vec![0.0_f32; shape.len() * count];
    let numbers: Box<dyn Iterator<Item = f32>> = match x.bytes() {
        Some(bytes) => Box::new(bytes.iter().map(|&byte| f32::from(byte))),
        None => Box::new(x.numbers().map(|number| number as f32)),
    };
    let (plane, image) = (height * width, shape.len());
    for (index, number) in numbers.enumerate() {
        let (row, column) = (index % height, index / height % width);
        let (channel, sample) = (index / plane % channels, index / image);
        values[sample * image + channel * plane + row * width + column] = number;
    }
    let numbers =
        Numbers { sizes: vec![count, channels, height, width], whole: x.bytes().is_some(), byte: x.bytes().is_some(), values };
    let mut pixels =
        pixels_of(&format!("`{}`", x.name), numbers, Layout { shape, channels_last: false }, range).map_err(refused)?;
    pixels.origin = pixels.origin.replace("channels first", "rows first, samples last (MATLAB)");
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Written by SciPy: see `tests/fixtures/make.py`.
    const PACKED: &[u8] = include_bytes!("../../../../tests/fixtures/svhn.mat");
    const PLAIN: &[u8] = include_bytes!("../../../../tests/fixtures/plain.mat");

    fn file(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(dir.join(name), bytes).expect("the temporary folder can be written");
        dir.join(name)
    }

    #[test]
    fn images_and_labels_of_a_matlab_file_are_turned() {
        let dir = tempfile::tempdir().expect("the system gives a folder for temporary files");
        for (bytes, origin) in [(PACKED, "bytes 0..255"), (PLAIN, "numbers 0..1")] {
            let path = file(dir.path(), "some.mat", bytes);
            assert!(sniff(&Found::at(&path).expect("it is there")));
            let raw = read(&[path], &DataRange::Auto).expect("the file is whole");
            assert_eq!(raw.shape, SampleShape::Image { channels: 3, height: 4, width: 2 });
            assert_eq!((raw.samples.labels.as_slice(), raw.classes), ([1, 0, 2, 9, 0].as_slice(), 10));
            assert!(raw.origin.starts_with(origin), "{}", raw.origin);
            // Image 2, colour 1, row 3, column 1: its place in the file, 3 + 4 * 1 + 8 * 1 + 24 * 2, is the number there.
            let place = 2 * 24 + 8 + 3 * 2 + 1;
            assert!((raw.samples.pixels[place] * 255.0 - 63.0).abs() < 1e-4, "{}", raw.samples.pixels[place] * 255.0);
            assert!(raw.notes.iter().any(|note| note.contains("digit 0")), "{:?}", raw.notes);
        }
    }

    #[test]
    fn a_train_file_finds_its_test_file() {
        let dir = tempfile::tempdir().expect("the system gives a folder for temporary files");
        let train = file(dir.path(), "train_32x32.mat", PACKED);
        assert_eq!(read(std::slice::from_ref(&train), &DataRange::Auto).expect("the file is whole").own_test, None);
        file(dir.path(), "test_32x32.mat", PACKED);
        for path in [train, dir.path().to_owned()] {
            let raw = read(&[path], &DataRange::Auto).expect("both files are whole");
            assert_eq!(raw.own_test.map(|test| test.len()), Some(5));
        }
    }

    #[test]
    fn damage_and_version_7_3_are_named() {
        let dir = tempfile::tempdir().expect("the system gives a folder for temporary files");
        let refusal = |bytes: &[u8]| {
            read(&[file(dir.path(), "broken.mat", bytes)], &DataRange::Auto).expect_err("it is broken").to_string()
        };
        let newer = [b"MATLAB 7.3 MAT-file, Platform: GLNXA64".as_slice(), &[b' '; 474], b"\x89HDF\r\n\x1a\n"].concat();
        assert!(refusal(&newer).contains("7.3") && refusal(&newer).contains("'-v7'"), "{}", refusal(&newer));
        assert!(refusal(b"<html>").contains("web page"));
        for cut in [60, 130, 200, PACKED.len() - 3] {
            let error = refusal(&PACKED[..cut]);
            assert!(
                error.contains("breaks off") || error.contains("no array") || error.contains("does not begin"),
                "{cut}: {error}"
            );
        }
        let other = refusal(&PACKED[..128]);
        assert!(other.contains("has no array `X`"), "{other}");
    }
}
