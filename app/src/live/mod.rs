//! A run that somebody looks at: a thread that trains behind a gate, tells what happens, and makes views when they are wanted.

mod gate;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use gairat::{
    checkpoint::{CheckpointError, ResumeState, RunFolder, RunLock},
    dataset::{self, Dataset},
    device::{self, Chosen},
    metrics::EpochMetrics,
    session::{Command, Door, Ending, Event, Look, Place, View},
    settings::Settings,
};

pub(crate) use gate::{Gate, Turn, UNLIMITED};

use crate::{driver, failure::Failure, run_folders};

/// Where a run begins.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// Anew, in a folder of its own under this one.
    Fresh(PathBuf),
    /// Where the run in this folder stopped; the settings are its own, or differ in what a run is computed by.
    Folder(PathBuf),
    /// At an earlier state of another run, in a folder of its own under this one; with the epochs up to there.
    State(PathBuf, Arc<ResumeState>, Vec<EpochMetrics>),
}

/// What is known once a run has its data and its device.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    /// The data.
    pub(crate) dataset: Arc<Dataset>,
    /// The device's name for a person.
    pub(crate) device: String,
    /// Whether it is a GPU that the CPU stands in for.
    pub(crate) software: bool,
    /// Whether it is the GPU that the window draws with.
    pub(crate) shared: bool,
    /// Why it was taken.
    pub(crate) why: String,
    /// Where the run is kept.
    pub(crate) folder: PathBuf,
    /// Epochs that the run has behind it.
    pub(crate) metrics: Vec<EpochMetrics>,
}

/// What a run tells.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    /// It has data, device and folder.
    Ready(Ready),
    /// Something happened.
    Event(Event),
    /// An epoch is over, and one may come back to here.
    Kept(Arc<ResumeState>),
    /// It is over, and nothing went wrong.
    Ended(Ending),
    /// It cannot go on, or could not begin.
    Failed(String),
}

/// What goes to and fro between a run and who looks at it.
#[derive(Default)]
struct Mail {
    messages: Vec<Message>,
    view: Option<View>,
    look: Look,
    look_due: bool,
    commands: VecDeque<Command>,
    stop: bool,
}

struct Shared {
    mail: Mutex<Mail>,
    gate: Arc<Gate>,
    member: usize,
    /// Asks for a frame.
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Shared {
    fn mail(&self) -> MutexGuard<'_, Mail> {
        // Nobody leaves a letter half written.
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, message: Message) {
        self.mail().messages.push(message);
        (self.wake)();
    }
}

/// The window's end of a run.
pub(crate) struct Live {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// The GPU that the window draws with, for a run to compute on.
#[derive(Clone, Debug)]
pub(crate) struct WindowsGpu {
    /// The device.
    pub(crate) chosen: Chosen,
    /// Held by the run that computes on it. Two threads that compute on one device with one queue were seen to wait for each other
    /// for ever (burn 0.22.1 on a software adapter).
    pub(crate) taken: Arc<Mutex<()>>,
}

impl Live {
    /// Starts a run: checking, loading and everything else happens on its own thread. It leaves `spare` cores alone where it may choose.
    pub(crate) fn start(
        settings: Settings,
        origin: Origin,
        (gate, member): (Arc<Gate>, usize),
        (gpu, spare): (Option<WindowsGpu>, usize),
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        let shared = Arc::new(Shared { mail: Mutex::default(), gate, member, wake });
        let theirs = Arc::clone(&shared);
        let work = move || {
            let mut door = Window { shared: Arc::clone(&theirs) };
            let outcome = catch_unwind(AssertUnwindSafe(|| work(settings, origin, (gpu, spare), &mut door)));
            let told = match outcome {
                Ok(Ok(ending)) => Message::Ended(ending),
                Ok(Err(failure)) => Message::Failed(failure.message().to_owned()),
                Err(_) => Message::Failed(
                    "the run was given up by a fault of the program; what was saved before is in its folder".to_owned(),
                ),
            };
            theirs.gate.leave(theirs.member);
            theirs.tell(told);
        };
        let thread = std::thread::Builder::new().name("gairat-run".to_owned()).spawn(work);
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(error) => {
                shared.tell(Message::Failed(format!("the system gives no thread to train on: {error}")));
                None
            }
        };
        Self { shared, thread }
    }

    /// What was told since the last time.
    pub(crate) fn messages(&self) -> Vec<Message> {
        std::mem::take(&mut self.shared.mail().messages)
    }

    /// The newest view, if there is one since the last time.
    pub(crate) fn view(&self) -> Option<View> {
        self.shared.mail().view.take()
    }

    /// Wants a view.
    pub(crate) fn look(&self, look: Look) {
        let mut mail = self.shared.mail();
        mail.look = look;
        mail.look_due = true;
        drop(mail);
        self.shared.gate.wake();
    }

