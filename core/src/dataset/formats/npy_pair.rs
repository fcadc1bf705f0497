//! Two NPY files, NumPy's own: one array of samples and one of labels.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{
    Format, Reader,
    found::{Found, name_of, unpacked},
    labels::{columns, labels, strange},
    npy::{Element, Numbers, Real, header_of},
    pixels::{Pixels, layout, pixels_of},
};
use crate::{
    dataset::{DataRange, DatasetError, Raw, Samples, claimed_numbers, classes_of, read_claimed},
    files::{self, what_else},
};

pub(super) const FORMAT: Format = Format {
    name: "npy",
    usage: "npy:SAMPLES,LABELS",
    about: "NPY (one array of NumPy) for samples and one for labels",
    sniff: |found: &Found| found.start.starts_with(b"\x93NUMPY"),
    read: Reader::Numbers(read),
};

/// What stands in the name of a file of samples, and what in that of its labels.
const NAMES: [[&str; 2]; 6] =
    [["images", "labels"], ["data", "labels"], ["data", "targets"], ["samples", "labels"], ["x", "y"], ["X", "y"]];

fn read(paths: &[PathBuf], range: &DataRange) -> Result<Raw, DatasetError> {
    let (samples, labels) = match paths {
        [first, second] => (first.clone(), second.clone()),
        [path] => (path.clone(), labels_beside(path)?),
        _ => {
            let path = paths.get(2).map_or(Path::new(""), PathBuf::as_path);
            return Err(DatasetError::malformed(
                path,
                format!("is one of {} files", paths.len()),
                "samples and labels, two files",
            ));
        }
    };
    let (sizes, _) = sizes_of(&samples)?;
    let (others, _) = sizes_of(&labels)?;
    // Whichever has more dimensions holds the samples: the order of two files that are dropped together means nothing.
    let (samples, labels) = if others.len() > sizes.len() { (labels, samples) } else { (samples, labels) };
    read_pair(&samples, &labels, range)
}

fn read_pair(x: &Path, y: &Path, range: &DataRange) -> Result<Raw, DatasetError> {
    let refused = |path: &Path| {
        let path = path.to_owned();
        move |(found, expected): (String, String)| DatasetError::malformed(&path, found, expected)
    };
    let numbers: Numbers<f32> = numbers_of(x)?;
    let layout = layout(&numbers.sizes).map_err(refused(x))?;
    let Pixels { shape, values, mut notes, origin } = pixels_of("the array", numbers, layout, range).map_err(refused(x))?;
    let count = values.len() / shape.len().max(1);
    let of_labels: Numbers<f64> = numbers_of(y)?;
    let labels = columns(&of_labels.sizes, count).and_then(|columns| labels(columns, &of_labels.values)).map_err(refused(y))?;
    notes.extend(strange(&labels));
    let classes = classes_of(&labels);
    let samples = Samples { pixels: values, rows: (0..count as u32).collect(), labels };
    Ok(Raw { shape, classes, samples, own_test: None, usual_test: None, notes, origin })
}

/// The labels that belong to these samples by their name.
fn labels_beside(samples: &Path) -> Result<PathBuf, DatasetError> {
    let name = name_of(samples);
    let beside = NAMES.iter().filter_map(|[x, y]| {
        let at = name.find(x).filter(|at| x.len() > 1 || is_apart(&name, *at))?;
        Some(samples.with_file_name(format!("{}{y}{}", &name[..at], &name[at + x.len()..])))
    });
    beside.into_iter().find(|path| files::is_file(path)).ok_or_else(|| {
        DatasetError::malformed(
            samples,
            "is one array, and there are no labels beside it that its name tells",
            "`npy:SAMPLES,LABELS`",
        )
    })
}

/// Whether the letter at `at` is a word of its own: `x.npy`, `x_train.npy`, `train_x.npy`.
fn is_apart(name: &str, at: usize) -> bool {
    let letter = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    !letter(name[..at].chars().next_back()) && !letter(name[at + 1..].chars().next())
}

