//! The train, validation and test parts.
//!
//! The split first chooses indices by labels and then copies the samples. Every part keeps the order of its source.

use std::{fmt, str::FromStr};

use super::{Dataset, DatasetError, Raw, Request, Source};
use crate::random::{Purpose, Stream};

/// The test part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TestPart {
    /// The source's default: its own test files, the last 360 digits, 1,000 fresh points, else the last fifth.
    Auto,
    /// A count of samples: fresh points, the first of the source's own test part, else the last rows.
    Count(usize),
    /// A share in [0, 1): of `points` as fresh points, of the source's own test part (its first samples), else the last rows.
    Fraction(f64),
    /// A share in [0, 1), drawn at random with every class in proportion, from the source's own test part if it has one.
    Stratified(f64),
}

/// The validation part, drawn at random from train with every class in proportion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValidationPart {
    /// A count of samples; 0 for none.
    Count(usize),
    /// A share of train in [0, 1).
    Fraction(f64),
}

impl FromStr for TestPart {
    type Err = String;

    /// Reads `auto`, `2000`, `0.2`, `stratified:0.2`.
    fn from_str(text: &str) -> Result<Self, String> {
        let part = match text.split_once(':') {
            None if text == "auto" => Some(Self::Auto),
            None => text.parse::<usize>().ok().map(Self::Count).or_else(|| fraction(text).map(Self::Fraction)),
            Some(("stratified", share)) => fraction(share).map(Self::Stratified),
            Some(_) => None,
        };
        part.ok_or_else(|| {
            format!(
                "`{text}` is no test part: expected `auto`, a number of samples (`2000`), a share below 1 (`0.2`) \
                 or a drawn share (`stratified:0.2`)"
            )
        })
    }
}

impl fmt::Display for TestPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Count(count) => write!(f, "{count}"),
            // Debug keeps the point of `0.0`, which tells a share from a count.
            Self::Fraction(share) => write!(f, "{share:?}"),
            Self::Stratified(share) => write!(f, "stratified:{share:?}"),
        }
    }
}

impl FromStr for ValidationPart {
    type Err = String;

    /// Reads `0`, `500`, `0.1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let part = text.parse::<usize>().ok().map(Self::Count).or_else(|| fraction(text).map(Self::Fraction));
        part.ok_or_else(|| {
            format!(
                "`{text}` is no validation part: expected a number of samples (`500`, `0` for none) or a share below 1 (`0.1`)"
            )
        })
    }
}

impl fmt::Display for ValidationPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Fraction(share) => write!(f, "{share:?}"),
        }
    }
}

fn fraction(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|share| (0.0..1.0).contains(share))
}

/// The rounded fraction of `total` samples.
pub(super) fn share(fraction: f64, total: usize) -> usize {
    // The cast turns a negative number or NaN into 0 and caps a huge one; the callers refuse both by the count.
    (fraction * total as f64).round() as usize
}

/// Splits a source.
///
/// The test part comes first: the source's own if it has one, else the last rows or a stratified draw. Validation is then drawn from the
/// rest, and train keeps what remains.
///
/// # Errors
/// [`DatasetError::Split`] if a part is larger than the rest, the test part is empty, or train keeps nothing.
pub(crate) fn split(raw: Raw, request: &Request) -> Result<Dataset, DatasetError> {
    let sample_len = raw.shape.len();
    let about = super::summary::line(&raw);
    let labels = &raw.samples.labels;
    let all: Vec<usize> = (0..labels.len()).collect();
    let (rest, test) = match raw.own_test {
        // Generated test points are already as many as asked for.
        Some(own) if matches!(request.source, Source::Toy(_)) => (all, own),
        Some(own) => {
            let indices = own_test_indices(&own.labels, request)?;
            (all, if indices.len() == own.len() { own } else { own.select(&indices, sample_len) })
        }
        None => {
            let indices = test_indices(labels, raw.usual_test, request)?;
            (without(&all, &indices), raw.samples.select(&indices, sample_len))
        }
    };
    let validation = validation_indices(labels, &rest, request)?;
    Ok(Dataset {
        source: request.source.clone(),
        shape: raw.shape,
        classes: raw.classes,
        train: raw.samples.select(&without(&rest, &validation), sample_len),
        validation: raw.samples.select(&validation, sample_len),
        test,
        notes: raw.notes,
        about,
    })
}

