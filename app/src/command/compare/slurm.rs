//! The runs of a comparison as tasks of SLURM: a job array, one run a task. What has become of a run is seen from its folder, so a task that
//! is neither done nor in the queue was interrupted or has failed, and is submitted again.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use gairat::files;
use serde::{Deserialize, Serialize};

use super::{
    plan::{Plan, State},
    task::read_record,
};
use crate::failure::Failure;

/// Tasks of an array: SLURM's own default allows 1001.
const MOST: usize = 1000;
/// How often a run is submitted that says why it failed,
const FAILURES: usize = 3;
/// and one that was interrupted.
const INTERRUPTIONS: usize = 10;

/// What was submitted, kept in the comparison's folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Jobs {
    /// Options of `sbatch`, such as `--mem=2G`.
    pub(super) options: Vec<String>,
    /// Arrays, the oldest first.
    pub(super) arrays: Vec<Array>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Array {
    /// Its number.
    pub(super) job: String,
    /// The run of each task.
    pub(super) runs: Vec<String>,
}

/// How a comparison stands after a look.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Standing {
    /// Runs in the queue, and what it says of them.
    pub(super) queued: BTreeMap<String, String>,
    /// Runs that were submitted now, and why.
    pub(super) submitted: BTreeMap<String, String>,
    /// Runs that are not submitted again, and why.
    pub(super) given_up: BTreeMap<String, String>,
}

impl Jobs {
    /// What was submitted from `dir`; none where nothing was.
    pub(super) fn read(dir: &Path) -> Result<Option<Self>, Failure> {
        let file = file(dir);
        if !files::is_file(&file) {
            return Ok(None);
        }
        let malformed = |what: String| Failure::Work(format!("{}: {what}; expected what --on slurm wrote", file.display()));
        let text = files::read_text(&file).map_err(|error| malformed(error.to_string()))?;
        serde_json::from_str(&text).map(Some).map_err(|error| malformed(error.to_string()))
    }

    fn write(&self, dir: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        files::write(&file(dir), text.as_bytes()).map_err(|error| failed(&file(dir), &error))
    }

    /// The task that a run has last: `12_3`.
    fn task(&self, name: &str) -> Option<String> {
        let of = |array: &Array| Some(format!("{}_{}", array.job, array.runs.iter().position(|run| run == name)?));
        self.arrays.iter().rev().find_map(of)
    }

    fn submissions(&self, name: &str) -> usize {
        self.arrays.iter().filter(|array| array.runs.iter().any(|run| run == name)).count()
    }
}

fn file(dir: &Path) -> PathBuf {
    folder(dir).join("jobs.json")
}

fn folder(dir: &Path) -> PathBuf {
    dir.join("slurm")
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Work(format!("{}: {error}", path.display()))
}

/// Checks the queue and the folders, and submits the runs that are neither done nor queued. Skips runs that failed repeatedly, unless the
/// user `asked` for them.
pub(super) fn advance(dir: &Path, plan: &Plan, jobs: &mut Jobs, asked: bool) -> Result<Standing, Failure> {
    // The queue first: a task that ends between the two looks is done then.
    let queue = queue()?;
    let mut standing = Standing::default();
    let mut lost = Vec::new();
    for line in &plan.runs {
        let state = line.state(dir, &plan.suite)?;
        if state == State::Done {
            continue;
        }
        if let Some(said) = jobs.task(&line.name).and_then(|task| queue.get(&task)) {
            standing.queued.insert(line.name.clone(), said.to_lowercase());
            continue;
        }
        let times = jobs.submissions(&line.name);
        let failure = read_record(dir, &line.name).failed;
        let limit = if failure.is_some() { FAILURES } else { INTERRUPTIONS };
        let why = match (&failure, state) {
            _ if times == 0 => "new".to_owned(),
            (Some(message), _) => format!("failed: {message}"),
            (None, State::Open(epochs)) => format!("interrupted after {epochs} epochs"),
            (None, _) => "interrupted before its evaluation".to_owned(),
        };
        if times >= limit && !asked {
            standing.given_up.insert(line.name.clone(), format!("submitted {times} times; {why}"));
        } else {
            standing.submitted.insert(line.name.clone(), why);
            lost.push(line.name.clone());
        }
    }
    for runs in lost.chunks(MOST) {
        let job = submit(dir, plan, jobs, runs)?;
        jobs.arrays.push(Array { job, runs: runs.to_vec() });
        jobs.write(dir)?;
    }
    Ok(standing)
}

