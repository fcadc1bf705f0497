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

/// The light ground.
#[allow(dead_code, reason = "figures of the terminal alone are drawn on it")]
pub(crate) const LIGHT_GROUND: (u8, u8, u8) = (252, 252, 252);