/// The epoch in the key of a draw: the two parts never share a number.
#[derive(Clone, Copy)]
enum Draw {
    Test = 0,
    Validation = 1,
}

/// The indices of the test part in a source without one of its own.
fn test_indices(labels: &[u32], usual: Option<usize>, request: &Request) -> Result<Vec<usize>, DatasetError> {
    let total = labels.len();
    let count = match request.test {
        TestPart::Auto => usual.unwrap_or_else(|| share(0.2, total)),
        TestPart::Count(count) => count,
        TestPart::Fraction(fraction) | TestPart::Stratified(fraction) => share(fraction, total),
    };
    if !(1..total).contains(&count) {
        let expected = match total {
            0 | 1 => "a source of at least 2 samples, one for train and one for test".to_owned(),
            _ => format!("1 to {} (train keeps at least one)", total - 1),
        };
        let found = match request.test {
            TestPart::Auto => format!("{total} samples, of which the usual test part would be {count}"),
            _ => format!("{count} of {total} samples asked for"),
        };
        return Err(DatasetError::Split { setting: "test", found, expected });
    }
    Ok(match request.test {
        TestPart::Stratified(_) => stratified(labels, &(0..total).collect::<Vec<_>>(), count, request.seed, Draw::Test),
        _ => (total - count..total).collect(),
    })
}

/// The indices of the test part in the source's own test part.
fn own_test_indices(labels: &[u32], request: &Request) -> Result<Vec<usize>, DatasetError> {
    let total = labels.len();
    let count = match request.test {
        TestPart::Auto => total,
        TestPart::Count(count) => count,
        TestPart::Fraction(fraction) | TestPart::Stratified(fraction) => share(fraction, total),
    };
    if !(1..=total).contains(&count) {
        let found = format!("{count} of the source's own {total} test samples asked for");
        return Err(DatasetError::Split { setting: "test", found, expected: format!("1 to {total}") });
    }
    Ok(match request.test {
        TestPart::Stratified(_) => stratified(labels, &(0..total).collect::<Vec<_>>(), count, request.seed, Draw::Test),
        _ => (0..count).collect(),
    })
}

/// The indices of the validation part, drawn from the indices `rest` that the test part left.
fn validation_indices(labels: &[u32], rest: &[usize], request: &Request) -> Result<Vec<usize>, DatasetError> {
    let total = rest.len();
    let count = match request.validation {
        ValidationPart::Count(count) => count,
        ValidationPart::Fraction(fraction) => share(fraction, total),
    };
    if count >= total {
        let found = format!("{count} of {total} train samples asked for");
        let expected = match total {
            0 => "a source with train samples".to_owned(),
            _ => format!("0 to {} (train keeps at least one)", total - 1),
        };
        return Err(DatasetError::Split { setting: "validation", found, expected });
    }
    Ok(stratified(labels, rest, count, request.seed, Draw::Validation))
}

