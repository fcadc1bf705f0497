//! Saved runs beside each other: what a table and a picture of several of them need.

use std::path::{Path, PathBuf};

use gairat::{
    checkpoint::RunFolder,
    files,
    metrics::{EpochMetrics, Summary},
    settings::Settings,
};

use crate::platform;

/// Runs that are listed at most.
const LISTED: usize = 200;

/// The table of saved runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct SavedRuns {
    pub(crate) rows: Vec<SavedRun>,
    /// The place of the curve that is drawn, among all kinds.
    pub(crate) curve: usize,
}

/// A saved run.
#[derive(Clone, Debug)]
pub(crate) struct SavedRun {
    pub(crate) folder: PathBuf,
    pub(crate) name: String,
    pub(crate) settings: Settings,
    pub(crate) metrics: Vec<EpochMetrics>,
    /// What it came to, if it is finished.
    pub(crate) summary: Option<Summary>,
    /// Whether its curve is drawn.
    pub(crate) chosen: bool,
}

impl SavedRuns {
    /// The runs in `root`, the newest first, and then those of the comparisons that lie there.
    pub(crate) fn within(root: Option<&Path>) -> Self {
        let Some(root) = root else { return Self::default() };
        let mut folders = platform::list(root);
        let mut comparisons = files::list(root).unwrap_or_default();
        comparisons.retain(|folder| files::is_file(&folder.join("plan.json")));
        comparisons.sort();
        for comparison in comparisons {
            let mut runs = platform::list(&comparison);
            runs.reverse();
            folders.extend(runs);
        }
        folders.truncate(LISTED);
        Self { rows: folders.iter().filter_map(|folder| SavedRun::read(folder, root)).collect(), curve: 0 }
    }
}

impl SavedRun {
    /// The run in `folder`; none where it cannot be read.
    fn read(folder: &Path, root: &Path) -> Option<Self> {
        let (run, settings) = RunFolder::open(folder).ok()?;
        let metrics = files::read_text(&run.file("metrics.jsonl")).unwrap_or_default();
        Some(Self {
            folder: folder.to_owned(),
            name: folder.strip_prefix(root).unwrap_or(folder).display().to_string(),
            settings,
            metrics: metrics.lines().map_while(|line| serde_json::from_str(line).ok()).collect(),
            summary: run.summary().ok().flatten(),
            chosen: false,
        })
    }
}
