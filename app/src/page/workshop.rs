//! The page's end of its worker: starts it, gives it orders, hands out what it tells, and starts another where one has died.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use gairat::{
    files::memory::{self, Content},
    session::{Command, Event, Look, View},
    settings::Settings,
};
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::protocol::{AtGate, Beginning, Numbers, Order, Told, changes_heard, changes_told, receive, send, words};
use crate::{
    live::{Message, Origin, WindowsGpu},
    platform::storage::{self, News},
};

/// How many bytes of a file are handed over at once. A larger file is stored first, and the worker reads it there: a copy of it would keep
/// the page from answering.
const AT_ONCE: usize = 4 << 20;
/// The script beside the page that starts the module in a worker.
const SCRIPT: &str = "worker.js";

/// What is known of a worker.
#[derive(Default)]
struct Workshop {
    worker: Option<Worker>,
    /// Orders that wait until the module has started there.
    waiting: Option<Vec<(Order, Vec<Vec<u8>>)>>,
    runs: BTreeMap<u64, Arc<RunsEnd>>,
    gates: HashMap<u64, Arc<Gate>>,
}

thread_local! {
    static WORKSHOP: RefCell<Workshop> = RefCell::default();
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

fn next_number() -> u64 {
    NUMBER.set(NUMBER.get() + 1);
    NUMBER.get()
}

/// Starts the worker, so that it is there when the first run is; harmless where it is there already.
pub(super) fn open() {
    let begun = WORKSHOP.with_borrow(|shop| shop.worker.is_some());
    if begun {
        return;
    }
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let Ok(worker) = Worker::new_with_options(SCRIPT, &options) else {
        fault("this browser starts no worker");
        return;
    };
    let hear = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
        if let Some((told, blobs)) = receive(&event.data()) {
            listen(told, blobs);
        }
    });
    worker.set_onmessage(Some(hear.as_ref().unchecked_ref()));
    hear.forget();
    let failed = Closure::<dyn FnMut(ErrorEvent)>::new(|event: ErrorEvent| {
        event.prevent_default();
        fault(&event.message());
    });
    worker.set_onerror(Some(failed.as_ref().unchecked_ref()));
    failed.forget();
    // The module is compiled already: it is handed over, not loaded again.
    let _ = worker.post_message(&wasm_bindgen::module());
    WORKSHOP.with_borrow_mut(|shop| {
        shop.worker = Some(worker);
        shop.waiting = Some(Vec::new());
    });
}

fn order(order: Order, blobs: Vec<Vec<u8>>) {
    let now = WORKSHOP.with_borrow_mut(|shop| match &mut shop.waiting {
        Some(waiting) => {
            waiting.push((order, blobs));
            None
        }
        None => shop.worker.clone().map(|worker| (worker, order, blobs)),
    });
    if let Some((worker, order, blobs)) = now {
        post(&worker, &order, blobs);
    }
}

fn post(worker: &Worker, order: &Order, blobs: Vec<Vec<u8>>) {
    send(order, blobs, |parcel, handed_over| {
        // Fails only for what cannot be copied, and bytes can.
        let _ = worker.post_message_with_transfer(parcel, handed_over);
    });
}

fn end_of(run: u64) -> Option<Arc<RunsEnd>> {
    WORKSHOP.with_borrow(|shop| shop.runs.get(&run).cloned())
}

