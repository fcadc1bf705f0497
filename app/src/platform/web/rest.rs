//! Waiting, in a page or its worker, which do one thing at a time.

use std::{cell::RefCell, time::Duration};

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast as _, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_time::Instant;

#[wasm_bindgen]
extern "C" {
    /// Pages and workers have it alike.
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &Function, milliseconds: i32) -> i32;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: i32);
}

/// For how long a run may compute before it gives way.
const BREATH: Duration = Duration::from_millis(12);

thread_local! {
    /// The resting runs.
    static RESTING: RefCell<Vec<Function>> = const { RefCell::new(Vec::new()) };
    static LAST_BREATH: RefCell<Option<Instant>> = const { RefCell::new(None) };
}

/// Wakes resting runs.
#[derive(Debug, Default)]
pub(crate) struct Bell {}

impl Bell {
    /// Wakes all resting runs.
    pub(crate) fn ring(&self) {
        for wake in RESTING.take() {
            // A promise that is kept already does not mind.
            let _ = wake.call0(&wasm_bindgen::JsValue::NULL);
        }
    }

    /// Rests until the bell rings, and for `nap` at most.
    pub(crate) async fn rest(&self, nap: Duration) {
        let mut timer = 0;
        let mut mine = None;
        let promise = Promise::new(&mut |resolve, _| {
            timer = set_timeout(&resolve, nap.as_millis().max(1) as i32);
            RESTING.with_borrow_mut(|resting| resting.push(resolve.clone()));
            mine = Some(resolve);
        });
        let _ = JsFuture::from(promise).await;
        clear_timeout(timer);
        // If the timer woke it, only this line removes it from the list.
        RESTING.with_borrow_mut(|resting| resting.retain(|resolve| Some(resolve) != mine.as_ref()));
        breathed();
    }
}

/// Waits for so long.
pub(crate) async fn sleep(nap: Duration) {
    let promise = Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, nap.as_millis() as i32);
    });
    let _ = JsFuture::from(promise).await;
    breathed();
}

fn breathed() {
    LAST_BREATH.set(Some(Instant::now()));
}

/// Gives way to messages that wait, if it is time to.
pub(crate) async fn breathe() {
    let due = LAST_BREATH.with_borrow(|last| last.is_none_or(|last| last.elapsed() >= BREATH));
    if due {
        next_task().await;
        breathed();
    }
}

/// The end of the queue of tasks. A timer of zero would take 4 ms in a browser.
pub(super) async fn next_task() {
    let channel = web_sys::MessageChannel::new().ok();
    let promise = Promise::new(&mut |resolve, _| {
        let posted = channel.as_ref().is_some_and(|channel| {
            channel.port1().set_onmessage(Some(resolve.unchecked_ref()));
            channel.port2().post_message(&wasm_bindgen::JsValue::NULL).is_ok()
        });
        if !posted {
            set_timeout(&resolve, 0);
        }
    });
    let _ = JsFuture::from(promise).await;
    if let Some(channel) = channel {
        // An open port is never collected: these would fill the memory.
        channel.port1().close();
    }
}
