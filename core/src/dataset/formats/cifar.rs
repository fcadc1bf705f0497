//! CIFAR-10 and CIFAR-100, as their home gives them: binary files, Python's pickles, or the archive of either.
//!
//! A binary file is one record an image: a label (CIFAR-100: the coarse label, then the fine one) and 3 x 32 x 32 bytes, channels first. A
//! pickle is a dictionary with `data` (N x 3072 bytes) and `labels` or `fine_labels`. <https://www.cs.toronto.edu/~kriz/cifar.html>

use std::path::{Path, PathBuf};

use super::{
    Format, Reader, bundle,
    found::{Found, name_of},
};
use crate::{
    dataset::{DatasetError, MAX_NUMBERS, Raw, SampleShape, Samples, balance_notes},
    files::{self, pickle},
};

pub(super) const FORMAT: Format = Format {
    name: "cifar",
    usage: "cifar:PATH",
    about: "CIFAR-10 or CIFAR-100 (folder or .tar.gz; binary or Python batches)",
    sniff,
    read: Reader::Bytes(read),
};

/// Numbers of an image.
const PIXELS: usize = 3 * 32 * 32;
const SHAPE: SampleShape = SampleShape::Image { channels: 3, height: 32, width: 32 };
/// The largest batch there is: CIFAR-100's train part, with file names.
const LARGEST: u64 = 1 << 28;

/// Which file of the set has this name: `Some(true)` for the test part, `Some(false)` for a train batch.
fn part(name: &str) -> Option<bool> {
    let name = name_of(Path::new(name));
    let stem = name.strip_suffix(".bin").unwrap_or(&name);
    match stem {
        "test" | "test_batch" => Some(true),
        "train" => Some(false),
        _ => stem.strip_prefix("data_batch_").and_then(|number| number.parse::<u8>().ok()).map(|_| false),
    }
}

fn sniff(found: &Found) -> bool {
    if found.inside.is_empty() {
        return !found.folder
            && (batch_in_pickle(&found.start) || part(&found.name()).is_some() && records(&found.start, found.length).is_some());
    }
    // `train` and `test` alone are names of many things.
    let batches = found.inside.iter().filter(|name| part(name).is_some());
    let known = |name: &&String| {
        name.contains("_batch")
            || name.ends_with(".bin")
            || name.contains("cifar")
            || found.inside.iter().any(|name| name.ends_with("meta"))
    };
    batches.into_iter().any(|name| known(&name))
}

/// Whether these may be the first bytes of a pickle: of protocol 0, of a dictionary.
fn may_be_pickle(start: &[u8]) -> bool {
    files::is_pickle(start) || start.starts_with(b"(d")
}

/// Whether these are the first bytes of one of Python's batches: the key of its images or labels comes soon.
fn batch_in_pickle(start: &[u8]) -> bool {
    let has = |wanted: &[u8]| start.windows(wanted.len()).any(|bytes| bytes == wanted);
    may_be_pickle(start) && (has(b"batch_label") || has(b"fine_labels") || has(b"labels") || has(b"data"))
}

/// Labels before an image of a binary file, by its first bytes and its length: 1 for CIFAR-10, 2 for CIFAR-100.
fn records(start: &[u8], length: u64) -> Option<usize> {
    let fits = |labels: usize, limits: &[u8]| {
        let record = labels + PIXELS;
        let first = start.get(..labels)?;
        (length > 0 && length.is_multiple_of(record as u64) && first.iter().zip(limits).all(|(label, limit)| label < limit))
            .then_some(labels)
    };
    fits(1, &[10]).or_else(|| fits(2, &[20, 100]))
}

/// A file of the set.
struct Batch {
    name: String,
    test: bool,
    classes: usize,
    labels: Vec<u32>,
    /// N x 3072 bytes.
    pixels: Vec<u8>,
}

