//! Exclusive use of run folders through the browser's locks, which all tabs share and which end with the tab or the worker that holds them.
//!
//! Browsers offer locks to pages from this machine or over HTTPS; on other pages every tab may use every run.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use gairat::{checkpoint::CheckpointError, files::memory};
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_time::Duration;

use super::{rest::sleep, storage};

/// How long after a failure it is looked again whether all is stored.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// What the name of a lock begins with.
const LOCK: &str = "gairat ";

#[wasm_bindgen]
extern "C" {
    type Locks;
    #[wasm_bindgen(method, catch)]
    fn request(this: &Locks, name: &str, options: &JsValue, granted: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn query(this: &Locks) -> Result<Promise, JsValue>;
}

/// The locks, in a page and in a worker.
fn locks() -> Option<Locks> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    locks.is_object().then(|| locks.unchecked_into())
}

thread_local! {
    /// What this page, or this worker, has: also where there are no locks.
    static HERE: RefCell<BTreeSet<PathBuf>> = const { RefCell::new(BTreeSet::new()) };
}

/// The lock of a folder, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    folder: PathBuf,
    release: Option<Function>,
}

impl Drop for Held {
    fn drop(&mut self) {
        HERE.with_borrow_mut(|here| here.remove(&self.folder));
        if let Some(release) = &self.release {
            // A promise that is kept gives the lock back.
            let _ = release.call0(&JsValue::NULL);
        }
    }
}

/// Takes the lock of a folder; `None` if a run or another tab has it.
pub(crate) async fn take(folder: &Path) -> Option<Held> {
    if !HERE.with_borrow_mut(|here| here.insert(folder.to_owned())) {
        return None;
    }
    let mut held = Held { folder: folder.to_owned(), release: None };
    if let Some(locks) = locks() {
        held.release = Some(hold(&locks, folder).await?);
    }
    Some(held)
}

/// A run folder that no other tab may use, with all its files in memory. When it is dropped the folder is given back, as soon as all that
/// was written is stored: another tab would go on from what was before.
#[derive(Debug)]
pub(crate) struct Claim(Option<Held>);

impl Claim {
    /// Takes a folder; `None` if another tab or another run has it.
    ///
    /// # Errors
    /// [`CheckpointError::Io`] where its files cannot be read.
    pub(crate) async fn on(folder: &Path) -> Result<Option<Self>, CheckpointError> {
        let Some(held) = take(folder).await else { return Ok(None) };
        storage::load(folder).await.map_err(|cause| CheckpointError::Io { path: folder.to_owned(), cause })?;
        Ok(Some(Self(Some(held))))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let Some(held) = self.0.take() else { return };
        wasm_bindgen_futures::spawn_local(async move {
            storage::keep(memory::take_changes());
            while storage::is_there() && !storage::settled().await {
                sleep(AGAIN_AFTER).await;
            }
            if storage::is_there() {
                memory::forget(&held.folder);
            }
        });
    }
}

/// Takes the lock of a folder, if it is free, and returns the function that releases it.
async fn hold(locks: &Locks, folder: &Path) -> Option<Function> {
    let options = Object::new();
    // Setting a property of a plain object cannot fail.
    let _ = Reflect::set(&options, &"ifAvailable".into(), &true.into());
    let mut answered = None;
    let answer = Promise::new(&mut |resolve, _| answered = Some(resolve));
    let answered = answered?;
    let nothing = || Closure::<dyn FnMut()>::new(|| {}).into_js_value();
    let granted = {
        let answered = answered.clone();
        Closure::once_into_js(move |lock: JsValue| -> JsValue {
            let mut release = JsValue::FALSE;
            if lock.is_null() {
                let _ = answered.call1(&JsValue::NULL, &release);
                return JsValue::UNDEFINED;
            }
            // The lock is held until this promise is kept.
            let held = Promise::new(&mut |resolve, _| release = resolve.into());
            let _ = answered.call1(&JsValue::NULL, &release);
            held.into()
        })
    };
    let asked = locks.request(&format!("{LOCK}{}", folder.display()), &options, &granted);
    wasm_bindgen_futures::spawn_local(async move {
        let refused = match asked {
            Ok(asked) => JsFuture::from(asked).await.is_err(),
            Err(_) => true,
        };
        if refused {
            // A page that may not have locks, as in some frames, has no storage to share either.
            let _ = answered.call1(&JsValue::NULL, &nothing());
        }
    });
    JsFuture::from(answer).await.ok()?.dyn_into().ok()
}

/// The folders that runs of any tab use; `None` where the browser does not tell.
pub(crate) async fn held() -> Option<BTreeSet<PathBuf>> {
    let snapshot = JsFuture::from(locks()?.query().ok()?).await.ok()?;
    let held: Array = Reflect::get(&snapshot, &"held".into()).ok()?.dyn_into().ok()?;
    let names = held.iter().filter_map(|lock| Reflect::get(&lock, &"name".into()).ok()?.as_string());
    Some(names.filter_map(|name| name.strip_prefix(LOCK).map(PathBuf::from)).collect())
}
