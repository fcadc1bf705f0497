//! How a situation begins: playing or not, and how fast.

/// Batches a second that mean "as fast as it goes".
const UNLIMITED: f64 = f64::INFINITY;
/// Batches a second to choose from.
pub(crate) const SPEEDS: [f64; 8] = [1.0, 4.0, 15.0, 30.0, 60.0, 120.0, 400.0, UNLIMITED];
/// The place among them of the speed that one begins with: an epoch of the moons in half a second.
pub(crate) const FIRST_SPEED: usize = 3;
/// What a link calls the fastest.
const FULL: &str = "full";

/// What a link calls a speed: its batches a second, or `full`.
pub(crate) fn speed_name(place: usize) -> String {
    let speed = SPEEDS[place.min(SPEEDS.len() - 1)];
    if speed.is_finite() { speed.to_string() } else { FULL.to_owned() }
}

/// The place of the speed of that name.
pub(super) fn speed_of(name: &str) -> Option<usize> {
    (0..SPEEDS.len()).find(|place| speed_name(*place) == name)
}

/// Whether the run plays at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    Playing,
    Paused,
}

impl Start {
    pub(crate) const ALL: [Self; 2] = [Self::Playing, Self::Paused];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Playing => "playing",
            Self::Paused => "paused",
        }
    }
}