fn listen(told: Told, blobs: Vec<Vec<u8>>) {
    match told {
        Told::Here => {
            let waiting = WORKSHOP.with_borrow_mut(|shop| shop.waiting.take().zip(shop.worker.clone()));
            if let Some((waiting, worker)) = waiting {
                for (order, blobs) in waiting {
                    post(&worker, &order, blobs);
                }
            }
        }
        // The worker stores what its runs write.
        Told::Files(named) => memory::apply(changes_heard(named, &mut blobs.into_iter())),
        Told::Words(text, is_bad) => super::hear_of_storage(News::Words(text, is_bad)),
        Told::Numbers { run, part, numbers } => {
            if let (Some(end), [slice]) = (end_of(run), blobs.as_slice()) {
                end.take_in(part, numbers, slice);
            }
        }
        Told::Message { run, message, granted } => {
            if let Some(end) = end_of(run) {
                end.gate.granted.store(granted, Ordering::Relaxed);
                let numbers = std::mem::take(&mut end.mail().numbers);
                end.tell(message.message(numbers));
            }
        }
        Told::View { run, view, granted } => {
            if let Some(end) = end_of(run) {
                end.gate.granted.store(granted, Ordering::Relaxed);
                let mut mail = end.mail();
                mail.looking = false;
                mail.view = Some(match mail.view.take() {
                    Some(before) => before.followed_by(view),
                    None => view,
                });
                drop(mail);
                (end.wake)();
            }
        }
        Told::Over(run) => {
            if let Some(end) = WORKSHOP.with_borrow_mut(|shop| shop.runs.remove(&run)) {
                end.mail().over = true;
                (end.wake)();
            }
        }
        Told::Fault(what) => fault(&what),
    }
}

/// The worker has died. What computed on a GPU goes on in another on the CPU, from where it was saved last; what computed on the CPU was
/// ended by a fault of the program, and would be again.
fn fault(what: &str) {
    let (worker, runs) = WORKSHOP.with_borrow_mut(|shop| (shop.worker.take(), std::mem::take(&mut shop.runs)));
    if let Some(worker) = worker {
        // What it says from here on is of the one that has died.
        worker.set_onmessage(None);
        worker.set_onerror(None);
        worker.terminate();
    }
    WORKSHOP.with_borrow_mut(|shop| shop.waiting = None);
    let what = what.lines().next().unwrap_or_default().to_owned();
    let (again, lost): (Vec<_>, Vec<_>) = runs.into_iter().partition(|(_, end)| end.mail().on_gpu);
    for (_, end) in lost {
        let mut mail = end.mail();
        (mail.over, mail.numbers) = (true, Numbers::new());
        drop(mail);
        end.tell(Message::Failed(format!(
            "the run was given up by a fault of the program ({what}); what was saved before is kept, and can be opened again"
        )));
    }
    if again.is_empty() {
        return;
    }
    open();
    let mut gates: BTreeMap<u64, (Arc<Gate>, Vec<usize>)> = BTreeMap::new();
    for (_, end) in &again {
        gates.entry(end.gate.number).or_insert_with(|| (Arc::clone(&end.gate), Vec::new())).1.push(end.member);
    }
    for (gate, members) in gates.into_values() {
        gate.tell_all();
        let all = gate.state().members;
        // Those that go on do not wait for those that do not.
        (0..all).filter(|member| !members.contains(member)).for_each(|member| gate.leave(member));
    }
    for (number, end) in again {
        let message = format!("The GPU no longer answers ({what}); going on with the CPU from the last saved state.");
        end.tell(Message::Event(Event::Warning { message }));
        let (mut settings, origin) = {
            let mut mail = end.mail();
            (mail.looking, mail.on_gpu) = (false, false);
            mail.numbers = Numbers::new();
            let origin = mail.folder.clone().map_or_else(|| mail.origin.clone(), Origin::Folder);
            (mail.settings.clone(), origin)
        };
        settings.device = "cpu".to_owned();
        start(number, &end, settings, &origin);
    }
}

