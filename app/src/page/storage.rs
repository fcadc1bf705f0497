//! Files that outlive the page, in the browser's IndexedDB: one store, the paths for keys.

use std::{cell::RefCell, path::PathBuf};

use gairat::files::memory::{self, Change};
use idb::{Database, DatabaseEvent as _, Error, Factory, ObjectStoreParams, TransactionMode};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast as _, JsValue};

const NAME: &str = "gairat";
const STORE: &str = "files";

#[derive(Default)]
struct Storage {
    database: Option<Database>,
    /// What is not written yet, in its order.
    waiting: Vec<Change>,
    writing: bool,
    /// What went wrong, until somebody asks.
    problem: Option<String>,
    told: bool,
}

thread_local! {
    static STORAGE: RefCell<Storage> = RefCell::default();
}

/// Opens the storage and takes all that is in it into memory; a browser without one keeps nothing, and the page says so.
pub(super) async fn open() {
    match read().await {
        Ok((database, files)) => {
            memory::apply(files);
            STORAGE.with_borrow_mut(|storage| storage.database = Some(database));
        }
        Err(error) => report(&error),
    }
}

async fn read() -> Result<(Database, Vec<Change>), Error> {
    let mut request = Factory::new()?.open(NAME, Some(1))?;
    request.on_upgrade_needed(|event| {
        if let Ok(database) = event.database()
            && !database.store_names().iter().any(|name| name == STORE)
        {
            // Where this fails the first transaction does, and says why.
            let _ = database.create_object_store(STORE, ObjectStoreParams::new());
        }
    });
    let database = request.await?;
    let transaction = database.transaction(&[STORE], TransactionMode::ReadOnly)?;
    let store = transaction.object_store(STORE)?;
    let keys = store.get_all_keys(None, None)?.await?;
    let values = store.get_all(None, None)?.await?;
    transaction.await?;
    let files = keys.into_iter().zip(values).filter_map(|(key, value)| {
        let bytes = value.dyn_ref::<Uint8Array>()?.to_vec();
        Some(Change { path: PathBuf::from(key.as_string()?), bytes: Some(bytes.into()) })
    });
    Ok((database, files.collect()))
}

fn report(error: &Error) {
    STORAGE.with_borrow_mut(|storage| {
        if !std::mem::replace(&mut storage.told, true) {
            storage.problem = Some(format!(
                "This browser keeps no files for this page ({error}): runs are lost when it is closed. Download what you want to keep."
            ));
        }
    });
}

/// What a person should know of the storage, once.
pub(super) fn problem() -> Option<String> {
    STORAGE.with_borrow_mut(|storage| storage.problem.take())
}

/// Keeps files that were written or removed, after those that were told of before.
pub(super) fn keep(changes: Vec<Change>) {
    let begin = STORAGE.with_borrow_mut(|storage| {
        for change in changes {
            storage.waiting.retain(|waiting| waiting.path != change.path);
            storage.waiting.push(change);
        }
        storage.database.is_some() && !storage.waiting.is_empty() && !std::mem::replace(&mut storage.writing, true)
    });
    if begin {
        wasm_bindgen_futures::spawn_local(async {
            loop {
                let (database, changes) =
                    STORAGE.with_borrow_mut(|storage| (storage.database.take(), std::mem::take(&mut storage.waiting)));
                let Some(database) = database else { return };
                let written = write(&database, changes).await;
                let done = STORAGE.with_borrow_mut(|storage| {
                    storage.database = Some(database);
                    storage.writing = !storage.waiting.is_empty();
                    !storage.writing
                });
                if let Err(error) = written {
                    report(&error);
                }
                if done {
                    return;
                }
            }
        });
    }
}

/// All or nothing: a page that is closed in the middle leaves what was there before.
async fn write(database: &Database, changes: Vec<Change>) -> Result<(), Error> {
    let transaction = database.transaction(&[STORE], TransactionMode::ReadWrite)?;
    let store = transaction.object_store(STORE)?;
    for change in changes {
        let key = JsValue::from_str(&change.path.to_string_lossy());
        match change.bytes {
            Some(bytes) => {
                store.put(&Uint8Array::from(&*bytes), Some(&key))?.await?;
            }
            None => store.delete(key)?.await?,
        }
    }
    transaction.commit()?.await?;
    Ok(())
}
