//! The fixtures are what pyarrow wrote: see `tests/fixtures/make.py`.

use std::fs;

use super::*;
use crate::dataset::{SampleShape, formats::Format};

/// A fixture, embedded.
macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../../../tests/fixtures/parquet/", $name, ".parquet")).as_slice()
    };
}

fn folder(there: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("the system gives a folder for temporary files");
    for (name, bytes) in there {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the temporary folder can be written");
        fs::write(path, bytes).expect("the temporary folder can be written");
    }
    dir
}

fn read_bytes(bytes: &[u8]) -> Result<Raw, DatasetError> {
    let dir = folder(&[("some.parquet", bytes)]);
    read(&dir.path().join("some.parquet"))
}

/// Red, green and blue of a pixel of picture `number`, as the script that made them says.
fn expected(number: usize, row: usize, column: usize) -> [f32; 3] {
    [40 * number + row, 10 * column, 255 - number].map(|byte| byte as f32 / 255.0)
}

fn is_right(raw: &Raw) {
    assert_eq!(raw.shape, SampleShape::Image { channels: 3, height: 4, width: 3 });
    assert_eq!((raw.samples.labels.as_slice(), raw.classes), ([0, 1, 2, 0, 1, 2].as_slice(), 3));
    for (number, pixels) in raw.samples.pixels.chunks_exact(36).enumerate() {
        for place in 0..12 {
            let here = [pixels[place], pixels[12 + place], pixels[24 + place]];
            assert_eq!(here, expected(number, place / 3, place % 3), "picture {number}, place {place}");
        }
    }
}

#[test]
fn every_way_in_which_a_file_is_packed_gives_the_same_pictures_and_labels() {
    for (bytes, name) in [
        (fixture!("snappy"), "two groups of rows, Snappy"),
        (fixture!("plain"), "no dictionaries, no compression"),
        (fixture!("gzip-v2"), "pages of version 2, gzip"),
        (fixture!("zstd-small-pages"), "a page for every row, Zstandard"),
    ] {
        let raw = read_bytes(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        is_right(&raw);
        assert!(raw.notes.iter().any(|note| note.contains("as the file names them: 0 ant, 1 bee, 2 cat")), "{:?}", raw.notes);
    }
    let hundred = read_bytes(fixture!("cifar100")).expect("the file is whole");
    is_right(&hundred);
    assert!(hundred.notes.iter().any(|note| note.contains("labels in `coarse_label` are left out")), "{:?}", hundred.notes);
}

#[test]
fn the_files_of_a_set_find_each_other() {
    let (train, test) = (fixture!("snappy"), fixture!("plain"));
    let dir = folder(&[
        ("plain_text/train-00000-of-00002.parquet", train),
        ("plain_text/train-00001-of-00002.parquet", train),
        ("plain_text/test-00000-of-00001.parquet", test),
    ]);
    for path in [dir.path().to_owned(), dir.path().join("plain_text/train-00000-of-00002.parquet")] {
        let found = Format::of(std::slice::from_ref(&path)).expect("it is Parquet");
        assert_eq!(found.name, "parquet");
        let raw = read(&path).expect("the set is whole");
        assert_eq!((raw.samples.len(), raw.own_test.as_ref().map(Samples::len)), (12, Some(6)));
        assert!(raw.notes.iter().any(|note| note.contains("2 of train, 1 of test")), "{:?}", raw.notes);
    }
    let alone = read(&dir.path().join("plain_text/test-00000-of-00001.parquet")).expect("the file is whole");
    assert_eq!((alone.samples.len(), alone.own_test), (6, None));
}

#[test]
fn what_cannot_be_read_says_what_and_where() {
    let refusal = |bytes: &[u8]| read_bytes(bytes).map(|raw| raw.origin).expect_err("it cannot be read").to_string();
    for (bytes, said) in [
        (fixture!("brotli"), "packed with Brotli; Snappy, gzip"),
        (fixture!("delta"), "writes `label` in an encoding that is not read here (number 5"),
        (fixture!("sizes"), "the picture in row 4 of train has 2 x 3 pixels"),
        (fixture!("holes"), "has no `label` in row 2"),
        (fixture!("words"), "its columns are `text`, `score`"),
        (b"PAR1", "breaks off"),
        (b"PAR1\xff\xff\xff\x7fPAR1", "breaks off"),
    ] {
        let error = refusal(bytes);
        assert!(error.contains(said), "{error}");
    }
    let whole = fixture!("plain");
    for end in 4..whole.len() {
        assert!(read_bytes(&whole[..end]).is_err(), "cut at {end}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_file_with_wrong_bytes_is_refused_or_read_and_never_panics(
        which in 0_usize..4, wrong in proptest::collection::vec((0.0_f64..1.0, proptest::prelude::any::<u8>()), 1..4),
    ) {
        let mut bytes = [fixture!("snappy"), fixture!("plain"), fixture!("gzip-v2"), fixture!("zstd-small-pages")][which].to_vec();
        for (part, byte) in wrong {
            let place = (part * bytes.len() as f64) as usize;
            bytes[place] = byte;
        }
        let _ = read_bytes(&bytes);
    }
}
