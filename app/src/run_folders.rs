//! What folders of new runs are called.

use std::path::Path;

use gairat::settings::Settings;

use crate::{failure::Failure, platform::moment};

/// Names for a new folder, after the moment, the data, the method and the seed. Of two runs of one second the second gets a number.
pub(crate) fn names(settings: &Settings) -> impl Iterator<Item = String> {
    let data = settings.data.to_string();
    let data = data.split(':').next().unwrap_or_default();
    let name = format!("{}_{data}_{}_seed{}", moment(), settings.method, settings.seed);
    (1..100).map(move |number| if number == 1 { name.clone() } else { format!("{name}_{number}") })
}

/// Why there is no new folder.
pub(crate) fn none_free(root: &Path) -> Failure {
    Failure::Work(format!("{}: a hundred runs began in this second; try again", root.display()))
}
