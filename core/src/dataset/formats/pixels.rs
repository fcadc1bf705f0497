//! Converts numbers to pixels: finds the axis of channels and the range.

use super::npy::Numbers;
use crate::dataset::{DataRange, SampleShape};

/// By how much a number may lie outside of [0, 1] by rounding, as after normalising and undoing it.
const ROUNDING: f32 = 1e-6;

/// How an array of samples is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The shape of a sample, channels first.
    pub(super) shape: SampleShape,
    /// Whether channels stand last in the file.
    pub(super) channels_last: bool,
}

/// The layout of an array of these sizes, the first of which counts samples.
///
/// # Errors
/// How many dimensions there are, and how many were expected.
pub(super) fn layout(sizes: &[usize]) -> Result<Layout, (String, String)> {
    let image = |channels, height, width| SampleShape::Image { channels, height, width };
    // Channels are few; where both ends could be channels, they are where this program, and PyTorch, has them.
    let few = |size: usize| size == 1 || size == 3 || size == 4;
    let (shape, channels_last) = match *sizes {
        [_, len] => (SampleShape::Flat(len), false),
        [_, height, width] => (image(1, height, width), false),
        [_, height, width, channels] if few(channels) && !few(height) => (image(channels, height, width), true),
        [_, channels, height, width] => (image(channels, height, width), false),
        _ => {
            let expected = "2 (samples x numbers), 3 (samples x height x width) or 4 (samples x channels x height x width)";
            return Err((format!("has {} dimension(s)", sizes.len()), expected.to_owned()));
        }
    };
    Ok(Layout { shape, channels_last })
}

/// Pixels with channels first, of samples with channels last.
pub(super) fn channels_first(pixels: &[f32], shape: SampleShape) -> Vec<f32> {
    let SampleShape::Image { channels, height, width } = shape else { return pixels.to_vec() };
    let places = height * width;
    let mut turned = Vec::with_capacity(pixels.len());
    for sample in pixels.chunks_exact(places * channels) {
        for channel in 0..channels {
            turned.extend((0..places).map(|place| sample[place * channels + channel]));
        }
    }
    turned
}

/// Samples of an array.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pixels {
    pub(super) shape: SampleShape,
    /// Numbers in [0, 1], channels first.
    pub(super) values: Vec<f32>,
    /// What was done to the numbers, in a sentence each.
    pub(super) notes: Vec<String>,
    /// How the numbers lie in the file, in a few words.
    pub(super) origin: String,
}

impl Pixels {
    pub(super) fn count(&self) -> usize {
        self.values.len() / self.shape.len().max(1)
    }
}

/// The samples of an array that errors and notes call `name`.
///
/// # Errors
/// What the array holds, to follow its name, and what was expected.
pub(super) fn pixels_of(
    name: &str,
    numbers: Numbers<f32>,
    layout: Layout,
    given: &DataRange,
) -> Result<Pixels, (String, String)> {
    let Numbers { sizes, whole, byte, mut values } = numbers;
    let mut notes = Vec::new();
    if layout.channels_last {
        values = channels_first(&values, layout.shape);
        notes.push(format!("{name} of {sizes:?} has its channels last: they are put first"));
    }
    let (channels, places) = match layout.shape {
        SampleShape::Flat(len) => (1, len),
        SampleShape::Image { channels, height, width } => (channels, height * width),
    };
    let undone = given.undo(&mut values, channels, places).map_err(|expected| (format!("has {channels} channels"), expected))?;
    if let Some(undone) = &undone {
        notes.push(format!("{name} is brought back to [0, 1]: {undone}"));
    }
    let range = match range(&values, whole && undone.is_none()) {
        Range::Bytes if undone.is_some() => {
            let found = format!("holds numbers up to {} after --data-range {given}", values.iter().copied().fold(0.0, f32::max));
            return Err((found, "numbers in [0, 1] after it".to_owned()));
        }
        Range::Unit if undone.is_some() => {
            clamp(&mut values);
            "numbers of another range"
        }
        // Bytes are shares of 255 whatever their greatest is, but for pictures of zeros and ones.
        Range::Unit if byte && values.iter().any(|x| *x > 0.0) => {
            notes.push(format!("{name} holds bytes that are 0 or 1: they are taken as they are, not as shares of 255"));
            "bytes 0..1"
        }
        Range::Unit => {
            if values.iter().any(|x| !(0.0..=1.0).contains(x)) {
                notes.push(format!("{name} holds numbers that are outside of [0, 1] by rounding: they are put to its ends"));
            }
            clamp(&mut values);
            "numbers 0..1"
        }
        Range::Bytes => {
            values.iter_mut().for_each(|x| *x /= 255.0);
            if !byte {
                notes.push(format!("{name} holds whole numbers from 0 to 255: they are divided by 255"));
            }
            "bytes 0..255"
        }
        Range::Other(place, looks) => {
            let (sample, within) = (place / layout.shape.len(), place % layout.shape.len());
            let found = format!("holds {} at sample {sample}, place {within} (counted from 0): {looks}", values[place]);
            return Err((found, "numbers in [0, 1], or whole numbers from 0 to 255".to_owned()));
        }
    };
    let order = match layout {
        Layout { shape: SampleShape::Flat(_), .. } => "rows",
        Layout { channels_last: true, .. } => "channels last",
        Layout { .. } => "channels first",
    };
    Ok(Pixels { shape: layout.shape, values, notes, origin: format!("{range}, {order}") })
}

