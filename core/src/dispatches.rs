//! Counts dispatches to the GPU, which dominate the time of small kernels.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use cubecl::logging::{LaunchObservation, LaunchObserver};

/// Dispatches that bypassed the tensor library since the program started.
static OWN: AtomicUsize = AtomicUsize::new(0);

/// Counts dispatches that bypass the tensor library.
pub(crate) fn note(dispatches: usize) {
    OWN.fetch_add(dispatches, Ordering::Relaxed);
}

/// Calls `work` and counts its dispatches of any kernel; 0 on the CPU backend. Call it from one thread at a time.
pub fn count<T>(work: impl FnOnce() -> T) -> (T, usize) {
    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl LaunchObserver for Counter {
        fn launched(&self, _kernel: &'static str) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    let counter = Arc::new(Counter::default());
    let observation = LaunchObservation::new(counter.clone());
    let before = OWN.load(Ordering::Relaxed);
    let result = work();
    drop(observation);
    (result, counter.0.load(Ordering::Relaxed) + OWN.load(Ordering::Relaxed) - before)
}
