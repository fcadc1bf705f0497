//! Waiting, on a thread.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Wakes resting runs.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<u64>,
    changed: Condvar,
}

impl Bell {
    /// Wakes all resting runs.
    pub(crate) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    /// Rests until the bell rings, and for `nap` at most.
    ///
    /// A ring between the last check and this call is missed, so the rest is short.
    pub(crate) async fn rest(&self, nap: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let nap = nap.clamp(Duration::from_micros(200), Duration::from_millis(20));
        drop(self.changed.wait_timeout(rung, nap));
    }
}

/// Waits for so long.
pub(crate) async fn sleep(nap: Duration) {
    std::thread::sleep(nap);
}

/// A thread has nothing else to do.
pub(crate) async fn breathe() {}
