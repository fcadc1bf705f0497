//! NPZ files, NumPy's archives of arrays: samples in, adversarial examples out.
//!
//! An NPZ file is a zip archive with one NPY file per array. The archive is the zip crate's; the NPY header, one line of text, is
//! read and written here: a broken file must cost no memory and no panic, and the crates for it bring C compilers along.

use std::{
    io::{self, BufRead as _, Write as _},
    path::Path,
};

use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter, read::ZipFile, write::SimpleFileOptions};

use crate::files::{self, Opened, Out};

use super::{
    labels::{columns, labels, strange},
    npy::{Element, Header, Numbers, Real, read_header},
    pixels::{Range, channels_first, clamp, layout, range},
    what_else,
};
use crate::dataset::{DatasetError, Raw, SampleShape, Samples, claimed_numbers, classes_of, read_claimed};

/// Reads the arrays `x` and `y` of an NPZ file; see [`read_arrays`].
pub(crate) fn read(file: &Path) -> Result<Raw, DatasetError> {
    let Arrays { shape, samples, classes, notes } = read_arrays(file)?;
    Ok(Raw { shape, classes, samples, own_test: None, usual_test: None, notes })
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
    let mut archive = open_archive(file)?;
    let mut names: Vec<String> =
        archive.file_names().flatten().filter_map(|name| name.strip_suffix(".npy").map(str::to_owned)).collect();
    names.sort_unstable();
    let lacking: Vec<&str> = ["x", "y"].into_iter().filter(|&wanted| !names.iter().any(|name| name == wanted)).collect();
    if !lacking.is_empty() {
        let there = if names.is_empty() { "none at all".to_owned() } else { names.join(", ") };
        let found = format!("has no array `{}` (its arrays: {there})", lacking.join("` and no array `"));
        return Err(DatasetError::malformed(file, found, NPZ));
    }
    let (shape, pixels, mut notes) = read_pixels(file, &mut archive, "x")?;
    let count = pixels.len() / shape.len();
    let labels = read_labels(file, &mut archive, "y", count)?;
    notes.extend(strange(&labels));
    let classes = classes_of(&labels);
    Ok(Arrays { shape, samples: Samples { pixels, labels, rows: (0..count as u32).collect() }, classes, notes })
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
    let (found, x_adv, _) = read_pixels(file, &mut archive, "x_adv")?;
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

/// Writes float32 arrays by name as an NPZ file that `numpy.load` reads; the file appears only when it is whole.
///
/// # Errors
/// [`DatasetError::Unwritable`] with the system's reason.
pub fn write_named(path: &Path, arrays: &[(String, Vec<usize>, Vec<f32>)]) -> Result<(), DatasetError> {
    write_whole(path, |out| {
        let mut archive = ZipWriter::new(out);
        for (name, shape, numbers) in arrays {
            let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
            write_array(&mut archive, name, "<f4", &shape, &floats(numbers))?;
        }
        archive.finish().map(drop).map_err(io::Error::from)
    })
}

/// What adversaries made of samples that were given.
#[derive(Clone, Debug, PartialEq)]
pub struct AttackedSamples {
    /// The shape of a sample.
    pub shape: SampleShape,
    /// The images in [0, 1], one after the other: N x `shape.len()` numbers.
    pub x_adv: Vec<f32>,
    /// N labels.
    pub labels: Vec<u32>,
    /// N times whether the image is misclassified.
    pub broken: Vec<bool>,
    /// N times the attack that broke the sample first; empty where none did.
    pub broken_by: Vec<String>,
    /// N margins (true logit minus the greatest other logit) of the samples themselves; negative where misclassified.
    pub margin_natural: Vec<f32>,
    /// N margins of the images.
    pub margin_adversarial: Vec<f32>,
    /// N times the least distance at which the sample was found misclassified, in the norm of the ball; no number where it never was.
    pub distance: Vec<f32>,
}

/// Writes an NPZ file that `numpy.load` reads, compressed: `x_adv` (N x D or N x C x H x W, float32), `y` (N, uint32), `broken` (N, bool),
/// `broken_by` (N, text), `margin_natural`, `margin_adversarial` and `distance` (N, float32). It appears only when it is whole.
///
/// # Errors
/// [`DatasetError::Unwritable`] with the system's reason.
pub fn write_attacked(path: &Path, attacked: &AttackedSamples) -> Result<(), DatasetError> {
    let count = attacked.labels.len() as u64;
    let broken: Vec<u8> = attacked.broken.iter().copied().map(u8::from).collect();
    // NumPy's text has a fixed number of characters of four bytes each, and at least one.
    let longest = attacked.broken_by.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(1);
    let letters = |name: &String| -> Vec<u8> {
        let padded = name.chars().map(u32::from).chain(std::iter::repeat(0)).take(longest);
        padded.flat_map(u32::to_le_bytes).collect()
    };
    let broken_by: Vec<u8> = attacked.broken_by.iter().flat_map(letters).collect();
    write_whole(path, |out| {
        let mut archive = ZipWriter::new(out);
        write_array(&mut archive, "x_adv", "<f4", &array_shape(attacked.shape, count), &floats(&attacked.x_adv))?;
        write_array(&mut archive, "y", "<u4", &[count], &counts(&attacked.labels))?;
        write_array(&mut archive, "broken", "|b1", &[count], &broken)?;
        write_array(&mut archive, "broken_by", &format!("<U{longest}"), &[count], &broken_by)?;
        for (name, numbers) in [
            ("margin_natural", &attacked.margin_natural),
            ("margin_adversarial", &attacked.margin_adversarial),
            ("distance", &attacked.distance),
        ] {
            write_array(&mut archive, name, "<f4", &[count], &floats(numbers))?;
        }
        archive.finish().map(drop).map_err(io::Error::from)
    })
}

/// An archive that is read.
type Archive = ZipArchive<Opened>;

/// Opens the archive.
fn open_archive(file: &Path) -> Result<Archive, DatasetError> {
    let unreadable = |cause: io::Error| DatasetError::Unreadable { path: file.to_owned(), cause: cause.to_string() };
    let mut opened = files::open(file).map_err(unreadable)?;
    let stranger = what_else(opened.fill_buf().map_err(unreadable)?).filter(|what| !what.contains("zip"));
    ZipArchive::new(opened).map_err(|cause| {
        let found = stranger.map_or_else(|| format!("cannot be read as an archive ({cause})"), str::to_owned);
        DatasetError::malformed(file, found, NPZ)
    })
}

const NPZ: &str = "an NPZ file with the arrays `x` and `y` (numpy.savez)";

/// Reads `name`: the shape of a sample and the pixels of all, at least one; and what was done to them, in a sentence each.
fn read_pixels(file: &Path, archive: &mut Archive, name: &str) -> Result<(SampleShape, Vec<f32>, Vec<String>), DatasetError> {
    let fits = |sizes: &[usize]| {
        let expected = "2 (samples x numbers), 3 (samples x height x width) or 4 (samples x channels x height x width)";
        layout(sizes).map_err(|found| DatasetError::malformed(file, format!("`{name}` has {found}"), expected))
    };
    let (layout, Numbers { sizes, whole, byte, mut values }) = read_numbers::<f32, _>(file, archive, name, fits)?;
    let mut notes = Vec::new();
    if layout.channels_last {
        values = channels_first(&values, layout.shape);
        notes.push(format!("`{name}` of {sizes:?} has its channels last: they are put first"));
    }
    match range(&values, whole) {
        // Bytes are shares of 255 whatever their greatest is, but for pictures of zeros and ones.
        Range::Unit if byte && values.iter().any(|x| *x > 0.0) => {
            notes.push(format!("`{name}` holds bytes that are 0 or 1: they are taken as they are, not as shares of 255"));
        }
        Range::Unit => {
            if values.iter().any(|x| !(0.0..=1.0).contains(x)) {
                notes.push(format!("`{name}` holds numbers that are outside of [0, 1] by rounding: they are put to its ends"));
            }
            clamp(&mut values);
        }
        Range::Bytes => {
            values.iter_mut().for_each(|x| *x /= 255.0);
            if !byte {
                notes.push(format!("`{name}` holds whole numbers from 0 to 255: they are divided by 255"));
            }
        }
        Range::Other(place, looks) => {
            let (sample, within) = (place / layout.shape.len(), place % layout.shape.len());
            let found = format!("`{name}` holds {} at sample {sample}, place {within} (counted from 0): {looks}", values[place]);
            return Err(DatasetError::malformed(file, found, "numbers in [0, 1], or whole numbers from 0 to 255"));
        }
    }
    Ok((layout.shape, values, notes))
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
fn open_array<'archive>(
    file: &Path,
    archive: &'archive mut Archive,
    name: &str,
) -> Result<(Header, ZipFile<'archive, Opened>), DatasetError> {
    let broken = |cause: &dyn std::fmt::Display| {
        DatasetError::malformed(file, format!("`{name}` cannot be read ({cause})"), "an array as written by numpy.savez")
    };
    let mut entry = archive.by_name(&format!("{name}.npy")).map_err(|cause| broken(&cause))?;
    let text = read_header(&mut entry).map_err(|cause| broken(&cause))?;
    let header = Header::parse(&text).ok_or_else(|| broken(&"its header is not understood"))?;
    Ok((header, entry))
}

/// What an attack found for each of N samples.
#[derive(Clone, Debug, PartialEq)]
pub struct AdversarialExamples {
    /// The shape of a sample.
    pub shape: SampleShape,
    /// The adversarial samples in [0, 1], one after the other: N x `shape.len()` numbers.
    pub x_adv: Vec<f32>,
    /// N times kappa: the correct predictions over x⁰ … x^(K−1), from 0 to K.
    pub kappa: Vec<u32>,
    /// N times the least t < K with x^t misclassified, else K.
    pub first_hit: Vec<u32>,
    /// N times whether the attack broke the sample.
    pub broken: Vec<bool>,
    /// N margins (true logit minus the greatest other logit) of the natural samples; negative where misclassified.
    pub margin_natural: Vec<f32>,
    /// N margins of the adversarial samples.
    pub margin_adversarial: Vec<f32>,
}

impl AdversarialExamples {
    /// No examples yet, of samples of `shape`.
    pub fn empty(shape: SampleShape) -> Self {
        Self {
            shape,
            x_adv: Vec::new(),
            kappa: Vec::new(),
            first_hit: Vec::new(),
            broken: Vec::new(),
            margin_natural: Vec::new(),
            margin_adversarial: Vec::new(),
        }
    }

    /// N where every array speaks of the same N samples, else what does not fit.
    fn count(&self) -> Result<usize, String> {
        let count = self.kappa.len();
        let lengths = [
            ("x_adv", self.x_adv.len(), count.saturating_mul(self.shape.len())),
            ("first_hit", self.first_hit.len(), count),
            ("broken", self.broken.len(), count),
            ("margin_natural", self.margin_natural.len(), count),
            ("margin_adversarial", self.margin_adversarial.len(), count),
        ];
        match lengths.into_iter().find(|&(_, length, expected)| length != expected) {
            Some((name, length, expected)) => {
                Err(format!("`{name}` has {length} numbers where {expected} belong to the {count} of `kappa`"))
            }
            None => Ok(count),
        }
    }
}

/// Writes an NPZ file that `numpy.load` reads, compressed: `x_adv` (N x D or N x C x H x W, float32), `kappa` and `first_hit`
/// (N, uint32), `broken` (N, bool), `margin_natural` and `margin_adversarial` (N, float32).
///
/// The file appears under `path` only when it is whole: it is written beside it and then renamed. The same
/// examples give the same bytes.
///
/// # Errors
/// [`DatasetError::Unwritable`] with the system's reason, or where the arrays speak of different numbers of samples. No partial
/// file is left behind, and a file that was there before stays as it was.
pub fn write_adversarial(path: &Path, examples: &AdversarialExamples) -> Result<(), DatasetError> {
    let count = examples.count().map_err(|cause| DatasetError::Unwritable { path: path.to_owned(), cause })?;
    write_whole(path, |out| write_archive(out, examples, count as u64))
}

/// Writes samples of `shape` as an NPZ file that `npz:FILE` reads: `x` (float32) and `y` (uint32). As with [`write_adversarial`], the
/// file appears only when it is whole.
///
/// # Errors
/// [`DatasetError::Unwritable`] with the system's reason, or where pixels and labels speak of different numbers of samples.
pub fn write_samples(path: &Path, shape: SampleShape, samples: &Samples) -> Result<(), DatasetError> {
    let count = samples.labels.len();
    if samples.pixels.len() != count * shape.len() {
        let cause = format!("there are {} numbers for {count} samples of {shape}", samples.pixels.len());
        return Err(DatasetError::Unwritable { path: path.to_owned(), cause });
    }
    write_whole(path, |out| {
        let mut archive = ZipWriter::new(out);
        write_array(&mut archive, "x", "<f4", &array_shape(shape, count as u64), &floats(&samples.pixels))?;
        write_array(&mut archive, "y", "<u4", &[count as u64], &counts(&samples.labels))?;
        archive.finish().map(drop).map_err(io::Error::from)
    })
}

/// The same with the rows of the samples in their source as `row` (uint32), and what attacks came to as arrays of bool.
///
/// # Errors
/// [`DatasetError::Unwritable`] with the system's reason, or where a verdict is of another number of samples.
pub fn write_verdicts(
    path: &Path,
    shape: SampleShape,
    samples: &Samples,
    verdicts: &[(String, Vec<bool>)],
) -> Result<(), DatasetError> {
    let count = samples.labels.len();
    if let Some((name, of)) = verdicts.iter().find(|(_, of)| of.len() != count) {
        let cause = format!("`{name}` is of {} samples where there are {count}", of.len());
        return Err(DatasetError::Unwritable { path: path.to_owned(), cause });
    }
    write_whole(path, |out| {
        let mut archive = ZipWriter::new(out);
        write_array(&mut archive, "x", "<f4", &array_shape(shape, count as u64), &floats(&samples.pixels))?;
        write_array(&mut archive, "y", "<u4", &[count as u64], &counts(&samples.labels))?;
        write_array(&mut archive, "row", "<u4", &[count as u64], &counts(&samples.rows))?;
        for (name, of) in verdicts {
            let bytes: Vec<u8> = of.iter().copied().map(u8::from).collect();
            write_array(&mut archive, name, "|b1", &[count as u64], &bytes)?;
        }
        archive.finish().map(drop).map_err(io::Error::from)
    })
}

/// Writes all of it or nothing.
fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Out) -> io::Result<()>) -> Result<(), DatasetError> {
    files::write_with(path, write).map_err(|cause| DatasetError::Unwritable { path: path.to_owned(), cause: cause.to_string() })
}

