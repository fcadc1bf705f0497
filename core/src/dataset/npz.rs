//! NPZ files, NumPy's archives of arrays: samples in, adversarial examples out.
//!
//! An NPZ file is a zip archive with one NPY file per array. The archive is the zip crate's; the NPY header, one line of text, is
//! read and written here: a broken file must cost no memory and no panic, and the crates for it bring C compilers along.

use std::{
    io::{self, Read, Write as _},
    path::Path,
};

use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter, read::ZipFile, write::SimpleFileOptions};

use crate::files::{self, Opened, Out};

use super::{DatasetError, Raw, SampleShape, Samples, claimed_numbers, classes_of, read_claimed};

/// The longest NPY header that is read, in bytes: NumPy's own limit.
const MAX_HEADER: usize = 10_000;

/// Classes are counted up to here; a higher label is taken for a mistake.
const MAX_CLASSES: i128 = 65_536;

/// Reads the arrays `x` and `y` of an NPZ file; see [`read_arrays`].
pub(crate) fn read(file: &Path) -> Result<Raw, DatasetError> {
    let (shape, samples, classes) = read_arrays(file)?;
    Ok(Raw { shape, classes, samples, own_test: None, usual_test: None })
}

/// Reads the samples of an NPZ file, stored or compressed, and how many classes its labels speak of (at least 2).
///
/// `x` holds N x D or N x C x H x W numbers in C order, float32 in [0, 1] or uint8 (divided by 255). `y` holds N integers of any
/// integer type, 0..=65535.
///
/// # Errors
/// [`DatasetError::Unreadable`] where the file cannot be opened; [`DatasetError::Malformed`] where it is no NPZ file, lacks an
/// array, or where an array has the wrong type, order, shape or length or a number out of range. The message names the array, the
/// first bad place and its value.
pub fn read_arrays(file: &Path) -> Result<(SampleShape, Samples, usize), DatasetError> {
    let opened =
        files::open(file).map_err(|cause| DatasetError::Unreadable { path: file.to_owned(), cause: cause.to_string() })?;
    let mut archive = ZipArchive::new(opened)
        .map_err(|cause| DatasetError::malformed(file, format!("cannot be read as an archive ({cause})"), NPZ))?;
    let mut names: Vec<String> =
        archive.file_names().flatten().filter_map(|name| name.strip_suffix(".npy").map(str::to_owned)).collect();
    names.sort_unstable();
    let lacking: Vec<&str> = ["x", "y"].into_iter().filter(|&wanted| !names.iter().any(|name| name == wanted)).collect();
    if !lacking.is_empty() {
        let there = if names.is_empty() { "none at all".to_owned() } else { names.join(", ") };
        let found = format!("has no array `{}` (its arrays: {there})", lacking.join("` and no array `"));
        return Err(DatasetError::malformed(file, found, NPZ));
    }
    let (shape, pixels) = read_pixels(file, &mut archive, "x")?;
    let count = pixels.len() / shape.len();
    let labels = read_labels(file, &mut archive, "y", count)?;
    let classes = classes_of(&labels);
    Ok((shape, Samples { pixels, labels, rows: (0..count as u32).collect() }, classes))
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
    let opened =
        files::open(file).map_err(|cause| DatasetError::Unreadable { path: file.to_owned(), cause: cause.to_string() })?;
    let mut archive = ZipArchive::new(opened)
        .map_err(|cause| DatasetError::malformed(file, format!("cannot be read as an archive ({cause})"), NPZ))?;
    let (found, x_adv) = read_pixels(file, &mut archive, "x_adv")?;
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

/// An archive that is read.
type Archive = ZipArchive<Opened>;

const NPZ: &str = "an NPZ file with the arrays `x` and `y` (numpy.savez)";

/// Reads `name`: the shape of a sample and the pixels of all, at least one.
fn read_pixels(file: &Path, archive: &mut Archive, name: &str) -> Result<(SampleShape, Vec<f32>), DatasetError> {
    let (header, data) = open_array(file, archive, name)?;
    let width = match header.dtype.as_str() {
        "<f4" => 4,
        "|u1" | "<u1" | ">u1" => 1,
        other => {
            let expected = "little-endian float32 in [0, 1] (`x.astype('<f4')`) or uint8";
            return Err(DatasetError::malformed(file, format!("`{name}` holds numbers of type {other}"), expected));
        }
    };
    if header.fortran_order {
        let expected = "C order (`numpy.ascontiguousarray(x)`)";
        return Err(DatasetError::malformed(file, format!("`{name}` is stored in Fortran order"), expected));
    }
    let numbers = claimed_numbers(file, &format!("`{name}`"), &header.shape)?;
    let sizes: Vec<usize> = header.shape.iter().map(|&size| size as usize).collect();
    let shape = match *sizes.as_slice() {
        [_, len] => SampleShape::Flat(len),
        [_, channels, height, width] => SampleShape::Image { channels, height, width },
        _ => {
            let found = format!("`{name}` has {} dimension(s)", sizes.len());
            return Err(DatasetError::malformed(file, found, "2 (samples x numbers) or 4 (samples x channels x height x width)"));
        }
    };
    let bytes = read_claimed(file, &format!("`{name}`"), data, numbers * width)?;
    let pixels: Vec<f32> = if width == 1 {
        bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect()
    } else {
        bytes.as_chunks::<4>().0.iter().map(|&number| f32::from_le_bytes(number)).collect()
    };
    if let Some(place) = pixels.iter().position(|pixel| !(0.0..=1.0).contains(pixel)) {
        let (sample, within) = (place / shape.len(), place % shape.len());
        let found = format!("`{name}` holds {} at sample {sample}, place {within} (counted from 0)", pixels[place]);
        return Err(DatasetError::malformed(file, found, "numbers in [0, 1]"));
    }
    Ok((shape, pixels))
}

/// Reads `name`, which must hold `count` labels or counts.
fn read_labels(file: &Path, archive: &mut Archive, name: &str, count: usize) -> Result<Vec<u32>, DatasetError> {
    let (header, data) = open_array(file, archive, name)?;
    let Some(integer) = Integer::of_dtype(&header.dtype) else {
        let found = format!("`{name}` holds numbers of type {}", header.dtype);
        return Err(DatasetError::malformed(file, found, "an integer type (`y.astype('int64')`)"));
    };
    if *header.shape != [count as u64] {
        let found = format!("`{name}` has the shape {:?}", header.shape);
        return Err(DatasetError::malformed(file, found, format!("[{count}], one label for each sample of `x`")));
    }
    let bytes = read_claimed(file, &format!("`{name}`"), data, count as u64 * integer.width as u64)?;
    let labels = bytes.chunks_exact(integer.width).map(|bytes| integer.value(bytes)).enumerate().map(|(place, value)| {
        if (0..MAX_CLASSES).contains(&value) {
            Ok(value as u32)
        } else {
            let found = format!("`{name}` holds {value} at place {place} (counted from 0)");
            Err(DatasetError::malformed(file, found, format!("classes from 0 to {}", MAX_CLASSES - 1)))
        }
    });
    labels.collect()
}

/// A NumPy integer type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Integer {
    /// Bytes: 1, 2, 4 or 8.
    width: usize,
    signed: bool,
    big_endian: bool,
}