/// Submits an array of these runs; its number.
fn submit(dir: &Path, plan: &Plan, jobs: &Jobs, runs: &[String]) -> Result<String, Failure> {
    let dir = std::path::absolute(dir).map_err(|error| failed(dir, &error))?;
    let folder = folder(&dir);
    files::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
    let program = std::env::current_exe().map_err(|error| failed(&folder, &error))?;
    let script = folder.join(format!("array-{}.sh", jobs.arrays.len() + 1));
    let names: Vec<String> = runs.iter().map(|name| quoted(name)).collect();
    let text = format!(
        "#!/bin/sh\n# One run a task. What has become of a run is seen from its folder.\nset -- {}\nshift \"$SLURM_ARRAY_TASK_ID\"\nexec {} compare --collect {} --task \"$1\"\n",
        names.join(" "),
        quoted(&program.to_string_lossy()),
        quoted(&dir.to_string_lossy()),
    );
    files::write(&script, text.as_bytes()).map_err(|error| failed(&script, &error))?;
    let mut command = Command::new("sbatch");
    command
        .args(["--parsable", "--job-name=gairat", &format!("--array=0-{}", runs.len() - 1)])
        .arg(format!("--cpus-per-task={}", plan.threads))
        .arg(format!("--chdir={}", plan.cwd.display()))
        .arg(format!("--output={}/%A_%a.out", folder.display()))
        // The user's options override the defaults.
        .args(&jobs.options)
        .arg(&script);
    let said = output(&mut command)?;
    // `12` or `12;cluster`.
    let job = said.trim().split(';').next().unwrap_or_default().to_owned();
    if job.is_empty() || !job.chars().all(|letter| letter.is_ascii_digit()) {
        return Err(Failure::Work(format!("sbatch: `{}` is no number of a job", said.trim())));
    }
    Ok(job)
}

/// A word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The tasks of this user that wait or run, and in which state.
pub(super) fn queue() -> Result<BTreeMap<String, String>, Failure> {
    let said = output(Command::new("squeue").args(["--noheader", "--array", "--me", "--format=%i %T"]))?;
    let task = |line: &str| line.split_once(' ').map(|(task, state)| (task.to_owned(), state.trim().to_owned()));
    Ok(said.lines().filter_map(task).collect())
}

/// What a command of SLURM says.
fn output(command: &mut Command) -> Result<String, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| {
        Failure::Request(format!(
            "--on slurm: {name} cannot be started ({error}); run this where SLURM's commands are, or leave --on out to use this machine"
        ))
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::Work(format!("{name}: {}", said.trim())))
}

/// Options of `sbatch` from one text: `--mem=2G --time=10`.
///
/// # Errors
/// What decides how tasks are counted and where they write is not for options.
pub(super) fn options(text: &str) -> Result<Vec<String>, Failure> {
    let options: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let own = ["--array", "-a", "--wrap", "--parsable", "--chdir", "-D"];
    let taken: BTreeSet<&str> = own.into_iter().collect();
    match options.iter().find(|option| taken.contains(option.split('=').next().unwrap_or_default())) {
        Some(option) => Err(Failure::Request(format!(
            "--slurm: {option} is set by the comparison itself; expected resources such as --mem=2G --time=10 --partition=gpu"
        ))),
        None => Ok(options),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_known_by_its_last_task() {
        let array =
            |job: &str, runs: &[&str]| Array { job: job.to_owned(), runs: runs.iter().map(|run| (*run).to_owned()).collect() };
        let jobs = Jobs { options: Vec::new(), arrays: vec![array("3", &["a", "b", "c"]), array("7", &["c"])] };
        assert_eq!((jobs.task("b").as_deref(), jobs.task("c").as_deref(), jobs.task("d")), (Some("3_1"), Some("7_0"), None));
        assert_eq!((jobs.submissions("a"), jobs.submissions("c"), jobs.submissions("d")), (1, 2, 0));
    }

    #[test]
    fn resources_are_options_and_the_array_is_not() {
        assert_eq!(options("--mem=2G  --time=10").unwrap(), ["--mem=2G", "--time=10"]);
        for text in ["--array=1-2", "--mem=1G -a 3", "--wrap=x"] {
            assert!(options(text).is_err(), "{text}");
        }
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
