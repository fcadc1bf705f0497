//! Generated 2-D points, on which a decision boundary can be drawn.
//!
//! A point is made in the units of its raw figure, moved by Gaussian noise and then mapped into the unit square. The map is fixed
//! by the figure and the noise alone, never by the points drawn, so train and test share it and nothing leaks between them. It
//! scales both axes alike: an L-infinity ball stays a square.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use serde::{Deserialize, Serialize};

use super::{DatasetError, Raw, Request, SampleShape, Samples, TestPart, split::share};
use crate::random::{Purpose, Stream};

/// A generated set of 2-D points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Toy {
    /// Two half circles that interlock; 2 classes.
    Moons,
    /// A circle of radius 1/2 inside one of radius 1; 2 classes.
    Circles,
    /// Two spiral arms of one and a half turns; 2 classes.
    Spirals,
    /// Four squares, the diagonal ones of one class; 2 classes.
    Xor,
    /// Three discs around a centre; 3 classes.
    Blobs,
    /// Three near centres with overlapping noise; 3 classes. With the noise of its recipe no network is right everywhere, and PGD and attacks on
    /// the margin rank methods differently.
    ThreeBlobs,
    /// Two groups on both sides of a line, with a gap between them; 2 classes.
    ///
    /// This and [`Toy::Overlapping`] are in the spirit of the binary problems that motivate geometry-aware reweighting in the
    /// GAIRAT paper (Zhang et al., ICLR 2021). The exact numbers of the paper's figure are not published; these are our own.
    Separable,
    /// The two groups of [`Toy::Separable`], pushed over the line so that they overlap; 2 classes.
    Overlapping,
}

impl Toy {
    /// All sets, in display order.
    pub const ALL: [Self; 8] =
        [Self::Moons, Self::Circles, Self::Spirals, Self::Xor, Self::Blobs, Self::ThreeBlobs, Self::Separable, Self::Overlapping];

    /// The name as written after `--data`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Moons => "moons",
            Self::Circles => "circles",
            Self::Spirals => "spirals",
            Self::Xor => "xor",
            Self::Blobs => "blobs",
            Self::ThreeBlobs => "three-blobs",
            Self::Separable => "gairat-separable",
            Self::Overlapping => "gairat-overlapping",
        }
    }

    /// How many classes: 3 for [`Toy::Blobs`] and [`Toy::ThreeBlobs`], else 2.
    pub fn classes(self) -> usize {
        match self {
            Self::Blobs | Self::ThreeBlobs => 3,
            _ => 2,
        }
    }

    /// A point of `class` without noise, in the units of the raw figure.
    fn figure(self, class: usize, stream: &mut Stream) -> [f64; 2] {
        let mut unit = || f64::from(stream.uniform());
        let side = if class == 0 { -1.0 } else { 1.0 };
        match self {
            Self::Moons => {
                let angle = PI * unit();
                if class == 0 { [angle.cos(), angle.sin()] } else { [1.0 - angle.cos(), 0.5 - angle.sin()] }
            }
            Self::Circles => polar(if class == 0 { 1.0 } else { 0.5 }, TAU * unit()),
            Self::Spirals => {
                // The root spreads the points about evenly along the arm, which is longer the further out it is.
                let along = unit().sqrt();
                polar(0.2 + 1.8 * along, 3.0 * PI * along + PI * class as f64)
            }
            Self::Xor => {
                let right = if unit() < 0.5 { -1.0 } else { 1.0 };
                let up = -right * side;
                [right * (0.1 + 0.9 * unit()), up * (0.1 + 0.9 * unit())]
            }
            Self::Blobs => {
                let [x, y] = polar(1.0, FRAC_PI_2 + TAU * class as f64 / 3.0);
                // The root makes the density even over the disc.
                let [away_x, away_y] = polar(BLOB_RADIUS * unit().sqrt(), TAU * unit());
                [x + away_x, y + away_y]
            }
            Self::ThreeBlobs => THREE_CENTRES[class % 3],
            Self::Separable => [side * (0.15 + 0.85 * unit()), 2.0 * unit() - 1.0],
            Self::Overlapping => [side * (-0.25 + 1.25 * unit()), 2.0 * unit() - 1.0],
        }
    }

    /// The least and the greatest coordinate of the figure without noise, per axis.
    fn extent(self) -> [(f64, f64); 2] {
        match self {
            Self::Moons => [(-1.0, 2.0), (-0.5, 1.0)],
            Self::ThreeBlobs => [(0.35, 0.65), (0.4, 0.66)],
            Self::Circles | Self::Xor | Self::Separable | Self::Overlapping => [(-1.0, 1.0); 2],
            Self::Spirals => [(-2.0, 2.0); 2],
            Self::Blobs => {
                let right = 0.75_f64.sqrt() + BLOB_RADIUS;
                [(-right, right), (-0.5 - BLOB_RADIUS, 1.0 + BLOB_RADIUS)]
            }
        }
    }
}

