//! What a run looks like in a terminal: for people, or as JSON for programs.

mod human;
pub(crate) mod json;
pub(crate) mod output;
mod plot;

use std::path::Path;

use gairat::{dataset::Dataset, device::Chosen, metrics::Summary, session::Event, settings::Settings, snapshot::Snapshot};

pub(crate) use human::Human;
pub(crate) use output::{say, say_part, tell, tell_part};

/// One way to tell what happens.
pub(crate) trait Voice: Send {
    /// Before anything takes long.
    fn begin(&mut self, settings: &Settings, chosen: &Chosen, folder: &Path);
    /// What is in the data, in one line.
    fn data(&mut self, about: &str);
    /// Something happened.
    fn say(&mut self, event: &Event);
    /// No more events come.
    fn quiet(&mut self);
    /// The run is finished.
    fn conclude(&mut self, settings: &Settings, summary: &Summary, snapshot: &Snapshot, dataset: &Dataset);
    /// The run was stopped and saved.
    fn stopped(&mut self, epoch: u32, step: usize, folder: &Path);
}

/// An accuracy as a line of a table.
pub(crate) fn accuracy_line(label: &str, accuracy: f64) -> String {
    format!("  {label:<9} {:>6.2} %", 100.0 * accuracy)
}
