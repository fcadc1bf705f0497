//! The worker's end: runs are tasks here, so that nothing they do keeps the page from answering.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use gairat::{
    device::{Chosen, DeviceError},
    files::memory::{self, Change, Content},
    session::{self, Command, Ending, Event, SessionError},
    settings::Settings,
};
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};
use web_time::Duration;

use super::protocol::{AtGate, Letter, Order, Told, changes_heard, changes_told, receive, send};
use crate::{
    failure::Failure,
    live::{Gate, Message, Origin, Prepared, Rewound, Shared, Window, prepare},
    platform::{
        codecs,
        rest::sleep,
        storage::{self, News},
    },
};

/// How often a run asks for files that are coming.
const WAIT: Duration = Duration::from_millis(50);

#[derive(Default)]
struct Runs {
    gates: HashMap<u64, Arc<Gate>>,
    runs: HashMap<u64, Arc<Shared>>,
    /// Those whose files are not all here.
    waiting: HashSet<u64>,
}

thread_local! {
    static RUNS: RefCell<Runs> = RefCell::default();
}

/// Begins to listen; to be called once, by the worker's script.
pub(super) async fn begin() {
    std::panic::set_hook(Box::new(|info| {
        // A module whose code panicked cannot go on; the page starts another.
        tell(&Told::Fault(info.to_string()), Vec::new());
    }));
    let Some(scope) = scope() else { return };
    storage::open(hear_of_storage).await;
    let hear = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
        if let Some((order, blobs)) = receive(&event.data()) {
            obey(order, blobs);
        }
    });
    scope.set_onmessage(Some(hear.as_ref().unchecked_ref()));
    // It listens as long as the worker lives.
    hear.forget();
    tell(&Told::Here, Vec::new());
}

fn scope() -> Option<DedicatedWorkerGlobalScope> {
    js_sys::global().dyn_into().ok()
}

fn tell(told: &Told, blobs: Vec<Vec<u8>>) {
    send(told, blobs, |parcel, handed_over| {
        if let Some(scope) = scope() {
            // Fails only where the page is gone.
            let _ = scope.post_message_with_transfer(parcel, handed_over);
        }
    });
}

/// What becomes of files is told to the page: their names, because it can read them from the storage itself; what the storage does not
/// take, with the bytes.
fn hear_of_storage(news: News) {
    let changes = match news {
        News::Words(text, is_bad) => return tell(&Told::Words(text, is_bad), Vec::new()),
        News::NotKept(changes) => changes,
        News::Kept(changes) => {
            let short = |change: Change| match change.content {
                // The page says what is in them without waiting.
                Content::Bytes(_) if !change.path.ends_with(storage::SETTINGS) => Change { content: Content::Stored, ..change },
                _ => change,
            };
            changes.into_iter().map(short).collect()
        }
    };
    let (named, blobs) = changes_told(changes);
    tell(&Told::Files(named), blobs);
}

/// Takes what was written in memory to the storage.
fn store() {
    storage::keep(memory::take_changes());
}

fn run(number: u64) -> Option<Arc<Shared>> {
    RUNS.with_borrow(|runs| runs.runs.get(&number).cloned())
}

fn gate(number: u64) -> Option<Arc<Gate>> {
    RUNS.with_borrow(|runs| runs.gates.get(&number).cloned())
}

