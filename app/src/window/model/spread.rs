//! The training samples over the number that their weights depend on: how many lie where, and what some of them weigh.

use gairat::method::AxisRange;

use super::histogram::{FAR, Histogram, is_near};

/// Parts of an axis that does not count steps.
const PARTS: usize = 24;
/// Samples that are kept one by one at most.
const KEPT: usize = 400;

/// Samples over an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spread {
    /// From where to where the axis goes; the parts of whole numbers stand half a step over its ends.
    pub(crate) range: (f64, f64),
    /// Whether it counts steps: then every whole number is a part.
    pub(crate) whole: bool,
    /// How many samples lie in each part.
    pub(crate) counts: Vec<usize>,
    /// (the number, ω) of some of them, evenly picked.
    pub(crate) points: Vec<[f64; 2]>,
    /// How many have no place: their number or their weight is none, or beyond all bounds.
    pub(crate) left_out: usize,
}

impl Default for Spread {
    fn default() -> Self {
        Self::of(AxisRange::Between(0.0, 1.0), 1, std::iter::empty())
    }
}

impl Spread {
    /// Of (number, ω) of samples, on the axis of an attack of so many steps.
    pub(crate) fn of(axis: AxisRange, steps: u32, samples: impl Iterator<Item = (f32, f32)>) -> Self {
        let (samples, lost): (Vec<_>, Vec<_>) = samples.partition(|(at, omega)| is_near(*at) && is_near(*omega));
        let numbers = || samples.iter().map(|(at, _)| *at);
        let whole = axis == AxisRange::Steps;
        let (low, high) = match axis {
            AxisRange::Steps => (0.0, f64::from(steps)),
            AxisRange::Between(low, high) => (low, high),
            AxisRange::FromZero if samples.is_empty() => (0.0, 1.0),
            AxisRange::FromZero => (0.0, f64::from(Histogram::range_of(numbers()).1)),
            AxisRange::Open if samples.is_empty() => (-1.0, 1.0),
            AxisRange::Open => {
                let (low, high) = Histogram::range_of(numbers());
                (f64::from(low), f64::from(high))
            }
        };
        let parts = if whole { steps as usize + 1 } else { PARTS };
        let mut spread = Self { range: (low, high), whole, counts: vec![0; parts], points: Vec::new(), left_out: lost.len() };
        for at in numbers() {
            let part = spread.part(f64::from(at));
            spread.counts[part] += 1;
        }
        let apart = samples.len().div_ceil(KEPT).max(1);
        spread.points = samples.iter().step_by(apart).map(|&(at, omega)| [f64::from(at), f64::from(omega)]).collect();
        spread
    }

    /// The part that a number lies in; one beyond an end lies in the part there.
    pub(crate) fn part(&self, at: f64) -> usize {
        let (low, high) = self.range;
        let last = self.counts.len() - 1;
        let part = if self.whole { at.round() } else { ((at - low) / (high - low) * self.counts.len() as f64).floor() };
        (part.max(0.0) as usize).min(last)
    }

    /// The middle of a part.
    pub(crate) fn middle(&self, part: usize) -> f64 {
        if self.whole { part as f64 } else { self.range.0 + self.width() * (part as f64 + 0.5) }
    }

    /// The width of a part.
    pub(crate) fn width(&self) -> f64 {
        if self.whole { 1.0 } else { (self.range.1 - self.range.0) / self.counts.len() as f64 }
    }

    /// How many samples have a place.
    pub(crate) fn samples(&self) -> usize {
        self.counts.iter().sum()
    }