/// The centres of [`Toy::ThreeBlobs`].
const THREE_CENTRES: [[f64; 2]; 3] = [[0.35, 0.4], [0.65, 0.4], [0.5, 0.66]];

/// The radius of a disc of [`Toy::Blobs`]; the centres have distance 1 from the origin.
const BLOB_RADIUS: f64 = 0.4;

/// Room around the figure, in deviations of the noise: fewer than one point in a thousand has to be clamped into the square.
const MARGIN: f64 = 3.5;

/// Fresh test points where none are asked for.
const USUAL_TEST: usize = 1000;

fn polar(radius: f64, angle: f64) -> [f64; 2] {
    [radius * angle.cos(), radius * angle.sin()]
}

/// The map from the raw figure into the unit square.
struct Frame {
    centre: [f64; 2],
    /// The side of the square that is mapped to the unit square.
    side: f64,
}

impl Frame {
    fn new(toy: Toy, noise: f64) -> Self {
        let extent = toy.extent();
        let longest = extent.map(|(low, high)| high - low).into_iter().fold(0.0, f64::max);
        Self { centre: extent.map(|(low, high)| f64::midpoint(low, high)), side: longest + 2.0 * MARGIN * noise }
    }

    fn place(&self, point: [f64; 2]) -> [f32; 2] {
        [0, 1].map(|axis| ((point[axis] - self.centre[axis]) / self.side + 0.5).clamp(0.0, 1.0) as f32)
    }
}

/// The point sets of `request`: shape `Flat(2)`, coordinates in [0, 1], classes alternating so that they are balanced.
///
/// Point i depends on the seed, the set, the noise and i alone, so more points extend a set and never change it. The test part is
/// fresh points from streams of their own: 1,000 for `auto`, as many as asked for a count, a share of `request.points` for a
/// fraction. A stratified test part is left to be drawn from the points themselves.
///
/// # Errors
/// [`DatasetError::Split`] where the noise is negative or no number, or where there are no points or more than rows can count.
pub(crate) fn generate(toy: Toy, request: &Request) -> Result<Raw, DatasetError> {
    if !(request.noise.is_finite() && request.noise >= 0.0) {
        let expected = "a deviation of 0 or more".to_owned();
        return Err(DatasetError::Split { setting: "noise", found: request.noise.to_string(), expected });
    }
    let fresh = match request.test {
        TestPart::Auto => Some(USUAL_TEST),
        TestPart::Count(count) => Some(count),
        TestPart::Fraction(fraction) => Some(share(fraction, request.points)),
        TestPart::Stratified(_) => None,
    };
    for (setting, count) in [("points", request.points), ("test", fresh.unwrap_or(1))] {
        if !(1..=u32::MAX as usize).contains(&count) {
            let expected = format!("1 to {}", u32::MAX);
            return Err(DatasetError::Split { setting, found: format!("{count} points asked for"), expected });
        }
    }
    Ok(Raw {
        shape: SampleShape::Flat(2),
        classes: toy.classes(),
        samples: draw(toy, request, 0, request.points),
        own_test: fresh.map(|count| draw(toy, request, 1, count)),
        usual_test: None,
        notes: Vec::new(),
        origin: "points of a plane".to_owned(),
    })
}