/// What was done to numbers to make pixels of them, or what they are instead.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Range {
    /// They lie in [0, 1], but for rounding.
    Unit,
    /// Whole numbers from 0 to 255, which are divided by 255.
    Bytes,
    /// Something else: the place of the first number that is no pixel, and what all of them look like.
    Other(usize, String),
}

/// Which range these numbers have; `whole` where their type holds whole numbers alone.
pub(super) fn range(numbers: &[f32], whole: bool) -> Range {
    let (low, high) = numbers.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
    let outside = |x: &f32| !(-ROUNDING..=1.0 + ROUNDING).contains(x);
    let Some(first) = numbers.iter().position(outside) else { return Range::Unit };
    if let Some(place) = numbers.iter().position(|x| !x.is_finite()) {
        return Range::Other(place, "something that is no number".to_owned());
    }
    if low >= 0.0 && high <= 255.0 && high > 1.0 && (whole || numbers.iter().all(|x| x.fract() == 0.0)) {
        return Range::Bytes;
    }
    let looks = if low >= -ROUNDING && high > 255.0 {
        format!(
            "numbers from {low} to {high}, more than a byte holds; divide them by their greatest possible value; where they were normalised, \
             --data-range MEAN/STD undoes it (`x * STD + MEAN`), and --normalise MEAN/STD puts it into the network"
        )
    } else if low >= -ROUNDING {
        format!("numbers from {low} to {high}; divide them by their greatest possible value (`x / 255`)")
    } else if low >= -1.0 - ROUNDING && high <= 1.0 + ROUNDING {
        format!("numbers from {low} to {high}, as after `(x - 0.5) / 0.5`; --data-range=-1..1 undoes it (`x * 0.5 + 0.5`)")
    } else {
        format!(
            "numbers from {low} to {high}, as after normalising; --data-range MEAN/STD undoes it (`x * STD + MEAN`), and --normalise MEAN/STD puts it into the network"
        )
    };
    Range::Other(first, looks)
}

/// Takes rounding away.
pub(super) fn clamp(numbers: &mut [f32]) {
    numbers.iter_mut().for_each(|x| *x = x.clamp(0.0, 1.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_found_at_either_end() {
        let image = |channels, height, width| SampleShape::Image { channels, height, width };
        for (sizes, shape, last) in [
            ([5, 3, 8, 8].as_slice(), image(3, 8, 8), false),
            (&[5, 8, 8, 3], image(3, 8, 8), true),
            (&[5, 28, 28, 1], image(1, 28, 28), true),
            (&[5, 3, 32, 3], image(3, 32, 3), false),
            (&[5, 16, 2, 2], image(16, 2, 2), false),
            (&[5, 28, 28], image(1, 28, 28), false),
            (&[5, 7], SampleShape::Flat(7), false),
        ] {
            assert_eq!(layout(sizes), Ok(Layout { shape, channels_last: last }), "{sizes:?}");
        }
        assert!(layout(&[5]).is_err() && layout(&[1, 2, 3, 4, 5]).is_err());
        // 1 x 2 pixels of 3 channels: (1, 2, 3), (4, 5, 6).
        assert_eq!(channels_first(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], image(3, 1, 2)), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }

    #[test]
    fn ranges_are_told_apart() {
        assert_eq!(range(&[0.0, 1.0, 0.5], false), Range::Unit);
        assert_eq!(range(&[-3e-8, 1.000_000_1], false), Range::Unit);
        assert_eq!(range(&[0.0, 255.0, 17.0], false), Range::Bytes);
        for (numbers, place, said) in [
            ([0.0, 0.5, 200.5].as_slice(), 2, "divide"),
            (&[0.5, -0.75], 1, "0.5 + 0.5"),
            (&[2.5, -1.75], 0, "--normalise"),
            (&[0.5, f32::NAN], 1, "no number"),
            (&[0.0, 300.0], 1, "greatest possible value"),
            (&[0.0, 300.0], 1, "--normalise"),
        ] {
            let Range::Other(found, looks) = range(numbers, false) else { panic!("{numbers:?}") };
            assert!(found == place && looks.contains(said), "{looks}");
        }
        let mut rounded = [-3e-8, 1.000_000_1, 0.25];
        clamp(&mut rounded);
        assert_eq!(rounded, [0.0, 1.0, 0.25]);
    }
}
