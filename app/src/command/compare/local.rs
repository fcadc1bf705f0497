//! The runs of a comparison as processes of this machine, as many as fit.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use gairat::session::Event;

use super::{
    plan::{Line, Plan, State},
    progress::Progress,
    task::{self, Outcome, Tethers},
};
use crate::failure::Failure;

/// How often the person is looked after while nothing happens.
const EVERY: Duration = Duration::from_millis(100);

/// What a worker tells.
enum Told {
    Begun(usize),
    Event(usize, Event),
    Ended(usize, Result<Outcome, Failure>),
}

/// How the runs ended.
#[derive(Default)]
pub(super) struct Ended {
    /// Whether the person stopped it.
    pub(super) stopped: bool,
    /// Runs that failed, and why.
    pub(super) failed: BTreeMap<String, String>,
}

/// Runs what is left of `plan`, `parallel` runs at a time.
pub(super) fn run(
    dir: &Path,
    plan: &Plan,
    states: &[State],
    parallel: usize,
    stop: &AtomicBool,
    progress: &mut Progress,
) -> Result<Ended, Failure> {
    let left: VecDeque<usize> = (0..plan.runs.len()).filter(|place| states[*place] != State::Done).collect();
    let queue = Mutex::new(left);
    let tethers = Tethers::new();
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..parallel {
            let (queue, tethers, tell) = (&queue, &tethers, tell.clone());
            scope.spawn(move || {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(place) = next.filter(|_| !tethers.are_cut()) else { break };
                    let line: &Line = &plan.runs[place];
                    // Whoever hears of it outlives the workers.
                    let _ = tell.send(Told::Begun(place));
                    let outcome = task::execute((dir, plan), line, tethers, &mut |event| {
                        let _ = tell.send(Told::Event(place, event.clone()));
                    });
                    let _ = tell.send(Told::Ended(place, outcome));
                }
            });
        }
        drop(tell);
        let mut ended = Ended::default();
        let mut wrong = None;
        loop {
            match told.recv_timeout(EVERY) {
                Ok(Told::Begun(place)) => progress.begun(&plan.runs[place].name),
                Ok(Told::Event(place, event)) => progress.event(&plan.runs[place].name, &event),
                Ok(Told::Ended(place, Ok(outcome))) => {
                    let line = &plan.runs[place];
                    if let Outcome::Failed(message) = &outcome {
                        ended.failed.insert(line.name.clone(), message.clone());
                    }
                    progress.ended(line, &outcome, task::read_record(dir, &line.name).seconds);
                }
                Ok(Told::Ended(_, Err(failure))) => {
                    tethers.cut();
                    wrong.get_or_insert(failure);
                }
                Err(RecvTimeoutError::Timeout) => progress.tick(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if stop.load(Ordering::SeqCst) && !ended.stopped {
                ended.stopped = true;
                progress.stopping();
                tethers.cut();
            }
        }
        match wrong {
            Some(failure) => Err(failure),
            None => Ok(ended),
        }
    })
}
