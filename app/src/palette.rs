//! Colours of classes: orange and blue for the first two, and a set for ten that people with any colour vision tell apart.

/// On a dark ground.
#[cfg(feature = "window")]
pub(crate) const DARK: [(u8, u8, u8); 10] = [
    (242, 142, 43),
    (86, 160, 235),
    (15, 230, 119),
    (251, 249, 62),
    (238, 178, 166),
    (191, 130, 63),
    (165, 241, 238),
    (201, 189, 245),
    (161, 167, 179),
    (115, 158, 110),
];

/// On a light ground.
pub(crate) const LIGHT: [(u8, u8, u8); 10] = [
    (176, 78, 0),
    (0, 94, 178),
    (7, 80, 78),
    (150, 59, 27),
    (139, 37, 123),
    (129, 1, 32),
    (31, 110, 163),
    (70, 36, 201),
    (53, 24, 58),
    (70, 107, 71),
];

/// A colour on a light ground, and on a dark one.
pub(crate) type Pair = [(u8, u8, u8); 2];

/// Natural data in curves and histograms.
pub(crate) const NATURAL: Pair = [(96, 112, 0), (175, 230, 90)];

/// Adversarial data in curves and histograms.
pub(crate) const ADVERSARIAL: Pair = [(145, 10, 40), (235, 100, 105)];

/// Weights: their curve, and the frames of images.
pub(crate) const WEIGHT: Pair = [(140, 25, 165), (240, 115, 235)];

/// The ends of a scale around grey, below and above it.
const BELOW: (u8, u8, u8) = (50, 130, 240);
const ABOVE: (u8, u8, u8) = (235, 80, 50);

/// A signed number from -1 to 1 on a scale around grey: blue below, red above.
pub(crate) fn diverging(number: f32, dark: bool) -> (u8, u8, u8) {
    let grey = if dark { 64.0 } else { 222.0 };
    let end = if number < 0.0 { BELOW } else { ABOVE };
    let part = number.abs().clamp(0.0, 1.0);
    let channel = |end: u8| (grey + (f32::from(end) - grey) * part).round() as u8;
    (channel(end.0), channel(end.1), channel(end.2))
}

/// What a class is called, as classes are counted from 0 in files: `A` for the first of two, digits by their number.
pub(crate) fn class_name(class: usize, classes: usize) -> String {
    if classes <= 4 { char::from(b'A' + (class % 26) as u8).to_string() } else { class.to_string() }
}

pub(crate) const LIGHT_GROUND: (u8, u8, u8) = (252, 252, 252);
