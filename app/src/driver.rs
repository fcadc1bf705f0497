//! The thread that computes: one for a whole run, because the GPU runtime orders work by thread.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering},
    },
};

use gairat::{
    checkpoint::RunFolder,
    dataset::Dataset,
    device::{Chosen, DeviceError},
    model::ModelSpec,
    session::{self, Command, Door, Ending, Event, Place, SessionError},
    settings::Checked,
};

use crate::failure::Failure;

/// What the threads of a pool are called; their panics are told by whoever started the pool.
const POOL: &str = "gairat-";

/// Runs `work` inside a pool of `threads` threads (0: all cores), on one of them from start to end.
///
/// A panic of the GPU runtime (it knows no other way to report a lost device) comes back as its message.
pub(crate) fn on_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> Result<T, Failure> {
    quiet_panics();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|place| format!("{POOL}{place}"))
        .build()
        .map_err(|error| Failure::Work(format!("--threads {threads}: {error}")))?;
    catch_unwind(AssertUnwindSafe(|| pool.install(work))).map_err(|payload| {
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string));
        Failure::Work(text.unwrap_or_else(|| "the work was given up without a reason".to_owned()))
    })
}

/// Where a panic was raised is for developers; the person gets the sentence, once, from whoever started the pool. The GPU runtime's own
/// threads (some have no names, others are called DSU and DSD) say nothing that the work does not say again.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let quiet = [POOL, "DSU-", "DSD-"];
            let told_elsewhere =
                std::thread::current().name().is_none_or(|name| quiet.iter().any(|start| name.starts_with(start)));
            if !told_elsewhere {
                before(info);
            }
        }));
    });
}

/// The default thread count for a network: all cores but `spare`; for a perceptron at most 4, because its batch is a handful of tiles.
pub(crate) fn threads_for(asked: usize, model: &ModelSpec, spare: usize) -> usize {
    if asked > 0 {
        return asked;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let most = if matches!(model, ModelSpec::Mlp(_)) { 4 } else { usize::MAX };
    cores.saturating_sub(spare).clamp(1, most)
}

/// A flag that Ctrl+C raises; the second Ctrl+C ends the program at once.
pub(crate) fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    })
    .map_err(|error| Failure::Work(format!("Ctrl+C cannot be watched: {error}")))?;
    Ok(flag)
}

/// The terminal's door: it never waits, and Ctrl+C stops the run.
pub(crate) struct Straight<'a> {
    stop: &'a AtomicBool,
    emit: &'a mut (dyn FnMut(Event) + Send),
    begun: bool,
}

impl<'a> Straight<'a> {
    /// A door that stops when the flag is raised, and tells `emit` what happens.
    pub(crate) fn new(stop: &'a AtomicBool, emit: &'a mut (dyn FnMut(Event) + Send)) -> Self {
        Self { stop, emit, begun: false }
    }
}

impl Door for Straight<'_> {
    async fn next(&mut self, _place: Place) -> Command {
        // Before the first step there is nothing to save.
        let begun = std::mem::replace(&mut self.begun, true);
        if begun && self.stopping() { Command::Stop } else { Command::Go }
    }

    fn stopping(&mut self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn emit(&mut self, event: Event) {
        (self.emit)(event);
    }
}

/// Trains in `folder` with so many threads (0: all cores). If the GPU is lost on the way, goes on from the last saved state on the CPU.
pub(crate) fn train<D: Door + Send>(
    plan: &Checked,
    dataset: &Dataset,
    (chosen, threads): (&Chosen, usize),
    folder: &RunFolder,
    door: &mut D,
) -> Result<Ending, Failure> {
    let run = |plan: &Checked, chosen: &Chosen, door: &mut D| {
        on_pool(threads, || pollster::block_on(session::run_with(plan, dataset, chosen, folder, door)))
    };
    let lost = match run(plan, chosen, door) {
        Ok(Err(SessionError::Device(DeviceError::Lost(cause)))) => cause,
        Err(Failure::Work(panicked)) if !chosen.cpu => panicked,
        Ok(outcome) => return Ok(outcome?),
        Err(failure) => return Err(failure),
    };
    door.emit(Event::Warning {
        message: format!("{} no longer answers ({lost}); going on with the CPU from the last saved state", chosen.name),
    });
    // Settings may have been changed on the way.
    let (_, settings) = RunFolder::open(folder.path())?;
    Ok(run(&settings.checked()?, &Chosen::cpu("the GPU was lost"), door)??)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gairat::{dataset, device, settings::Settings};

    #[test]
    fn a_gpu_that_is_lost_in_the_middle_is_a_warning_and_the_cpu_finishes_the_run() {
        let name = std::env::var("GAIRAT_TEST_ADAPTER").unwrap_or_else(|_| "llvmpipe".to_owned());
        let chosen = match pollster::block_on(device::choose(&name)) {
            Ok(chosen) => chosen,
            Err(error) if std::env::var_os("GAIRAT_TEST_ADAPTER").is_none() => {
                eprintln!("NOT TESTED: {error}");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        let settings = Settings { points: 200, epochs: 4, burn_in: 2, steps: 2, evaluate_every: 4, ..Settings::default() };
        let plan = settings.checked().unwrap();
        let dataset = dataset::load(&plan.request).unwrap();
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(&root.path().join("run"), &settings).unwrap();
        let (mut warnings, mut epochs) = (Vec::new(), Vec::new());
        let mut emit = |event: Event| match event {
            Event::Epoch(epoch) => {
                epochs.push(epoch.epoch);
                if epoch.epoch == 2 {
                    chosen.destroy();
                }
            }
            Event::Warning { message } => warnings.push(message),
            _ => {}
        };
        let stop = AtomicBool::new(false);
        let ending = train(&plan, &dataset, (&chosen, 0), &folder, &mut Straight::new(&stop, &mut emit)).unwrap();
        assert!(matches!(ending, Ending::Finished { .. }));
        assert!(warnings.iter().any(|warning| warning.contains("no longer answers") && warning.contains("CPU")), "{warnings:?}");
        assert_eq!(epochs.last(), Some(&4));
        assert_eq!(folder.read_metrics(4).unwrap().len(), 4);
    }

    #[test]
    fn a_panic_of_the_work_is_a_message() {
        let failure = on_pool(1, || -> () { panic!("wgpu error: out of memory") }).unwrap_err();
        assert!(failure.message(crate::words::Door::Terminal).contains("wgpu error: out of memory"), "{failure:?}");
    }
}
