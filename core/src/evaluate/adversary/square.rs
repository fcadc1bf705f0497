//! Square: random search with squares that shrink, by logits alone.

use burn::tensor::{Device, Tensor, TensorData};

use super::{About, Adversary, Entry, Norm, Number, Pursuit, Subjects, Threat, Victim};
use crate::{
    dataset::SampleShape,
    device,
    evaluate::{Ball, Halt, Verdict, indices, mask},
    loss::Labels,
    random::{Purpose, Stream},
};

pub(super) const ENTRY: Entry = Entry { about: &ABOUT, build: |numbers| Box::new(Square { queries: numbers[0] }) };

const ABOUT: About = About {
    name: "square",
    title: "Square",
    summary: "Random search without gradients: changes a square of pixels and keeps the change where the margin falls.",
    source: "Andriushchenko et al., ECCV 2020, as in AutoAttack",
    numbers: &[Number { name: "QUERIES", default: 5000, most: 1_000_000, said: true }],
    gradient: false,
    classes: 2,
    norms: &Norm::ALL,
    nearest: false,
};

/// Share of the pixels that the first square covers.
const FIRST_SHARE: f64 = 0.8;
/// Queries after which broken samples leave the batch.
const LEAVE_EVERY: u32 = 50;
/// Keeps a quotient finite.
const TINY: f64 = 1e-12;

#[derive(Debug)]
struct Square {
    queries: u32,
}

impl Adversary for Square {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn numbers(&self) -> Vec<u32> {
        vec![self.queries]
    }

    fn passes(&self, _classes: usize) -> u64 {
        u64::from(self.queries)
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(search(victim, subjects, threat, self.queries))
    }
}

/// Share of the pixels that the square of query `query` covers, whatever the number of queries.
fn share(query: u32) -> f64 {
    const SHRINKS: [(u32, f64); 8] =
        [(10, 1.0), (50, 2.0), (200, 4.0), (500, 8.0), (1000, 16.0), (2000, 32.0), (4000, 64.0), (6000, 128.0)];
    FIRST_SHARE / SHRINKS.iter().find(|(until, _)| query <= *until).map_or(256.0, |(_, by)| *by)
}

/// The picture that squares are cut from: channels, height, width.
#[derive(Clone, Copy, Debug)]
struct Picture {
    channels: usize,
    height: usize,
    width: usize,
}

impl Picture {
    /// A row of numbers is a picture of as many columns as rows, where it can be one.
    fn of(shape: SampleShape) -> Self {
        let (channels, height, width) = shape.picture();
        if channels * height * width == shape.len() {
            Self { channels, height, width }
        } else {
            Self { channels: 1, height: 1, width: shape.len() }
        }
    }

    /// Side of the square of query `query`.
    fn side(self, query: u32, norm: Norm) -> usize {
        let side = (share(query) * (self.height * self.width) as f64).sqrt().round() as usize;
        let side = match norm {
            Norm::LInf => side.max(1),
            // Odd, so that it has a middle.
            Norm::L2 => side.max(3) | 1,
        };
        side.min(self.height).min(self.width)
    }

    /// 1 inside a square at a random place, in every channel.
    fn square(self, side: usize, stream: &mut Stream) -> (Vec<f32>, [usize; 2]) {
        let at = [self.height, self.width].map(|length| ((length - side) as f32 * stream.uniform()) as usize);
        (self.filled(side, at, |_, _| 1.0), at)
    }

    /// Numbers inside a square of this side at this place, 0 outside.
    fn filled(self, side: usize, [top, left]: [usize; 2], number: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        let mut numbers = vec![0.0; self.channels * self.height * self.width];
        for channel in numbers.chunks_exact_mut(self.height * self.width) {
            for y in 0..side.min(self.height - top) {
                for x in 0..side.min(self.width - left) {
                    channel[(top + y) * self.width + left + x] = number(y, x);
                }
            }
        }
        numbers
    }
}

/// A window of length 1 whose halves have opposite signs, in rows: what a step in L2 adds.
fn pattern(side: usize) -> Vec<f32> {
    let half = side / 2;
    let mut window = rings(half, side);
    window.extend(rings(side - half, side).into_iter().map(|number| -number));
    let length = window.iter().map(|number| number * number).sum::<f32>().sqrt();
    window.iter().map(|number| number / length).collect()
}

/// Rectangles around the middle, each weighing less than the one inside it; of length 1, or nothing without rows.
fn rings(rows: usize, columns: usize) -> Vec<f32> {
    let mut window = vec![0.0_f32; rows * columns];
    if rows == 0 {
        return window;
    }
    let middle = [rows / 2 + 1, columns / 2 + 1];
    for ring in 0..middle[0].max(middle[1]) {
        let range = |middle: usize, length: usize| {
            let first = middle as isize - 1 - ring as isize;
            let last = (first + 2 * ring as isize + 1).min(length as isize);
            first.max(0) as usize..last.max(0) as usize
        };
        for y in range(middle[0], rows) {
            for x in range(middle[1], columns) {
                window[y * columns + x] += 1.0 / ((ring + 1) * (ring + 1)) as f32;
            }
        }
    }
    let length = window.iter().map(|number| number * number).sum::<f32>().sqrt();
    window.iter().map(|number| number / length).collect()
}