    /// Whether a view that was wanted is not there yet.
    pub(crate) fn is_looking(&self) -> bool {
        self.shared.mail().look_due
    }

    /// Tells the run to do something.
    pub(crate) fn command(&self, command: Command) {
        let mut mail = self.shared.mail();
        mail.stop |= matches!(command, Command::Stop);
        mail.commands.push_back(command);
        drop(mail);
        self.shared.gate.wake();
    }

    /// Whether the thread has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops and waits until the run is saved.
    pub(crate) fn finish(&mut self) {
        self.command(Command::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic was told as a failure already.
            let _ = thread.join();
        }
    }
}

/// A run from its settings to its end, on this thread.
fn work(
    settings: Settings,
    origin: Origin,
    (gpu, spare): (Option<WindowsGpu>, usize),
    door: &mut Window,
) -> Result<Ending, Failure> {
    let plan = settings.checked()?;
    let dataset = Arc::new(dataset::load(&plan.request)?);
    settings.model.resolve(dataset.shape).accepts(dataset.shape, dataset.classes)?;
    let _taken = gpu.as_ref().map(|gpu| gpu.taken.lock().unwrap_or_else(PoisonError::into_inner));
    let chosen = match &gpu {
        Some(gpu) => gpu.chosen.clone(),
        None => pollster::block_on(device::choose(&settings.device))?,
    };
    let folder = match &origin {
        Origin::Fresh(root) => run_folders::dated_under(root, &settings)?,
        Origin::Folder(path) => RunFolder::open(path)?.0,
        Origin::State(root, state, metrics) => {
            let folder = run_folders::dated_under(root, &settings)?;
            let mut state = ResumeState::clone(state);
            // Its best weights are in the folder that it comes from.
            (state.progress.best_epoch, state.progress.best_robust) = (0, 0.0);
            folder.write_metrics(metrics)?;
            if state.progress.epoch > 0 {
                folder.commit(&state)?;
            }
            folder
        }
    };
    let _lock = lock(&folder)?;
    let epoch = folder.resume_state()?.map_or(0, |state| state.progress.epoch);
    door.shared.tell(Message::Ready(Ready {
        dataset: Arc::clone(&dataset),
        device: if chosen.cpu { "CPU".to_owned() } else { format!("{} · {}", chosen.name, chosen.api) },
        software: !chosen.cpu && device::is_software(),
        shared: gpu.is_some(),
        why: chosen.why.clone(),
        folder: folder.path().to_owned(),
        metrics: folder.read_metrics(epoch)?,
    }));
    let threads = driver::threads_for(settings.threads, &settings.model.resolve(dataset.shape), spare);
    driver::train(&plan, &dataset, (&chosen, threads), &folder, door)
}

/// Takes the folder. One whose window was just closed, or lost its device, is waited for.
fn lock(folder: &RunFolder) -> Result<RunLock, Failure> {
    let mut patience = 20;
    loop {
        match folder.lock() {
            Err(CheckpointError::Busy(_)) if patience > 0 => {
                patience -= 1;
                std::thread::sleep(Duration::from_millis(100));
            }
            taken => return Ok(taken?),
        }
    }
}

/// The settings of the run in a folder.
pub(crate) fn settings_of(path: &Path) -> Result<Settings, Failure> {
    Ok(RunFolder::open(path)?.1)
}

/// The run's end.
struct Window {
    shared: Arc<Shared>,
}

impl Door for Window {
    async fn next(&mut self, place: Place) -> Command {
        let gate = &self.shared.gate;
        if place.is_end() {
            gate.leave(self.shared.member);
        } else {
            gate.enter(self.shared.member);
        }
        loop {
            {
                let mut mail = self.shared.mail();
                if let Some(command) = mail.commands.pop_front() {
                    return command;
                }
                if mail.look_due {
                    return Command::Look;
                }
            }
            if gate.turn(self.shared.member) == Turn::Step {
                return Command::Go;
            }
        }
    }

    fn stopping(&mut self) -> bool {
        self.shared.mail().stop
    }

    fn emit(&mut self, event: Event) {
        self.shared.tell(Message::Event(event));
    }

    fn stays(&self) -> bool {
        true
    }

    fn looks(&mut self) -> bool {
        self.shared.mail().look_due
    }

    fn look(&mut self) -> Look {
        self.shared.mail().look.clone()
    }

    fn show(&mut self, view: View) {
        let mut mail = self.shared.mail();
        mail.look_due = false;
        let view = match mail.view.take() {
            Some(before) => before.followed_by(view),
            None => view,
        };
        mail.view = Some(view);
        drop(mail);
        (self.shared.wake)();
    }

    fn keep(&mut self, state: ResumeState) {
        self.shared.tell(Message::Kept(Arc::new(state)));
    }
}
