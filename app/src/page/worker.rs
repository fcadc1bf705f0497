//! The worker's end: runs are tasks here, so that nothing they do keeps the page from answering.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use gairat::{
    device::{Chosen, DeviceError},
    files::memory,
    session::{self, Command, Ending, Event, SessionError},
};
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::protocol::{AtGate, Letter, Order, Told, changes_heard, changes_told, receive, send};
use crate::{
    failure::Failure,
    live::{Message, Origin, Prepared, Shared, Window, WorkersGate, prepare},
};

#[derive(Default)]
struct Runs {
    gates: HashMap<u64, Arc<WorkersGate>>,
    runs: HashMap<u64, Arc<Shared>>,
}

thread_local! {
    static RUNS: RefCell<Runs> = RefCell::default();
}

/// Begins to listen; to be called once, by the worker's script.
pub(super) fn begin() {
    std::panic::set_hook(Box::new(|info| {
        // A module whose code panicked cannot go on; the page starts another.
        tell(&Told::Fault(info.to_string()), Vec::new());
    }));
    let Some(scope) = scope() else { return };
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

fn run(number: u64) -> Option<Arc<Shared>> {
    RUNS.with_borrow(|runs| runs.runs.get(&number).cloned())
}

fn gate(number: u64) -> Option<Arc<WorkersGate>> {
    RUNS.with_borrow(|runs| runs.gates.get(&number).cloned())
}

fn obey(order: Order, blobs: Vec<Vec<u8>>) {
    match order {
        Order::Files(named) => memory::apply(changes_heard(named, blobs)),
        Order::Start { run, gate: number, member, settings, origin } => {
            let Some(gate) = gate(number) else { return };
            let at = Arc::clone(&gate);
            let shared = Shared::new(gate, member, Box::new(move || pass_on(run, &at)));
            RUNS.with_borrow_mut(|runs| runs.runs.insert(run, Arc::clone(&shared)));
            wasm_bindgen_futures::spawn_local(async move {
                let outcome = work(settings, origin.origin(), &mut Window::of(&shared)).await;
                shared.over(match outcome {
                    Ok(ending) => Message::Ended(ending),
                    Err(failure) => Message::Failed(failure.message().to_owned()),
                });
                RUNS.with_borrow_mut(|runs| runs.runs.remove(&run));
                tell(&Told::Over(run), Vec::new());
            });
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
            let gate = Arc::new(WorkersGate::new(playing, speed));
            gate.open_for(members);
            RUNS.with_borrow_mut(|runs| runs.gates.insert(number, gate));
        }
        Order::Gate(number, at) => {
            let Some(gate) = gate(number) else { return };
            match at {
                AtGate::Play(playing) => gate.play(playing),
                AtGate::OneStep => gate.one_step(),
                AtGate::Speed(speed) => gate.set_speed(speed),
                AtGate::Leave(member) => gate.leave(member),
                AtGate::Open { .. } => {}
            }
        }
    }
}

/// Tells what a run has to tell; files first, because a message may speak of them.
fn pass_on(number: u64, gate: &WorkersGate) {
    let Some(run) = run(number) else { return };
    let changes = memory::take_changes();
    if !changes.is_empty() {
        let (named, blobs) = changes_told(changes);
        tell(&Told::Files(named), blobs);
    }
    let granted = gate.granted();
    for message in run.messages() {
        let (message, blobs) = Letter::of(message);
        tell(&Told::Message { run: number, message, granted }, blobs);
    }
    if let Some(view) = run.view() {
        tell(&Told::View { run: number, view, granted }, Vec::new());
    }
}

/// A run from its settings to its end. If the GPU is lost on the way, it goes on from the last saved state on the CPU.
async fn work(settings: gairat::settings::Settings, origin: Origin, door: &mut Window) -> Result<Ending, Failure> {
    let Prepared { plan, dataset, chosen, folder, .. } = &prepare(settings, origin, None, door).await?;
    let lost = match session::run_with(plan, dataset, chosen, folder, door).await {
        Err(SessionError::Device(DeviceError::Lost(cause))) if !chosen.cpu => cause,
        outcome => return Ok(outcome?),
    };
    let message = format!("{} no longer answers ({lost}); going on with the CPU from the last saved state", chosen.name);
    session::Door::emit(door, Event::Warning { message });
    let settings = crate::live::settings_of(folder.path())?;
    Ok(session::run_with(&settings.checked()?, dataset, &Chosen::cpu("the GPU was lost"), folder, door).await?)
}
