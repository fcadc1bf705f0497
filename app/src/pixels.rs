//! Samples that are images, as pixels of red, green and blue: themselves, and what an attack added to them.

use crate::palette::{class_name, diverging};

/// Pixels as a picture of `shape` (channels, height, width), row by row; one channel is grey.
pub(crate) fn picture(numbers: &[f32], (channels, height, width): (usize, usize, usize)) -> Vec<(u8, u8, u8)> {
    let byte = |place: usize| (255.0 * numbers.get(place).copied().unwrap_or(0.0)).round().clamp(0.0, 255.0) as u8;
    let plane = height * width;
    let pixel = |place: usize| match channels {
        3 => (byte(place), byte(plane + place), byte(2 * plane + place)),
        _ => (byte(place), byte(place), byte(place)),
    };
    (0..plane).map(pixel).collect()
}

/// What an attack added, from −ε (blue) over nothing (grey) to ε (red), the mean over the channels.
pub(crate) fn perturbation(
    natural: &[f32],
    adversarial: &[f32],
    (channels, height, width): (usize, usize, usize),
    epsilon: f32,
    dark: bool,
) -> Vec<(u8, u8, u8)> {
    let plane = height * width;
    let added = |place: usize| adversarial.get(place).copied().unwrap_or(0.0) - natural.get(place).copied().unwrap_or(0.0);
    let mean = |pixel: usize| (0..channels).map(|channel| added(channel * plane + pixel)).sum::<f32>() / channels.max(1) as f32;
    (0..plane).map(|pixel| diverging(mean(pixel) / epsilon.max(1e-6), dark)).collect()
}

/// How a picture of [`perturbation`] is to be read: the whole scale is 2ε long, that of a pixel 1.
pub(crate) fn magnified(epsilon: f32) -> String {
    let times = 0.5 / epsilon.max(1e-6);
    let times = if times >= 9.5 { format!("{times:.0}") } else { format!("{times:.1}") };
    let over_255 = 255.0 * epsilon;
    let radius = if (over_255 - over_255.round()).abs() < 1e-3 && over_255 < 64.0 {
        format!("{}/255", over_255.round())
    } else {
        format!("{}", (f64::from(epsilon) * 1e4).round() / 1e4)
    };
    format!("magnified × {times}: blue −{radius}, grey 0, red +{radius}")
}

/// A class with its probability, as `8 (61%)`.
pub(crate) fn answer(class: u32, confidence: f32, classes: usize) -> String {
    let name = class_name(class as usize, classes);
    // Nothing is certain that is not.
    if (0.995..1.0).contains(&confidence) { format!("{name} (>99%)") } else { format!("{name} ({:.0}%)", 100.0 * confidence) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_of_a_difference_is_said_as_it_is_drawn() {
        assert_eq!(magnified(8.0 / 255.0), "magnified × 16: blue −8/255, grey 0, red +8/255");
        assert_eq!(magnified(0.3), "magnified × 1.7: blue −0.3, grey 0, red +0.3");
        let added = perturbation(&[0.5, 0.5, 0.5], &[0.8, 0.5, 0.2], (1, 1, 3), 0.3, false);
        assert_eq!(added[1], diverging(0.0, false));
        assert_eq!((added[0], added[2]), (diverging(1.0, false), diverging(-1.0, false)));
    }

    #[test]
    fn answers_say_their_probability() {
        assert_eq!((answer(8, 0.614, 10), answer(1, 0.999, 2)), ("8 (61%)".to_owned(), "B (>99%)".to_owned()));
    }
}