fn row(numbers: Vec<f32>, device: &Device) -> Tensor<2> {
    let len = numbers.len();
    Tensor::from_data(TensorData::new(numbers, [1, len]), device)
}

/// What is searched from: the samples that are not broken yet.
struct Search {
    picture: Picture,
    threat: Threat,
    ball: Ball,
    labels: Labels,
    best: Tensor<2>,
    margin: Tensor<1>,
    /// A stream of random signs for each sample.
    streams: Vec<Stream>,
    /// Which subject each sample is.
    sample: Vec<usize>,
}

impl Search {
    fn device(&self) -> Device {
        self.best.device()
    }

    /// A sign for each sample and channel, over all its pixels: N x D.
    fn signs(&mut self) -> Tensor<2> {
        let Picture { channels, height, width } = self.picture;
        let signs: Vec<f32> = (self.streams.iter_mut())
            .flat_map(|stream| (0..channels).map(|_| if stream.uniform() < 0.5 { -1.0 } else { 1.0 }).collect::<Vec<f32>>())
            .collect();
        let samples = self.sample.len();
        let signs = Tensor::<3>::from_data(TensorData::new(signs, [samples, channels, 1]), &self.device());
        signs.expand([samples, channels, height * width]).reshape([samples, channels * height * width])
    }

    /// Vertical stripes in L∞; in L2 windows side by side, a fifth of the picture wide each, from the margin that five of them leave to the
    /// border: 5 x 5 where the side is a multiple of 5 or a little more, else with some that the border cuts off.
    fn start(&mut self, stream: &mut Stream) -> Tensor<2> {
        let Picture { channels, height, width } = self.picture;
        if self.threat.norm == Norm::LInf {
            let pixels = channels * height * width;
            let mut stripes = Vec::with_capacity(self.sample.len() * pixels);
            for own in &mut self.streams {
                for _ in 0..channels {
                    let columns: Vec<f32> = (0..width).map(|_| if own.uniform() < 0.5 { -1.0 } else { 1.0 }).collect();
                    (0..height).for_each(|_| stripes.extend_from_slice(&columns));
                }
            }
            let stripes = Tensor::from_data(TensorData::new(stripes, [self.sample.len(), pixels]), &self.device());
            return self.ball.project(self.ball.natural.clone() + stripes.mul_scalar(self.ball.epsilon()));
        }
        let side = (height.min(width) / 5).max(1);
        let margins = [height, width].map(|length| length.saturating_sub(5 * side) / 2);
        let mut offset = self.best.zeros_like();
        for top in (margins[0]..height).step_by(side) {
            for left in (margins[1]..width).step_by(side) {
                let window = window(side, stream);
                let tile = self.picture.filled(side, [top, left], |y, x| window[y * side + x]);
                offset = offset + self.signs() * row(tile, &self.best.device());
            }
        }
        self.ball.start_on_surface(offset)
    }

    /// The next images to be tried.
    fn next(&mut self, query: u32, stream: &mut Stream) -> Tensor<2> {
        let side = self.picture.side(query, self.threat.norm);
        let (square, at) = self.picture.square(side, stream);
        let device = self.device();
        let inside = row(square, &device);
        if self.threat.norm == Norm::LInf {
            // To the other side of the ball or to this one, whichever the sign says.
            let to = self.ball.natural.clone() + self.signs().mul_scalar(self.ball.epsilon());
            let outside = inside.clone().neg().add_scalar(1.0);
            return self.ball.project(self.best.clone() * outside + to * inside);
        }
        let (second, _) = self.picture.square(side, stream);
        let second = row(second, &device);
        let either = inside.clone().max_pair(second);
        let offset = self.best.clone() - self.ball.natural.clone();
        let Picture { channels, height, width } = self.picture;
        let (samples, pixels) = (self.sample.len(), height * width);
        // Sums of squares of every channel, over all its pixels.
        let squares = |rows: Tensor<2>| {
            let sums = (rows.clone() * rows).reshape([samples, channels, pixels]).sum_dim(2);
            sums.expand([samples, channels, pixels]).reshape([samples, channels * pixels])
        };
        let image = (offset.clone() * offset.clone()).sum_dim(1);
        let left = image.neg().add_scalar(self.ball.epsilon().powi(2)).clamp_min(0.0).div_scalar(channels as f64);
        let in_window = offset.clone() * inside.clone();
        let of_windows = squares(offset.clone() * either.clone());
        let window = window(side, stream);
        let tile = self.picture.filled(side, at, |y, x| window[y * side + x]);
        let old = in_window.clone() / squares(in_window).sqrt().add_scalar(TINY);
        let new = self.signs() * row(tile, &device) + old;
        let new = new.clone() / squares(new).sqrt().add_scalar(TINY) * (of_windows + left).sqrt();
        let offset = offset * either.neg().add_scalar(1.0) + new * inside;
        self.ball.start_on_surface(offset)
    }
}

