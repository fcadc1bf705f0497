//! The default run of window and page, also recorded for the page to show while it loads.

use gairat::{
    dataset::{Source, Toy},
    settings::Settings,
};

/// Three classes that overlap, with a burn-in that is over after three seconds at 30 batches a second. (On the moons weights that set in so
/// early pull a network apart that has hardly learned.)
pub(crate) fn settings() -> Settings {
    Settings { burn_in: 7, ..Settings::recipe(Source::Toy(Toy::ThreeBlobs)) }
}
