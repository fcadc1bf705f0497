//! IDX files, compressed with gzip or not: the format that MNIST and its kin come in.
//!
//! A file is two zero bytes, the type of its numbers, how many dimensions it has, one big-endian 32-bit size per dimension and
//! then the numbers, big-endian too. They become pixels in [0, 1] or labels.

use std::{
    io::{self, BufRead, Read},
    path::{Path, PathBuf},
};

use super::{
    Format, Reader,
    found::{name_of, unpacked},
    labels::{columns, labels, strange},
    npy::Numbers,
    pixels::{Layout, Pixels, layout, pixels_of},
};
use crate::{
    dataset::{DataRange, DatasetError, Raw, SampleShape, Samples, claimed_numbers, classes_of, read_claimed},
    files::{self, what_else},
};

pub(super) const FORMAT: Format = Format {
    name: "idx",
    usage: "idx:IMAGES,LABELS",
    about: "one IDX file of images and one of labels",
    sniff: |found| rank_of(&found.start).is_some(),
    read: Reader::Numbers(read),
};

/// The type code of unsigned bytes.
const UNSIGNED_BYTE: u8 = 0x08;
/// Columns of QMNIST's labels, the first of which is the class.
const QMNIST: usize = 8;

fn read(paths: &[PathBuf], range: &DataRange) -> Result<Raw, DatasetError> {
    match paths {
        [images, labels] => read_pair(images, labels, range),
        [path] => {
            let labels = labels_beside(path)?;
            read_pair(path, &labels, range)
        }
        _ => Err(DatasetError::malformed(
            paths.get(2).map_or(Path::new(""), PathBuf::as_path),
            format!("is one of {} files", paths.len()),
            "one file of images and one of labels",
        )),
    }
}

/// The labels that belong to these images by their name.
fn labels_beside(images: &Path) -> Result<PathBuf, DatasetError> {
    let expected = "images and their labels: `idx:IMAGES,LABELS`";
    if rank(images) == Some(1) {
        return Err(DatasetError::malformed(images, "holds labels alone", expected));
    }
    let name = name_of(images);
    let folder = images.parent().unwrap_or(Path::new(""));
    let lacking = |found: String| DatasetError::malformed(images, found, expected);
    let Some((stem, _)) = name.split_once("images") else {
        return Err(lacking("is named so that its labels cannot be told".to_owned()));
    };
    // A relative name has the empty path for its folder.
    let listed = files::list(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }).unwrap_or_default();
    let mut beside: Vec<String> =
        listed.iter().map(|path| name_of(path)).filter(|name| name.starts_with(&format!("{stem}labels"))).collect();
    beside.sort();
    // The same file packed and unpacked is one; and bytes are what the images are of.
    let plain = |name: &String| name.contains("ubyte");
    let mut chosen = beside.iter().filter(|name| plain(name)).chain(beside.iter().filter(|name| !plain(name)));
    match chosen.next() {
        Some(name) => Ok(folder.join(name)),
        None => Err(lacking(format!("has no labels beside it (`{stem}labels…`)"))),
    }
}

/// Reads one pair of files. Images of 2 dimensions (N x D) are flat samples; of 3 (N x H x W) they have one channel; of 4
/// (N x C x H x W) the channels are as given.
fn read_pair(images: &Path, labels: &Path, range: &DataRange) -> Result<Raw, DatasetError> {
    let Pair { pixels, labels, mut notes } = read_samples(images, labels, range)?;
    notes.extend(strange(&labels));
    let Pixels { shape, values, origin, .. } = pixels;
    let rows = (0..labels.len() as u32).collect();
    let classes = classes_of(&labels);
    let samples = Samples { pixels: values, labels, rows };
    Ok(Raw { shape, classes, samples, own_test: None, usual_test: None, notes, origin })
}

/// How many dimensions the IDX file at `path` has, by its first bytes; `None` if it is none.
pub(super) fn rank(path: &Path) -> Option<u8> {
    let mut start = [0; 4];
    unpacked(path).ok()?.read_exact(&mut start).ok()?;
    rank_of(&start)
}

fn rank_of(start: &[u8]) -> Option<u8> {
    let &[first, second, kind, rank] = start.first_chunk::<4>()?;
    ([first, second] == [0, 0] && (0x08..=0x0e).contains(&kind) && (1..=4).contains(&rank)).then_some(rank)
}

pub(super) struct Pair {
    pub(super) pixels: Pixels,
    pub(super) labels: Vec<u32>,
    /// What was done to the numbers, in a sentence each.
    pub(super) notes: Vec<String>,
}

/// Reads images and their labels.
pub(super) fn read_samples(images_path: &Path, labels_path: &Path, range: &DataRange) -> Result<Pair, DatasetError> {
    let images = read_array(images_path)?;
    if images.sizes.len() < 2 {
        return Err(images.wrong_rank(images_path, "images, of 2 to 4 dimensions"));
    }
    let count = images.sizes[0];
    // IDX has no layout but this one.
    let layout = match *images.sizes.as_slice() {
        [_, channels, height, width] => Layout { shape: SampleShape::Image { channels, height, width }, channels_last: false },
        ref sizes => layout(sizes).map_err(|_| images.wrong_rank(images_path, "images, of 2 to 4 dimensions"))?,
    };
    let byte = images.kind == UNSIGNED_BYTE;
    let pixels = if byte && *range == DataRange::Auto {
        let values = images.bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        let order = if matches!(layout.shape, SampleShape::Flat(_)) { "rows" } else { "channels first" };
        Pixels { shape: layout.shape, values, notes: Vec::new(), origin: format!("bytes 0..255, {order}") }
    } else {
        let values = images.numbers().map(|number| number as f32).collect();
        let numbers = Numbers { sizes: images.sizes.clone(), whole: images.kind < 0x0d, byte, values };
        pixels_of("the file", numbers, layout, range)
            .map_err(|(found, expected)| DatasetError::malformed(images_path, found, expected))?
    };
    let mut notes = pixels.notes.clone();
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
    Ok(Pair { pixels, labels, notes })
}

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

