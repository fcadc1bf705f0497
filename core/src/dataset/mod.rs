//! Sources of samples: one file per source, and one [`Dataset`] for all of them.

mod augment;
mod digits;
mod formats;
mod points;
mod range;
mod source;
mod split;
mod summary;

pub use augment::Augmentation;
pub use digits::ATTRIBUTION as DIGITS_ATTRIBUTION;
pub use formats::npz::{
    AdversarialExamples, Arrays, AttackedSamples, GivenAdversarial, read_arrays, read_given, write_adversarial, write_attacked,
    write_named, write_samples, write_verdicts,
};
#[cfg(target_arch = "wasm32")]
pub use formats::{Decode, set_codecs};
pub use formats::{FORMATS, Format, is_picture};
pub use points::Toy;
pub use range::DataRange;
pub use source::Source;
pub use split::{TestPart, ValidationPart};
pub use summary::{Inspection, inspect};

use serde::{Deserialize, Serialize};

use std::{
    fmt,
    io::Read,
    path::{Path, PathBuf},
    str::FromStr,
};

/// The shape of one sample, without the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SampleShape {
    /// A row of numbers.
    Flat(usize),
    /// An image: channels, height, width.
    Image {
        /// Colour channels: 1 or 3 in practice.
        channels: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
}

impl SampleShape {
    /// The number of values in a sample.
    pub fn len(&self) -> usize {
        match *self {
            Self::Flat(len) => len,
            Self::Image { channels, height, width } => channels * height * width,
        }
    }

    /// The sizes of its dimensions.
    pub fn sizes(&self) -> Vec<usize> {
        match *self {
            Self::Flat(len) => vec![len],
            Self::Image { channels, height, width } => vec![channels, height, width],
        }
    }

    /// Channels, rows and columns of a picture of the sample. A row of numbers becomes a square, or nearly one.
    pub fn picture(&self) -> (usize, usize, usize) {
        match *self {
            Self::Image { channels, height, width } => (channels, height, width),
            Self::Flat(len) => {
                let side = (len as f64).sqrt().ceil().max(1.0) as usize;
                (1, len.div_ceil(side), side)
            }
        }
    }

    /// Whether a sample is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for SampleShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flat(len) => write!(f, "{len}"),
            Self::Image { channels, height, width } => write!(f, "{channels}x{height}x{width}"),
        }
    }
}

impl FromStr for SampleShape {
    type Err = String;

    /// Reads `2`, `64`, `1x28x28`.
    fn from_str(text: &str) -> Result<Self, String> {
        let sizes: Option<Vec<usize>> = text.split('x').map(|size| size.parse().ok().filter(|&n| n > 0 && n <= 65_536)).collect();
        match sizes.as_deref() {
            Some(&[len]) => Ok(Self::Flat(len)),
            // 2^24 numbers: an image of 2,364 x 2,364 in three colours.
            Some(&[channels, height, width]) if channels * height * width <= 1 << 24 => {
                Ok(Self::Image { channels, height, width })
            }
            _ => Err(format!("`{text}` is no sample shape: expected a length (`2`) or channels x height x width (`3x32x32`)")),
        }
    }
}

/// Samples with their labels, in the order of their source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    /// Pixels in [0, 1], sample after sample: `len() * shape.len()` numbers.
    pub pixels: Vec<f32>,
    /// The class of each sample, below [`Dataset::classes`].
    pub labels: Vec<u32>,
    /// The row of each sample in its source. A source with a test part of its own counts the rows of both parts separately.
    pub rows: Vec<u32>,
}

impl Samples {
    /// How many samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The samples at `indices`, in that order; `sample_len` numbers each.
    #[must_use]
    pub fn select(&self, indices: &[usize], sample_len: usize) -> Self {
        let mut selected = Self::default();
        for &index in indices {
            selected.pixels.extend_from_slice(&self.pixels[index * sample_len..(index + 1) * sample_len]);
            selected.labels.push(self.labels[index]);
            selected.rows.push(self.rows[index]);
        }
        selected
    }
}

