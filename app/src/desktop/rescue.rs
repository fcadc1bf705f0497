//! What happens when the GPU that the window draws with is lost: the window cannot be drawn any more, and a program cannot open a
//! second one after that. So the program starts itself again on the run that was open, which computes on the CPU from then on.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Whether the device of the window is gone.
static LOST: AtomicBool = AtomicBool::new(false);
/// The folder of the run that is open.
static RUN: Mutex<Option<PathBuf>> = Mutex::new(None);

/// The device that the window draws with.
static DEVICE: Mutex<Option<wgpu::Device>> = Mutex::new(None);
/// What the window's thread said when it panicked.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Watches the device that the window draws with.
pub(super) fn watch(device: &wgpu::Device) {
    LOST.store(false, Ordering::SeqCst);
    *DEVICE.lock().unwrap_or_else(PoisonError::into_inner) = Some(device.clone());
    device.set_device_lost_callback(|_reason, _message| LOST.store(true, Ordering::SeqCst));
}

/// Remembers which run is open.
pub(super) fn remember(folder: Option<&Path>) {
    let mut run = RUN.lock().unwrap_or_else(PoisonError::into_inner);
    if run.as_deref() != folder {
        *run = folder.map(Path::to_owned);
    }
    drop(run);
    if LOST.load(Ordering::SeqCst) {
        // Whatever would be drawn now goes nowhere; the panic ends the window's loop from the inside.
        resume_unwind(Box::new("the device is lost"));
    }
}

/// Runs a window; if its device is lost, starts the program again and ends this one. If this is that program (`again`), a second loss is
/// its end: a machine on which nothing can be drawn would go round in circles.
pub(super) fn watched<T>(frame_stats: Option<Duration>, again: bool, window: impl FnOnce() -> T) -> T {
    // What the drawing library says of a device that is gone is said in the new window, in words for people.
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() == Some("main") {
            *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(info.to_string());
        } else {
            before(info);
        }
    }));
    let ended = catch_unwind(AssertUnwindSafe(window));
    if let Some(device) = DEVICE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // A device says that it is lost only when it is asked something.
        let _ = device.poll(wgpu::PollType::Poll);
    }
    let said = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
    // Some drivers lose a device without a word, and the drawing library finds that nothing works any more.
    let lost = LOST.load(Ordering::SeqCst) || (ended.is_err() && said.contains("wgpu"));
    match ended {
        Ok(ended) if !lost => ended,
        Err(panicked) if !lost || again => {
            crate::terminal::tell!("{said}");
            resume_unwind(panicked)
        }
        _ => start_again(frame_stats),
    }
}

/// Starts the program on the run that was open; this process ends, and with it its hold on the run's folder.
fn start_again(frame_stats: Option<Duration>) -> ! {
    let run = RUN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let started = std::env::current_exe().and_then(|program| {
        let mut command = Command::new(program);
        command.args(["--device", "cpu", "--note"]);
        command.arg("The GPU no longer answers. The run goes on with the CPU from its last saved state; start gairat again to use the GPU.");
        if let Some(folder) = &run {
            command.arg("--open").arg(folder);
        }
        if let Some(seconds) = frame_stats {
            command.arg("--frame-stats").arg(seconds.as_secs_f64().to_string());
        }
        command.spawn()
    });
    match started {
        Ok(_) => std::process::exit(0),
        Err(error) => {
            crate::terminal::tell!(
                "error: the GPU no longer answers, and the program cannot start itself again ({error}); the run is saved"
            );
            std::process::exit(1)
        }
    }
}
