//! Random crops and flips of training images.

use std::{fmt, str::FromStr};

use super::SampleShape;
use crate::random::Stream;

/// The widest border of zeros that a crop may add, in pixels.
const MAX_CROP_PADDING: usize = 64;

/// Random variation of a training image at each use. The default varies nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Augmentation {
    /// The border of zeros, in pixels (0..=64), from which a random window of the image's size is cut; 0 for no crop.
    pub crop_padding: usize,
    /// Whether to mirror the image left to right with probability 1/2.
    pub flip: bool,
}

impl Augmentation {
    /// Whether it varies nothing.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Varies one sample in place: a random crop, then a flip. Flat samples are unchanged and draw no random numbers.
    ///
    /// `sample` holds `shape.len()` pixels, channel after channel, row after row; all channels move together.
    pub fn apply(&self, sample: &mut [f32], shape: SampleShape, stream: &mut Stream) {
        let SampleShape::Image { height, width, .. } = shape else { return };
        if sample.is_empty() {
            return;
        }
        if self.crop_padding > 0 {
            let top = stream.below(2 * self.crop_padding + 1);
            let left = stream.below(2 * self.crop_padding + 1);
            crop(sample, (height, width), self.crop_padding, (top, left));
        }
        if self.flip && stream.below(2) == 1 {
            sample.chunks_exact_mut(width).for_each(<[f32]>::reverse);
        }
    }
}

/// Replaces each channel by the window whose corner is (`top`, `left`) in the channel with `padding` zeros on each side.
fn crop(sample: &mut [f32], (height, width): (usize, usize), padding: usize, (top, left): (usize, usize)) {
    let source = sample.to_vec();
    sample.fill(0.0);
    // Columns of the source that the window shows, and where it shows them.
    let from = left.saturating_sub(padding);
    let to = padding.saturating_sub(left);
    let shown = width.saturating_sub(left.abs_diff(padding));
    for (target, source) in sample.chunks_exact_mut(height * width).zip(source.chunks_exact(height * width)) {
        for (row, target) in target.chunks_exact_mut(width).enumerate() {
            let source_row = (row + top).checked_sub(padding).filter(|&source_row| source_row < height);
            if let (Some(source_row), 1..) = (source_row, shown) {
                let start = source_row * width + from;
                target[to..to + shown].copy_from_slice(&source[start..start + shown]);
            }
        }
    }
}

impl FromStr for Augmentation {
    type Err = String;

    /// Reads `none`, `crop:4`, `flip`, `crop:4+flip`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut read = Self::default();
        let understood = text == "none"
            || text.split('+').all(|step| match step.split_once(':') {
                None if step == "flip" && !read.flip => {
                    read.flip = true;
                    true
                }
                Some(("crop", padding)) if read.crop_padding == 0 => {
                    read.crop_padding = padding.parse().unwrap_or(0);
                    (1..=MAX_CROP_PADDING).contains(&read.crop_padding)
                }
                _ => false,
            });
        if understood {
            Ok(read)
        } else {
            Err(format!(
                "`{text}` is no augmentation: expected `none`, `crop:P`, `flip` or `crop:P+flip` \
                 with P from 1 to {MAX_CROP_PADDING}"
            ))
        }
    }
}

impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.crop_padding, self.flip) {
            (0, false) => f.write_str("none"),
            (0, true) => f.write_str("flip"),
            (padding, false) => write!(f, "crop:{padding}"),
            (padding, true) => write!(f, "crop:{padding}+flip"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    const IMAGE: SampleShape = SampleShape::Image { channels: 2, height: 3, width: 4 };

    /// Two channels of 3 x 4 with the pixels 1 to 24.
    fn image() -> Vec<f32> {
        (1..=24_u8).map(f32::from).collect()
    }

    fn stream(sample: u64) -> Stream {
        Stream::new(7, Purpose::Augment, 0, sample)
    }

    #[test]
    fn texts_are_read_back() {
        for text in ["none", "flip", "crop:4", "crop:64", "crop:4+flip"] {
            assert_eq!(text.parse::<Augmentation>().map(|read| read.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("flip+crop:4".parse(), Ok(Augmentation { crop_padding: 4, flip: true }));
    }

    #[test]
    fn a_text_that_asks_for_nothing_known_is_refused() {
        for text in
            ["", "crop", "crop:", "crop:0", "crop:65", "crop:-1", "crop:4+crop:4", "flip+flip", "flip:2", "none+flip", "turn"]
        {
            assert!(text.parse::<Augmentation>().is_err(), "{text}");
        }
    }

    #[test]
    fn none_changes_nothing() {
        let mut sample = image();
        Augmentation::default().apply(&mut sample, IMAGE, &mut stream(0));
        assert_eq!(sample, image());
        assert!(Augmentation::default().is_none());
        assert!(!Augmentation { crop_padding: 0, flip: true }.is_none());
    }

    #[test]
    fn flat_samples_stay_as_they_are_and_draw_no_numbers() {
        let (mut sample, mut used) = (image(), stream(0));
        Augmentation { crop_padding: 4, flip: true }.apply(&mut sample, SampleShape::Flat(24), &mut used);
        assert_eq!(sample, image());
        assert_eq!(used.uniform(), stream(0).uniform());
    }

    #[test]
    fn a_flip_mirrors_every_row_of_every_channel_half_of_the_time() {
        let mut flipped = 0;
        for sample_number in 0..1000 {
            let mut sample = image();
            Augmentation { crop_padding: 0, flip: true }.apply(&mut sample, IMAGE, &mut stream(sample_number));
            if sample != image() {
                flipped += 1;
                assert_eq!(sample[..8], [4.0, 3.0, 2.0, 1.0, 8.0, 7.0, 6.0, 5.0]);
                assert_eq!(sample[20..], [24.0, 23.0, 22.0, 21.0]);
            }
        }
        // Five standard deviations (15.8 each) around the half.
        assert!((420..=580).contains(&flipped), "{flipped} of 1000");
    }

    #[test]
    fn a_crop_at_the_corner_of_the_image_itself_changes_nothing() {
        let mut sample = image();
        crop(&mut sample, (3, 4), 2, (2, 2));
        assert_eq!(sample, image());
    }

    #[test]
    fn a_crop_moves_the_image_and_fills_with_zeros() {
        let mut sample = image();
        // One row above the image and one column right of its left edge.
        crop(&mut sample, (3, 4), 2, (1, 3));
        assert_eq!(sample[..12], [0.0, 0.0, 0.0, 0.0, 2.0, 3.0, 4.0, 0.0, 6.0, 7.0, 8.0, 0.0]);
        assert_eq!(sample[12..], [0.0, 0.0, 0.0, 0.0, 14.0, 15.0, 16.0, 0.0, 18.0, 19.0, 20.0, 0.0]);
    }

    #[test]
    fn every_place_of_every_padding_equals_the_definition() {
        for padding in 1..=6_usize {
            for (top, left) in (0..=2 * padding).flat_map(|top| (0..=2 * padding).map(move |left| (top, left))) {
                let mut sample = image();
                crop(&mut sample, (3, 4), padding, (top, left));
                let expected: Vec<f32> = (0..24)
                    .map(|place| {
                        let (channel, row, column) = (place / 12, place / 4 % 3, place % 4);
                        let row = (row + top).checked_sub(padding).filter(|&row| row < 3);
                        let column = (column + left).checked_sub(padding).filter(|&column| column < 4);
                        row.zip(column).map_or(0.0, |(row, column)| image()[channel * 12 + row * 4 + column])
                    })
                    .collect();
                assert_eq!(sample, expected, "padding {padding}, corner {top}, {left}");
            }
        }
    }

    #[test]
    fn the_same_stream_gives_the_same_image() {
        let varied = |sample_number| {
            let mut sample = image();
            Augmentation { crop_padding: 2, flip: true }.apply(&mut sample, IMAGE, &mut stream(sample_number));
            sample
        };
        assert_eq!(varied(3), varied(3));
        assert!((0..20).any(|other| varied(other) != varied(3)));
    }
}