fn obey(order: Order, blobs: Vec<Vec<u8>>) {
    match order {
        Order::Start { run, gate: number, member, settings, origin, files, coming } => {
            let Some(gate) = gate(number) else { return };
            let mut blobs = blobs.into_iter();
            memory::apply(changes_heard(files, &mut blobs));
            let origin = origin.origin(blobs);
            let at = Arc::clone(&gate);
            let shared = Shared::new(gate, member, Box::new(move || pass_on(run, &at)));
            RUNS.with_borrow_mut(|runs| {
                runs.runs.insert(run, Arc::clone(&shared));
                if coming {
                    runs.waiting.insert(run);
                }
            });
            wasm_bindgen_futures::spawn_local(async move {
                while RUNS.with_borrow(|runs| runs.waiting.contains(&run)) {
                    sleep(WAIT).await;
                }
                let outcome = work(settings, origin, &mut Window::of(&shared)).await;
                shared.over(match outcome {
                    Ok(ending) => Message::Ended(ending),
                    Err(failure) => Message::Failed(failure.message(crate::words::Door::Window).to_owned()),
                });
                store();
                RUNS.with_borrow_mut(|runs| runs.runs.remove(&run));
                tell(&Told::Over(run), Vec::new());
                // With no active run, nothing stored is needed.
                if storage::settled().await && RUNS.with_borrow(|runs| runs.runs.is_empty()) {
                    memory::forget(Path::new(""));
                }
            });
        }
        Order::Came(run, files) => {
            memory::apply(changes_heard(files, &mut blobs.into_iter()));
            RUNS.with_borrow_mut(|runs| runs.waiting.remove(&run));
        }
        Order::Look(number, look) => {
            if let Some(run) = run(number) {
                run.look(look);
            }
        }
        Order::Change(number, settings) => {
            // The page has checked them.
            if let (Some(run), Ok(plan)) = (run(number), settings.checked()) {
                run.command(Command::Change(Box::new(plan)));
            }
        }
        Order::Judge(number, trial) => {
            if let Some(run) = run(number) {
                run.command(Command::Judge(trial));
            }
        }
        Order::StopJudging(number) => {
            if let Some(run) = run(number) {
                run.stop_judging();
            }
        }
        Order::Save(number) => {
            if let Some(run) = run(number) {
                run.command(Command::Save);
            }
        }
        Order::Stop(number) => {
            if let Some(run) = run(number) {
                run.command(Command::Stop);
            }
        }
        Order::Gate(number, AtGate::Open { playing, speed, members }) => {
            let gate = Arc::new(Gate::new(playing, speed));
            gate.open_for(members);
            RUNS.with_borrow_mut(|runs| runs.gates.insert(number, gate));
        }
        Order::Gate(number, at) => {
            let Some(gate) = gate(number) else { return };
            match at {
                AtGate::Play(playing) => gate.play(playing),
                AtGate::PlayUntil(steps) => gate.play_until(steps),
                AtGate::OneStep => gate.one_step(),
                AtGate::Speed(speed) => gate.set_speed(speed),
                AtGate::Leave(member) => gate.leave(member),
                AtGate::Open { .. } => {}
            }
        }
    }
}

/// Tells what a run has to tell, and stores what it wrote.
fn pass_on(number: u64, gate: &Gate) {
    let Some(run) = run(number) else { return };
    store();
    let granted = gate.granted();
    for message in run.messages() {
        let message = Letter::of(message, |part, numbers, slice| {
            tell(&Told::Numbers { run: number, part, numbers }, vec![slice]);
        });
        tell(&Told::Message { run: number, message, granted }, Vec::new());
    }
    if let Some(view) = run.view() {
        tell(&Told::View { run: number, view, granted }, Vec::new());
    }
}

/// A run from its settings to its end. If the GPU is lost on the way, it goes on from the last saved state on the CPU.
async fn work(settings: Settings, origin: Origin, door: &mut Window) -> Result<Ending, Failure> {
    for path in settings.data.files().into_iter().chain(settings.weights.0.as_deref()) {
        storage::load(path).await.map_err(Failure::Work)?;
    }
    if let Origin::State(Rewound { from: Some(from), .. }) = &origin {
        storage::load(&from.join(session::CHANGES)).await.map_err(Failure::Work)?;
    }
    if settings.data.needs_codecs() {
        codecs::load().await.map_err(Failure::Work)?;
    }
    let Prepared { plan, dataset, chosen, folder, .. } = &prepare(settings, origin, None, door).await?;
    let outcome = match session::run_with(plan, dataset, chosen, folder, door).await {
        Err(SessionError::Device(DeviceError::Lost(cause))) if !chosen.cpu => {
            let message = format!("{} no longer answers ({cause}); going on with the CPU from the last saved state", chosen.name);
            session::Door::emit(door, Event::Warning { message });
            let settings = crate::live::settings_of(folder.path())?;
            session::run_with(&settings.checked()?, dataset, &Chosen::cpu("the GPU was lost"), folder, door).await
        }
        outcome => outcome,
    };
    tidy(folder.path());
    Ok(outcome?)
}

/// Removes a run that has ended before it learned anything: a page starts one whenever it is opened.
fn tidy(folder: &Path) {
    if super::is_empty(folder) {
        // It may be gone.
        let _ = gairat::files::remove(&folder.join("settings.json"));
    }
}