fn sizes_of(path: &Path) -> Result<(Vec<u64>, String), DatasetError> {
    let header = header_of(unpacked(path)?).map_err(|cause| broken(path, &cause))?;
    Ok((header.shape, header.dtype))
}

fn broken(path: &Path, cause: &dyn std::fmt::Display) -> DatasetError {
    let mut start = Vec::new();
    if let Ok(reader) = unpacked(path) {
        // The error that is told is the one that there was before.
        let _ = reader.take(64).read_to_end(&mut start);
    }
    let stranger = what_else(&start).filter(|what| !what.contains("NPY"));
    let found = stranger.map_or_else(|| format!("cannot be read ({cause})"), str::to_owned);
    DatasetError::malformed(path, found, "an array as written by numpy.save")
}

fn numbers_of<T: Real>(path: &Path) -> Result<Numbers<T>, DatasetError> {
    let mut reader = unpacked(path)?;
    let header = header_of(&mut reader).map_err(|cause| broken(path, &cause))?;
    let Some(element) = Element::of_dtype(&header.dtype) else {
        let expected = "integers, floats of 16, 32 or 64 bits, or bool (`x.astype('float32')`)";
        return Err(DatasetError::malformed(path, format!("holds numbers of type {}", header.dtype), expected));
    };
    let count = claimed_numbers(path, "the array", &header.shape)?;
    let bytes = read_claimed(path, "the array", reader, count * element.width() as u64)?;
    Ok(Numbers::new(&header, element, &bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn npy(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
    }

    #[test]
    fn samples_find_their_labels_by_name_and_either_order_is_taken() {
        let images = npy("|u1", "(2, 1, 2, 3)", &[0, 51, 102, 153, 204, 255, 0, 0, 0, 0, 0, 0]);
        for (x, y) in [
            ("x.npy", "y.npy"),
            ("X_train.npy", "y_train.npy"),
            ("train_images.npy", "train_labels.npy"),
            ("data.npy", "targets.npy"),
        ] {
            let dir = tempfile::tempdir().expect("the system gives a folder for temporary files");
            let [x, y] = [x, y].map(|name| dir.path().join(name));
            fs::write(&x, &images).expect("the temporary folder can be written");
            let error = read(std::slice::from_ref(&x), &DataRange::Auto).expect_err("there are no labels").to_string();
            assert!(error.contains("npy:SAMPLES,LABELS"), "{error}");
            fs::write(&y, npy("<i8", "(2,)", &[1_i64.to_le_bytes(), 0_i64.to_le_bytes()].concat())).expect("it can be written");
            for paths in [vec![x.clone()], vec![x.clone(), y.clone()], vec![y.clone(), x.clone()]] {
                let raw = read(&paths, &DataRange::Auto).expect("the pair is whole");
                assert_eq!((raw.samples.labels.as_slice(), raw.samples.pixels[1]), ([1, 0].as_slice(), 0.2));
                assert_eq!(raw.shape, crate::dataset::SampleShape::Image { channels: 1, height: 2, width: 3 });
            }
        }
    }

    #[test]
    fn what_is_no_array_is_named() {
        let dir = tempfile::tempdir().expect("the system gives a folder for temporary files");
        let refusal = |x: &[u8]| {
            let [a, b] = ["x.npy", "y.npy"].map(|name| dir.path().join(name));
            fs::write(&a, x).expect("the temporary folder can be written");
            fs::write(&b, npy("|u1", "(2,)", &[0, 1])).expect("the temporary folder can be written");
            read(&[a, b], &DataRange::Auto).expect_err("it is broken").to_string()
        };
        assert!(refusal(b"<!doctype html>").contains("web page"));
        assert!(refusal(&npy("|u1", "(2, 2)", &[0; 3])).contains("the array holds 3 bytes"));
        assert!(refusal(&npy("<c8", "(2, 2)", &[0; 32])).contains("type <c8"));
        assert!(refusal(&npy("<f4", "(2, 1)", &[0, 0, 0, 64, 0, 0, 0, 192])).contains("as after normalising"));
    }
}
