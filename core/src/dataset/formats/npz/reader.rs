//! Samples read from NPZ files.

use std::{
    io::{self, BufRead as _},
    path::Path,
};

use zip::{ZipArchive, read::ZipFile};

use super::super::{
    labels::{columns, labels, strange},
    npy::{Element, Header, Numbers, Real, header_of},
    pixels::{Pixels, layout, pixels_of},
};
use crate::{
    dataset::{DataRange, DatasetError, Raw, SampleShape, Samples, claimed_numbers, classes_of, read_claimed},
    files::{self, Opened, names_in_zip, what_else},
};

/// Under which names samples and labels stand, and those of a test part beside them; the first pair that is there is taken.
const NAMES: [[&str; 2]; 9] = [
    ["x", "y"],
    ["X", "y"],
    // Keras.
    ["x_train", "y_train"],
    ["X_train", "y_train"],
    // MedMNIST.
    ["train_images", "train_labels"],
    ["images", "labels"],
    ["data", "labels"],
    ["data", "target"],
    // Adversarial samples, as this program writes them.
    ["x_adv", "y"],
];
const TEST_NAMES: [[&str; 2]; 3] = [["x_test", "y_test"], ["X_test", "y_test"], ["test_images", "test_labels"]];

/// Reads the arrays `x` and `y` of an NPZ file, and its test part where it has one; see [`read_arrays`].
pub(super) fn read(file: &Path, range: &DataRange) -> Result<Raw, DatasetError> {
    let mut archive = open_archive(file)?;
    let names = names_in(&archive);
    let there = |pair: &[&str; 2]| pair.iter().all(|wanted| names.iter().any(|name| name == wanted));
    let Some(pair) = NAMES.into_iter().find(there) else {
        let lacking: Vec<&str> = NAMES[0].into_iter().filter(|&wanted| !names.iter().any(|name| name == wanted)).collect();
        let all = if names.is_empty() { "none at all".to_owned() } else { names.join(", ") };
        let found = format!("has no array `{}` (its arrays: {all})", lacking.join("` and no array `"));
        return Err(DatasetError::malformed(file, found, NPZ));
    };
    let mut notes = Vec::new();
    if pair != NAMES[0] {
        notes.push(format!("the arrays `{}` and `{}` are taken for samples and labels", pair[0], pair[1]));
    }
    let (pixels, labels) = read_pair(file, &mut archive, pair, range)?;
    let Pixels { shape, origin, .. } = pixels;
    notes.extend(pixels.notes);
    notes.extend(strange(&labels));
    let mut classes = classes_of(&labels);
    let samples = in_order(pixels.values, labels);
    let own_test = match TEST_NAMES.into_iter().find(|test| there(test) && pair != NAMES[0]) {
        None => None,
        Some(test) => {
            let (pixels, labels) = read_pair(file, &mut archive, test, range)?;
            if pixels.shape != shape {
                let found = format!("`{}` holds samples of {}", test[0], pixels.shape);
                return Err(DatasetError::malformed(file, found, format!("samples of {shape}, as `{}`", pair[0])));
            }
            classes = classes.max(classes_of(&labels));
            Some(in_order(pixels.values, labels))
        }
    };
    Ok(Raw { shape, classes, samples, own_test, usual_test: None, notes, origin })
}

fn in_order(pixels: Vec<f32>, labels: Vec<u32>) -> Samples {
    let rows = (0..labels.len() as u32).collect();
    Samples { pixels, labels, rows }
}

/// The names of the arrays in an archive, in order.
fn names_in(archive: &Archive) -> Vec<String> {
    names_in_zip(archive).iter().filter_map(|name| name.strip_suffix(".npy").map(str::to_owned)).collect()
}

fn read_pair(
    file: &Path,
    archive: &mut Archive,
    [x, y]: [&str; 2],
    range: &DataRange,
) -> Result<(Pixels, Vec<u32>), DatasetError> {
    let pixels = read_pixels(file, archive, x, range)?;
    let labels = read_labels(file, archive, y, pixels.count())?;
    Ok((pixels, labels))
}

/// What `x` and `y` of an NPZ file hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrays {
    /// The shape of a sample.
    pub shape: SampleShape,
    /// The samples.
    pub samples: Samples,
    /// How many classes the labels speak of, at least 2.
    pub classes: usize,
    /// What was done to the numbers, and what is strange about them, in a sentence each.
    pub notes: Vec<String>,
}

/// Reads the samples of an NPZ file, stored or compressed.
///
/// `x` holds N x D, N x H x W, N x C x H x W or N x H x W x C numbers of any integer or float type, in either byte order, in C or Fortran
/// order: from 0 to 1 (but for rounding), or whole numbers from 0 to 255, which are divided by 255. `y` holds N labels from 0 to 65535,
/// as N or N x 1 whole numbers or as one-hot rows.
///
/// # Errors
/// [`DatasetError::Unreadable`] where the file cannot be opened; [`DatasetError::Malformed`] where it is no NPZ file, lacks an
/// array, or where an array has the wrong type, shape or length or a number out of range. The message names the array, the
/// first bad place and its value.
pub fn read_arrays(file: &Path) -> Result<Arrays, DatasetError> {
    let Raw { shape, classes, samples, notes, .. } = read(file, &DataRange::Auto)?;
    Ok(Arrays { shape, samples, classes, notes })
}