/// Samples of any source, split into three parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dataset {
    /// The requested source.
    pub source: Source,
    /// The shape of a sample.
    pub shape: SampleShape,
    /// The number of classes; labels are 0..classes.
    pub classes: usize,
    /// The training part.
    pub train: Samples,
    /// The validation part, held out from train; it chooses the best checkpoint.
    pub validation: Samples,
    /// The test part, held out from everything; the reported figures come from it.
    pub test: Samples,
    /// Conversions of a file's numbers, and their peculiarities; a sentence each.
    pub notes: Vec<String>,
    /// A one-line summary: count, shape, layout and range in the source, classes and their balance.
    pub about: String,
}

impl Dataset {
    /// A fingerprint of the data: counts, shape, and a hash (FNV-1a) of all pixels and labels of train.
    pub fn fingerprint(&self) -> String {
        let words = self.train.pixels.iter().map(|pixel| pixel.to_bits()).chain(self.train.labels.iter().copied());
        let hash = words.fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| (hash ^ u64::from(word)).wrapping_mul(0x0100_0000_01b3));
        format!("{} train samples of {}, {} classes, {hash:016x}", self.train.len(), self.shape, self.classes)
    }

    /// Train, validation and test part together, in this order.
    pub fn all(&self) -> Samples {
        let mut all = Samples::default();
        for part in [&self.train, &self.validation, &self.test] {
            all.pixels.extend_from_slice(&part.pixels);
            all.labels.extend_from_slice(&part.labels);
            all.rows.extend_from_slice(&part.rows);
        }
        all
    }
}

/// How to read and split a source. [`Settings::checked`](crate::settings::Settings::checked) guards the ranges.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The source.
    pub source: Source,
    /// The range of a file's numbers.
    pub range: DataRange,
    /// Generated points for train and validation together (2-D sources only).
    pub points: usize,
    /// Deviation of the Gaussian noise on generated points, in units of the raw figure before scaling (2-D sources only).
    pub noise: f64,
    /// Key of the generated points and of every drawn split.
    pub seed: u64,
    /// The test part.
    pub test: TestPart,
    /// The validation part.
    pub validation: ValidationPart,
}

/// Why data could not be read, split or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The file could not be opened or read.
    #[error("{}: cannot be read: {cause}. Check the path and its permissions.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's message.
        cause: String,
    },
    /// The file has unexpected content.
    #[error("{}: {found}; expected {expected}.", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// The file could not be written.
    #[error("{}: cannot be written: {cause}. Check the path, its permissions and the free space.", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's message.
        cause: String,
    },
    /// The requested parts do not fit the number of samples.
    #[error("--{setting}: {found}; expected {expected}.")]
    Split {
        /// The setting to change.
        setting: &'static str,
        /// What was requested, and what exists.
        found: String,
        /// What would work.
        expected: String,
    },
}

impl DatasetError {
    fn malformed(path: &Path, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_owned(), found: found.into(), expected: expected.into() }
    }
}

/// The most numbers in one array of a file (8 GiB as f32). A header that claims more is broken.
#[cfg(not(target_arch = "wasm32"))]
const MAX_NUMBERS: u64 = 1 << 31;
/// In a page the array, its split parts and the network must fit into 4 GiB; an array of 512 MiB does.
#[cfg(target_arch = "wasm32")]
const MAX_NUMBERS: u64 = 1 << 27;

/// The advice for larger arrays.
#[cfg(not(target_arch = "wasm32"))]
const FEWER: &str = "less, which fits into memory: a part of the samples";
#[cfg(target_arch = "wasm32")]
const FEWER: &str = "less, which fits into a page: a part of the samples, or the program on a computer";

