//! Mean and deviation over seeds, and the confidence interval of a difference.

use serde::{Deserialize, Serialize};

use super::student::quantile;

/// The confidence level of intervals.
const LEVEL: f64 = 0.95;

/// Summary statistics over several seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The number of seeds.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their sample deviation (divisor n − 1); `None` for fewer than two.
    pub deviation: Option<f64>,
    /// The 95 % interval of the mean by Student's t; `None` for fewer than two.
    pub interval: Option<(f64, f64)>,
}

impl Spread {
    /// The statistics of these numbers; `None` without numbers.
    pub fn of(numbers: &[f64]) -> Option<Self> {
        if numbers.is_empty() {
            return None;
        }
        let count = numbers.len();
        let mean = numbers.iter().sum::<f64>() / count as f64;
        let deviation = (count > 1).then(|| {
            let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
            (squares / (count - 1) as f64).sqrt()
        });
        let interval = deviation.map(|deviation| {
            // No comparison has more seeds than a u32 counts.
            let reach = quantile(LEVEL, u32::try_from(count - 1).unwrap_or(u32::MAX)) * deviation / (count as f64).sqrt();
            (mean - reach, mean + reach)
        });
        Some(Self { count, mean, deviation, interval })
    }
}

/// A paired difference over the same seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The number of common seeds.
    pub count: usize,
    /// The mean of the differences.
    pub mean: f64,
    /// Its 95 % interval by Student's t; `None` for fewer than two seeds.
    pub interval: Option<(f64, f64)>,
}

impl Difference {
    /// `these` minus `those` over their common seeds; `None` without common seeds.
    pub fn paired(these: &[(u64, f64)], those: &[(u64, f64)]) -> Option<Self> {
        let of_seed = |seed: u64| those.iter().find(|(other, _)| *other == seed).map(|(_, number)| number);
        let differences: Vec<f64> =
            these.iter().filter_map(|(seed, number)| of_seed(*seed).map(|other| number - other)).collect();
        Spread::of(&differences).map(|spread| Self { count: spread.count, mean: spread.mean, interval: spread.interval })
    }

    /// Whether the interval excludes 0.
    pub fn is_clear(&self) -> bool {
        self.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: [f64; 5] = [92.5, 91.9, 93.3, 92.2, 93.6];
    const B: [f64; 5] = [94.2, 93.9, 94.4, 93.6, 94.4];

    fn seeded(numbers: &[f64]) -> Vec<(u64, f64)> {
        (0..).zip(numbers.iter().copied()).collect()
    }

    /// `numpy.std(a, ddof=1)` and `scipy.stats.ttest_rel(b, a).confidence_interval(0.95)`.
    #[test]
    fn deviation_and_paired_interval_are_those_of_numpy_and_scipy() {
        let spread = Spread::of(&A).unwrap();
        assert!((spread.mean - 92.7).abs() < 1e-12 && (spread.deviation.unwrap() - 0.7245688373094675).abs() < 1e-12);
        let difference = Difference::paired(&seeded(&B), &seeded(&A)).unwrap();
        let (low, high) = difference.interval.unwrap();
        assert!((difference.mean - 1.4).abs() < 1e-12);
        assert!((low - 0.8110270515567413).abs() < 1e-9 && (high - 1.9889729484432643).abs() < 1e-9, "{low} {high}");
        assert!(difference.is_clear());
    }

    #[test]
    fn seeds_that_one_side_lacks_are_left_out_and_one_seed_has_no_interval() {
        let difference = Difference::paired(&[(3, 2.0), (5, 9.0)], &[(4, 1.0), (3, 0.5)]).unwrap();
        assert_eq!((difference.count, difference.mean, difference.interval), (1, 1.5, None));
        assert!(!difference.is_clear());
        assert!(Difference::paired(&[(1, 0.0)], &[(2, 0.0)]).is_none() && Spread::of(&[]).is_none());
        assert_eq!(Spread::of(&[0.5]).unwrap().deviation, None);
    }

    proptest! {
        #[test]
        fn a_difference_is_that_of_the_means_and_turns_its_sign_with_its_sides(
            pairs in proptest::collection::vec((0.0_f64..1.0, 0.0_f64..1.0), 2..20),
        ) {
            let (these, those): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let (one, other) = (Spread::of(&these).unwrap(), Spread::of(&those).unwrap());
            let forth = Difference::paired(&seeded(&these), &seeded(&those)).unwrap();
            let back = Difference::paired(&seeded(&those), &seeded(&these)).unwrap();
            prop_assert!((forth.mean - (one.mean - other.mean)).abs() < 1e-12);
            prop_assert!((forth.mean + back.mean).abs() < 1e-12);
            let ((low, high), (back_low, back_high)) = (forth.interval.unwrap(), back.interval.unwrap());
            prop_assert!(low <= forth.mean && forth.mean <= high);
            prop_assert!((low + back_high).abs() < 1e-9 && (high + back_low).abs() < 1e-9);
        }
    }
}