fn read_array(path: &Path) -> Result<Array, DatasetError> {
    read_array_from(path, unpacked(path)?)
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
pub(super) mod tests {
    use std::{fs, io::Write as _};

    use flate2::{Compression, write::GzEncoder};
    use tempfile::TempDir;

    use super::*;

    fn read_pair_of(images: &Path, labels: &Path) -> Result<Raw, DatasetError> {
        read_pair(images, labels, &DataRange::Auto)
    }

    pub(in crate::dataset::formats) fn folder() -> TempDir {
        tempfile::tempdir().expect("the system gives a folder for temporary files")
    }

    fn header(kind: u8, sizes: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0, 0, kind, sizes.len() as u8];
        bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
        bytes
    }

    pub(in crate::dataset::formats) fn idx(sizes: &[u32], numbers: &[u8]) -> Vec<u8> {
        [header(UNSIGNED_BYTE, sizes), numbers.to_vec()].concat()
    }

    pub(in crate::dataset::formats) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("a vector takes every byte");
        encoder.finish().expect("a vector takes every byte")
    }

    pub(in crate::dataset::formats) fn write(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
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
    pub(in crate::dataset::formats) fn pair() -> (Vec<u8>, Vec<u8>) {
        (idx(&[3, 2, 2], &[0, 51, 102, 153, 204, 255, 0, 0, 1, 2, 3, 4]), idx(&[3], &[2, 0, 1]))
    }

    #[test]
    fn a_pair_is_read_raw_and_gzipped_whatever_its_name_says() {
        let dir = folder();
        let (images, labels) = pair();
        let raw =
            read_pair_of(&write(&dir, "images.gz", &images), &write(&dir, "labels", &gzip(&labels))).expect("the pair is whole");
        assert_eq!(raw.shape, SampleShape::Image { channels: 1, height: 2, width: 2 });
        assert_eq!(raw.classes, 3);
        assert_eq!(raw.samples.pixels[..6], [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(raw.samples.labels, [2, 0, 1]);
        assert_eq!(raw.samples.rows, [0, 1, 2]);
        assert_eq!(raw.own_test, None);
        let zipped = read_pair_of(&write(&dir, "a", &gzip(&images)), &write(&dir, "b", &labels)).expect("the pair is whole");
        assert_eq!(zipped.samples, raw.samples);
    }

    #[test]
    fn two_dimensions_are_flat_and_four_have_channels() {
        let dir = folder();
        let labels = write(&dir, "labels", &idx(&[2], &[0, 0]));
        let shape_of = |sizes: &[u32]| {
            let images = write(&dir, "images", &idx(sizes, &[7; 24]));
            let raw = read_pair_of(&images, &labels).expect("the pair is whole");
            (raw.shape, raw.classes)
        };
        // One class alone still needs a classifier of two.
        assert_eq!(shape_of(&[2, 12]), (SampleShape::Flat(12), 2));
        assert_eq!(shape_of(&[2, 3, 2, 2]), (SampleShape::Image { channels: 3, height: 2, width: 2 }, 2));
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
            let raw = read_pair_of(&images, &write(&dir, "labels", &gzip(&gzip(&labels)))).expect("the pair is whole");
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
            assert!(refusal(&idx(sizes, &[])).contains("at least one number"));
        }
    }

    #[test]
    fn absurd_sizes_are_refused_before_anything_is_allocated() {
        for sizes in [&[u32::MAX][..], &[u32::MAX; 2], &[u32::MAX; 4], &[65_536, 65_536], &[1 << 31, 2]] {
            let found = refusal(&idx(sizes, &[1, 2, 3]));
            assert!(found.contains("at most 2147483648 numbers; take less"), "{found}");
        }
        // A bearable claim that the file does not bear out costs only what is there.
        assert!(refusal(&idx(&[1 << 31], &[1, 2, 3])).contains("holds 3 bytes"));
    }

    #[test]
    fn labels_in_place_of_images_and_images_in_place_of_labels_are_named() {
        let dir = folder();
        let (images, labels) = pair();
        let (images, labels) = (write(&dir, "images", &images), write(&dir, "labels", &labels));
        let swapped = read_pair_of(&labels, &images).expect_err("labels are no images").to_string();
        assert!(swapped.contains("labels: has 1 dimension") && swapped.contains("expected images"), "{swapped}");
        let doubled = read_pair_of(&images, &images).expect_err("images are no labels").to_string();
        assert!(doubled.contains("images: has 3 dimension") && doubled.contains("expected labels"), "{doubled}");
    }

    #[test]
    fn a_label_for_every_image_and_no_more() {
        let dir = folder();
        let images = write(&dir, "images", &pair().0);
        for count in [2_u32, 4] {
            let labels = write(&dir, "labels", &idx(&[count], &vec![0; count as usize]));
            let error = read_pair_of(&images, &labels).expect_err("the counts differ").to_string();
            assert!(error.contains(&format!("holds {count} labels")) && error.contains("expected 3"), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_unreadable() {
        let dir = folder();
        let there = write(&dir, "images", &pair().0);
        let absent = dir.path().join("absent");
        for (images, labels) in [(&absent, &there), (&there, &absent)] {
            let error = read_pair_of(images, labels).expect_err("one file is absent");
            assert!(matches!(&error, DatasetError::Unreadable { path, .. } if *path == absent), "{error}");
        }
        assert!(matches!(read_pair_of(dir.path(), &there), Err(DatasetError::Unreadable { .. })));
    }
}