/// `count` of the indices `among` (ascending), drawn with every class in proportion, ascending.
///
/// Each class gives its exact share rounded down; the remaining samples go to the classes with the largest remainders, the
/// lower class first where these are equal. `count` must not exceed `among.len()`.
fn stratified(labels: &[u32], among: &[usize], count: usize, seed: u64, draw: Draw) -> Vec<usize> {
    let mut of_class: Vec<Vec<usize>> =
        vec![Vec::new(); among.iter().map(|&index| labels[index] as usize + 1).max().unwrap_or(0)];
    for &index in among {
        of_class[labels[index] as usize].push(index);
    }
    let sizes: Vec<usize> = of_class.iter().map(Vec::len).collect();
    let mut drawn = Vec::with_capacity(count);
    for (class, (mut indices, quota)) in of_class.into_iter().zip(quotas(&sizes, count)).enumerate() {
        Stream::new(seed, Purpose::Split, draw as u64, class as u64).shuffle(&mut indices);
        drawn.extend(indices.into_iter().take(quota));
    }
    drawn.sort_unstable();
    drawn
}

/// The share of each class in `count`, by largest remainder.
fn quotas(sizes: &[usize], count: usize) -> Vec<usize> {
    let total = sizes.iter().sum::<usize>().max(1);
    // 128 bits hold every product of two sizes.
    let exact = |size: usize| (count as u128 * size as u128, total as u128);
    let mut quotas: Vec<usize> =
        sizes.iter().map(|&size| exact(size)).map(|(product, total)| (product / total) as usize).collect();
    let mut by_remainder: Vec<usize> = (0..sizes.len()).collect();
    // The sort is stable: equal remainders stay in the order of the classes.
    by_remainder.sort_by_key(|&class| {
        let (product, total) = exact(sizes[class]);
        std::cmp::Reverse(product % total)
    });
    let missing = count - quotas.iter().sum::<usize>();
    for class in by_remainder.into_iter().take(missing) {
        quotas[class] += 1;
    }
    quotas
}

