//! IDX files: the format of MNIST, Fashion-MNIST and KMNIST, compressed with gzip or not.
//!
//! A file is two zero bytes, the type of its numbers, how many dimensions it has, one big-endian 32-bit size per dimension and
//! then the numbers, big-endian too. They become pixels in [0, 1] or labels.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;

use crate::files;

use super::{
    labels::{columns, labels, strange},
    pixels::{Range, clamp, layout, range},
    what_else,
};
use crate::dataset::{DatasetError, Raw, SampleShape, Samples, Source, claimed_numbers, classes_of, read_claimed};

/// The four files of MNIST: train images and labels, test images and labels.
const NAMES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// The first bytes of every gzip file. The name says nothing: browsers like to unpack a `.gz` and keep its name.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The type code of unsigned bytes.
const UNSIGNED_BYTE: u8 = 0x08;
/// How often a file may be packed with gzip: some servers pack what is packed.
const PACKED: usize = 3;
/// Columns of QMNIST's labels, the first of which is the class.
const QMNIST: usize = 8;

/// Reads one pair of files. Images of 2 dimensions (N x D) are flat samples; of 3 (N x H x W) they have one channel; of 4
/// (N x C x H x W) the channels are as given.
pub(crate) fn read_pair(images: &Path, labels: &Path) -> Result<Raw, DatasetError> {
    let (shape, samples, notes) = read_samples(images, labels)?;
    Ok(Raw { shape, classes: classes_of(&samples.labels), samples, own_test: None, usual_test: None, notes })
}

/// Reads the four files of MNIST from a folder, each with or without `.gz` and with `-idx` or `.idx` in its name.
pub(crate) fn read_folder(dir: &Path) -> Result<Raw, DatasetError> {
    if !files::is_dir(dir) {
        if !files::exists(dir) {
            return Err(unreadable(dir, &io::Error::from(io::ErrorKind::NotFound)));
        }
        return Err(DatasetError::malformed(dir, "is no folder", "a folder with the four files of MNIST"));
    }
    let found = NAMES.map(|name| find(dir, name));
    let [Some(train_images), Some(train_labels), Some(test_images), Some(test_labels)] = &found else {
        return Err(incomplete(dir, &found));
    };
    let (shape, samples, notes) = read_samples(train_images, train_labels)?;
    let (test_shape, test, _) = read_samples(test_images, test_labels)?;
    if test_shape != shape {
        let expected = format!("images of {shape} numbers, as in {}", train_images.display());
        return Err(DatasetError::malformed(test_images, format!("holds images of {test_shape} numbers"), expected));
    }
    let classes = classes_of(&samples.labels).max(classes_of(&test.labels));
    Ok(Raw { shape, classes, samples, own_test: Some(test), usual_test: None, notes })
}