fn write_archive(out: &mut dyn Out, examples: &AdversarialExamples, count: u64) -> io::Result<()> {
    let samples = array_shape(examples.shape, count);
    let broken: Vec<u8> = examples.broken.iter().copied().map(u8::from).collect();
    let mut archive = ZipWriter::new(out);
    write_array(&mut archive, "x_adv", "<f4", &samples, &floats(&examples.x_adv))?;
    write_array(&mut archive, "kappa", "<u4", &[count], &counts(&examples.kappa))?;
    write_array(&mut archive, "first_hit", "<u4", &[count], &counts(&examples.first_hit))?;
    write_array(&mut archive, "broken", "|b1", &[count], &broken)?;
    write_array(&mut archive, "margin_natural", "<f4", &[count], &floats(&examples.margin_natural))?;
    write_array(&mut archive, "margin_adversarial", "<f4", &[count], &floats(&examples.margin_adversarial))?;
    archive.finish().map(drop).map_err(io::Error::from)
}

/// The shape of an array of `count` samples.
fn array_shape(shape: SampleShape, count: u64) -> Vec<u64> {
    let sample = match shape {
        SampleShape::Flat(len) => vec![len],
        SampleShape::Image { channels, height, width } => vec![channels, height, width],
    };
    [count].into_iter().chain(sample.into_iter().map(|size| size as u64)).collect()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn counts(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Adds one array whose numbers, of NumPy's type `dtype` and in C order, are `data`.
fn write_array(archive: &mut ZipWriter<&mut dyn Out>, name: &str, dtype: &str, shape: &[u64], data: &[u8]) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        // No clock: the same examples give the same bytes.
        .last_modified_time(DateTime::default())
        // Beyond 4 GiB an entry needs the long form; half of that leaves room for what compression may add.
        .large_file(data.len() as u64 >= 1 << 31);
    archive.start_file(format!("{name}.npy"), options)?;
    archive.write_all(&npy_header(dtype, shape))?;
    archive.write_all(data)
}

/// The head of an NPY file of version 1.0: magic, the length of the text, and the text, padded so that data begin at a multiple of 64.
fn npy_header(dtype: &str, shape: &[u64]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let sizes = if shape.len() == 1 { sizes.trim_end() } else { sizes.trim_end_matches(", ") };
    let mut text = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let fixed = 10;
    let padded = (fixed + text.len() + 1).next_multiple_of(64) - fixed;
    text.push_str(&" ".repeat(padded - text.len() - 1));
    text.push('\n');
    [b"\x93NUMPY\x01\x00".as_slice(), &(text.len() as u16).to_le_bytes(), text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        io::{BufReader, Read as _},
        path::PathBuf,
    };

    use tempfile::TempDir;

    use super::*;

    fn folder() -> TempDir {
        tempfile::tempdir().expect("the system gives a folder for temporary files")
    }

    /// One NPY file, as numpy writes it.
    fn npy(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        npy_with_header(&format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"), data)
    }

    fn npy_with_header(header: &str, data: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), data].concat()
    }

    #[test]
    fn samples_that_are_written_are_read_again() {
        let folder = folder();
        let file = folder.path().join("points.npz");
        let samples = Samples { pixels: vec![0.0, 0.25, 1.0, 0.5], labels: vec![1, 0], rows: vec![0, 1] };
        write_samples(&file, SampleShape::Flat(2), &samples).expect("the folder takes a file");
        let Arrays { shape, samples: read, classes, notes } = read_arrays(&file).expect("the file is whole");
        assert_eq!((shape, read, classes, notes), (SampleShape::Flat(2), samples, 2, Vec::new()));
        assert!(write_samples(&file, SampleShape::Flat(3), &Samples::default()).is_ok());
        let short = Samples { pixels: vec![0.0], labels: vec![1], rows: vec![0] };
        assert!(write_samples(&file, SampleShape::Flat(2), &short).is_err());
    }

    /// Four samples of two numbers.
    fn x() -> Vec<u8> {
        npy("<f4", "(4, 2)", &floats(&[0.0, 0.125, 0.25, 0.5, 0.625, 0.75, 0.875, 1.0]))
    }

    fn y() -> Vec<u8> {
        npy("|u1", "(4,)", &[0, 1, 2, 1])
    }

    fn zip(dir: &TempDir, method: CompressionMethod, arrays: &[(&str, Vec<u8>)]) -> PathBuf {
        let path = dir.path().join("file.npz");
        let mut writer = ZipWriter::new(File::create(&path).expect("the temporary folder can be written"));
        for (name, bytes) in arrays {
            let options = SimpleFileOptions::default().compression_method(method).last_modified_time(DateTime::default());
            writer.start_file(format!("{name}.npy"), options).expect("the archive takes an entry");
            writer.write_all(bytes).expect("the entry takes its bytes");
        }
        writer.finish().expect("the archive can be closed");
        path
    }

    fn read_from(arrays: &[(&str, Vec<u8>)]) -> Result<(SampleShape, Samples, usize), DatasetError> {
        let dir = folder();
        let Arrays { shape, samples, classes, .. } = read_arrays(&zip(&dir, CompressionMethod::Stored, arrays))?;
        Ok((shape, samples, classes))
    }

    /// What is said of a file with these arrays.
    fn notes(x: Vec<u8>, y: Vec<u8>) -> String {
        let dir = folder();
        let path = zip(&dir, CompressionMethod::Stored, &[("x", x), ("y", y)]);
        read_arrays(&path).expect("the file is whole").notes.join("; ")
    }

    /// The error of a file with these arrays.
    fn refusal(x: Vec<u8>, y: Vec<u8>) -> String {
        let error = read_from(&[("x", x), ("y", y)]).expect_err("the arrays are broken");
        assert!(matches!(error, DatasetError::Malformed { .. }), "{error}");
        error.to_string()
    }

    #[test]
    fn stored_and_compressed_files_are_read() {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let dir = folder();
            let raw = read(&zip(&dir, method, &[("x", x()), ("y", y()), ("more", vec![])])).expect("the file is whole");
            assert_eq!(raw.shape, SampleShape::Flat(2));
            assert_eq!(raw.classes, 3);
            assert_eq!(raw.samples.pixels, [0.0, 0.125, 0.25, 0.5, 0.625, 0.75, 0.875, 1.0]);
            assert_eq!(raw.samples.labels, [0, 1, 2, 1]);
            assert_eq!(raw.samples.rows, [0, 1, 2, 3]);
            assert_eq!(raw.own_test, None);
        }
    }

    #[test]
    fn bytes_are_divided_by_255_and_four_dimensions_are_images() {
        let images = npy("|u1", "(2, 3, 1, 2)", &[0, 51, 102, 153, 204, 255, 0, 0, 0, 0, 0, 0]);
        let (shape, samples, classes) =
            read_from(&[("x", images), ("y", npy("|i1", "(2,)", &[0, 0]))]).expect("the file is whole");
        assert_eq!(shape, SampleShape::Image { channels: 3, height: 1, width: 2 });
        assert_eq!(samples.pixels[..6], [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(samples.len(), 2);
        // One class alone still needs a classifier of two.
        assert_eq!(classes, 2);
    }

    #[test]
    fn labels_of_every_integer_type_are_read() {
        for (kind, order) in [("i", '<'), ("u", '<'), ("i", '>'), ("u", '>')] {
            for width in [1, 2, 4, 8_usize] {
                let number = |label: u8| {
                    let mut bytes = vec![0; width];
                    bytes[if order == '>' { width - 1 } else { 0 }] = label;
                    bytes
                };
                let dtype = if width == 1 { format!("|{kind}1") } else { format!("{order}{kind}{width}") };
                let data = [number(0), number(1), number(127), number(1)].concat();
                let (_, samples, _) = read_from(&[("x", x()), ("y", npy(&dtype, "(4,)", &data))]).expect("the file is whole");
                assert_eq!(samples.labels, [0, 1, 127, 1], "{dtype}");
            }
        }
    }

    #[test]
    fn a_missing_array_is_named_with_those_that_are_there() {
        let error = read_from(&[("y", y()), ("images", x())]).expect_err("x is lacking").to_string();
        assert!(error.contains("no array `x` (its arrays: images, y)"), "{error}");
        let error = read_from(&[("a", x())]).expect_err("both are lacking").to_string();
        assert!(error.contains("no array `x` and no array `y` (its arrays: a)"), "{error}");
        let error = read_from(&[]).expect_err("the archive is empty").to_string();
        assert!(error.contains("none at all"), "{error}");
    }

    #[test]
    fn pixels_of_every_type_and_order_are_read() {
        let expected = [0.0, 0.125, 0.25, 0.5, 0.625, 0.75, 0.875, 1.0];
        let doubles: Vec<u8> = expected.iter().flat_map(|x| f64::from(*x as f32).to_be_bytes()).collect();
        let halves: Vec<u8> =
            [0_u16, 0x3000, 0x3400, 0x3800, 0x3900, 0x3a00, 0x3b00, 0x3c00].iter().flat_map(|x| x.to_le_bytes()).collect();
        let columns: Vec<f32> = [0, 2, 4, 6, 1, 3, 5, 7].map(|place: usize| expected[place] as f32).to_vec();
        let fortran = "{'descr': '<f4', 'fortran_order': True, 'shape': (4L, 2L), }";
        for x in [npy(">f8", "(4, 2)", &doubles), npy("<f2", "(4, 2)", &halves), npy_with_header(fortran, &floats(&columns))] {
            let (_, samples, _) = read_from(&[("x", x), ("y", y())]).expect("the file is whole");
            assert_eq!(samples.pixels.iter().map(|x| f64::from(*x)).collect::<Vec<_>>(), expected);
        }
        for dtype in ["<c8", "|O", "<M8[ns]"] {
            let error = refusal(npy(dtype, "(4, 2)", &[0; 64]), y());
            assert!(error.contains(&format!("`x` holds numbers of type {dtype}")) && error.contains("float32"), "{error}");
        }
        let record = npy_with_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }", &[0; 16]);
        assert!(refusal(record, y()).contains("type record"));
        for dtype in ["<U1", "|S1"] {
            let error = refusal(x(), npy(dtype, "(4,)", &[0; 16]));
            assert!(error.contains(&format!("`y` holds numbers of type {dtype}")) && error.contains("integer"), "{error}");
        }
    }

    #[test]
    fn what_is_done_to_numbers_is_said() {
        // 1 x 2 pixels of 3 channels, last: it needs rows that are no channels themselves.
        let last = npy("|u1", "(1, 2, 1, 3)", &[0, 51, 102, 153, 204, 255]);
        assert!(notes(last.clone(), npy("|u1", "(1,)", &[0])).contains("channels last"));
        let (shape, samples, _) = read_from(&[("x", last), ("y", npy("|u1", "(1,)", &[0]))]).expect("the file is whole");
        assert_eq!(shape, SampleShape::Image { channels: 3, height: 2, width: 1 });
        assert_eq!(samples.pixels, [0.0, 0.6, 0.2, 0.8, 0.4, 1.0]);
        let rounded = npy("<f4", "(4, 2)", &floats(&[-3e-8, 0.125, 0.25, 0.5, 0.625, 0.75, 0.875, 1.0]));
        assert!(notes(rounded.clone(), y()).contains("by rounding"));
        assert_eq!(read_from(&[("x", rounded), ("y", y())]).expect("the file is whole").1.pixels[0], 0.0);
        let bytes = npy("<f4", "(4, 2)", &floats(&[0.0, 51.0, 255.0, 0.0, 0.0, 0.0, 0.0, 0.0]));
        assert!(notes(bytes.clone(), y()).contains("divided by 255"));
        assert_eq!(read_from(&[("x", bytes), ("y", y())]).expect("the file is whole").1.pixels[1], 0.2);
        assert!(notes(npy("|u1", "(4, 2)", &[0, 1, 1, 0, 0, 0, 0, 1]), y()).contains("0 or 1"));
        assert!(notes(x(), npy("|u1", "(4,)", &[1, 2, 3, 1])).contains("run from 1 to 3"));
        assert_eq!(notes(x(), y()), "");
    }

    #[test]
    fn labels_may_be_a_column_or_one_hot_or_whole_floats() {
        let one_hot = npy("<f4", "(4, 3)", &floats(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]));
        for y in [npy("|u1", "(4, 1)", &[0, 1, 2, 1]), npy("<f4", "(4,)", &floats(&[0.0, 1.0, 2.0, 1.0])), one_hot] {
            assert_eq!(read_from(&[("x", x()), ("y", y)]).expect("the file is whole").1.labels, [0, 1, 2, 1]);
        }
    }

    #[test]
    fn other_shapes_of_x_are_refused() {
        for (shape, count) in [("()", 0), ("(8,)", 1), ("(4, 2, 1, 1, 1)", 5)] {
            let error = refusal(npy("|u1", shape, &[0; 8]), y());
            assert!(error.contains(&format!("`x` has {count} dimension")), "{error}");
        }
        for shape in ["(0, 2)", "(4, 0)", "(65536, 65537)", "(4294967296, 4294967296)"] {
            let error = refusal(npy("|u1", shape, &[0; 8]), y());
            assert!(error.contains("the header of `x` claims") && error.contains("1 to 2147483648"), "{error}");
        }
    }

    #[test]
    fn a_label_for_every_sample_and_no_more() {
        for shape in ["(3,)", "(5,)", "(2, 2, 1)", "()"] {
            let error = refusal(x(), npy("|u1", shape, &[0; 5]));
            assert!(error.contains("`y` has the shape") && error.contains("[4], one label"), "{error}");
        }
    }

    #[test]
    fn arrays_shorter_or_longer_than_their_header_says_are_refused() {
        let short = refusal(npy("<f4", "(4, 2)", &floats(&[0.0; 7])), y());
        assert!(short.contains("`x` holds 28 bytes") && short.contains("expected 32 bytes"), "{short}");
        let long = refusal(npy("<f4", "(4, 2)", &floats(&[0.0; 9])), y());
        assert!(long.contains("`x` holds more than 32 bytes"), "{long}");
        let short = refusal(x(), npy("<i8", "(4,)", &[0; 31]));
        assert!(short.contains("`y` holds 31 bytes") && short.contains("expected 32 bytes"), "{short}");
        let bearable = refusal(npy("<f4", "(1073741824, 2)", &[0; 32]), y());
        assert!(bearable.contains("`x` holds 32 bytes"), "{bearable}");
    }

    #[test]
    fn the_first_number_out_of_range_is_named_with_its_place() {
        for (bad, name) in [(f32::NAN, "NaN"), (1.5, "1.5"), (-0.25, "-0.25"), (f32::INFINITY, "inf")] {
            let numbers = [0.0, 0.0, 0.0, 0.0, 0.0, bad, 0.0, 7.0];
            let error = refusal(npy("<f4", "(4, 2)", &floats(&numbers)), y());
            assert!(error.contains(&format!("`x` holds {name} at sample 2, place 1")), "{error}");
        }
    }

    #[test]
    fn labels_below_0_and_above_65535_are_refused_with_their_place() {
        let labels = |bad: i64| npy("<i8", "(4,)", &[0, 1, bad, 0].map(i64::to_le_bytes).concat());
        for bad in [-1, 65_536, -70_000] {
            let error = refusal(x(), labels(bad));
            assert!(error.contains(&format!("`y` holds {bad} at place 2")), "{error}");
        }
        let (_, _, classes) = read_from(&[("x", x()), ("y", labels(65_535))]).expect("the file is whole");
        assert_eq!(classes, 65_536);
    }

    #[test]
    fn headers_that_are_none_are_refused() {
        let version = |version: u8, length: &[u8]| [b"\x93NUMPY".as_slice(), &[version, 0], length, b"{}"].concat();
        for (broken, why) in [
            (vec![], "fill whole buffer"),
            (b"\x93NUM".to_vec(), "fill whole buffer"),
            (b"PNG.....".to_vec(), "no NPY file"),
            (version(9, &[2, 0]), "version 9"),
            (version(2, &u32::MAX.to_le_bytes()), "4294967295 bytes"),
            (version(1, &[0xff, 0x20]), "fill whole buffer"),
            (npy_with_header("{}", &[]), "not understood"),
            (npy_with_header("\u{0}'descr'", &[]), "not understood"),
            (npy_with_header("{'descr': '<f4', 'fortran_order': 1, 'shape': (4, 2)}", &[]), "not understood"),
            (npy_with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (4, x)}", &[]), "not understood"),
            (
                npy_with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", &[]),
                "not understood",
            ),
            (npy_with_header(&"(".repeat(9000), &[]), "not understood"),
        ] {
            let error = refusal(broken, y());
            assert!(error.contains("`x` cannot be read") && error.contains(why), "{error}");
        }
    }

    #[test]
    fn damage_inside_an_entry_is_found_by_its_checksum() {
        let dir = folder();
        let path = zip(&dir, CompressionMethod::Stored, &[("x", x()), ("y", y())]);
        let mut bytes = fs::read(&path).expect("the file was just written");
        let data = floats(&[0.125]);
        let place = bytes.windows(4).position(|window| window == data).expect("the number is stored as it is");
        bytes[place] ^= 1;
        fs::write(&path, bytes).expect("the temporary folder can be written");
        let error = read_arrays(&path).expect_err("the entry is damaged").to_string();
        assert!(error.contains("`x` breaks off after 32 bytes"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_archive_or_is_cut_is_refused() {
        let dir = folder();
        let path = zip(&dir, CompressionMethod::Deflated, &[("x", x()), ("y", y())]);
        let whole = fs::read(&path).expect("the file was just written");
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).expect("the temporary folder can be written");
            let error = read_arrays(&path).expect_err("the file is cut");
            assert!(matches!(error, DatasetError::Malformed { .. }), "{error}");
        }
        fs::write(&path, "no archive").expect("the temporary folder can be written");
        assert!(read_arrays(&path).expect_err("text is no archive").to_string().contains("numpy.savez"));
    }

    #[test]
    fn a_file_that_is_not_there_is_unreadable() {
        let dir = folder();
        assert!(matches!(read_arrays(&dir.path().join("absent.npz")), Err(DatasetError::Unreadable { .. })));
    }

    fn examples(shape: SampleShape) -> AdversarialExamples {
        AdversarialExamples {
            shape,
            x_adv: (0..3 * shape.len()).map(|place| place as f32 / 64.0).collect(),
            kappa: vec![0, 4, 10],
            first_hit: vec![0, 4, u32::MAX],
            broken: vec![true, true, false],
            margin_natural: vec![-1.5, 0.25, 3.0],
            margin_adversarial: vec![-2.5, -0.125, 0.5],
        }
    }

    /// The type, the shape and the bytes of an array.
    fn array(path: &Path, name: &str) -> (String, Vec<u64>, Vec<u8>) {
        let mut archive =
            ZipArchive::new(BufReader::new(File::open(path).expect("the file was just written"))).expect("an archive");
        let (header, mut data) = open_array(path, &mut archive, name).expect("the array is there");
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).expect("the array is whole");
        (header.dtype, header.shape, bytes)
    }

    /// The bytes of float32 numbers as NumPy lays them out.
    fn bytes_of(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn adversarial_examples_are_read_back_as_written() {
        for (shape, sizes) in
            [(SampleShape::Flat(5), vec![3, 5]), (SampleShape::Image { channels: 2, height: 3, width: 1 }, vec![3, 2, 3, 1])]
        {
            let dir = folder();
            let path = dir.path().join("examples.npz");
            let written = examples(shape);
            write_adversarial(&path, &written).expect("the temporary folder can be written");
            let archive = ZipArchive::new(File::open(&path).expect("the file was just written")).expect("the file is an archive");
            let mut names: Vec<String> =
                archive.file_names().flatten().filter_map(|name| name.strip_suffix(".npy").map(str::to_owned)).collect();
            names.sort_unstable();
            assert_eq!(names, ["broken", "first_hit", "kappa", "margin_adversarial", "margin_natural", "x_adv"]);
            let three = |dtype: &str, bytes: Vec<u8>| (dtype.to_owned(), vec![3], bytes);
            assert_eq!(array(&path, "x_adv"), ("<f4".to_owned(), sizes, bytes_of(&written.x_adv)));
            assert_eq!(array(&path, "kappa"), three("<u4", vec![0, 0, 0, 0, 4, 0, 0, 0, 10, 0, 0, 0]));
            assert_eq!(array(&path, "first_hit"), three("<u4", vec![0, 0, 0, 0, 4, 0, 0, 0, 255, 255, 255, 255]));
            assert_eq!(array(&path, "broken"), three("|b1", vec![1, 1, 0]));
            assert_eq!(array(&path, "margin_natural"), three("<f4", bytes_of(&written.margin_natural)));
            assert_eq!(array(&path, "margin_adversarial"), three("<f4", bytes_of(&written.margin_adversarial)));
        }
    }

    #[test]
    fn the_written_entries_are_compressed_and_the_same_every_time() {
        let dir = folder();
        let mut many = examples(SampleShape::Flat(10_000));
        many.x_adv.fill(0.5);
        let bytes = ["a.npz", "b.npz"].map(|name| {
            write_adversarial(&dir.path().join(name), &many).expect("the temporary folder can be written");
            fs::read(dir.path().join(name)).expect("the file was just written")
        });
        assert!(bytes[0].len() < 10_000, "{} bytes for 120,000 of data", bytes[0].len());
        assert_eq!(bytes[0], bytes[1]);
    }

    #[test]
    fn a_header_is_as_numpy_writes_it() {
        // Recorded from numpy.save of float32 zeros of the shapes (3, 5) and (3,): the text, then blanks up to 128 bytes with the magic.
        for (shape, text) in [(vec![3, 5], "(3, 5)"), (vec![3], "(3,)")] {
            let header = npy_header("<f4", &shape);
            let expected = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {text}, }}");
            assert_eq!(header.len(), 128);
            assert_eq!(header[..10], *b"\x93NUMPY\x01\x00\x76\x00");
            assert_eq!(String::from_utf8_lossy(&header[10..]), format!("{expected:<117}\n"));
        }
    }

    #[test]
    fn a_write_replaces_the_file_and_leaves_nothing_partial() {
        let dir = folder();
        let path = dir.path().join("examples.npz");
        fs::write(&path, "older").expect("the temporary folder can be written");
        write_adversarial(&path, &examples(SampleShape::Flat(5))).expect("the temporary folder can be written");
        assert_eq!(array(&path, "broken").1, [3]);
        assert_eq!(fs::read_dir(dir.path()).expect("the folder is there").count(), 1);
    }

    #[test]
    fn a_write_that_fails_leaves_nothing_partial() {
        let dir = folder();
        // A folder of this name lets the partial file be written and the rename fail.
        let path = dir.path().join("examples.npz");
        fs::create_dir_all(path.join("inside")).expect("the temporary folder can be written");
        let error = write_adversarial(&path, &examples(SampleShape::Flat(5))).expect_err("a folder is in the way");
        assert!(matches!(error, DatasetError::Unwritable { .. }), "{error}");
        assert_eq!(fs::read_dir(dir.path()).expect("the folder is there").count(), 1);
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named() {
        let dir = folder();
        let path = dir.path().join("absent").join("examples.npz");
        let error = write_adversarial(&path, &examples(SampleShape::Flat(5))).expect_err("the folder is absent").to_string();
        assert!(error.starts_with(&path.display().to_string()) && error.contains("cannot be written"), "{error}");
        assert!(write_adversarial(Path::new("/"), &examples(SampleShape::Flat(5))).is_err());
    }

    #[test]
    fn arrays_of_different_lengths_are_not_written() {
        let dir = folder();
        let path = dir.path().join("examples.npz");
        let mut uneven = examples(SampleShape::Flat(5));
        uneven.broken.pop();
        let error = write_adversarial(&path, &uneven).expect_err("the lengths differ").to_string();
        assert!(error.contains("`broken` has 2 numbers where 3 belong"), "{error}");
        assert!(!path.exists());
    }
}