/// The number of values that a header with these sizes claims; `what` names the array in errors.
fn claimed_numbers(path: &Path, what: &str, sizes: &[u64]) -> Result<u64, DatasetError> {
    // A product that overflows is as broken as one that is merely too large.
    let numbers = sizes.iter().try_fold(1_u64, |product, &size| product.checked_mul(size));
    numbers.filter(|numbers| (1..=MAX_NUMBERS).contains(numbers)).ok_or_else(|| {
        let sizes = sizes.iter().map(u64::to_string).collect::<Vec<_>>().join(" x ");
        let expected = match numbers {
            Some(0) => "at least one number".to_owned(),
            _ => format!("at most {MAX_NUMBERS} numbers; take {FEWER}"),
        };
        DatasetError::malformed(path, format!("the header of {what} claims {sizes} numbers"), expected)
    })
}

/// Reads the `claim` bytes that the header of `what` promises, and checks that `reader` ends there.
///
/// The buffer grows with the bytes that are really there, never by the claim: a broken header costs no memory.
fn read_claimed(path: &Path, what: &str, reader: impl Read, claim: u64) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    // One byte more than claimed tells a file that goes on; reaching the end also makes gzip and zip check their checksum.
    let outcome = reader.take(claim.saturating_add(1)).read_to_end(&mut bytes);
    let held = bytes.len() as u64;
    let found = match outcome {
        Err(cause) => format!("{what} breaks off after {held} bytes of data ({cause})"),
        Ok(_) if held < claim => format!("{what} holds {held} bytes of data"),
        Ok(_) if held > claim => format!("{what} holds more than {claim} bytes of data"),
        Ok(_) => return Ok(bytes),
    };
    Err(DatasetError::malformed(path, found, format!("{claim} bytes, as its header says")))
}

/// The number of classes in these labels: one more than the highest, and at least 2.
fn classes_of(labels: &[u32]) -> usize {
    labels.iter().max().map_or(2, |&highest| (highest as usize + 1).max(2))
}

/// Reads or generates the samples and splits them.
///
/// # Errors
/// [`DatasetError`] names the file or the setting, what was found and what was expected. A header that claims more than the file holds costs
/// no memory.
pub fn load(request: &Request) -> Result<Dataset, DatasetError> {
    split::split(raw(request)?, request)
}

/// Reads or generates a source.
fn raw(request: &Request) -> Result<Raw, DatasetError> {
    match &request.source {
        Source::Toy(toy) => points::generate(*toy, request),
        Source::Digits => digits::read(),
        Source::Files { format, paths } => read_files(*format, paths, &request.range),
    }
}

fn read_files(format: Option<&'static Format>, paths: &[PathBuf], range: &DataRange) -> Result<Raw, DatasetError> {
    match format {
        Some(format) => format.read(paths, range),
        None => Format::of(paths)?.read(paths, range),
    }
}

/// All samples of files, without a split: the test part follows the train part.
///
/// # Errors
/// As [`load`].
pub fn read_samples(request: &Request) -> Result<Arrays, DatasetError> {
    let source = &request.source;
    let Source::Files { format, paths } = source else {
        let path = Path::new("--data");
        return Err(DatasetError::malformed(path, format!("`{source}` is inside the program"), "a file or folder of samples"));
    };
    let Raw { shape, classes, mut samples, own_test, notes, .. } = read_files(*format, paths, &request.range)?;
    if let Some(test) = own_test {
        samples.pixels.extend(test.pixels);
        samples.labels.extend(test.labels);
        samples.rows.extend(test.rows);
    }
    Ok(Arrays { shape, samples, classes, notes })
}

/// Peculiarities of labels that count from 0.
fn balance_notes(labels: &[u32]) -> Vec<String> {
    formats::strange(labels)
}

/// A source before the split.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    /// The shape of a sample.
    pub shape: SampleShape,
    /// How many classes.
    pub classes: usize,
    /// All samples, or the train part if the source has a test part of its own.
    pub samples: Samples,
    /// The source's own test part.
    pub own_test: Option<Samples>,
    /// Conversions of the numbers, and their peculiarities; a sentence each.
    pub notes: Vec<String>,
    /// The default number of test rows at the end (digits: 360); `None` means a fifth.
    pub usual_test: Option<usize>,
    /// Range and layout of the numbers in the source, in a few words.
    pub origin: String,
}
