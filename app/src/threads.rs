//! Runs of the desktop: each has a thread of its own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::JoinHandle,
};

use gairat::{
    session::{Command, Ending, Look, View},
    settings::Settings,
};

use crate::{
    driver,
    failure::Failure,
    figure::Figure,
    live::{Message, Origin, Prepared, Shared, Window, WindowsGpu, prepare},
    report::figures::files_of,
};

pub(crate) use crate::live::Gate;
pub(crate) use crate::report::conclude;

/// All files of figures: name and bytes.
///
/// # Errors
/// What is wrong with a drawing.
pub(crate) fn figure_files(figures: &[Figure]) -> Result<Vec<(String, Vec<u8>)>, String> {
    Ok(figures.iter().map(files_of).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// The window's end of a run.
pub(crate) struct Live {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
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
        let shared = Shared::new(gate, member, wake);
        let theirs = Arc::clone(&shared);
        let work = move || {
            let mut door = Window::of(&theirs);
            let outcome = catch_unwind(AssertUnwindSafe(|| work(settings, origin, (gpu, spare), &mut door)));
            theirs.over(match outcome {
                Ok(Ok(ending)) => Message::Ended(ending),
                Ok(Err(failure)) => Message::Failed(failure.message(crate::words::Door::Window).to_owned()),
                Err(_) => Message::Failed(
                    "the run was given up by a fault of the program; what was saved before is in its folder".to_owned(),
                ),
            });
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
        self.shared.messages()
    }

    /// The newest view, if there is one since the last time.
    pub(crate) fn view(&self) -> Option<View> {
        self.shared.view()
    }

    /// Wants a view.
    pub(crate) fn look(&self, look: Look) {
        self.shared.look(look);
    }

    /// Whether a view that was wanted is not there yet.
    pub(crate) fn is_looking(&self) -> bool {
        self.shared.is_looking()
    }

    /// Tells the run to do something.
    pub(crate) fn command(&self, command: Command) {
        self.shared.command(command);
    }

    /// Wants no more of what is being judged.
    pub(crate) fn stop_judging(&self) {
        self.shared.stop_judging();
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
    let taken = gpu.as_ref().map(WindowsGpu::take);
    let run = pollster::block_on(prepare(settings, origin, gpu.as_ref().map(|gpu| &gpu.chosen), door))?;
    let Prepared { plan, dataset, chosen, folder, .. } = &run;
    let threads = driver::threads_for(plan.settings.threads, &plan.settings.model.resolve(dataset.shape), spare);
    let ending = driver::train(plan, dataset, (chosen, threads), folder, door);
    drop(taken);
    ending
}
