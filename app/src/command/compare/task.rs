//! One run of a comparison as processes of its own: training, then the evaluation. What each start came to is kept beside the run folders,
//! which hold no times: equal runs leave equal folders.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use gairat::{
    checkpoint::{CheckpointError, RunFolder},
    files,
    session::Event,
};
use serde::{Deserialize, Serialize};

use super::{
    super::tether,
    plan::{Line, Plan, State},
};
use crate::{failure::Failure, report};

/// How often the time of a run that is at work is written down.
const KEEP_EVERY: Duration = Duration::from_secs(2);
/// How long to wait for a process that is about to leave a run's folder.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is kept of the starts of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// How often it was started.
    pub(super) attempts: u32,
    /// For how long it was at work, all starts together.
    pub(super) seconds: f64,
    /// Why the last start failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failed: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    /// Nothing is left to do.
    Done,
    /// It was stopped and goes on another time.
    Stopped,
    Failed(String),
}

/// The pipes that processes at work hang on: closed, they save and end.
#[derive(Default)]
pub(super) struct Tethers {
    open: Mutex<Option<BTreeMap<String, ChildStdin>>>,
}

impl Tethers {
    pub(super) fn new() -> Self {
        Self { open: Mutex::new(Some(BTreeMap::new())) }
    }

    /// Lets all of them go, and those that would come.
    pub(super) fn cut(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether they were let go.
    pub(super) fn are_cut(&self) -> bool {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn hold(&self, name: &str, pipe: Option<ChildStdin>) {
        if let (Some(open), Some(pipe)) = (self.open.lock().unwrap_or_else(PoisonError::into_inner).as_mut(), pipe) {
            open.insert(name.to_owned(), pipe);
        }
    }
}

/// Runs `line` until it is done, stopped or has failed; `tell` hears of its events.
pub(super) fn execute(
    (dir, plan): (&Path, &Plan),
    line: &Line,
    tethers: &Tethers,
    tell: &mut dyn FnMut(&Event),
) -> Result<Outcome, Failure> {
    let mut clock = Clock::start(dir, &line.name)?;
    let mut outcome = Outcome::Done;
    for argv in [Some(&line.argv), line.evaluate.as_ref()].into_iter().flatten() {
        wait_until_free(&dir.join(&line.name))?;
        outcome = process((dir, plan, line), argv, tethers, &mut clock, tell)?;
        if outcome != Outcome::Done {
            break;
        }
    }
    if outcome == Outcome::Done && line.state(dir, &plan.suite)? != State::Done {
        // Ctrl+C reaches every process of a terminal: they end well, without being done.
        outcome = Outcome::Stopped;
    }
    if outcome == Outcome::Done && line.evaluate.is_some() {
        // Training wrote it before there was an evaluation.
        report::write_of_run(&dir.join(&line.name))?;
    }
    if let Outcome::Failed(message) = &outcome {
        clock.record.failed = Some(message.clone());
    }
    clock.keep()?;
    Ok(outcome)
}

fn process(
    (dir, plan, line): (&Path, &Plan, &Line),
    argv: &[String],
    tethers: &Tethers,
    clock: &mut Clock,
    tell: &mut dyn FnMut(&Event),
) -> Result<Outcome, Failure> {
    let failed = |error: std::io::Error| Failure::Work(format!("{}: {error}", line.name));
    let program = std::env::current_exe().map_err(failed)?;
    let log = log_of(dir, &line.name);
    let errors = File::create(&log).map_err(failed)?;
    let mut command = Command::new(program);
    command.args(&argv[1..]).args(["--json", &format!("--{}", tether::FLAG)]);
    command.current_dir(&plan.cwd).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
    let mut child = command.spawn().map_err(failed)?;
    tethers.hold(&line.name, child.stdin.take());
    for text in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok) {
        clock.tick()?;
        // An evaluation says other things, which its folder holds as well.
        if let Ok(event) = serde_json::from_str::<Event>(&text) {
            tell(&event);
        }
    }
    let status = child.wait().map_err(failed)?;
    if status.success() {
        if files::read(&log).is_ok_and(|said| said.is_empty()) {
            files::remove(&log).map_err(failed)?;
        }
        return Ok(Outcome::Done);
    }
    if tethers.are_cut() {
        return Ok(Outcome::Stopped);
    }
    let said = fs::read_to_string(&log).unwrap_or_default();
    let last = said.lines().rev().find_map(|line| line.strip_prefix("error: ")).or(said.lines().last());
    Ok(Outcome::Failed(last.map_or_else(|| format!("it ended with {status}"), str::to_owned)))
}

/// Waits for a process that is about to leave the folder: one that was started by a comparison that was killed saves before it ends.
fn wait_until_free(folder: &Path) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        let Ok((folder, _)) = RunFolder::open(folder) else { return Ok(()) };
        match folder.lock() {
            Err(CheckpointError::Busy(_)) if begun.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(50)),
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(()),
        }
    }
}

/// Measures the time of a start, and writes it down on the way: it may be killed.
struct Clock {
    file: PathBuf,
    before: f64,
    begun: Instant,
    kept: Instant,
    record: Record,
}

impl Clock {
    fn start(dir: &Path, name: &str) -> Result<Self, Failure> {
        let mut record = read_record(dir, name);
        record.attempts += 1;
        record.failed = None;
        let clock =
            Self { file: record_of(dir, name), before: record.seconds, begun: Instant::now(), kept: Instant::now(), record };
        clock.write()?;
        Ok(clock)
    }

    fn tick(&mut self) -> Result<(), Failure> {
        if self.kept.elapsed() < KEEP_EVERY {
            return Ok(());
        }
        self.kept = Instant::now();
        self.keep()
    }

    fn keep(&mut self) -> Result<(), Failure> {
        self.record.seconds = self.before + self.begun.elapsed().as_secs_f64();
        self.write()
    }

    fn write(&self) -> Result<(), Failure> {
        let text = serde_json::to_string(&self.record).unwrap_or_default() + "\n";
        files::write(&self.file, text.as_bytes()).map_err(|error| Failure::Work(format!("{}: {error}", self.file.display())))
    }
}

/// What is kept of the starts of the run `name`; nothing where it was never started.
pub(super) fn read_record(dir: &Path, name: &str) -> Record {
    files::read_text(&record_of(dir, name)).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// The folder beside the run folders that holds what is kept of their starts.
pub(super) fn folder_of(dir: &Path) -> PathBuf {
    dir.join("tasks")
}

fn record_of(dir: &Path, name: &str) -> PathBuf {
    folder_of(dir).join(format!("{name}.json"))
}

fn log_of(dir: &Path, name: &str) -> PathBuf {
    folder_of(dir).join(format!("{name}.log"))
}
