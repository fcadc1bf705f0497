//! `plan.json`: the runs of a comparison as lines that any program can run. What has become of each is seen from its folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use gairat::{checkpoint::RunFolder, compare::Run, evaluate::Suite, files};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

const FILE: &str = "plan.json";

/// A comparison on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Where its lines are to be run: paths of data may be relative to it.
    pub(super) cwd: PathBuf,
    /// The suite that says how robust the best weights are.
    pub(super) suite: String,
    /// CPU threads of a run.
    pub(super) threads: usize,
    /// Whether runs share the CPU; on a GPU they go one after the other.
    pub(super) cpu: bool,
    pub(super) runs: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// The name of its folder.
    pub(super) name: String,
    /// What is compared: the method and what is varied.
    pub(super) variant: String,
    pub(super) seed: u64,
    /// Epochs in all.
    pub(super) epochs: u32,
    /// What trains it. Run again, it goes on where it was, and does nothing when all is done.
    pub(super) argv: Vec<String>,
    /// What evaluates it then, where training's own report is not enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) evaluate: Option<Vec<String>>,
}

/// What has become of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// So many epochs are done.
    Open(u32),
    /// It is trained and not evaluated.
    Trained,
    /// Nothing is left to do.
    Done,
}

impl Plan {
    /// The lines of `runs`, whose folders are in `dir`.
    pub(super) fn of(runs: &[Run], dir: &Path, suite: Suite, threads: usize, cpu: bool) -> Result<Self, Failure> {
        let cwd = std::env::current_dir().map_err(|error| Failure::Work(format!("the working folder: {error}")))?;
        let dir = cwd.join(dir);
        let lines = runs.iter().map(|run| {
            let folder = dir.join(&run.name);
            let text = |path: PathBuf| path.to_string_lossy().into_owned();
            let mut argv = vec!["gairat".to_owned(), "train".to_owned()];
            let threads_given = run.given.iter().any(|(name, _)| *name == "threads");
            let threads = (!threads_given).then(|| ("threads", threads.to_string()));
            for (name, value) in run.given.iter().cloned().chain(threads) {
                argv.push(format!("--{}={value}", super::super::flag(name)));
            }
            argv.extend(["--out".to_owned(), text(folder.clone()), "--or-resume".to_owned()]);
            let evaluate = (suite.name != Suite::QUICK.name).then(|| {
                let out = text(folder.join(evaluation_of(suite.name)));
                let parts = ["gairat", "eval", "--run", &text(folder.clone()), "--suite", suite.name, "--out", &out];
                parts.map(str::to_owned).to_vec()
            });
            let (name, variant) = (run.name.clone(), run.variant.clone());
            Line { name, variant, seed: run.seed, epochs: run.settings.epochs, argv, evaluate }
        });
        Ok(Self { suite: suite.name.to_owned(), threads, cpu, runs: lines.collect(), cwd })
    }

    /// Reads the plan in `dir`.
    ///
    /// # Errors
    /// That there is none, or that it is none.
    pub(super) fn read(dir: &Path) -> Result<Self, Failure> {
        let file = dir.join(FILE);
        let text = fs::read_to_string(&file).map_err(|error| {
            let what = "expected the folder of a comparison, which `gairat compare --out` names";
            Failure::Request(format!("--collect {}: {FILE} cannot be read ({error}); {what}", dir.display()))
        })?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::Request(format!("{}: {error}; expected what `gairat compare` wrote", file.display())))
    }

    /// What is lost where this takes the place of the plan in `dir`: nothing, or the tables of another suite, in a sentence.
    ///
    /// # Errors
    /// That there is a comparison of runs which this one leaves out.
    pub(super) fn replaces(&self, dir: &Path) -> Result<Option<String>, Failure> {
        if !files::is_file(&dir.join(FILE)) {
            return Ok(None);
        }
        let before = Self::read(dir)?;
        let left_out: Vec<&str> = before
            .runs
            .iter()
            .map(|line| line.name.as_str())
            .filter(|name| self.runs.iter().all(|line| line.name != *name))
            .collect();
        if let Some(first) = left_out.first() {
            return Err(Failure::Request(format!(
                "--out {}: the comparison there has {} runs, and this one leaves out {} of them, such as {first}; name all its methods, values and \
                 seeds to extend it, or choose another folder",
                dir.display(),
                before.runs.len(),
                left_out.len()
            )));
        }
        Ok((before.suite != self.suite).then(|| {
            format!(
                "the tables of suite {} in {} are replaced by those of suite {}; what it found stays in the folders of the runs",
                before.suite,
                dir.display(),
                self.suite
            )
        }))
    }

    /// Writes it into `dir`, a line a run.
    pub(super) fn write(&self, dir: &Path) -> Result<(), Failure> {
        let lines: Vec<String> = self.runs.iter().map(|line| format!("    {}", serde_json::json!(line))).collect();
        let text = format!(
            "{{\n  \"cwd\": {},\n  \"suite\": {},\n  \"threads\": {},\n  \"cpu\": {},\n  \"runs\": [\n{}\n  ]\n}}\n",
            serde_json::json!(self.cwd),
            serde_json::json!(self.suite),
            self.threads,
            self.cpu,
            lines.join(",\n")
        );
        let file = dir.join(FILE);
        files::write(&file, text.as_bytes()).map_err(|error| Failure::Work(format!("{}: {error}", file.display())))
    }

    /// The names of what is compared, in the order of the plan.
    pub(super) fn variants(&self) -> Vec<String> {
        let mut variants: Vec<String> = Vec::new();
        for line in &self.runs {
            if !variants.contains(&line.variant) {
                variants.push(line.variant.clone());
            }
        }
        variants
    }
}

impl Line {
    /// What has become of it, its folder being in `dir`.
    ///
    /// # Errors
    /// A folder whose files cannot be read.
    pub(super) fn state(&self, dir: &Path, suite: &str) -> Result<State, Failure> {
        let folder = dir.join(&self.name);
        if !files::is_file(&folder.join("settings.json")) {
            return Ok(State::Open(0));
        }
        let (folder, settings) = RunFolder::open(&folder)?;
        if folder.summary()?.is_none_or(|summary| summary.epochs != settings.epochs) {
            let metrics = files::read_text(&folder.file("metrics.jsonl")).unwrap_or_default();
            return Ok(State::Open(u32::try_from(metrics.lines().count()).unwrap_or(u32::MAX)));
        }
        let evaluated = self.evaluate.is_none() || files::is_file(&folder.file(&evaluation_of(suite)).join("evaluation.json"));
        Ok(if evaluated { State::Done } else { State::Trained })
    }
}

/// The folder of an evaluation, in that of its run.
pub(super) fn evaluation_of(suite: &str) -> String {
    format!("eval-{suite}")
}
