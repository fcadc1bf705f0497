//! Adversarial examples, samples and arrays by name, written as NPZ files.

use std::{
    io::{self, Write as _},
    path::Path,
};

use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use crate::{
    dataset::{DatasetError, SampleShape, Samples},
    files::{self, Out},
};

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

/// What an attack found for each of N samples.
#[derive(Clone, Debug, PartialEq)]
pub struct AdversarialExamples {
    /// The shape of a sample.
    pub shape: SampleShape,
    /// The adversarial samples in [0, 1], one after the other: N x `shape.len()` numbers.
    pub x_adv: Vec<f32>,
    /// N times the class of the sample, with which the file is read back as data.
    pub labels: Vec<u32>,
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
            labels: Vec::new(),
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
            ("y", self.labels.len(), count),
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

/// Writes an NPZ file that `numpy.load` reads, compressed: `x_adv` (N x D or N x C x H x W, float32), `y`, `kappa` and
/// `first_hit` (N, uint32), `broken` (N, bool), `margin_natural` and `margin_adversarial` (N, float32).
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

/// Writes all of it or nothing.
fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Out) -> io::Result<()>) -> Result<(), DatasetError> {
    files::write_with(path, write).map_err(|cause| DatasetError::Unwritable { path: path.to_owned(), cause: cause.to_string() })
}

fn write_archive(out: &mut dyn Out, examples: &AdversarialExamples, count: u64) -> io::Result<()> {
    let samples = array_shape(examples.shape, count);
    let broken: Vec<u8> = examples.broken.iter().copied().map(u8::from).collect();
    let mut archive = ZipWriter::new(out);
    write_array(&mut archive, "x_adv", "<f4", &samples, &floats(&examples.x_adv))?;
    write_array(&mut archive, "y", "<u4", &[count], &counts(&examples.labels))?;
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

pub(super) fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(super) fn counts(values: &[u32]) -> Vec<u8> {
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
pub(super) fn npy_header(dtype: &str, shape: &[u64]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let sizes = if shape.len() == 1 { sizes.trim_end() } else { sizes.trim_end_matches(", ") };
    let mut text = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let fixed = 10;
    let padded = (fixed + text.len() + 1).next_multiple_of(64) - fixed;
    text.push_str(&" ".repeat(padded - text.len() - 1));
    text.push('\n');
    [b"\x93NUMPY\x01\x00".as_slice(), &(text.len() as u16).to_le_bytes(), text.as_bytes()].concat()
}
