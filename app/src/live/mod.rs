//! A run on display: it trains behind a gate, reports events, and makes views on request. In the window it is a thread, in the page a task of
//! the page's worker.

mod gate;

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use gairat::{
    checkpoint::{CheckpointError, ResumeState, RunFolder, RunLock},
    dataset::{self, Dataset},
    device::{self, Chosen},
    metrics::EpochMetrics,
    room,
    session::{Command, Door, Ending, Event, Judging, Look, Place, Start, View, carry_over},
    settings::{Checked, Settings},
};

pub(crate) use gate::Gate;
use gate::Turn;
use serde::{Deserialize, Serialize};

use crate::{
    failure::Failure,
    platform::{Claim, rest},
    run_folders,
};

/// Where a run begins.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a window has one or two runs")]
pub(crate) enum Origin {
    /// Anew, in a folder of its own under this one.
    Fresh(PathBuf),
    /// Where the run in this folder stopped; the settings are its own, or differ in what a run is computed by.
    Folder(PathBuf),
    /// At an earlier state of another run, in a folder of its own.
    State(Rewound),
}

/// The earlier state of a run that another goes on from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rewound {
    /// Under which folder the other is kept.
    pub(crate) root: PathBuf,
    /// The folder of the run; none where it had not begun.
    pub(crate) from: Option<PathBuf>,
    /// Its state.
    pub(crate) state: ResumeState,
    /// Its epochs up to there.
    pub(crate) metrics: Vec<EpochMetrics>,
}

/// What is known once a run has its data and its device.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
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
    /// A suite is at work, or done.
    Judging(Judging),
    /// An epoch is over, and one may come back to here.
    Kept(Arc<ResumeState>),
    /// It is over, and nothing went wrong.
    Ended(Ending),
    /// It cannot go on, or could not begin.
    Failed(String),
}

impl Message {
    /// Whether it may wait for the next frame that is drawn anyway. Small data finish many epochs a second: a frame for each of them would
    /// show nothing new, and take from the run what it draws with.
    pub(crate) fn can_wait(&self) -> bool {
        matches!(self, Self::Kept(_) | Self::Event(Event::Progress { .. } | Event::Epoch(_) | Event::Best { .. }))
    }
}

/// Messages between a run and its viewer.
#[derive(Default)]
struct Mail {
    messages: Vec<Message>,
    view: Option<View>,
    look: Look,
    look_due: bool,
    commands: VecDeque<Command>,
    stop: bool,
    stop_judging: bool,
}

/// The state that a run shares with its viewer.
pub(crate) struct Shared {
    mail: Mutex<Mail>,
    gate: Arc<Gate>,
    member: usize,
    /// Says that there is something new.
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Shared {
    pub(crate) fn new(gate: Arc<Gate>, member: usize, wake: Box<dyn Fn() + Send + Sync>) -> Arc<Self> {
        Arc::new(Self { mail: Mutex::default(), gate, member, wake })
    }

    fn mail(&self) -> MutexGuard<'_, Mail> {
        // A panic cannot leave the mail half written.
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, message: Message) {
        let can_wait = message.can_wait();
        self.mail().messages.push(message);
        if !can_wait {
            (self.wake)();
        }
    }

    /// What was told since the last time.
    pub(crate) fn messages(&self) -> Vec<Message> {
        std::mem::take(&mut self.mail().messages)
    }

    /// The newest view, if there is one since the last time.
    pub(crate) fn view(&self) -> Option<View> {
        self.mail().view.take()
    }

    /// Wants a view.
    pub(crate) fn look(&self, look: Look) {
        let mut mail = self.mail();
        mail.look = look;
        mail.look_due = true;
        drop(mail);
        self.gate.wake();
    }

    /// Whether a view that was wanted is not there yet.
    #[allow(dead_code, reason = "a page keeps this on its own side of the worker")]
    pub(crate) fn is_looking(&self) -> bool {
        self.mail().look_due
    }

    /// Tells the run to do something.
    pub(crate) fn command(&self, command: Command) {
        let mut mail = self.mail();
        mail.stop |= matches!(command, Command::Stop);
        mail.stop_judging &= !matches!(command, Command::Judge(_));
        mail.commands.push_back(command);
        drop(mail);
        self.gate.wake();
    }

    /// Wants no more of what is being judged, or was to be.
    pub(crate) fn stop_judging(&self) {
        let mut mail = self.mail();
        mail.commands.retain(|command| !matches!(command, Command::Judge(_)));
        mail.stop_judging = true;
    }

    /// The run is over.
    pub(crate) fn over(&self, told: Message) {
        self.gate.leave(self.member);
        self.tell(told);
    }
}

/// The GPU that the window draws with, for a run to compute on.
#[derive(Clone, Debug)]
pub(crate) struct WindowsGpu {
    pub(crate) chosen: Chosen,
    /// Held by the run that computes on it. Two threads that compute on one device with one queue were seen to wait for each other
    /// for ever (burn 0.22.1 on a software adapter).
    pub(crate) taken: Arc<Mutex<()>>,
}