impl Integer {
    /// The type that NumPy writes as `dtype`, for example `<i8`.
    fn of_dtype(dtype: &str) -> Option<Self> {
        let (order, rest) = dtype.split_at_checked(1)?;
        let (kind, width) = rest.split_at_checked(1)?;
        Some(Self {
            width: width.parse::<usize>().ok().filter(|width| [1, 2, 4, 8].contains(width))?,
            signed: ["u", "i"].iter().position(|&known| known == kind)? == 1,
            big_endian: ["<", "|", ">"].iter().position(|&known| known == order)? == 2,
        })
    }

    /// The number in `width` bytes.
    fn value(self, bytes: &[u8]) -> i128 {
        let append = |number: u64, &byte: &u8| (number << 8) | u64::from(byte);
        let number = if self.big_endian { bytes.iter().fold(0, append) } else { bytes.iter().rev().fold(0, append) };
        if self.signed {
            // Shifting up and back down as i64 repeats the sign bit of a narrower integer.
            let free = 64 - 8 * self.width;
            i128::from((number << free) as i64 >> free)
        } else {
            i128::from(number)
        }
    }
}

/// The header of an NPY file.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    /// NumPy's name of the type, for example `<f4`; a description in words for a record type.
    dtype: String,
    fortran_order: bool,
    shape: Vec<u64>,
}

impl Header {
    /// Reads a header's text, a Python dictionary: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
    fn parse(text: &str) -> Option<Self> {
        let dtype = match value_of(text, "descr")?.strip_prefix(['\'', '"']) {
            Some(rest) => rest.split_once(['\'', '"'])?.0.to_owned(),
            None => "record".to_owned(),
        };
        let order = value_of(text, "fortran_order")?;
        let fortran_order = order.starts_with("True");
        let shape = value_of(text, "shape")?.strip_prefix('(')?.split_once(')')?.0;
        let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty()).map(|size| size.parse().ok());
        let shape = sizes.collect::<Option<Vec<u64>>>()?;
        (fortran_order || order.starts_with("False")).then_some(Self { dtype, fortran_order, shape })
    }
}

