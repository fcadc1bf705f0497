//! What NumPy writes is read, and what is written NumPy reads.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{
    reader::{open_array, read},
    writer::{floats, npy_header},
    *,
};
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::dataset::{DataRange, DatasetError, SampleShape, Samples};

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
        let raw =
            read(&zip(&dir, method, &[("x", x()), ("y", y()), ("more", vec![])]), &DataRange::Auto).expect("the file is whole");
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
    let (shape, samples, classes) = read_from(&[("x", images), ("y", npy("|i1", "(2,)", &[0, 0]))]).expect("the file is whole");
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
    let [none, many] = ["at least one number", "at most 2147483648 numbers"];
    for (shape, expected) in [("(0, 2)", none), ("(4, 0)", none), ("(65536, 65537)", many), ("(4294967296, 4294967296)", many)] {
        let error = refusal(npy("|u1", shape, &[0; 8]), y());
        assert!(error.contains("the header of `x` claims") && error.contains(expected), "{error}");
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
        (npy_with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", &[]), "not understood"),
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
        labels: vec![2, 0, 1],
        kappa: vec![0, 4, 10],
        first_hit: vec![0, 4, u32::MAX],
        broken: vec![true, true, false],
        margin_natural: vec![-1.5, 0.25, 3.0],
        margin_adversarial: vec![-2.5, -0.125, 0.5],
    }
}

/// The type, the shape and the bytes of an array.
fn array(path: &Path, name: &str) -> (String, Vec<u64>, Vec<u8>) {
    let mut archive = reader::open_archive(path).expect("an archive");
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
        [(SampleShape::Flat(5), vec![3, 5]), (SampleShape::Image { channels: 3, height: 2, width: 1 }, vec![3, 3, 2, 1])]
    {
        let dir = folder();
        let path = dir.path().join("examples.npz");
        let written = examples(shape);
        write_adversarial(&path, &written).expect("the temporary folder can be written");
        let archive = ZipArchive::new(File::open(&path).expect("the file was just written")).expect("the file is an archive");
        let mut names: Vec<String> =
            archive.file_names().flatten().filter_map(|name| name.strip_suffix(".npy").map(str::to_owned)).collect();
        names.sort_unstable();
        assert_eq!(names, ["broken", "first_hit", "kappa", "margin_adversarial", "margin_natural", "x_adv", "y"]);
        let three = |dtype: &str, bytes: Vec<u8>| (dtype.to_owned(), vec![3], bytes);
        assert_eq!(array(&path, "x_adv"), ("<f4".to_owned(), sizes, bytes_of(&written.x_adv)));
        assert_eq!(array(&path, "y"), three("<u4", vec![2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]));
        // What an attack wrote is data again.
        let raw = read(&path, &DataRange::Auto).expect("the file is whole");
        assert_eq!(
            (raw.shape, raw.samples.pixels.as_slice(), raw.samples.labels),
            (shape, written.x_adv.as_slice(), vec![2, 0, 1])
        );
        assert!(raw.notes.join("; ").contains("`x_adv` and `y`"), "{:?}", raw.notes);
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

#[test]
fn a_test_part_and_other_names_are_found() {
    let dir = folder();
    for names in [["x_train", "y_train", "x_test", "y_test"], ["train_images", "train_labels", "test_images", "test_labels"]] {
        let arrays = [(names[0], x()), (names[1], y()), (names[2], x()), (names[3], npy("|u1", "(4,)", &[0, 4, 0, 0]))];
        let raw = read(&zip(&dir, CompressionMethod::Deflated, &arrays), &DataRange::Auto).expect("the file is whole");
        assert_eq!((raw.samples.labels, raw.classes), (vec![0, 1, 2, 1], 5));
        assert_eq!(raw.own_test.map(|test| test.labels), Some(vec![0, 4, 0, 0]));
        assert!(raw.notes.join("; ").contains(names[0]), "{:?}", raw.notes);
    }
    let other = npy("<f4", "(4, 1)", &floats(&[0.0; 4]));
    let arrays = [("x_train", x()), ("y_train", y()), ("x_test", other), ("y_test", y())];
    let error =
        read(&zip(&dir, CompressionMethod::Stored, &arrays), &DataRange::Auto).expect_err("the shapes differ").to_string();
    assert!(error.contains("`x_test` holds samples of 1") && error.contains("samples of 2"), "{error}");
}

#[test]
fn numbers_of_another_range_are_brought_back_where_it_is_said() {
    let dir = folder();
    let images = npy("<f4", "(2, 2, 1, 2)", &floats(&[-1.0, 1.0, 0.0, 0.5, 1.0, -0.5, -1.0, 0.0]));
    let path = zip(&dir, CompressionMethod::Stored, &[("x", images), ("y", npy("|u1", "(2,)", &[0, 1]))]);
    let refused = read(&path, &DataRange::Auto).expect_err("they are no pixels").to_string();
    assert!(refused.contains("--data-range=-1..1"), "{refused}");
    let raw = read(&path, &DataRange::Symmetric).expect("they run from -1 to 1");
    assert_eq!(raw.samples.pixels, [0.0, 1.0, 0.5, 0.75, 1.0, 0.25, 0.0, 0.5]);
    assert!(raw.notes.join("; ").contains("brought back to [0, 1]: (x + 1) / 2"), "{:?}", raw.notes);
    // The first channel x / 2 + 1 / 2, the second x / 4 + 1 / 4.
    let range = DataRange::Normalised { mean: vec![0.5, 0.25], std: vec![0.5, 0.25] };
    let raw = read(&path, &range).expect("they were normalised so");
    assert_eq!(raw.samples.pixels, [0.0, 1.0, 0.25, 0.375, 1.0, 0.25, 0.0, 0.25]);
    let wrong = DataRange::Normalised { mean: vec![0.5], std: vec![2.0] };
    let refused = read(&path, &wrong).expect_err("they were not normalised so").to_string();
    assert!(refused.contains("`x` holds -1.5 at sample 0"), "{refused}");
}
