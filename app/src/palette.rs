//! Colours of classes: orange and blue for two, and a set that people with any colour vision tell apart for ten (Okabe and Ito's eight, and
//! two greys).

/// On a dark ground.
#[cfg(feature = "window")]
pub(crate) const DARK: [(u8, u8, u8); 10] = [
    (242, 142, 43),
    (86, 160, 235),
    (0, 190, 140),
    (240, 228, 66),
    (222, 140, 190),
    (230, 100, 60),
    (140, 205, 250),
    (190, 150, 240),
    (200, 200, 200),
    (150, 150, 150),
];

/// On a light ground.
pub(crate) const LIGHT: [(u8, u8, u8); 10] = [
    (176, 78, 0),
    (0, 94, 178),
    (0, 118, 88),
    (118, 98, 0),
    (168, 62, 122),
    (168, 40, 10),
    (16, 108, 160),
    (104, 60, 170),
    (60, 60, 60),
    (104, 104, 104),
];

/// The light ground.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) const LIGHT_GROUND: (u8, u8, u8) = (252, 252, 252);