    /// A method's curve over the axis, times what gives it the mean weight of the samples: curves stand before a batch is normalised.
    /// None where the method has no curve, or it is no number somewhere. Beside it what it was multiplied by.
    pub(crate) fn scaled(&self, curve: impl Fn(f64) -> Option<f64>) -> Option<(Vec<[f64; 2]>, f64)> {
        const STEPS: usize = 96;
        let (low, high) = self.range;
        let places: Vec<f64> = if self.whole {
            (0..self.counts.len()).map(|part| part as f64).collect()
        } else {
            (0..=STEPS).map(|step| low + (high - low) * step as f64 / STEPS as f64).collect()
        };
        let finite = |at: f64| curve(at).filter(|weight| weight.is_finite());
        let line: Vec<[f64; 2]> = places.into_iter().map(|at| Some([at, finite(at)?])).collect::<Option<_>>()?;
        let sums = self.points.iter().filter_map(|[at, omega]| Some((finite(*at)?, *omega)));
        let (of_curve, of_samples) = sums.fold((0.0, 0.0), |sums, (curve, omega)| (sums.0 + curve, sums.1 + omega));
        let scale = of_samples / of_curve;
        // Without samples, or where all weigh nothing, there is no mean to go by.
        let scale = if scale.is_finite() && scale > 0.0 { scale } else { 1.0 };
        Some((line.into_iter().map(|[at, weight]| [at, (scale * weight).min(f64::from(FAR))]).collect(), scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXES: [AxisRange; 4] = [AxisRange::Steps, AxisRange::Between(-1.0, 1.0), AxisRange::FromZero, AxisRange::Open];

    #[test]
    fn every_sample_with_a_place_is_counted_once_on_every_axis() {
        let awkward = [0.0, -0.5, 3.0, 12.0, 1e29, f32::MAX, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE];
        for axis in AXES {
            for count in [0, 1, awkward.len()] {
                let spread = Spread::of(axis, 10, awkward.iter().take(count).map(|&number| (number, 1.0)));
                assert_eq!(spread.samples() + spread.left_out, count, "{axis:?}");
                assert!(spread.range.0 < spread.range.1 && spread.range.1.is_finite(), "{axis:?}");
                assert!(spread.points.iter().flatten().all(|number| number.is_finite()));
            }
            let weights = Spread::of(axis, 10, [f32::NAN, f32::INFINITY, 2.0].into_iter().map(|omega| (0.5, omega)));
            assert_eq!((weights.samples(), weights.left_out), (1, 2), "{axis:?}");
        }
        assert_eq!(
            Spread::of(AxisRange::Steps, 3, [0.0, 3.0, 3.0, 9.0].map(|kappa| (kappa, 1.0)).into_iter()).counts,
            [1, 0, 0, 3]
        );
        let between = Spread::of(AxisRange::Between(-1.0, 1.0), 3, [-1.0, 1.0, 0.99].map(|margin| (margin, 1.0)).into_iter());
        assert_eq!((between.counts[0], between.counts[PARTS - 1]), (1, 2));
    }

    #[test]
    fn a_curve_has_the_mean_weight_of_the_samples() {
        let samples = [(0.0, 3.0), (1.0, 2.0), (2.0, 1.0)];
        let spread = Spread::of(AxisRange::Steps, 2, samples.into_iter());
        let (line, scale) = spread.scaled(|kappa| Some(0.5 * (3.0 - kappa))).unwrap();
        assert_eq!((line, scale), (vec![[0.0, 3.0], [1.0, 2.0], [2.0, 1.0]], 2.0));
        assert_eq!(spread.scaled(|_| None), None);
        assert_eq!(spread.scaled(|_| Some(f64::NAN)), None);
        // Nothing seen, and weights of nothing: as it is.
        let (line, scale) = Spread::of(AxisRange::Steps, 1, std::iter::empty()).scaled(Some).unwrap();
        assert_eq!((line, scale), (vec![[0.0, 0.0], [1.0, 1.0]], 1.0));
        let nothing = Spread::of(AxisRange::Steps, 1, [(1.0, 0.0)].into_iter());
        assert_eq!(nothing.scaled(Some).unwrap().0, [[0.0, 0.0], [1.0, 1.0]]);
    }

    #[test]
    fn of_many_samples_some_are_kept_evenly() {
        let spread = Spread::of(AxisRange::FromZero, 10, (0..5000).map(|number| (number as f32, 1.0)));
        assert!((300..=KEPT).contains(&spread.points.len()));
        assert_eq!(spread.samples(), 5000);
    }
}