/// Sends a run to the worker, with those of its files that may not be stored yet, the large ones later; the worker reads the others itself.
fn start(number: u64, end: &Arc<RunsEnd>, settings: Settings, origin: &Origin) {
    let mut paths = settings.data.files();
    paths.extend(settings.weights.0.as_deref());
    if let Origin::Folder(folder) = origin {
        paths.push(folder);
    }
    let here = paths.into_iter().flat_map(memory::under).filter(|change| matches!(change.content, Content::Bytes(_)));
    let (small, large): (Vec<_>, Vec<_>) = here.partition(|change| match &change.content {
        Content::Bytes(bytes) => bytes.len() <= AT_ONCE,
        _ => true,
    });
    let (files, mut blobs) = changes_told(small);
    let (origin, more) = Beginning::of(origin);
    blobs.extend(more);
    WORKSHOP.with_borrow_mut(|shop| shop.runs.insert(number, Arc::clone(end)));
    let (gate, member) = (end.gate.number, end.member);
    let coming = !large.is_empty();
    order(Order::Start { run: number, gate, member, settings, origin, files, coming }, blobs);
    if coming {
        wasm_bindgen_futures::spawn_local(async move {
            storage::keep(memory::take_changes());
            let (files, blobs) =
                if storage::is_there() && storage::settled().await { <_>::default() } else { changes_told(large) };
            order(Order::Came(number, files), blobs);
        });
    }
}

/// What is kept of a run here.
struct RunsEnd {
    mail: Mutex<Mail>,
    gate: Arc<Gate>,
    member: usize,
    wake: Box<dyn Fn() + Send + Sync>,
}

struct Mail {
    messages: Vec<Message>,
    /// Of the message that comes next, as far as they are here.
    numbers: Numbers,
    view: Option<View>,
    looking: bool,
    over: bool,
    settings: Settings,
    origin: Origin,
    folder: Option<PathBuf>,
    on_gpu: bool,
}

impl RunsEnd {
    fn mail(&self) -> MutexGuard<'_, Mail> {
        // A panic cannot leave the mail half written.
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a slice of a part, which has so many numbers.
    fn take_in(&self, part: usize, numbers: usize, slice: &[u8]) {
        let mut mail = self.mail();
        if mail.numbers.len() <= part {
            mail.numbers.resize_with(part + 1, Vec::new);
        }
        let whole = &mut mail.numbers[part];
        whole.reserve_exact(numbers.saturating_sub(whole.len()));
        whole.extend(words(slice));
    }

    fn tell(&self, message: Message) {
        let mut mail = self.mail();
        if let Message::Ready(ready) = &message {
            mail.folder = Some(ready.folder.clone());
            mail.on_gpu = !ready.device.starts_with("CPU");
        }
        let can_wait = message.can_wait();
        mail.messages.push(message);
        drop(mail);
        if !can_wait {
            (self.wake)();
        }
    }
}

/// The page's end of a run.
pub(crate) struct Live {
    number: u64,
    end: Arc<RunsEnd>,
}

impl Live {
    /// Starts a run in the worker. A page has one core for all runs, and no GPU that it could share with them.
    pub(crate) fn start(
        settings: Settings,
        origin: Origin,
        (gate, member): (Arc<Gate>, usize),
        _: (Option<WindowsGpu>, usize),
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        open();
        let number = next_number();
        WORKSHOP.with_borrow_mut(|shop| shop.gates.insert(gate.number, Arc::clone(&gate)));
        let mail = Mail {
            messages: Vec::new(),
            numbers: Numbers::new(),
            view: None,
            looking: false,
            over: false,
            settings: settings.clone(),
            origin: origin.clone(),
            folder: None,
            // Until it says otherwise: a driver may die while the device is opened.
            on_gpu: settings.device != "cpu",
        };
        let end = Arc::new(RunsEnd { mail: Mutex::new(mail), gate, member, wake });
        start(number, &end, settings, &origin);
        Self { number, end }
    }

    /// What was told since the last time.
    pub(crate) fn messages(&self) -> Vec<Message> {
        std::mem::take(&mut self.end.mail().messages)
    }

    /// The newest view, if there is one since the last time.
    pub(crate) fn view(&self) -> Option<View> {
        self.end.mail().view.take()
    }

    /// Wants a view.
    pub(crate) fn look(&self, look: Look) {
        self.end.mail().looking = true;
        order(Order::Look(self.number, look), Vec::new());
    }

    /// Whether a view that was wanted is not there yet.
    pub(crate) fn is_looking(&self) -> bool {
        self.end.mail().looking
    }