/// `count` points; `part` keeps the streams of train (0) and test (1) apart.
fn draw(toy: Toy, request: &Request, part: u64, count: usize) -> Samples {
    let frame = Frame::new(toy, request.noise);
    let mut samples = Samples::default();
    for place in 0..count {
        let mut stream = Stream::new(request.seed, Purpose::Points, part, place as u64);
        let class = place % toy.classes();
        let exact = toy.figure(class, &mut stream);
        let noisy = exact.map(|coordinate| coordinate + request.noise * f64::from(stream.normal()));
        samples.pixels.extend(frame.place(noisy));
        samples.labels.push(class as u32);
        samples.rows.push(place as u32);
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{DataRange, Source, ValidationPart};

    fn request(toy: Toy, points: usize, noise: f64, seed: u64, test: TestPart) -> Request {
        Request {
            source: Source::Toy(toy),
            range: DataRange::Auto,
            points,
            noise,
            seed,
            test,
            validation: ValidationPart::Count(0),
        }
    }

    fn points(toy: Toy, count: usize, noise: f64) -> Samples {
        generate(toy, &request(toy, count, noise, 7, TestPart::Auto)).expect("the request is sound").samples
    }

    /// The least and greatest coordinate on `axis` among the points of `class` (all where `None`).
    fn range(samples: &Samples, axis: usize, class: Option<u32>) -> (f32, f32) {
        let chosen = samples.pixels.chunks_exact(2).zip(&samples.labels).filter(|&(_, &label)| class.is_none_or(|c| c == label));
        chosen.fold((f32::MAX, f32::MIN), |(low, high), (point, _)| (low.min(point[axis]), high.max(point[axis])))
    }

    #[test]
    fn every_point_lies_in_the_unit_square_even_with_heavy_noise() {
        for toy in Toy::ALL {
            for noise in [0.0, 0.1, 5.0] {
                let samples = points(toy, 2000, noise);
                assert_eq!(samples.pixels.len(), 4000);
                assert!(samples.pixels.iter().all(|p| (0.0..=1.0).contains(p)), "{} at noise {noise}", toy.name());
            }
        }
    }

    #[test]
    fn classes_are_balanced() {
        for toy in Toy::ALL {
            let samples = points(toy, 1000, 0.1);
            let of_class = |class| samples.labels.iter().filter(|&&label| label as usize == class).count();
            let counts: Vec<usize> = (0..toy.classes()).map(of_class).collect();
            assert_eq!(counts.iter().sum::<usize>(), 1000, "{}", toy.name());
            assert!(counts.iter().all(|&count| count.abs_diff(1000 / toy.classes()) <= 1), "{}: {counts:?}", toy.name());
        }
    }

    #[test]
    fn points_are_fixed_by_the_seed() {
        for toy in Toy::ALL {
            let of_seed =
                |seed| generate(toy, &request(toy, 50, 0.1, seed, TestPart::Auto)).expect("the request is sound").samples;
            assert_eq!(of_seed(1), of_seed(1));
            assert_ne!(of_seed(1).pixels, of_seed(2).pixels);
        }
    }

    #[test]
    fn more_points_extend_a_set_and_never_change_it() {
        let (few, many) = (points(Toy::Spirals, 10, 0.1), points(Toy::Spirals, 100, 0.1));
        assert_eq!(few.pixels[..], many.pixels[..20]);
    }

    #[test]
    fn the_figure_fills_its_extent_and_leaves_it_nowhere() {
        for toy in Toy::ALL {
            let mut stream = Stream::new(3, Purpose::Points, 0, 0);
            let drawn: Vec<[f64; 2]> = (0..20_000).map(|place| toy.figure(place % toy.classes(), &mut stream)).collect();
            for (axis, (least, greatest)) in toy.extent().into_iter().enumerate() {
                let low = drawn.iter().map(|point| point[axis]).fold(f64::MAX, f64::min);
                let high = drawn.iter().map(|point| point[axis]).fold(f64::MIN, f64::max);
                assert!(low >= least - 1e-9 && high <= greatest + 1e-9, "{} leaves its extent", toy.name());
                // An arm of the spirals ends on an axis and does not reach its bounding circle everywhere: a quarter may be free.
                assert!(high - low > 0.75 * (greatest - least), "{} does not fill its extent", toy.name());
            }
        }
    }

    #[test]
    fn both_axes_have_the_same_scale() {
        let samples = points(Toy::Moons, 20_000, 0.0);
        let width = |axis| {
            let (low, high) = range(&samples, axis, None);
            f64::from(high - low)
        };
        // The raw moons are 3 wide and 1.5 high.
        assert!((width(0) / width(1) - 2.0).abs() < 1e-3);
        assert!((width(0) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn the_separable_groups_have_a_gap_and_the_overlapping_ones_overlap() {
        let gap = |toy| {
            let samples = points(toy, 2000, 0.0);
            range(&samples, 0, Some(1)).0 - range(&samples, 0, Some(0)).1
        };
        assert!(gap(Toy::Separable) > 0.149);
        assert!(gap(Toy::Overlapping) < -0.2);
    }

    #[test]
    fn the_test_part_is_fresh_and_as_large_as_asked() {
        let own_test = |test| generate(Toy::Xor, &request(Toy::Xor, 300, 0.1, 7, test)).expect("the request is sound").own_test;
        let sizes = [TestPart::Auto, TestPart::Count(40), TestPart::Fraction(0.5), TestPart::Stratified(0.5)]
            .map(|test| own_test(test).map(|samples| samples.len()));
        assert_eq!(sizes, [Some(1000), Some(40), Some(150), None]);
        let fresh = own_test(TestPart::Count(300)).expect("a count asks for fresh points");
        assert_ne!(fresh.pixels, points(Toy::Xor, 300, 0.1).pixels);
        assert_eq!(fresh.rows[..3], [0, 1, 2]);
    }

    #[test]
    fn a_request_without_points_or_with_impossible_noise_is_refused() {
        for (points, noise, test) in [
            (0, 0.1, TestPart::Auto),
            (10, 0.1, TestPart::Count(0)),
            (10, 0.1, TestPart::Fraction(0.01)),
            (10, -0.1, TestPart::Auto),
            (10, f64::NAN, TestPart::Auto),
        ] {
            let outcome = generate(Toy::Moons, &request(Toy::Moons, points, noise, 7, test));
            assert!(matches!(outcome, Err(DatasetError::Split { .. })), "{points} {noise} {test}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for toy in Toy::ALL {
            assert_eq!(toy.name().parse::<Source>(), Ok(Source::Toy(toy)));
        }
    }
}
