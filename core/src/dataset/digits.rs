//! The handwritten digits inside the program: 1,797 images of 8 x 8 pixels in 10 classes.
//!
//! The file travels in the binary, so that a first run needs neither a download nor a path, on the web either.

use std::{io::Read as _, path::Path};

use flate2::read::GzDecoder;

use super::{DatasetError, Raw, SampleShape, Samples};

/// Whose data this is and under which licence; to be shown wherever the digits are.
pub const ATTRIBUTION: &str = "Digits: \"Optical Recognition of Handwritten Digits\" (test part), E. Alpaydin and C. Kaynak, \
     UCI Machine Learning Repository, CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/); pixels divided by 16.";

const FILE: &[u8] = include_bytes!("../../data/digits.csv.gz");

/// Pixels of one digit.
const PIXELS: usize = 64;

/// The ink of a pixel that is all black in the source.
const FULL_INK: u8 = 16;

const CLASSES: usize = 10;

/// Reads the digits: shape `Flat(64)`, because 8 x 8 pixels are what a multi-layer perceptron takes; pixels in [0, 1].
pub(crate) fn read() -> Result<Raw, DatasetError> {
    read_from(FILE)
}

fn read_from(file: &[u8]) -> Result<Raw, DatasetError> {
    let malformed =
        |found: String, expected: &str| DatasetError::malformed(Path::new("the digits inside the program"), found, expected);
    let mut text = String::new();
    GzDecoder::new(file)
        .read_to_string(&mut text)
        .map_err(|cause| malformed(format!("cannot be decompressed ({cause})"), "gzip-compressed text"))?;
    let mut samples = Samples::default();
    for (row, line) in text.lines().enumerate() {
        let values: Option<Vec<u8>> = line.split(',').map(|value| value.parse().ok()).collect();
        let digit = values.as_deref().and_then(<[u8]>::split_last).filter(|&(&label, pixels)| {
            usize::from(label) < CLASSES && pixels.len() == PIXELS && pixels.iter().all(|&ink| ink <= FULL_INK)
        });
        let Some((&label, pixels)) = digit else {
            return Err(malformed(format!("row {row} is `{line}`"), "64 integers from 0 to 16 and a class from 0 to 9"));
        };
        samples.pixels.extend(pixels.iter().map(|&ink| f32::from(ink) / f32::from(FULL_INK)));
        samples.labels.push(u32::from(label));
        samples.rows.push(row as u32);
    }
    if samples.is_empty() {
        return Err(malformed("there are no rows".to_owned(), "at least one"));
    }
    Ok(Raw {
        shape: SampleShape::Flat(PIXELS),
        classes: CLASSES,
        samples,
        own_test: None,
        usual_test: Some(360),
        notes: Vec::new(),
        origin: "ink 0..16, rows".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).expect("a vector takes every byte");
        encoder.finish().expect("a vector takes every byte")
    }

    #[test]
    fn the_digits_are_the_1797_of_the_source() {
        let raw = read().expect("the embedded file is whole");
        assert_eq!(raw.shape, SampleShape::Flat(64));
        assert_eq!(raw.samples.len(), 1797);
        assert_eq!(raw.samples.pixels.len(), 1797 * 64);
        assert_eq!(raw.samples.labels.first(), Some(&0));
        assert_eq!(raw.samples.labels.last(), Some(&8));
        assert_eq!(raw.samples.rows, (0..1797).collect::<Vec<u32>>());
        let mut of_class = [0; CLASSES];
        for &label in &raw.samples.labels {
            of_class[label as usize] += 1;
        }
        assert_eq!(of_class, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    }

    #[test]
    fn ink_16_becomes_1_and_ink_5_five_sixteenths() {
        let raw = read().expect("the embedded file is whole");
        assert_eq!(raw.samples.pixels[..5], [0.0, 0.0, 0.3125, 0.8125, 0.5625]);
        assert!(raw.samples.pixels.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
        assert!(raw.samples.pixels.contains(&1.0));
    }

    #[test]
    fn a_broken_row_is_named() {
        let row = |pixel: &str, label: &str| format!("{}{label}\n", format!("{pixel},").repeat(64));
        assert!(read_from(&gzip(&row("16", "9"))).is_ok());
        for broken in [row("17", "9"), row("16", "10"), row("-1", "9"), row("x", "9"), "1,2,3\n".to_owned()] {
            let error = read_from(&gzip(&(row("0", "0") + &broken))).expect_err("the second row is broken");
            assert!(error.to_string().contains("row 1"), "{error}");
        }
    }

    #[test]
    fn a_file_without_rows_or_without_gzip_is_refused() {
        assert!(read_from(&gzip("")).is_err());
        assert!(read_from(b"0,0,5,13").is_err());
    }
}
