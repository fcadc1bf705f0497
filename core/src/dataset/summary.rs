//! A summary of data before any work starts: one line of text, and the samples of a contact sheet.

use super::{DatasetError, Raw, Request, SampleShape, Samples, raw};

/// The summary of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// Count, shape, layout and range in the source, classes and their balance, in one line.
    pub line: String,
    /// Conversions of the numbers, and their peculiarities; a sentence each.
    pub notes: Vec<String>,
    /// The shape of a sample.
    pub shape: SampleShape,
    /// How many classes.
    pub classes: usize,
    /// The number of samples per class, including the test part.
    pub per_class: Vec<usize>,
    /// The samples, or those of the train part.
    pub samples: Samples,
    /// The size of the source's own test part.
    pub own_test: Option<usize>,
}

/// Reads a source without splitting it.
///
/// # Errors
/// As [`super::load`].
pub fn inspect(request: &Request) -> Result<Inspection, DatasetError> {
    let raw = raw(request)?;
    let line = line(&raw);
    let per_class = per_class(&raw);
    let own_test = raw.own_test.as_ref().map(Samples::len);
    let Raw { shape, classes, samples, notes, .. } = raw;
    Ok(Inspection { line, notes, shape, classes, per_class, samples, own_test })
}

fn per_class(raw: &Raw) -> Vec<usize> {
    let mut counts = vec![0; raw.classes];
    let labels = raw.samples.labels.iter().chain(raw.own_test.iter().flat_map(|test| &test.labels));
    labels.for_each(|&label| counts[label as usize] += 1);
    counts
}

/// What a source yields, in one line.
pub(super) fn line(raw: &Raw) -> String {
    let count = match &raw.own_test {
        Some(test) => format!("{} samples and {} of a test part", raw.samples.len(), test.len()),
        None => format!("{} samples", raw.samples.len()),
    };
    let (low, high) =
        raw.samples.pixels.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
    let counts = per_class(raw);
    let (least, most) = (counts.iter().min().copied().unwrap_or(0), counts.iter().max().copied().unwrap_or(0));
    let balance = if least == most { format!("{most} of each") } else { format!("{least} to {most} of each") };
    format!("{count}, {} ({}), from {low:.3} to {high:.3}; {} classes, {balance}", raw.shape, raw.origin, raw.classes)
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    use super::*;

    #[test]
    fn one_line_has_count_shape_range_classes_and_balance() {
        let plan = Settings::default().with("data", "digits").checked().expect("digits are there");
        let digits = inspect(&plan.request).expect("digits are there");
        let expected = "1797 samples, 64 (ink 0..16, rows), from 0.000 to 1.000; 10 classes, 174 to 183 of each";
        assert_eq!(digits.line, expected);
        assert_eq!((digits.per_class.iter().sum::<usize>(), digits.own_test), (1797, None));
        let moons = Settings { points: 100, ..Settings::default() }.checked().expect("moons are there");
        let moons = inspect(&moons.request).expect("moons are there");
        assert!(moons.line.starts_with("100 samples and 1000 of a test part, 2 (points of a plane)"), "{}", moons.line);
        assert!(moons.line.ends_with("2 classes, 550 of each"), "{}", moons.line);
    }
}