fn read(paths: &[PathBuf]) -> Result<Raw, DatasetError> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut numbers = 0;
    for path in paths {
        let single = !files::is_dir(path);
        bundle::each(path, &mut |name, reader| {
            let test = match part(name) {
                Some(test) => test,
                // A file that was named by itself is one of the set, whatever it is called.
                None if single && name == name_of(path) => false,
                None => return Ok(true),
            };
            let bytes = bundle::whole(path, name, reader, LARGEST)?;
            let batch = batch(path, name, test, &bytes)?;
            numbers += batch.pixels.len() as u64;
            if numbers > MAX_NUMBERS {
                return Err(DatasetError::malformed(
                    path,
                    format!("holds more than {MAX_NUMBERS} numbers"),
                    crate::dataset::FEWER,
                ));
            }
            batches.push(batch);
            Ok(true)
        })?;
    }
    let path = paths.first().map_or(Path::new(""), PathBuf::as_path);
    batches.sort_by(|a, b| a.name.cmp(&b.name));
    let Some(classes) = batches.first().map(|batch| batch.classes) else {
        let expected = "data_batch_1 to data_batch_5 and test_batch, or train and test, with or without `.bin`";
        return Err(DatasetError::malformed(path, "holds no batch of CIFAR", expected));
    };
    if let Some(other) = batches.iter().find(|batch| batch.classes != classes) {
        let found = format!("`{}` is of CIFAR-{}, `{}` of CIFAR-{classes}", other.name, other.classes, batches[0].name);
        return Err(DatasetError::malformed(path, found, "batches of one set"));
    }
    let mut notes = Vec::new();
    if classes == 100 {
        notes.push("CIFAR-100: the fine labels are taken (100 classes)".to_owned());
    }
    let numbers: Vec<u8> = batches
        .iter()
        .filter_map(|batch| batch.name.trim_end_matches(".bin").strip_prefix("data_batch_")?.parse().ok())
        .collect();
    let lacking: Vec<String> = (1..=5).filter(|number| !numbers.contains(number)).map(|number| number.to_string()).collect();
    if numbers.len() > 1 && !lacking.is_empty() {
        notes.push(format!("train batch {} of 5 is not there", lacking.join(" and ")));
    }
    let (test, train): (Vec<Batch>, Vec<Batch>) = batches.into_iter().partition(|batch| batch.test);
    let (samples, own_test) = match (train.is_empty(), test.is_empty()) {
        (false, false) => (samples(&train), Some(samples(&test))),
        (false, true) => {
            notes.push("there is no test batch: the test part is taken from train".to_owned());
            (samples(&train), None)
        }
        _ => {
            notes.push("there is the test batch alone: all parts are taken from it".to_owned());
            (samples(&test), None)
        }
    };
    notes.extend(balance_notes(&samples.labels));
    let origin = "bytes 0..255, channels first".to_owned();
    Ok(Raw { shape: SHAPE, classes, samples, own_test, usual_test: None, notes, origin })
}

fn samples(batches: &[Batch]) -> Samples {
    let count = batches.iter().map(|batch| batch.labels.len()).sum::<usize>();
    let mut samples = Samples { pixels: Vec::with_capacity(count * PIXELS), ..Samples::default() };
    for batch in batches {
        samples.pixels.extend(batch.pixels.iter().map(|&pixel| f32::from(pixel) / 255.0));
        samples.labels.extend_from_slice(&batch.labels);
    }
    samples.rows = (0..count as u32).collect();
    samples
}

/// Reads one file of the set, in either form.
fn batch(path: &Path, name: &str, test: bool, bytes: &[u8]) -> Result<Batch, DatasetError> {
    let short = name_of(Path::new(name));
    let (classes, labels, pixels) = match bytes {
        bytes if may_be_pickle(bytes) => from_pickle(bytes),
        _ => from_binary(bytes),
    }
    .map_err(|(found, expected)| DatasetError::malformed(path, format!("`{short}` {found}"), expected))?;
    if let Some((row, label)) = labels.iter().enumerate().find(|(_, label)| **label as usize >= classes) {
        let found = format!("`{short}` holds the label {label} in row {row} (counted from 0)");
        return Err(DatasetError::malformed(path, found, format!("0 to {}", classes - 1)));
    }
    Ok(Batch { name: short, test, classes, labels, pixels })
}

