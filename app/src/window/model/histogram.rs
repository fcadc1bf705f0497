//! Counts of numbers in bins of equal width.

/// How many bins.
const BINS: usize = 40;
/// Numbers beyond this have no place on an axis: what is drawn from them would have none either.
pub(crate) const FAR: f32 = 1e30;

/// Whether a number has a place on an axis.
pub(crate) fn is_near(number: f32) -> bool {
    // None is not near.
    number.abs() < FAR
}

/// A histogram.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Histogram {
    /// The left edge of the first bin and the right edge of the last.
    pub(crate) range: (f32, f32),
    /// How many numbers lie in each.
    pub(crate) counts: Vec<usize>,
}

impl Histogram {
    /// Of nothing.
    pub(crate) fn empty() -> Self {
        Self::of([], (-1.0, 1.0))
    }

    /// A range that all of these numbers lie in, with 0 inside; its ends are 1, 2 or 5 times a power of ten, so that it seldom moves.
    pub(crate) fn range_of(numbers: impl IntoIterator<Item = f32>) -> (f32, f32) {
        let near = numbers.into_iter().filter(|number| is_near(*number));
        let (low, high) = near.fold((0.0_f32, 0.0_f32), |(low, high), number| (low.min(number), high.max(number)));
        // The smaller side is at least a fifth of the larger: there is always something to see of the boundary at 0.
        let least = (high.max(-low) / 5.0).max(0.01);
        (-round_up((-low).max(least)), round_up(high.max(least)))
    }

    /// The same for all but the outermost hundredth at each end: a few numbers that lie far out do not make the rest a spike.
    pub(crate) fn range_of_most(numbers: impl IntoIterator<Item = f32>) -> (f32, f32) {
        let mut near: Vec<f32> = numbers.into_iter().filter(|number| is_near(*number)).collect();
        near.sort_unstable_by(f32::total_cmp);
        let out = near.len() / 100;
        Self::range_of(near[out..near.len() - out].iter().copied())
    }

    /// Counts `numbers` in `range`; what lies outside counts to the bin at that end.
    pub(crate) fn of(numbers: impl IntoIterator<Item = f32>, range: (f32, f32)) -> Self {
        let mut counts = vec![0; BINS];
        for number in numbers.into_iter().filter(|number| is_near(*number)) {
            let part = (number - range.0) / (range.1 - range.0);
            counts[((part * BINS as f32) as usize).min(BINS - 1)] += 1;
        }
        Self { range, counts }
    }

    /// The same numbers in the bins of a wider range, where each bin goes into the one that its middle lies in.
    pub(crate) fn over(&self, range: (f32, f32)) -> Self {
        let mut wide = Self { range, counts: vec![0; self.counts.len()] };
        for (bin, count) in self.counts.iter().enumerate() {
            let part = (self.middle(bin) as f32 - range.0) / (range.1 - range.0);
            wide.counts[((part * BINS as f32) as usize).min(BINS - 1)] += count;
        }
        wide
    }

    /// The middle of a bin.
    pub(crate) fn middle(&self, bin: usize) -> f64 {
        let (low, high) = (f64::from(self.range.0), f64::from(self.range.1));
        low + (high - low) * (bin as f64 + 0.5) / self.counts.len() as f64
    }

    /// The width of a bin.
    pub(crate) fn width(&self) -> f64 {
        f64::from(self.range.1 - self.range.0) / self.counts.len() as f64
    }

    /// The share of numbers in a bin; 0 of nothing.
    pub(crate) fn share(&self, bin: usize) -> f64 {
        let all: usize = self.counts.iter().sum();
        self.counts[bin] as f64 / all.max(1) as f64
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not below `number`, which is greater than 0.
fn round_up(number: f32) -> f32 {
    let power = 10.0_f32.powf(number.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|digit| digit * power).find(|round| *round >= number).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_number_is_counted_once_and_the_ends_take_what_lies_outside() {
        let numbers = [-3.5, 0.0, 0.2, 7.0, 99.0, f32::NAN];
        let range = Histogram::range_of([-3.5, 7.0, f32::INFINITY]);
        assert_eq!(range, (-5.0, 10.0));
        let histogram = Histogram::of(numbers, range);
        assert_eq!(histogram.counts.iter().sum::<usize>(), 5);
        assert_eq!(histogram.counts[BINS - 1], 1);
        assert_eq!(Histogram::range_of([]), (-0.01, 0.01));
        assert_eq!(Histogram::range_of([f32::MAX, f32::MIN, f32::NAN]), (-0.01, 0.01));
        let mostly_near = (0..500).map(|number| 0.001 * number as f32 - 0.2).chain([90.0, -90.0]);
        assert_eq!(Histogram::range_of_most(mostly_near), (-0.2, 0.5));
        assert_eq!(Histogram::range_of_most([]), (-0.01, 0.01));
        let wide = Histogram::of([0.1, 0.2, -0.1], (-0.5, 0.5)).over((-10.0, 10.0));
        assert_eq!((wide.counts[BINS / 2], wide.counts[BINS / 2 - 1]), (2, 1));
        assert!((histogram.middle(0) - (-5.0 + 15.0 / 80.0)).abs() < 1e-6);
    }
}
