//! Samples that are images, as pictures.

use egui::{Color32, ColorImage};

use crate::window::theme;

/// How much larger a perturbation is shown than it is, relative to ε.
const AMPLIFIED: f32 = 1.0;

/// Pixels as a picture; one channel is grey.
pub(crate) fn picture(pixels: &[f32], (channels, height, width): (usize, usize, usize)) -> ColorImage {
    let byte = |place: usize| (255.0 * pixels.get(place).copied().unwrap_or(0.0)).round().clamp(0.0, 255.0) as u8;
    let plane = height * width;
    let colours = (0..plane).map(|pixel| match channels {
        3 => Color32::from_rgb(byte(pixel), byte(plane + pixel), byte(2 * plane + pixel)),
        _ => Color32::from_gray(byte(pixel)),
    });
    ColorImage::new([width, height], colours.collect())
}

/// What the attack added, from −ε (blue) over nothing (grey) to ε (red), the mean over the channels.
pub(crate) fn perturbation(
    natural: &[f32],
    adversarial: &[f32],
    (channels, height, width): (usize, usize, usize),
    epsilon: f32,
    dark: bool,
) -> ColorImage {
    let plane = height * width;
    let colours = (0..plane).map(|pixel| {
        let added = (0..channels).map(|channel| {
            let place = channel * plane + pixel;
            adversarial.get(place).copied().unwrap_or(0.0) - natural.get(place).copied().unwrap_or(0.0)
        });
        let mean = added.sum::<f32>() / channels as f32;
        theme::diverging((AMPLIFIED * mean / epsilon.max(1e-6)).clamp(-1.0, 1.0), dark)
    });
    ColorImage::new([width, height], colours.collect())
}
