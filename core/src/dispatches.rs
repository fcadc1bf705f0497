//! Counting what is sent to the GPU: for kernels that are small, dispatches are what time is spent on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use cubecl::logging::{LaunchObservation, LaunchObserver};

/// Dispatches that went around the tensor library, since the program started.
static OWN: AtomicUsize = AtomicUsize::new(0);

/// Counts dispatches that go around the tensor library.
pub(crate) fn note(dispatches: usize) {
    OWN.fetch_add(dispatches, Ordering::Relaxed);
}

/// Calls `work` and counts the dispatches that it issues, of whatever kernel; 0 on the CPU backend. Not for two threads at a time.
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