/// The pattern, upright or on its side.
fn window(side: usize, stream: &mut Stream) -> Vec<f32> {
    let upright = pattern(side);
    if stream.uniform() < 0.5 {
        return upright;
    }
    (0..side * side).map(|place| upright[place % side * side + place / side]).collect()
}

async fn search(victim: &mut Victim<'_>, subjects: &Subjects, threat: Threat, queries: u32) -> Result<Tensor<2>, Halt> {
    let device = victim.device().clone();
    // Squares lie at the same places for all samples, as in the official code, and so do not depend on the batch.
    let mut stream = Stream::new(threat.seed, Purpose::Evaluation, super::super::subjects::fnv(ABOUT.name.bytes()), u64::MAX);
    let mut search = Search {
        picture: Picture::of(victim.shape()),
        threat,
        ball: subjects.ball(threat),
        labels: subjects.labels.clone(),
        best: subjects.natural.clone(),
        margin: Tensor::ones([subjects.len()], &device),
        streams: subjects.streams(threat, ABOUT.name),
        sample: (0..subjects.len()).collect(),
    };
    search.best = search.start(&mut stream);
    let logits = victim.logits(&search.best).await?;
    search.margin = Verdict::of(&logits, &search.labels).margin;
    let mut found = vec![None; subjects.len()];
    let mut parts: Vec<Tensor<2>> = Vec::new();
    let mut rows = 0;
    for query in 1..queries {
        let tried = search.next(query, &mut stream);
        let logits = victim.logits(&tried).await?;
        let verdict = Verdict::of(&logits, &search.labels);
        // A sample that is broken stays as it is.
        let open = search.margin.clone().greater_elem(0.0).float();
        let better = verdict.margin.clone().lower(search.margin.clone()).float() * open;
        search.best = search.best.clone().mask_where(mask(&better, tried.dims()[1]), tried);
        search.margin = search.margin.clone().mask_where(better.greater_elem(0.5), verdict.margin);
        if query % LEAVE_EVERY == 0 {
            let margins = device::read(search.margin.clone()).await?;
            let left: Vec<usize> = (0..margins.len()).filter(|&row| margins[row] > 0.0).collect();
            if left.len() == margins.len() {
                continue;
            }
            (0..margins.len()).filter(|&row| margins[row] <= 0.0).for_each(|row| found[search.sample[row]] = Some(rows + row));
            rows += margins.len();
            parts.push(search.best.clone());
            if left.is_empty() {
                search.sample.clear();
                break;
            }
            let places = indices(&left.iter().map(|&row| row as i32).collect::<Vec<_>>(), &device);
            search.ball = search.ball.select(&places);
            search.labels = search.labels.select(&places);
            search.best = search.best.clone().select(0, places.clone());
            search.margin = search.margin.clone().select(0, places);
            search.streams = left.iter().map(|&row| search.streams[row].clone()).collect();
            search.sample = left.iter().map(|&row| search.sample[row]).collect();
        }
    }
    search.sample.iter().enumerate().for_each(|(row, &sample)| found[sample] = Some(rows + row));
    parts.push(search.best);
    let places: Vec<i32> = found.into_iter().map(|row| row.unwrap_or_default() as i32).collect();
    Ok(Tensor::cat(parts, 0).select(0, indices(&places, &device)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: Picture = Picture { channels: 3, height: 32, width: 32 };

    #[test]
    fn squares_shrink_as_published() {
        let sides = |norm: Norm| [1, 11, 51, 201, 501, 1001, 2001, 4001].map(|query| IMAGE.side(query, norm));
        assert_eq!(sides(Norm::LInf), [29, 20, 14, 10, 7, 5, 4, 3]);
        assert_eq!(sides(Norm::L2), [29, 21, 15, 11, 7, 5, 5, 3]);
    }

    #[test]
    fn windows_are_the_published_ones_and_of_length_one() {
        let expected = [0.136_083, 0.680_414, 0.136_083, -0.129_099, -0.129_099, -0.129_099, -0.129_099, -0.645_497, -0.129_099];
        for (found, expected) in pattern(3).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{:?}", pattern(3));
        }
        for side in [1, 2, 3, 5, 6, 29] {
            let length: f32 = pattern(side).iter().map(|number| number * number).sum();
            assert!((length - 1.0).abs() < 1e-5, "{side}: {length}");
        }
    }
}