impl WindowsGpu {
    #[allow(dead_code, reason = "a page has no GPU that it could share")]
    /// Waits until no other run computes on it.
    pub(crate) fn take(&self) -> MutexGuard<'_, ()> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that is ready to train.
pub(crate) struct Prepared {
    /// What is trained.
    pub(crate) plan: Checked,
    pub(crate) dataset: Arc<Dataset>,
    /// Where it is computed.
    pub(crate) chosen: Chosen,
    /// Where it is kept.
    pub(crate) folder: RunFolder,
    _lock: RunLock,
    _claim: Claim,
}

/// Checks, loads, opens the device and the folder, and tells that the run is ready.
pub(crate) async fn prepare(
    settings: Settings,
    origin: Origin,
    shared: Option<&Chosen>,
    door: &mut Window,
) -> Result<Prepared, Failure> {
    let mut settings = settings;
    let mut plan = settings.checked()?;
    let dataset = Arc::new(dataset::load(&plan.request)?);
    if matches!(origin, Origin::Fresh(_))
        && let Some(start) = Start::of(&settings, &dataset)?
    {
        let message = format!("{}.", start.reading);
        door.shared.tell(Message::Event(Event::Warning { message }));
        settings = start.settings;
        plan = settings.checked()?;
    }
    settings.model.resolve(dataset.shape).accepts(dataset.shape, dataset.classes)?;
    let chosen = match shared {
        Some(chosen) => chosen.clone(),
        None => device::choose(&settings.device).await?,
    };
    room::for_training(&settings.model, &dataset, settings.batch, &chosen)?;
    let (folder, claim) = match &origin {
        Origin::Fresh(root) => new_folder(root, &settings).await?,
        Origin::Folder(path) => {
            let claim = patiently(path, async || Claim::on(path).await).await?;
            (RunFolder::open(path)?.0, claim)
        }
        Origin::State(Rewound { root, from, state, metrics }) => {
            let (folder, claim) = new_folder(root, &settings).await?;
            let mut state = state.clone();
            // Its best weights are in the folder that it comes from.
            (state.progress.best_epoch, state.progress.best_robust) = (0, 0.0);
            folder.write_metrics(metrics)?;
            if let Some(from) = from {
                carry_over(from, &folder, (state.progress.epoch, state.progress.step))?;
            }
            if state.progress.epoch > 0 {
                folder.commit(&state)?;
            }
            (folder, claim)
        }
    };
    let lock = patiently(folder.path(), async || match folder.lock() {
        Err(CheckpointError::Busy(_)) => Ok(None),
        taken => taken.map(Some),
    })
    .await?;
    let epoch = folder.resume_state()?.map_or(0, |state| state.progress.epoch);
    door.folder = Some(folder.path().to_owned());
    door.shared.tell(Message::Ready(Ready {
        dataset: Arc::clone(&dataset),
        device: if chosen.cpu { "CPU".to_owned() } else { format!("{} · {}", chosen.name, chosen.api) },
        software: !chosen.cpu && device::is_software(),
        shared: shared.is_some(),
        why: chosen.why.clone(),
        folder: folder.path().to_owned(),
        metrics: folder.read_metrics(epoch)?,
    }));
    Ok(Prepared { plan, dataset, chosen, folder, _lock: lock, _claim: claim })
}

/// A folder of its own under `root`, named after the moment.
async fn new_folder(root: &Path, settings: &Settings) -> Result<(RunFolder, Claim), Failure> {
    for name in run_folders::names(settings) {
        let path = root.join(name);
        // Of another tab's folder nothing is known here.
        let Some(claim) = Claim::on(&path).await? else { continue };
        match RunFolder::create(&path, settings) {
            Err(CheckpointError::Exists(_)) => {}
            folder => return Ok((folder?, claim)),
        }
    }
    Err(run_folders::none_free(root))
}

/// Takes what belongs to the folder at `path`. One whose window was just closed, or lost its device, is waited for.
async fn patiently<T>(path: &Path, take: impl AsyncFn() -> Result<Option<T>, CheckpointError>) -> Result<T, Failure> {
    for _ in 0..20 {
        if let Some(taken) = take().await? {
            return Ok(taken);
        }
        rest::sleep(Duration::from_millis(100)).await;
    }
    Err(CheckpointError::Busy(path.to_owned()).into())
}

/// The settings of the run in a folder.
pub(crate) fn settings_of(path: &Path) -> Result<Settings, Failure> {
    Ok(RunFolder::open(path)?.1)
}

/// The run's end.
pub(crate) struct Window {
    shared: Arc<Shared>,
    /// Where the run is kept, once that is known.
    folder: Option<PathBuf>,
}

impl Window {
    pub(crate) fn of(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), folder: None }
    }

    /// Writes what a run leaves in its folder when it is over, and again when it was judged since. A page has no reports.
    fn conclude(&self) {
        if let Some(folder) = &self.folder
            && let Err(failure) = crate::host::conclude(folder)
        {
            let message = failure.message(crate::words::Door::Window).to_owned();
            self.shared.tell(Message::Event(Event::Warning { message }));
        }
    }
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
            match gate.turn(self.shared.member) {
                Turn::Step => {
                    rest::breathe().await;
                    return Command::Go;
                }
                Turn::Wait(nap) => gate.rest(nap).await,
            }
        }
    }

    fn stopping(&mut self) -> bool {
        self.shared.mail().stop
    }

    async fn breathe(&mut self) {
        rest::breathe().await;
    }

    fn stops_judging(&mut self) -> bool {
        self.shared.mail().stop_judging
    }

    fn judging(&mut self, told: Judging) {
        let summed_up = |folder: &PathBuf| gairat::files::is_file(&folder.join("summary.json"));
        if matches!(told, Judging::Done(_)) && self.folder.as_ref().is_some_and(summed_up) {
            self.conclude();
        }
        self.shared.tell(Message::Judging(told));
    }

    fn emit(&mut self, event: Event) {
        if matches!(event, Event::Summary(_)) {
            self.conclude();
        }
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
