//! A run as JSON lines.

use std::path::Path;

use gairat::{dataset::Dataset, device::Chosen, metrics::Summary, session::Event, settings::Settings, snapshot::Snapshot};

use super::Voice;

/// Prints every event as one JSON object; the last one is the summary.
pub(crate) struct Json;

impl Voice for Json {
    fn begin(&mut self, settings: &Settings, chosen: &Chosen, folder: &Path) {
        let line = serde_json::json!({ "event": "run", "folder": folder, "device": chosen.name, "why": chosen.why, "settings": settings });
        crate::terminal::say!("{line}");
    }

    fn data(&mut self, about: &str) {
        crate::terminal::say!("{}", serde_json::json!({ "event": "data", "line": about }));
    }

    fn say(&mut self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            crate::terminal::say!("{line}");
        }
    }

    fn quiet(&mut self) {}

    fn conclude(&mut self, _settings: &Settings, _summary: &Summary, _snapshot: &Snapshot, _dataset: &Dataset) {}

    fn stopped(&mut self, epoch: u32, step: usize, folder: &Path) {
        let line = serde_json::json!({ "event": "stopped", "epoch": epoch, "step": step, "resume": folder });
        crate::terminal::say!("{line}");
    }
}