/// The indices of `all` that are not in `taken`; both ascending.
fn without(all: &[usize], taken: &[usize]) -> Vec<usize> {
    let mut taken = taken.iter().peekable();
    all.iter().copied().filter(|index| taken.next_if_eq(&index).is_none()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::{DataRange, SampleShape, Samples, Toy};

    fn samples(labels: &[u32]) -> Samples {
        // The pixel of a sample is its row: a part that mixes up samples shows.
        let rows: Vec<u32> = (0..labels.len() as u32).collect();
        Samples { pixels: rows.iter().map(|&row| row as f32).collect(), labels: labels.to_vec(), rows }
    }

    fn raw(labels: &[u32], own_test: Option<&[u32]>, usual_test: Option<usize>) -> Raw {
        Raw {
            shape: SampleShape::Flat(1),
            classes: 5,
            samples: samples(labels),
            own_test: own_test.map(samples),
            usual_test,
            notes: Vec::new(),
            origin: "numbers 0..1".to_owned(),
        }
    }

    fn request(test: TestPart, validation: ValidationPart) -> Request {
        Request { source: Source::Digits, range: DataRange::Auto, points: 0, noise: 0.0, seed: 7, test, validation }
    }

    /// The rows of train, validation and test.
    fn rows(raw: Raw, test: TestPart, validation: ValidationPart) -> Result<[Vec<u32>; 3], DatasetError> {
        split(raw, &request(test, validation)).map(|dataset| [dataset.train.rows, dataset.validation.rows, dataset.test.rows])
    }

    const NO_VALIDATION: ValidationPart = ValidationPart::Count(0);

    #[test]
    fn texts_are_read_back() {
        for text in ["auto", "2000", "0.2", "stratified:0.2", "0", "1", "0.0"] {
            assert_eq!(text.parse::<TestPart>().map(|part| part.to_string()), Ok(text.to_owned()));
        }
        for text in ["0", "1", "500", "0.1", "0.0"] {
            assert_eq!(text.parse::<ValidationPart>().map(|part| part.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_whole_number_is_a_count_and_a_number_with_a_point_a_share() {
        assert_eq!("1".parse(), Ok(TestPart::Count(1)));
        assert_eq!("0.5".parse(), Ok(TestPart::Fraction(0.5)));
        assert_eq!("0".parse(), Ok(ValidationPart::Count(0)));
        assert_eq!("1".parse(), Ok(ValidationPart::Count(1)));
        assert_eq!("0.1".parse(), Ok(ValidationPart::Fraction(0.1)));
    }

    #[test]
    fn a_share_outside_0_to_1_is_refused() {
        for text in ["1.0", "-0.1", "-1", "NaN", "inf", "stratified:1", "stratified:2.5", "stratified:", "half", "", "auto:1"] {
            assert!(text.parse::<TestPart>().is_err(), "{text}");
        }
        for text in ["1.0", "-0.1", "-1", "NaN", "auto", "stratified:0.1", ""] {
            assert!(text.parse::<ValidationPart>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_test_part_is_the_last_rows() {
        let labels = [0; 10];
        for (test, first) in [(TestPart::Auto, 8), (TestPart::Count(3), 7), (TestPart::Fraction(0.25), 7)] {
            let parts = rows(raw(&labels, None, None), test, NO_VALIDATION).expect("the parts fit");
            let expected: [Vec<u32>; 3] = [(0..first).collect(), Vec::new(), (first..10).collect()];
            assert_eq!(parts, expected, "{test}");
        }
    }

    #[test]
    fn the_usual_test_part_wins_over_the_fifth_and_a_count_wins_over_both() {
        let test_rows = |test| rows(raw(&[0; 10], None, Some(4)), test, NO_VALIDATION).expect("the parts fit")[2].clone();
        assert_eq!(test_rows(TestPart::Auto), [6, 7, 8, 9]);
        assert_eq!(test_rows(TestPart::Count(1)), [9]);
    }

    #[test]
    fn a_source_s_own_test_part_gives_its_first_samples() {
        let own = [0, 1, 0, 1];
        let parts = |test| rows(raw(&[0, 1, 0], Some(&own), None), test, NO_VALIDATION).expect("the parts fit");
        assert_eq!(parts(TestPart::Auto), [vec![0, 1, 2], vec![], vec![0, 1, 2, 3]]);
        assert_eq!(parts(TestPart::Count(3)), [vec![0, 1, 2], vec![], vec![0, 1, 2]]);
        assert_eq!(parts(TestPart::Fraction(0.5)), [vec![0, 1, 2], vec![], vec![0, 1]]);
        let drawn = parts(TestPart::Stratified(0.5))[2].clone();
        assert_eq!(drawn.iter().filter(|&&row| own[row as usize] == 0).count(), 1);
        assert_eq!(drawn.len(), 2);
    }

    #[test]
    fn generated_test_points_are_taken_whole() {
        let mut request = request(TestPart::Fraction(0.5), NO_VALIDATION);
        request.source = Source::Toy(Toy::Moons);
        let dataset = split(raw(&[0, 1, 0, 1], Some(&[0, 1]), None), &request).expect("the parts fit");
        assert_eq!(dataset.test.len(), 2);
        assert_eq!(dataset.train.len(), 4);
    }

    #[test]
    fn a_test_part_that_leaves_nothing_or_holds_nothing_is_refused_with_the_numbers() {
        for (test, own) in [
            (TestPart::Count(0), None),
            (TestPart::Count(4), None),
            (TestPart::Fraction(0.01), None),
            (TestPart::Stratified(0.99), None),
            (TestPart::Count(0), Some(&[0_u32, 1][..])),
            (TestPart::Count(3), Some(&[0, 1][..])),
        ] {
            let error = rows(raw(&[0, 1, 0, 1], own, None), test, NO_VALIDATION).expect_err("nothing is left");
            assert!(error.to_string().starts_with("--test: "), "{error}");
            assert!(error.to_string().contains(if own.is_some() { "own 2" } else { "of 4" }), "{error}");
        }
        let single = rows(raw(&[0], None, None), TestPart::Auto, NO_VALIDATION).expect_err("one sample cannot be split");
        assert!(single.to_string().contains("at least 2"), "{single}");
    }

    #[test]
    fn validation_leaves_train_at_least_one_sample() {
        let split_off = |validation| rows(raw(&[0, 1, 0, 1], Some(&[0]), None), TestPart::Auto, validation);
        assert_eq!(split_off(ValidationPart::Count(3)).expect("one is left")[0].len(), 1);
        for validation in [ValidationPart::Count(4), ValidationPart::Count(500), ValidationPart::Fraction(0.99)] {
            let error = split_off(validation).expect_err("nothing is left");
            assert!(error.to_string().starts_with("--validation: ") && error.to_string().contains("0 to 3"), "{error}");
        }
    }

    #[test]
    fn a_fraction_that_is_no_number_is_refused_and_never_panics() {
        for fraction in [f64::NAN, f64::INFINITY, -1.0, 2.0] {
            assert!(rows(raw(&[0; 4], None, None), TestPart::Stratified(fraction), NO_VALIDATION).is_err());
        }
    }

    #[test]
    fn quotas_follow_the_largest_remainders_and_then_the_lower_class() {
        assert_eq!(quotas(&[50, 30, 20], 10), [5, 3, 2]);
        // Exact shares 1.5, 0.9, 0.6: the last two have the larger remainders, 0.9 and 0.6.
        assert_eq!(quotas(&[50, 30, 20], 3), [1, 1, 1]);
        assert_eq!(quotas(&[1, 1, 1], 2), [1, 1, 0]);
        assert_eq!(quotas(&[0, 4, 0], 4), [0, 4, 0]);
        assert_eq!(quotas(&[], 0), [0; 0]);
    }

    #[test]
    fn a_draw_is_fixed_by_the_seed_and_the_part() {
        let labels: Vec<u32> = (0..200).map(|row| row % 2).collect();
        let indices: Vec<usize> = (0..200).collect();
        let one = stratified(&labels, &indices, 50, 7, Draw::Test);
        assert_eq!(one, stratified(&labels, &indices, 50, 7, Draw::Test));
        assert_ne!(one, stratified(&labels, &indices, 50, 8, Draw::Test));
        assert_ne!(one, stratified(&labels, &indices, 50, 7, Draw::Validation));
    }

    proptest! {
        #[test]
        fn parts_are_disjoint_complete_in_order_and_in_proportion(
            labels in prop::collection::vec(0_u32..5, 4..200),
            test in 0.1_f64..0.6,
            validation in 0.0_f64..0.7,
            drawn in any::<bool>(),
            seed in any::<u64>(),
        ) {
            let part = if drawn { TestPart::Stratified(test) } else { TestPart::Fraction(test) };
            let mut request = request(part, ValidationPart::Fraction(validation));
            request.seed = seed;
            // The smallest sources can round to an empty test or train part; such a refusal is right and tested above.
            if let Ok(dataset) = split(raw(&labels, None, None), &request) {
                let parts = [&dataset.train, &dataset.validation, &dataset.test];
                let mut rows: Vec<u32> = parts.iter().flat_map(|part| part.rows.clone()).collect();
                for part in parts {
                    prop_assert!(part.rows.is_sorted());
                    for (index, &row) in part.rows.iter().enumerate() {
                        prop_assert_eq!(part.labels[index], labels[row as usize]);
                        prop_assert_eq!(part.pixels[index], row as f32);
                    }
                }
                rows.sort_unstable();
                prop_assert_eq!(rows, (0..labels.len() as u32).collect::<Vec<_>>());
                if drawn {
                    for class in 0..5 {
                        let of = |labels: &[u32]| labels.iter().filter(|&&label| label == class).count() as f64;
                        let exact = of(&labels) * dataset.test.len() as f64 / labels.len() as f64;
                        prop_assert!((of(&dataset.test.labels) - exact).abs() < 1.0);
                    }
                }
            } else {
                prop_assert!(labels.len() < 20, "refused with {} samples", labels.len());
            }
        }
    }
}