type Parts = (usize, Vec<u32>, Vec<u8>);

fn from_binary(bytes: &[u8]) -> Result<Parts, (String, String)> {
    let expected =
        || "records of 3073 bytes (CIFAR-10: label, image) or 3074 (CIFAR-100: coarse label, fine label, image)".to_owned();
    if let Some(what) = files::what_else(bytes) {
        return Err((what.to_owned(), expected()));
    }
    let Some(of_labels) = records(bytes, bytes.len() as u64) else {
        return Err((format!("has {} bytes", bytes.len()), expected()));
    };
    let records = bytes.chunks_exact(of_labels + PIXELS);
    let labels = records.clone().map(|record| u32::from(record[of_labels - 1])).collect();
    let pixels = records.flat_map(|record| &record[of_labels..]).copied().collect();
    Ok((if of_labels == 1 { 10 } else { 100 }, labels, pixels))
}

fn from_pickle(bytes: &[u8]) -> Result<Parts, (String, String)> {
    let expected = || "a batch of CIFAR: a dictionary with `data` (N x 3072 bytes) and `labels` or `fine_labels`".to_owned();
    let pickle = pickle::read(bytes)
        .map_err(|error| (format!("cannot be read ({error})"), "a whole pickle; fetch it again".to_owned()))?;
    let root = pickle.root();
    let (classes, labels) = match (root.get("fine_labels"), root.get("labels")) {
        (Some(fine), _) => (100, fine),
        (None, Some(labels)) => (10, labels),
        (None, None) => {
            let keys: Vec<&str> = root.pairs().into_iter().filter_map(|(key, _)| key.text()).take(8).collect();
            let found = if keys.is_empty() {
                "is a pickle of something else".to_owned()
            } else {
                format!("has the keys {}", keys.join(", "))
            };
            return Err((found, expected()));
        }
    };
    let labels: Option<Vec<u32>> = match labels.numpy() {
        Some(array) => super::npy::whole_numbers(&array.dtype, &array.bytes),
        None => labels.elements().into_iter().map(|label| label.int().and_then(|label| u32::try_from(label).ok())).collect(),
    };
    let labels = labels.ok_or_else(|| ("has labels that are no whole numbers from 0".to_owned(), expected()))?;
    let array = root.get("data").and_then(pickle::Value::numpy).ok_or_else(|| ("has no array `data`".to_owned(), expected()))?;
    let claimed = array.shape.iter().try_fold(1_u64, |product, &size| product.checked_mul(size));
    let fits = array.dtype == "|u1"
        && array.shape.first() == Some(&(labels.len() as u64))
        && claimed == Some((labels.len() * PIXELS) as u64)
        && array.bytes.len() == labels.len() * PIXELS;
    if !fits || labels.is_empty() {
        let found =
            format!("has `data` of {:?} ({}, {} bytes) for {} labels", array.shape, array.dtype, array.bytes.len(), labels.len());
        return Err((found, expected()));
    }
    // A batch that was put together in Python may run the other way through its numbers.
    let pixels = if array.fortran_order {
        let rows = labels.len();
        (0..rows * PIXELS).map(|index| array.bytes[(index % PIXELS) * rows + index / PIXELS]).collect()
    } else {
        array.bytes.to_vec()
    };
    Ok((classes, labels, pixels))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use tempfile::TempDir;

    use super::*;
    use crate::dataset::formats::found::Found;

    fn folder() -> TempDir {
        tempfile::tempdir().expect("the system gives a folder for temporary files")
    }

    /// Image `number`: its first pixels are its number, the channel, and the rest is 51, a fifth of white.
    fn image(number: u8) -> Vec<u8> {
        let mut image = vec![51; PIXELS];
        for channel in 0..3 {
            image[channel * 1024] = number;
            image[channel * 1024 + 1] = channel as u8;
        }
        image
    }

    fn binary(labels: &[&[u8]], first: u8) -> Vec<u8> {
        let records = labels.iter().zip(first..).flat_map(|(label, number)| [label.to_vec(), image(number)].concat());
        records.collect()
    }

    /// A batch as Python 2 wrote those of CIFAR: protocol 2, `str` for keys and for the bytes of the array.
    fn pickled(key: &str, labels: &[u8], first: u8) -> Vec<u8> {
        let text = |text: &str| [&[b'U', text.len() as u8], text.as_bytes()].concat();
        let pixels: Vec<u8> = (0..labels.len() as u8).flat_map(|number| image(first + number)).collect();
        let listed: Vec<u8> = labels.iter().flat_map(|label| [b'K', *label]).collect();
        let rows = labels.len() as u8;
        [
            b"\x80\x02}q\x01(".to_vec(),
            text("batch_label"),
            text("training batch 1 of 5"),
            text(key),
            b"]q\x05(".to_vec(),
            listed,
            b"e".to_vec(),
            text("data"),
            b"cnumpy.core.multiarray\n_reconstruct\nq\x06cnumpy\nndarray\nq\x07K\x00\x85U\x01b\x87Rq\x08(K\x01".to_vec(),
            [b"K", [rows].as_slice(), b"M\x00\x0c\x86"].concat(),
            b"cnumpy\ndtype\nq\x09U\x02u1K\x00K\x01\x87Rq\x0a(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
                .to_vec(),
            [b"T".as_slice(), &(pixels.len() as u32).to_le_bytes(), &pixels].concat(),
            b"tbu.".to_vec(),
        ]
        .concat()
    }

    fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the temporary folder can be written");
        fs::write(&path, bytes).expect("the temporary folder can be written");
        path
    }

    /// The five train batches, of an image each, and the test batch, of two; as files with their names.
    fn set(pickles: bool) -> Vec<(String, Vec<u8>)> {
        let batch = |labels: &[u8], first| {
            if pickles {
                pickled("labels", labels, first)
            } else {
                binary(&labels.iter().map(std::slice::from_ref).collect::<Vec<_>>(), first)
            }
        };
        let end = if pickles { "" } else { ".bin" };
        let mut files: Vec<_> =
            (1..=5).map(|number| (format!("data_batch_{number}{end}"), batch(&[10 - number], number))).collect();
        files.push((format!("test_batch{end}"), batch(&[3, 0], 100)));
        files.push((format!("batches.meta{}", if pickles { "" } else { ".txt" }), b"(dp0\n.".to_vec()));
        // An archive is in no order.
        files.reverse();
        files
    }

    fn as_expected(raw: &Raw) {
        assert_eq!((raw.shape, raw.classes), (SHAPE, 10));
        assert_eq!(raw.samples.labels, [9, 8, 7, 6, 5]);
        let first: Vec<f32> = raw.samples.pixels.chunks_exact(PIXELS).map(|image| image[0] * 255.0).collect();
        assert_eq!(first, [1.0, 2.0, 3.0, 4.0, 5.0]);
        // The second pixel is the channel's number, the third a fifth.
        assert_eq!([1, 1025, 2049, 2].map(|place| raw.samples.pixels[place]), [0.0, 1.0 / 255.0, 2.0 / 255.0, 0.2]);
        let test = raw.own_test.as_ref().expect("there is a test batch");
        assert_eq!((test.labels.as_slice(), test.pixels[PIXELS] * 255.0), ([3, 0].as_slice(), 101.0));
    }

    #[test]
    fn a_folder_and_an_archive_of_either_form_give_the_same() {
        for pickles in [false, true] {
            let dir = folder();
            let inside = dir.path().join("cifar");
            set(pickles).iter().for_each(|(name, bytes)| drop(write(&inside, name, bytes)));
            let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
            for (name, bytes) in set(pickles) {
                let mut header = tar::Header::new_gnu();
                header.set_size(bytes.len() as u64);
                header.set_mode(0o644);
                tar.append_data(&mut header, format!("cifar-10/{name}"), bytes.as_slice()).expect("a vector takes every byte");
            }
            let packed = tar.into_inner().and_then(flate2::write::GzEncoder::finish).expect("a vector takes every byte");
            let archive = write(dir.path(), "cifar-10.tar.gz", &packed);
            for path in [inside, archive.clone()] {
                assert!(sniff(&Found::at(&path).expect("it is there")), "{}", path.display());
                as_expected(&read(&[path]).expect("the set is whole"));
            }
            // Half of the download.
            fs::write(&archive, &packed[..packed.len() / 2]).expect("the temporary folder can be written");
            let error = read(&[archive]).expect_err("the archive is torn").to_string();
            assert!(error.contains("breaks off") && error.contains("fetch it again"), "{error}");
        }
    }

    #[test]
    fn cifar_100_has_fine_labels_in_either_form() {
        for (end, train, test) in [
            (".bin", binary(&[&[3, 99], &[19, 0]], 1), binary(&[&[0, 7]], 9)),
            ("", pickled("fine_labels", &[99, 0], 1), pickled("fine_labels", &[7], 9)),
        ] {
            let dir = folder();
            write(dir.path(), &format!("train{end}"), &train);
            write(dir.path(), &format!("test{end}"), &test);
            write(dir.path(), "meta", b"(dp0\n.");
            assert!(sniff(&Found::at(dir.path()).expect("it is there")));
            let raw = read(&[dir.path().to_owned()]).expect("the set is whole");
            assert_eq!((raw.classes, raw.samples.labels.as_slice()), (100, [99, 0].as_slice()), "{end}");
            assert_eq!(raw.own_test.map(|test| test.labels), Some(vec![7]));
            assert!(raw.notes.iter().any(|note| note.contains("fine labels")), "{:?}", raw.notes);
        }
    }

    #[test]
    fn what_lacks_is_told_and_one_batch_is_enough() {
        let dir = folder();
        let batch = write(dir.path(), "data_batch_2.bin", &binary(&[&[1], &[2]], 1));
        assert!(sniff(&Found::at(&batch).expect("it is there")));
        let raw = read(std::slice::from_ref(&batch)).expect("the batch is whole");
        assert_eq!((raw.samples.len(), raw.own_test), (2, None));
        write(dir.path(), "data_batch_4.bin", &binary(&[&[1]], 1));
        let raw = read(&[dir.path().to_owned()]).expect("the batches are whole");
        let notes = raw.notes.join("; ");
        assert!(notes.contains("1 and 3 and 5 of 5") && notes.contains("no test batch"), "{notes}");
    }

    #[test]
    fn what_is_no_batch_is_named() {
        let dir = folder();
        let refusal = |bytes: &[u8]| read(&[write(dir.path(), "test_batch", bytes)]).expect_err("it is broken").to_string();
        assert!(refusal(&binary(&[&[1]], 0)[1..]).contains("has 3072 bytes"));
        assert!(refusal(b"<!DOCTYPE html>").contains("web page"));
        assert!(refusal(b"\x80\x02}U\x04nameU\x01xs.").contains("the keys name"));
        assert!(
            refusal(b"\x80\x02]U\x04name").contains("breaks off") || refusal(b"\x80\x02]U\x04name").contains("cannot be read")
        );
        assert!(refusal(&pickled("labels", &[1, 10], 0)).contains("label 10 in row 1"));
        let mut short = pickled("labels", &[1], 0);
        // One row is claimed where two labels are.
        let at = short.windows(3).position(|bytes| bytes == b"K\x01e").expect("the label is there");
        short.splice(at..at, *b"K\x02");
        assert!(refusal(&short).contains("for 2 labels"), "{}", refusal(&short));
        let empty = folder();
        fs::File::create(empty.path().join("readme"))
            .and_then(|mut file| file.write_all(b"x"))
            .expect("the temporary folder can be written");
        assert!(read(&[empty.path().to_owned()]).expect_err("nothing is there").to_string().contains("no batch of CIFAR"));
    }
}