/// The source that files make together; see [`Source::of_idx_files`].
pub(crate) fn source_of(paths: &[PathBuf]) -> Result<Option<Source>, String> {
    let ranks = paths.iter().filter_map(|path| Some((path, rank(path)?)));
    let (labels, images): (Vec<_>, Vec<_>) = ranks.partition(|(_, rank)| *rank == 1);
    let names = |files: &[(&PathBuf, u8)]| {
        let names = files.iter().map(|(path, _)| path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        names.collect::<Vec<_>>().join(", ")
    };
    match (images.as_slice(), labels.as_slice()) {
        ([], []) => Ok(None),
        ([(images, _)], [(labels, _)]) => Ok(Some(Source::Idx { images: images.to_path_buf(), labels: labels.to_path_buf() })),
        ([(first, _), _], [_, _]) => {
            let folder = first.parent().unwrap_or(Path::new(""));
            let of_mnist = NAMES.iter().all(|name| find(folder, name).is_some_and(|file| paths.contains(&file)));
            of_mnist.then(|| Some(Source::Mnist(folder.to_owned()))).ok_or_else(|| {
                let (images, labels) = (names(&images), names(&labels));
                format!(
                    "two pairs of IDX files are taken with the names of MNIST alone ({}); found {images} and {labels}",
                    NAMES.join(", ")
                )
            })
        }
        (images, []) => Err(format!("{}: images in IDX without their labels; give both files together", names(images))),
        ([], labels) => Err(format!("{}: labels in IDX without their images; give both files together", names(labels))),
        (images, labels) => Err(format!(
            "expected one IDX file of images and one of labels, or the four of MNIST; found the images {} and the labels {}",
            names(images),
            names(labels)
        )),
    }
}

/// How many dimensions the IDX file at `path` has, by its first bytes; `None` if it is none.
fn rank(path: &Path) -> Option<u8> {
    let mut file = files::open(path).ok()?;
    let mut magic = [0_u8; 4];
    if file.fill_buf().ok()?.starts_with(&GZIP) {
        MultiGzDecoder::new(file).read_exact(&mut magic).ok()?;
    } else {
        file.read_exact(&mut magic).ok()?;
    }
    let [first, second, kind, rank] = magic;
    ([first, second] == [0, 0] && (0x08..=0x0e).contains(&kind) && (1..=4).contains(&rank)).then_some(rank)
}

/// The file of this name in `dir`, in whichever way it is spelled there.
fn find(dir: &Path, name: &str) -> Option<PathBuf> {
    let dotted = name.replace("-idx", ".idx");
    let spellings = [name.to_owned(), format!("{name}.gz"), format!("{dotted}.gz"), dotted];
    spellings.into_iter().map(|spelling| dir.join(spelling)).find(|path| files::is_file(path))
}

/// What to say of a folder that lacks some of the four files.
fn incomplete(dir: &Path, found: &[Option<PathBuf>; 4]) -> DatasetError {
    let lacking: Vec<&str> = NAMES.into_iter().zip(found).filter(|(_, path)| path.is_none()).map(|(name, _)| name).collect();
    let lacking = lacking.join(", ");
    let all = "the four files of MNIST, each with or without `.gz`";
    let (part, images, labels) = match found {
        [_, _, Some(images), Some(labels)] => ("test", images, labels),
        [Some(images), Some(labels), _, _] => ("train", images, labels),
        _ => return DatasetError::malformed(dir, format!("has no {lacking}"), all),
    };
    let pair = format!("idx:{},{}", images.display(), labels.display());
    let found = format!("has only the {part} pair and no {lacking}");
    DatasetError::malformed(dir, found, format!("{all}; to use this pair alone, give `{pair}`"))
}

/// The shape of a sample, the samples, and what was done to their numbers, in a sentence each.
fn read_samples(images_path: &Path, labels_path: &Path) -> Result<(SampleShape, Samples, Vec<String>), DatasetError> {
    let images = read_array(images_path)?;
    if images.sizes.len() < 2 {
        return Err(images.wrong_rank(images_path, "images, of 2 to 4 dimensions"));
    }
    let count = images.sizes[0];
    // IDX has no layout but this one.
    let shape = match *images.sizes.as_slice() {
        [_, channels, height, width] => SampleShape::Image { channels, height, width },
        ref sizes => layout(sizes).map_err(|_| images.wrong_rank(images_path, "images, of 2 to 4 dimensions"))?.shape,
    };
    let mut notes = Vec::new();
    let mut pixels: Vec<f32> = images.numbers().map(|number| number as f32).collect();
    if images.kind == UNSIGNED_BYTE {
        pixels.iter_mut().for_each(|pixel| *pixel /= 255.0);
    } else {
        match range(&pixels, images.kind < 0x0d) {
            Range::Unit => clamp(&mut pixels),
            Range::Bytes => pixels.iter_mut().for_each(|pixel| *pixel /= 255.0),
            Range::Other(place, looks) => {
                let (sample, number) = (place / shape.len(), pixels[place]);
                let found = format!("holds {number} in sample {sample} (counted from 0): {looks}");
                return Err(DatasetError::malformed(images_path, found, "numbers in [0, 1], or whole numbers from 0 to 255"));
            }
        }
    }
    let of_labels = read_array(labels_path)?;
    let (mut sizes, mut numbers) = (of_labels.sizes.clone(), of_labels.numbers().collect::<Vec<f64>>());
    if sizes.len() == 2 && sizes[1] == QMNIST && of_labels.kind != UNSIGNED_BYTE {
        numbers = numbers.chunks_exact(QMNIST).map(|row| row[0]).collect();
        sizes.truncate(1);
        notes.push("labels of eight columns, as QMNIST has them: the first one is the class".to_owned());
    }
    if sizes.len() > 2 {
        return Err(of_labels.wrong_rank(labels_path, "labels, of 1 dimension"));
    }
    if sizes[0] != count {
        let expected = format!("{count}, one for each image of {}", images_path.display());
        return Err(DatasetError::malformed(labels_path, format!("holds {} labels", sizes[0]), expected));
    }
    let labels = columns(&sizes, count)
        .and_then(|columns| labels(columns, &numbers))
        .map_err(|(found, expected)| DatasetError::malformed(labels_path, found, expected))?;
    notes.extend(strange(&labels));
    Ok((shape, Samples { pixels, labels, rows: (0..count as u32).collect() }, notes))
}

/// An IDX file.
#[derive(Debug)]
struct Array {
    /// The type of its numbers.
    kind: u8,
    /// 1 to 4 sizes, none of them 0.
    sizes: Vec<usize>,
    bytes: Vec<u8>,
}

/// How many bytes a number of this type has.
fn width_of(kind: u8) -> Option<usize> {
    match kind {
        0x08 | 0x09 => Some(1),
        0x0b => Some(2),
        0x0c | 0x0d => Some(4),
        0x0e => Some(8),
        _ => None,
    }
}

impl Array {
    fn wrong_rank(&self, path: &Path, expected: &str) -> DatasetError {
        DatasetError::malformed(path, format!("has {} dimension(s)", self.sizes.len()), expected)
    }

    fn numbers(&self) -> impl Iterator<Item = f64> {
        self.bytes.chunks_exact(width_of(self.kind).unwrap_or(1)).map(|bytes| match (self.kind, bytes) {
            (0x09, &[a]) => f64::from(a as i8),
            (0x0b, &[a, b]) => f64::from(i16::from_be_bytes([a, b])),
            (0x0c, &[a, b, c, d]) => f64::from(i32::from_be_bytes([a, b, c, d])),
            (0x0d, &[a, b, c, d]) => f64::from(f32::from_be_bytes([a, b, c, d])),
            (0x0e, &[a, b, c, d, e, f, g, h]) => f64::from_be_bytes([a, b, c, d, e, f, g, h]),
            (_, bytes) => f64::from(bytes[0]),
        })
    }
}

fn unreadable(path: &Path, cause: &io::Error) -> DatasetError {
    DatasetError::Unreadable { path: path.to_owned(), cause: cause.to_string() }
}

fn read_array(path: &Path) -> Result<Array, DatasetError> {
    let broken = |cause: io::Error| DatasetError::malformed(path, format!("cannot be unpacked ({cause})"), IDX);
    let mut reader: Box<dyn BufRead> = Box::new(files::open(path).map_err(|cause| unreadable(path, &cause))?);
    reader.fill_buf().map_err(|cause| unreadable(path, &cause))?;
    for _ in 0..PACKED {
        if !reader.fill_buf().map_err(broken)?.starts_with(&GZIP) {
            break;
        }
        reader = Box::new(BufReader::new(MultiGzDecoder::new(reader)));
    }
    read_array_from(path, reader)
}

/// What is expected of a file.
const IDX: &str = "an IDX file, compressed with gzip or not";

/// Reads an array from the unpacked bytes of the file at `path`.
fn read_array_from(path: &Path, mut reader: impl BufRead) -> Result<Array, DatasetError> {
    let broken_header = |cause: io::Error| DatasetError::malformed(path, format!("breaks off inside its header ({cause})"), IDX);
    if let Some(what) = what_else(reader.fill_buf().map_err(broken_header)?) {
        return Err(DatasetError::malformed(path, what, IDX));
    }
    let mut magic = [0_u8; 4];
    reader.read_exact(&mut magic).map_err(broken_header)?;
    let [first, second, kind, rank] = magic;
    if [first, second] != [0, 0] {
        let found = format!("starts with the bytes {first:02x} {second:02x} {kind:02x} {rank:02x}");
        return Err(DatasetError::malformed(path, found, "an IDX file, which starts with two zero bytes"));
    }
    let Some(width) = width_of(kind) else {
        let expected = "bytes, integers or floats (types 0x08, 0x09, 0x0b to 0x0e)";
        return Err(DatasetError::malformed(path, format!("holds numbers of type 0x{kind:02x}"), expected));
    };
    if !(1..=4).contains(&rank) {
        return Err(DatasetError::malformed(path, format!("has {rank} dimensions"), "1 dimension (labels) to 4 (images)"));
    }
    let mut sizes = Vec::new();
    for _ in 0..rank {
        let mut size = [0_u8; 4];
        reader.read_exact(&mut size).map_err(broken_header)?;
        sizes.push(u64::from(u32::from_be_bytes(size)));
    }
    let claim = claimed_numbers(path, "the file", &sizes)?;
    let bytes = read_claimed(path, "the file", reader, claim * width as u64)?;
    Ok(Array { kind, sizes: sizes.into_iter().map(|size| size as usize).collect(), bytes })
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use flate2::{Compression, write::GzEncoder};
    use tempfile::TempDir;

    use super::*;

    fn folder() -> TempDir {
        tempfile::tempdir().expect("the system gives a folder for temporary files")
    }

    fn header(kind: u8, sizes: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0, 0, kind, sizes.len() as u8];
        bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
        bytes
    }

    fn idx(sizes: &[u32], numbers: &[u8]) -> Vec<u8> {
        [header(UNSIGNED_BYTE, sizes), numbers.to_vec()].concat()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("a vector takes every byte");
        encoder.finish().expect("a vector takes every byte")
    }

    fn write(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
        let path = dir.path().join(name);
        fs::write(&path, bytes).expect("the temporary folder can be written");
        path
    }

    /// Reads a file of these bytes as an array.
    fn array(bytes: &[u8]) -> Result<Array, DatasetError> {
        read_array(&write(&folder(), "file", bytes))
    }

    /// The error that these bytes give.
    fn refusal(bytes: &[u8]) -> String {
        let dir = folder();
        let path = write(&dir, "file", bytes);
        let error = read_array(&path).expect_err("the file is broken");
        assert!(matches!(error, DatasetError::Malformed { .. }), "{error}");
        assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
        error.to_string()
    }

    /// Three images of 2 x 2 pixels and their labels.
    fn pair() -> (Vec<u8>, Vec<u8>) {
        (idx(&[3, 2, 2], &[0, 51, 102, 153, 204, 255, 0, 0, 1, 2, 3, 4]), idx(&[3], &[2, 0, 1]))
    }

    #[test]
    fn a_pair_is_read_raw_and_gzipped_whatever_its_name_says() {
        let dir = folder();
        let (images, labels) = pair();
        let raw =
            read_pair(&write(&dir, "images.gz", &images), &write(&dir, "labels", &gzip(&labels))).expect("the pair is whole");
        assert_eq!(raw.shape, SampleShape::Image { channels: 1, height: 2, width: 2 });
        assert_eq!(raw.classes, 3);
        assert_eq!(raw.samples.pixels[..6], [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(raw.samples.labels, [2, 0, 1]);
        assert_eq!(raw.samples.rows, [0, 1, 2]);
        assert_eq!(raw.own_test, None);
        let zipped = read_pair(&write(&dir, "a", &gzip(&images)), &write(&dir, "b", &labels)).expect("the pair is whole");
        assert_eq!(zipped.samples, raw.samples);
    }

    #[test]
    fn two_dimensions_are_flat_and_four_have_channels() {
        let dir = folder();
        let labels = write(&dir, "labels", &idx(&[2], &[0, 0]));
        let shape_of = |sizes: &[u32]| {
            let images = write(&dir, "images", &idx(sizes, &[7; 24]));
            let raw = read_pair(&images, &labels).expect("the pair is whole");
            (raw.shape, raw.classes)
        };
        // One class alone still needs a classifier of two.
        assert_eq!(shape_of(&[2, 12]), (SampleShape::Flat(12), 2));
        assert_eq!(shape_of(&[2, 3, 2, 2]), (SampleShape::Image { channels: 3, height: 2, width: 2 }, 2));
    }

    #[test]
    fn files_that_come_together_are_a_pair_or_mnist_or_named_as_neither() {
        let dir = folder();
        let (images, labels) = pair();
        let (a, b) = (write(&dir, "a", &gzip(&images)), write(&dir, "b", &labels));
        let other = write(&dir, "c.json", b"{}");
        let pair = Source::Idx { images: a.clone(), labels: b.clone() };
        assert_eq!(source_of(&[b.clone(), other.clone(), a.clone()]), Ok(Some(pair)));
        assert_eq!(source_of(std::slice::from_ref(&other)), Ok(None));
        assert_eq!(source_of(&[dir.path().join("nothing")]), Ok(None));
        for (alone, lacks) in [(&a, "without their labels"), (&b, "without their images")] {
            let told = source_of(std::slice::from_ref(alone)).expect_err("half a pair");
            assert!(told.contains(lacks), "{told}");
        }
        let told = source_of(&[a.clone(), a.clone(), b.clone()]).expect_err("three files");
        assert!(told.contains("one of labels"), "{told}");
        let four = NAMES.map(|name| write(&dir, &format!("{name}.gz"), if name.contains("images") { &images } else { &labels }));
        assert_eq!(source_of(&four), Ok(Some(Source::Mnist(dir.path().to_owned()))));
        let told = source_of(&[a.clone(), four[0].clone(), b, four[1].clone()]).expect_err("two pairs of other names");
        assert!(told.contains("names of MNIST"), "{told}");
    }

    #[test]
    fn a_truncated_file_is_refused_with_both_lengths() {
        let found = refusal(&idx(&[3, 2, 2], &[0; 11]));
        assert!(found.contains("holds 11 bytes") && found.contains("expected 12 bytes"), "{found}");
    }

    #[test]
    fn a_file_that_goes_on_is_refused() {
        let found = refusal(&idx(&[3, 2, 2], &[0; 13]));
        assert!(found.contains("more than 12 bytes"), "{found}");
        assert!(refusal(&gzip(&idx(&[3], &[0; 4]))).contains("more than 3 bytes"));
    }

    #[test]
    fn a_truncated_or_damaged_gzip_file_is_refused() {
        let whole = gzip(&idx(&[1000], &(0..1000_u32).map(|n| (n * n % 251) as u8).collect::<Vec<_>>()));
        assert!(array(&whole).is_ok());
        let found = refusal(&whole[..whole.len() - 20]);
        assert!(found.contains("breaks off after") && found.contains("expected 1000 bytes"), "{found}");
        // The checksum is in the last eight bytes: damage there shows only if the end is read.
        let mut damaged = whole.clone();
        damaged[whole.len() - 8] ^= 1;
        assert!(refusal(&damaged).contains("breaks off after 1000 bytes"));
        assert!(refusal(&[0x1f, 0x8b, 0, 0]).contains("cannot be unpacked"));
    }

    #[test]
    fn a_file_cut_inside_its_header_is_refused_at_every_length() {
        let whole = idx(&[3, 2, 2], &[]);
        for length in 0..whole.len() {
            assert!(refusal(&whole[..length]).contains("inside its header"), "{length} bytes");
        }
    }

    #[test]
    fn a_file_of_another_format_is_refused_with_its_first_bytes() {
        assert!(refusal(b"\x89PNG....").contains("89 50 4e 47"));
    }

    #[test]
    fn unknown_types_are_refused() {
        for kind in [0x00, 0x0a, 0x0f] {
            let found = refusal(&[header(kind, &[1]), vec![0; 8]].concat());
            assert!(found.contains(&format!("0x{kind:02x}")) && found.contains("0x0b to 0x0e"), "{found}");
        }
    }

    #[test]
    fn labels_may_be_integers_and_the_eight_columns_of_qmnist() {
        let dir = folder();
        let (images, _) = pair();
        let images = write(&dir, "images", &images);
        let words = |numbers: &[i32]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
        let whole = [header(0x0c, &[3]), words(&[2, 0, 1])].concat();
        let rows: Vec<i32> = [2, 0, 1].iter().flat_map(|class| [*class, 9, 9, 9, 9, 9, 9, 9]).collect();
        let columns = [header(0x0c, &[3, 8]), words(&rows)].concat();
        let shorts = [header(0x0b, &[3, 1]), vec![0, 2, 0, 0, 0, 1]].concat();
        for (labels, notes) in [(whole, 0), (columns, 1), (shorts, 0)] {
            // Packed twice, as some servers do.
            let raw = read_pair(&images, &write(&dir, "labels", &gzip(&gzip(&labels)))).expect("the pair is whole");
            assert_eq!((raw.samples.labels.as_slice(), raw.notes.len()), ([2, 0, 1].as_slice(), notes));
        }
    }

    #[test]
    fn a_web_page_in_the_place_of_a_file_is_called_one() {
        assert!(refusal(b"<!DOCTYPE html><html><body>404</body></html>").contains("is a web page"));
    }

    #[test]
    fn no_dimension_and_more_than_four_are_refused() {
        assert!(refusal(&idx(&[], &[0])).contains("has 0 dimensions"));
        assert!(refusal(&idx(&[1; 5], &[0])).contains("has 5 dimensions"));
    }

    #[test]
    fn a_size_of_zero_is_refused() {
        for sizes in [&[0][..], &[0, 2, 2], &[3, 0, 2]] {
            assert!(refusal(&idx(sizes, &[])).contains("1 to 2147483648 numbers"));
        }
    }

    #[test]
    fn absurd_sizes_are_refused_before_anything_is_allocated() {
        for sizes in [&[u32::MAX][..], &[u32::MAX; 2], &[u32::MAX; 4], &[65_536, 65_536], &[1 << 31, 2]] {
            let found = refusal(&idx(sizes, &[1, 2, 3]));
            assert!(found.contains("1 to 2147483648 numbers"), "{found}");
        }
        // A bearable claim that the file does not bear out costs only what is there.
        assert!(refusal(&idx(&[1 << 31], &[1, 2, 3])).contains("holds 3 bytes"));
    }

    #[test]
    fn labels_in_place_of_images_and_images_in_place_of_labels_are_named() {
        let dir = folder();
        let (images, labels) = pair();
        let (images, labels) = (write(&dir, "images", &images), write(&dir, "labels", &labels));
        let swapped = read_pair(&labels, &images).expect_err("labels are no images").to_string();
        assert!(swapped.contains("labels: has 1 dimension") && swapped.contains("expected images"), "{swapped}");
        let doubled = read_pair(&images, &images).expect_err("images are no labels").to_string();
        assert!(doubled.contains("images: has 3 dimension") && doubled.contains("expected labels"), "{doubled}");
    }

    #[test]
    fn a_label_for_every_image_and_no_more() {
        let dir = folder();
        let images = write(&dir, "images", &pair().0);
        for count in [2_u32, 4] {
            let labels = write(&dir, "labels", &idx(&[count], &vec![0; count as usize]));
            let error = read_pair(&images, &labels).expect_err("the counts differ").to_string();
            assert!(error.contains(&format!("holds {count} labels")) && error.contains("expected 3"), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_unreadable() {
        let dir = folder();
        let there = write(&dir, "images", &pair().0);
        let absent = dir.path().join("absent");
        for (images, labels) in [(&absent, &there), (&there, &absent)] {
            let error = read_pair(images, labels).expect_err("one file is absent");
            assert!(matches!(&error, DatasetError::Unreadable { path, .. } if *path == absent), "{error}");
        }
        assert!(matches!(read_pair(dir.path(), &there), Err(DatasetError::Unreadable { .. })));
        assert!(matches!(read_folder(&absent), Err(DatasetError::Unreadable { .. })));
    }

    #[test]
    fn a_folder_has_a_train_and_a_test_part_in_every_spelling() {
        let (images, labels) = pair();
        let test_labels = idx(&[3], &[4, 0, 1]);
        for (suffix, dotted) in [("", false), (".gz", false), ("", true), (".gz", true)] {
            let dir = folder();
            for (name, bytes) in NAMES.into_iter().zip([&images, &labels, &images, &test_labels]) {
                let name = if dotted { name.replace("-idx", ".idx") } else { name.to_owned() };
                let bytes = if suffix.is_empty() { bytes.clone() } else { gzip(bytes) };
                write(&dir, &format!("{name}{suffix}"), &bytes);
            }
            let raw = read_folder(dir.path()).expect("the folder is whole");
            assert_eq!(raw.samples.labels, [2, 0, 1]);
            assert_eq!(raw.own_test.map(|test| test.labels), Some(vec![4, 0, 1]));
            // The highest label of both parts counts.
            assert_eq!(raw.classes, 5);
        }
    }

    #[test]
    fn a_folder_names_every_file_that_it_lacks() {
        let dir = folder();
        let none = read_folder(dir.path()).expect_err("the folder is empty").to_string();
        assert!(NAMES.iter().all(|name| none.contains(name)), "{none}");
        write(&dir, NAMES[0], &pair().0);
        write(&dir, NAMES[3], &pair().1);
        let some = read_folder(dir.path()).expect_err("two files are lacking").to_string();
        assert!(some.contains(NAMES[1]) && some.contains(NAMES[2]) && !some.contains(NAMES[0]), "{some}");
    }

    #[test]
    fn a_folder_with_the_test_pair_alone_is_told_how_to_use_it() {
        let dir = folder();
        let images = write(&dir, &format!("{}.gz", NAMES[2]), &gzip(&pair().0));
        let labels = write(&dir, NAMES[3], &pair().1);
        let error = read_folder(dir.path()).expect_err("the train pair is lacking").to_string();
        let pair = format!("`idx:{},{}`", images.display(), labels.display());
        assert!(error.contains("only the test pair") && error.contains(NAMES[0]) && error.contains(&pair), "{error}");
    }

    #[test]
    fn test_images_of_another_size_are_refused() {
        let dir = folder();
        let (images, labels) = pair();
        for (name, bytes) in NAMES.into_iter().zip([&images, &labels, &idx(&[3, 1, 4], &[0; 12]), &labels]) {
            write(&dir, name, bytes);
        }
        let error = read_folder(dir.path()).expect_err("the sizes differ").to_string();
        assert!(error.contains("1x1x4") && error.contains("1x2x2"), "{error}");
    }

    #[test]
    fn a_file_is_no_folder() {
        let dir = folder();
        let file = write(&dir, "file", &[]);
        assert!(read_folder(&file).expect_err("a file is no folder").to_string().contains("is no folder"));
    }
}
