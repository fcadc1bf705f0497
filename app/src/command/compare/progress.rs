//! How far a comparison is: a bar for people, lines where standard error is no terminal, objects for programs.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use gairat::session::Event;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::{
    plan::{Line, Plan, State},
    task::Outcome,
};

/// How often a line tells progress where there is no bar.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Tells how far it is.
pub(super) struct Progress {
    json: bool,
    bar: ProgressBar,
    plain: bool,
    runs: usize,
    done: usize,
    /// Finished epochs by run, of those that were at work.
    epochs: BTreeMap<String, u32>,
    /// Runs at work.
    working: BTreeSet<String>,
    warned: BTreeSet<String>,
    before: u64,
    told: Instant,
}

impl Progress {
    /// Begins to tell of `plan`, of which some runs may be done.
    pub(super) fn new(plan: &Plan, states: &[State], parallel: usize, json: bool) -> Self {
        let all: u64 = plan.runs.iter().map(|line| u64::from(line.epochs)).sum();
        let before = plan.runs.iter().zip(states).map(|(line, state)| match state {
            State::Open(epochs) => u64::from(*epochs),
            State::Trained | State::Done => u64::from(line.epochs),
        });
        let before = before.sum();
        let done = states.iter().filter(|state| **state == State::Done).count();
        let plain = json || !std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{wide_bar} {prefix}, {elapsed}, {eta} left {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_position(before);
        bar.reset_eta();
        if !plain {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        let runs = plan.runs.len();
        let threads = plan.threads;
        if json {
            let line = json!({ "event": "plan", "runs": runs, "done": done, "parallel": parallel, "threads": threads });
            crate::terminal::say!("{line}");
        } else {
            let each = if threads == 1 { "thread" } else { "threads" };
            let before = if done > 0 { format!("; {done} were finished before") } else { String::new() };
            let runs = if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
            crate::terminal::tell!("{runs}, {parallel} at a time with {threads} {each} each{before}");
        }
        let (epochs, working, warned) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        let progress = Self { json, bar, plain, runs, done, epochs, working, warned, before, told: Instant::now() };
        progress.show();
        progress
    }

    /// Warnings of runs that are not told.
    pub(super) fn pass_over(&mut self, warnings: impl Iterator<Item = String>) {
        self.warned.extend(warnings);
    }

    /// A run begins or goes on.
    pub(super) fn begun(&mut self, name: &str) {
        self.working.insert(name.to_owned());
        if self.json {
            crate::terminal::say!("{}", json!({ "event": "run_begun", "name": name }));
        }
        self.show();
    }

    /// A run says something.
    pub(super) fn event(&mut self, name: &str, event: &Event) {
        match event {
            Event::Started { resumed_epoch, .. } => {
                // What was done before counts there already.
                self.before = self.before.saturating_sub(u64::from(*resumed_epoch));
                self.epochs.insert(name.to_owned(), *resumed_epoch);
            }
            Event::Epoch(metrics) => {
                self.epochs.insert(name.to_owned(), metrics.epoch);
                if self.json {
                    crate::terminal::say!("{}", json!({ "event": "run_epoch", "name": name, "epoch": metrics.epoch }));
                }
            }
            Event::Warning { message } => {
                if self.warned.insert(message.clone()) {
                    self.line(&format!("warning: {message} (first in {name})"));
                }
            }
            _ => return,
        }
        self.show();
    }

    /// A run is over.
    pub(super) fn ended(&mut self, line: &Line, outcome: &Outcome, seconds: f64) {
        self.working.remove(&line.name);
        let name = &line.name;
        if *outcome == Outcome::Done {
            self.done += 1;
        }
        if self.json {
            let (state, message) = match outcome {
                Outcome::Done => ("done", None),
                Outcome::Stopped => ("stopped", None),
                Outcome::Failed(message) => ("failed", Some(message)),
            };
            let line = json!({ "event": "run_ended", "name": name, "state": state, "seconds": seconds, "message": message });
            crate::terminal::say!("{line}");
        } else {
            match outcome {
                Outcome::Done => self.line(&format!("{name}: done, {seconds:.1} s ({} of {})", self.done, self.runs)),
                Outcome::Stopped => self.line(&format!("{name}: stopped and saved")),
                Outcome::Failed(message) => self.line(&format!("{name}: failed: {message}")),
            }
        }
        self.show();
    }

    /// Nothing happened for a while.
    pub(super) fn tick(&mut self) {
        if self.plain && !self.json && self.told.elapsed() >= PLAIN_EVERY {
            self.told = Instant::now();
            let at_work: Vec<String> = self
                .working
                .iter()
                .map(|name| format!("{name} epoch {}", self.epochs.get(name).copied().unwrap_or_default()))
                .collect();
            crate::terminal::tell!("{} of {} runs; at work: {}", self.done, self.runs, at_work.join(", "));
        }
    }

    /// The person has had enough.
    pub(super) fn stopping(&self) {
        self.line("stopping: runs at work save what they have");
    }

    /// No more is told.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, text: &str) {
        if !self.json {
            self.bar.suspend(|| crate::terminal::tell!("{text}"));
        }
    }

    fn show(&self) {
        self.bar.set_position(self.before + self.epochs.values().map(|epochs| u64::from(*epochs)).sum::<u64>());
        self.bar.set_prefix(format!("{} of {} runs", self.done, self.runs));
        let first = self.working.first().map(|name| format!("· {name}")).unwrap_or_default();
        self.bar.set_message(first);
    }
}
