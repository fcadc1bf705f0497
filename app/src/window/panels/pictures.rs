//! Samples that are images, as pictures of the window.

use egui::{Color32, ColorImage};

use crate::pixels;

/// A sample as a picture; one channel is grey.
pub(crate) fn picture(numbers: &[f32], shape: (usize, usize, usize)) -> ColorImage {
    image(pixels::picture(numbers, shape), shape)
}

/// What the attack added, over the scale that [`pixels::magnified`] says.
pub(crate) fn perturbation(
    natural: &[f32],
    adversarial: &[f32],
    shape: (usize, usize, usize),
    epsilon: f32,
    dark: bool,
) -> ColorImage {
    image(pixels::perturbation(natural, adversarial, shape, epsilon, dark), shape)
}

fn image(pixels: Vec<(u8, u8, u8)>, (_, height, width): (usize, usize, usize)) -> ColorImage {
    ColorImage::new([width, height], pixels.into_iter().map(|(r, g, b)| Color32::from_rgb(r, g, b)).collect())
}