/// Adversarial samples from elsewhere, for the samples of `x` in the same file: `x_adv` (shape and type as `x`), `kappa` and `first_hit`
/// (N integers, from 0 to K).
#[derive(Clone, Debug, PartialEq)]
pub struct GivenAdversarial {
    /// N x D numbers in [0, 1].
    pub x_adv: Vec<f32>,
    /// N counts.
    pub kappa: Vec<u32>,
    /// N counts.
    pub first_hit: Vec<u32>,
}

/// Reads adversarial samples of `shape` for `count` samples.
///
/// # Errors
/// As [`read_arrays`].
pub fn read_given(file: &Path, shape: SampleShape, count: usize) -> Result<GivenAdversarial, DatasetError> {
    let mut archive = open_archive(file)?;
    let Pixels { shape: found, values: x_adv, .. } = read_pixels(file, &mut archive, "x_adv", &DataRange::Auto)?;
    if found != shape || x_adv.len() != count * shape.len() {
        let found = format!("`x_adv` holds {} samples of {found}", x_adv.len() / found.len().max(1));
        return Err(DatasetError::malformed(file, found, format!("{count} of {shape}, as `x`")));
    }
    Ok(GivenAdversarial {
        x_adv,
        kappa: read_labels(file, &mut archive, "kappa", count)?,
        first_hit: read_labels(file, &mut archive, "first_hit", count)?,
    })
}

type Archive = ZipArchive<Opened>;

pub(super) fn open_archive(file: &Path) -> Result<Archive, DatasetError> {
    let unreadable = |cause: io::Error| DatasetError::Unreadable { path: file.to_owned(), cause: cause.to_string() };
    let mut opened = files::open(file).map_err(unreadable)?;
    let stranger = what_else(opened.fill_buf().map_err(unreadable)?).filter(|what| !what.contains("zip"));
    ZipArchive::new(opened).map_err(|cause| {
        let found = stranger.map_or_else(|| format!("cannot be read as an archive ({cause})"), str::to_owned);
        DatasetError::malformed(file, found, NPZ)
    })
}

const NPZ: &str = "an NPZ file with the arrays `x` and `y` (numpy.savez)";

/// Reads the samples in `name`, at least one.
fn read_pixels(file: &Path, archive: &mut Archive, name: &str, range: &DataRange) -> Result<Pixels, DatasetError> {
    let refused = |(found, expected): (String, String)| DatasetError::malformed(file, format!("`{name}` {found}"), expected);
    let (layout, numbers) = read_numbers::<f32, _>(file, archive, name, |sizes| layout(sizes).map_err(refused))?;
    pixels_of(&format!("`{name}`"), numbers, layout, range).map_err(refused)
}

/// Reads `name`, which must hold `count` labels or counts.
fn read_labels(file: &Path, archive: &mut Archive, name: &str, count: usize) -> Result<Vec<u32>, DatasetError> {
    let refused = |(found, expected): (String, String)| DatasetError::malformed(file, format!("`{name}` {found}"), expected);
    let (columns, numbers) = read_numbers::<f64, _>(file, archive, name, |sizes| columns(sizes, count).map_err(refused))?;
    labels(columns, &numbers.values).map_err(refused)
}

/// Reads an array of numbers, in C order, if `fits` takes its sizes.
fn read_numbers<T: Real, S>(
    file: &Path,
    archive: &mut Archive,
    name: &str,
    fits: impl FnOnce(&[usize]) -> Result<S, DatasetError>,
) -> Result<(S, Numbers<T>), DatasetError> {
    let (header, data) = open_array(file, archive, name)?;
    let Some(element) = Element::of_dtype(&header.dtype) else {
        let found = format!("`{name}` holds numbers of type {}", header.dtype);
        let expected = "integers, floats of 16, 32 or 64 bits, or bool (`x.astype('float32')`)";
        return Err(DatasetError::malformed(file, found, expected));
    };
    let count = claimed_numbers(file, &format!("`{name}`"), &header.shape)?;
    let sizes: Vec<usize> = header.shape.iter().map(|&size| size as usize).collect();
    let taken = fits(&sizes)?;
    let bytes = read_claimed(file, &format!("`{name}`"), data, count * element.width() as u64)?;
    Ok((taken, Numbers::new(&header, element, &bytes)))
}

/// The header of an array that is in the archive, and its data, not yet read.
pub(super) fn open_array<'archive>(
    file: &Path,
    archive: &'archive mut Archive,
    name: &str,
) -> Result<(Header, ZipFile<'archive, Opened>), DatasetError> {
    let broken = |cause: &dyn std::fmt::Display| {
        DatasetError::malformed(file, format!("`{name}` cannot be read ({cause})"), "an array as written by numpy.savez")
    };
    let mut entry = archive.by_name(&format!("{name}.npy")).map_err(|cause| broken(&cause))?;
    let header = header_of(&mut entry).map_err(|cause| broken(&cause))?;
    Ok((header, entry))
}