/// What follows `key` and its colon.
fn value_of<'text>(text: &'text str, key: &str) -> Option<&'text str> {
    let (_, after) = text.split_once(&format!("'{key}'")).or_else(|| text.split_once(&format!("\"{key}\"")))?;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
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

/// Reads the text of an NPY header and leaves `reader` where the data starts.
fn read_header(mut reader: impl Read) -> io::Result<String> {
    let mut magic = [0_u8; 8];
    reader.read_exact(&mut magic)?;
    let [start @ .., version, _] = magic;
    if start != *b"\x93NUMPY" {
        return Err(io::Error::other("it is no NPY file"));
    }
    let mut length = [0_u8; 4];
    match version {
        1 => reader.read_exact(&mut length[..2])?,
        2 | 3 => reader.read_exact(&mut length)?,
        _ => return Err(io::Error::other(format!("its NPY version {version} is unknown"))),
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_HEADER {
        return Err(io::Error::other(format!("its header claims {length} bytes, more than the {MAX_HEADER} that NumPy allows")));
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text)?;
    String::from_utf8(text).map_err(io::Error::other)
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
        io::BufReader,
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
        let (shape, read, classes) = read_arrays(&file).expect("the file is whole");
        assert_eq!((shape, read, classes), (SampleShape::Flat(2), samples, 2));
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
        read_arrays(&zip(&dir, CompressionMethod::Stored, arrays))
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
    fn an_integer_keeps_its_sign_and_its_byte_order() {
        let value = |dtype: &str, bytes: &[u8]| Integer::of_dtype(dtype).map(|integer| integer.value(bytes));
        assert_eq!(value("|i1", &[0xff]), Some(-1));
        assert_eq!(value("|u1", &[0xff]), Some(255));
        assert_eq!(value("<i2", &[0x01, 0x80]), Some(-32_767));
        assert_eq!(value(">i2", &[0x01, 0x80]), Some(384));
        assert_eq!(value("<i8", &i64::MIN.to_le_bytes()), Some(i128::from(i64::MIN)));
        assert_eq!(value("<u8", &u64::MAX.to_le_bytes()), Some(i128::from(u64::MAX)));
        for other in ["<f4", "|b1", "<i3", "<i16", "i4", "", "<", "<M8[ns]", "|S1", "é"] {
            assert_eq!(Integer::of_dtype(other), None, "{other}");
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
    fn other_types_of_x_are_refused_by_name() {
        for dtype in ["<f8", ">f4", "<f2", "<i4", "|b1", "<c8", "|O"] {
            let error = refusal(npy(dtype, "(4, 2)", &[0; 64]), y());
            assert!(error.contains(&format!("`x` holds numbers of type {dtype}")) && error.contains("float32"), "{error}");
        }
        let record = npy_with_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }", &[0; 16]);
        assert!(refusal(record, y()).contains("type record"));
    }

    #[test]
    fn other_types_of_y_are_refused_by_name() {
        for dtype in ["<f4", "|b1", "<U1", "|S1"] {
            let error = refusal(x(), npy(dtype, "(4,)", &[0; 16]));
            assert!(error.contains(&format!("`y` holds numbers of type {dtype}")) && error.contains("integer"), "{error}");
        }
    }

    #[test]
    fn fortran_order_is_refused_with_the_remedy() {
        let header = "{'descr': '<f4', 'fortran_order': True, 'shape': (4, 2), }";
        let error = refusal(npy_with_header(header, &[0; 32]), y());
        assert!(error.contains("Fortran order") && error.contains("ascontiguousarray"), "{error}");
    }

    #[test]
    fn other_shapes_of_x_are_refused() {
        for (shape, count) in [("()", 0), ("(8,)", 1), ("(4, 2, 1)", 3), ("(4, 2, 1, 1, 1)", 5)] {
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
        for shape in ["(3,)", "(5,)", "(4, 1)", "()"] {
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
        for bad in [-1, 65_536, i64::MIN, i64::MAX] {
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
    fn headers_of_other_writers_are_read() {
        let expected = Header { dtype: "<f4".to_owned(), fortran_order: false, shape: vec![4, 2] };
        for text in [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }          \n",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2, ), }\n",
            "{\"shape\":(4,2),\"fortran_order\":False,\"descr\":\"<f4\"}",
        ] {
            assert_eq!(Header::parse(text).as_ref(), Some(&expected), "{text}");
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