    /// Tells the run to do something.
    pub(crate) fn command(&self, command: Command) {
        let told = match command {
            Command::Change(plan) => {
                self.end.mail().settings = plan.settings.clone();
                Order::Change(self.number, plan.settings)
            }
            Command::Judge(trial) => Order::Judge(self.number, trial),
            Command::Save => Order::Save(self.number),
            Command::Stop => Order::Stop(self.number),
            // A gate says when to go, and a look has a way of its own.
            _ => return,
        };
        order(told, Vec::new());
    }

    /// Wants no more of what is being judged.
    pub(crate) fn stop_judging(&self) {
        order(Order::StopJudging(self.number), Vec::new());
    }

    /// Whether the run has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.end.mail().over
    }
}

/// The page's end of a gate: what is done here is done in the worker.
#[derive(Debug)]
pub(crate) struct Gate {
    number: u64,
    state: Mutex<GateState>,
    granted: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct GateState {
    playing: bool,
    speed: f64,
    members: usize,
    /// Where they rest, if they play until then.
    rest_at: Option<u64>,
}

impl Gate {
    pub(crate) fn new(playing: bool, speed: f64) -> Self {
        let state = Mutex::new(GateState { playing, speed, members: 0, rest_at: None });
        Self { number: next_number(), state, granted: AtomicU64::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_all(&self) {
        let GateState { playing, speed, members, .. } = *self.state();
        order(Order::Gate(self.number, AtGate::Open { playing, speed, members }), Vec::new());
    }

    fn tell(&self, at: AtGate) {
        order(Order::Gate(self.number, at), Vec::new());
    }

    /// Lets so many members in, all from the beginning.
    pub(crate) fn open_for(&self, members: usize) {
        self.state().members = members;
        open();
        self.tell_all();
    }

    /// A member has nothing left to do: the others need not wait for it.
    pub(crate) fn leave(&self, member: usize) {
        self.tell(AtGate::Leave(member));
    }

    pub(crate) fn playing(&self) -> bool {
        self.state().playing
    }

    pub(crate) fn play(&self, playing: bool) {
        {
            let mut state = self.state();
            (state.playing, state.rest_at) = (playing, None);
        }
        self.tell(AtGate::Play(playing));
    }

    /// Plays until every member has done so many steps, and lets them rest there.
    pub(crate) fn play_until(&self, steps: u64) {
        {
            let mut state = self.state();
            (state.playing, state.rest_at) = (true, Some(steps));
        }
        self.tell(AtGate::PlayUntil(steps));
    }

    /// Allows one more step to every member.
    pub(crate) fn one_step(&self) {
        {
            let mut state = self.state();
            (state.playing, state.rest_at) = (false, None);
        }
        self.tell(AtGate::OneStep);
    }

    /// Steps that all members together were allowed so far, as last heard.
    pub(crate) fn granted(&self) -> u64 {
        self.granted.load(Ordering::Relaxed)
    }

    /// Steps a second from now on.
    pub(crate) fn set_speed(&self, speed: f64) {
        self.state().speed = speed;
        self.tell(AtGate::Speed(speed));
    }
}

/// The page is hidden: saves and pauses all runs.
pub(super) fn rest() {
    let (gates, runs) = known();
    for gate in gates {
        gate.tell(AtGate::Play(false));
    }
    for run in runs {
        order(Order::Save(run), Vec::new());
    }
}

/// The page is visible again: continues the runs.
pub(super) fn wake() {
    for gate in known().0 {
        let GateState { playing, rest_at, .. } = *gate.state();
        gate.tell(rest_at.filter(|_| playing).map_or(AtGate::Play(playing), AtGate::PlayUntil));
    }
}

/// The gates and runs that are at work.
fn known() -> (Vec<Arc<Gate>>, Vec<u64>) {
    WORKSHOP.with_borrow(|shop| (shop.gates.values().cloned().collect(), shop.runs.keys().copied().collect()))
}
