//! Files that outlive the page, in the browser's IndexedDB: one store, the paths for keys. The page and its worker have a connection each.
//! A page that begins takes the names and the settings of runs into memory; everything else is read when it is needed.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    path::{Path, PathBuf},
    rc::Rc,
};

use gairat::files::memory::{self, Change, Content};
use idb::{Database, DatabaseEvent as _, Factory, KeyRange, ObjectStoreParams, Query, Transaction, TransactionMode};
use js_sys::{Function, Promise, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;
use web_time::Duration;

use super::{rest::sleep, slices};

const NAME: &str = "gairat";
const STORE: &str = "files";
/// What is said where there is no room.
const FULL: &str = "The browser's storage for this page is full: what is saved from here on is lost with this tab, unless there is room \
                    again. Delete runs under Open…, or download this one.";
/// The files whose bytes a page has of all runs.
pub(crate) const SETTINGS: &str = "settings.json";
/// How long after a failure it is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(3);

/// What becomes of files that are to be kept.
pub(crate) enum News {
    /// They are in the storage.
    Kept(Vec<Change>),
    /// They are not there yet, and it is not known whether they will be.
    NotKept(Vec<Change>),
    /// Something to be read by the person, and whether it is bad.
    Words(String, bool),
}

struct Storage {
    database: Option<Rc<Database>>,
    /// What is not written yet, in its order.
    waiting: Vec<Change>,
    writing: bool,
    /// Whether the last attempt failed.
    failing: bool,
    /// The waiters for the end of the next attempt.
    resting: Vec<Function>,
    told: fn(News),
}

thread_local! {
    static STORAGE: RefCell<Storage> = const {
        RefCell::new(Storage { database: None, waiting: Vec::new(), writing: false, failing: false, resting: Vec::new(), told: |_| {} })
    };
}

fn tell(news: News) {
    // No borrow is held during the call, because the receiver may use the storage.
    let told = STORAGE.with_borrow(|storage| storage.told);
    told(news);
}

fn say(text: impl Into<String>, is_bad: bool) {
    tell(News::Words(text.into(), is_bad));
}

fn database() -> Option<Rc<Database>> {
    STORAGE.with_borrow(|storage| storage.database.clone())
}

/// Opens the storage; a browser without one keeps nothing, and the person is told.
pub(crate) async fn open(told: fn(News)) {
    STORAGE.with_borrow_mut(|storage| storage.told = told);
    match connect().await {
        Ok(database) => STORAGE.with_borrow_mut(|storage| storage.database = Some(Rc::new(database))),
        Err(error) => {
            STORAGE.with_borrow_mut(|storage| storage.failing = true);
            say(
                format!(
                    "This browser keeps no files for this page ({error}): runs are lost when it is closed. Download what you want to keep."
                ),
                true,
            );
        }
    }
}

async fn connect() -> Result<Database, idb::Error> {
    let mut request = Factory::new()?.open(NAME, Some(1))?;
    request.on_upgrade_needed(|event| {
        if let Ok(database) = event.database()
            && !database.store_names().iter().any(|name| name == STORE)
        {
            // Where this fails the first transaction does, and says why.
            let _ = database.create_object_store(STORE, ObjectStoreParams::new());
        }
    });
    request.await
}

/// The keys at or under `path`, as two ranges; all of them for the empty path.
fn ranges(path: &Path) -> Result<Vec<Option<Query>>, idb::Error> {
    let name = path.to_string_lossy();
    if name.is_empty() {
        return Ok(vec![None]);
    }
    // `0` follows `/`.
    let (first, after) = (JsValue::from_str(&format!("{name}/")), JsValue::from_str(&format!("{name}0")));
    let inside = KeyRange::bound(&first, &after, Some(false), Some(true))?;
    Ok(vec![Some(KeyRange::only(&JsValue::from_str(&name))?.into()), Some(inside.into())])
}

/// The names of all files at or under `path`, and the bytes of those that are wanted, as they were at one moment.
async fn read(
    database: &Database,
    path: &Path,
    wanted: impl Fn(&PathBuf) -> bool,
) -> Result<(BTreeSet<PathBuf>, Vec<Change>), idb::Error> {
    let transaction = database.transaction(&[STORE], TransactionMode::ReadOnly)?;
    let store = transaction.object_store(STORE)?;
    let mut names = BTreeSet::new();
    for range in ranges(path)? {
        names.extend(store.get_all_keys(range, None)?.await?.iter().filter_map(JsValue::as_string).map(PathBuf::from));
    }
    let mut values = Vec::new();
    for path in names.iter().filter(|name| wanted(name)) {
        values.push((path.clone(), store.get(JsValue::from_str(&path.to_string_lossy()))?.await?));
    }
    transaction.await?;
    let mut files = Vec::new();
    for (path, value) in values {
        let Some(value) = value else { continue };
        let bytes = match (value.dyn_ref::<Uint8Array>(), value.dyn_ref::<Blob>()) {
            (Some(bytes), _) => bytes.to_vec().into(),
            (None, Some(blob)) => slices::read(blob, blob.size() as usize, |_| {})
                .await
                .map_err(|error| idb::Error::GetFailed(error.unwrap_or(JsValue::NULL)))?,
            (None, None) => continue,
        };
        files.push(Change { path, content: Content::Bytes(bytes) });
    }
    Ok((names, files))
}

/// Reads, and once more over a new connection where the browser has closed the one before; nothing where there is no storage.
async fn read_patiently(
    path: &Path,
    wanted: impl Fn(&PathBuf) -> bool,
) -> Result<Option<(BTreeSet<PathBuf>, Vec<Change>)>, idb::Error> {
    let Some(database) = database() else { return Ok(None) };
    if let Ok(found) = read(&database, path, &wanted).await {
        return Ok(Some(found));
    }
    let fresh = Rc::new(connect().await?);
    STORAGE.with_borrow_mut(|storage| storage.database = Some(Rc::clone(&fresh)));
    read(&fresh, path, &wanted).await.map(Some)
}

/// What is stored at or under `path`, but for what is in memory: that is newer.
///
/// # Errors
/// What the browser says.
pub(crate) async fn stored(path: &Path) -> Result<Vec<Change>, String> {
    let here = memory::under(path).into_iter().filter(|change| matches!(change.content, Content::Bytes(_)));
    let here: BTreeSet<PathBuf> = here.map(|change| change.path).collect();
    let found = read_patiently(path, |name| !here.contains(name)).await;
    let found = found.map_err(|error| format!("{}: the browser's storage cannot be read: {error}", path.display()))?;
    Ok(found.map(|(_, files)| files).unwrap_or_default())
}

/// Takes what is stored at or under `path` into memory, but for what is there already.
///
/// # Errors
/// What the browser says.
pub(crate) async fn load(path: &Path) -> Result<(), String> {
    memory::apply(stored(path).await?);
    Ok(())
}

/// Makes memory know of all files that are stored, by any tab, and of none that were; what settings say is read. Bytes that are in memory
/// stay: they are not stored yet, or not to be stored.
pub(crate) async fn refresh() {
    let before = memory::under(Path::new(""));
    let (names, settings) = match read_patiently(Path::new(""), |name| name.ends_with(SETTINGS)).await {
        Ok(Some(found)) => found,
        Ok(None) => return,
        Err(error) => return say(format!("The browser's storage cannot be read: {error}"), true),
    };
    let waiting: BTreeSet<PathBuf> =
        STORAGE.with_borrow(|storage| storage.waiting.iter().map(|change| change.path.clone()).collect());
    let here = memory::under(Path::new("")).into_iter().filter(|change| change.content != Content::Stored);
    let here: BTreeSet<PathBuf> = here.map(|change| change.path).filter(|path| !path.ends_with(SETTINGS)).collect();
    let gone = before.into_iter().map(|change| change.path).filter(|path| !names.contains(path));
    let gone: Vec<_> = gone.map(|path| Change { path, content: Content::Removed }).collect();
    let there = names.iter().map(|path| Change { path: path.clone(), content: Content::Stored });
    let changes = gone.into_iter().chain(there).chain(settings);
    // Where a run has files that are not stored, its settings may not be stored either.
    let newer = |path: &PathBuf| {
        here.contains(path) || (path.ends_with(SETTINGS) && here.iter().any(|file| file.parent() == path.parent()))
    };
    memory::apply(changes.filter(|change| !waiting.contains(&change.path) && !newer(&change.path)));
}

/// Keeps files that were written or removed, after those that were told of before.
pub(crate) fn keep(changes: Vec<Change>) {
    if changes.is_empty() {
        return;
    }
    let (not_kept, begin) = STORAGE.with_borrow_mut(|storage| {
        let not_kept = storage.failing.then(|| changes.clone());
        if storage.database.is_none() {
            return (not_kept, false);
        }
        for change in changes {
            storage.waiting.retain(|waiting| waiting.path != change.path);
            storage.waiting.push(change);
        }
        (not_kept, !std::mem::replace(&mut storage.writing, true))
    });
    if let Some(changes) = not_kept {
        tell(News::NotKept(changes));
    }
    if begin {
        wasm_bindgen_futures::spawn_local(write_on());
    }
}

/// Writes until nothing waits.
async fn write_on() {
    loop {
        let next = STORAGE.with_borrow_mut(|storage| {
            let next = storage.database.clone().filter(|_| !storage.waiting.is_empty());
            storage.writing = next.is_some();
            next.map(|database| (database, std::mem::take(&mut storage.waiting)))
        });
        let Some((database, changes)) = next else {
            return rested();
        };
        match write(&database, &changes).await {
            Ok(()) => {
                if STORAGE.with_borrow_mut(|storage| std::mem::take(&mut storage.failing)) {
                    say("The browser's storage takes files again: everything is kept.", false);
                }
                tell(News::Kept(changes));
            }
            Err(why) => {
                let is_full = why == FULL;
                let first = STORAGE.with_borrow_mut(|storage| {
                    let newer = std::mem::take(&mut storage.waiting);
                    let still = |change: &Change| newer.iter().all(|newer| newer.path != change.path);
                    storage.waiting = changes.into_iter().filter(still).collect();
                    storage.waiting.extend(newer);
                    (!std::mem::replace(&mut storage.failing, true)).then(|| storage.waiting.clone())
                });
                if let Some(changes) = first {
                    tell(News::NotKept(changes));
                    say(why, true);
                }
                rested();
                sleep(AGAIN_AFTER).await;
                // A connection that the browser has closed is of no use any more; one that has no room is.
                if !is_full && let Ok(fresh) = connect().await {
                    STORAGE.with_borrow_mut(|storage| storage.database = Some(Rc::new(fresh)));
                }
            }
        }
    }
}

/// All or nothing: a page that is closed in the middle leaves what was there before.
async fn write(database: &Database, changes: &[Change]) -> Result<(), String> {
    let written = async {
        // Before it begins: a transaction ends by itself where nothing is asked of it.
        let mut values = Vec::new();
        for change in changes {
            values.push(match &change.content {
                Content::Bytes(bytes) => Some(slices::write(bytes).await.map_err(idb::Error::UpdateFailed)?),
                Content::Removed | Content::Stored => None,
            });
        }
        let transaction = database.transaction(&[STORE], TransactionMode::ReadWrite)?;
        if let Err(error) = put(&transaction, changes, values).await {
            // What went well before would be kept otherwise. One that the browser has ended already cannot be ended again.
            let _ = transaction.abort();
            return Err(error);
        }
        transaction.commit()?.await
    };
    match written.await {
        Ok(outcome) if outcome.is_committed() => Ok(()),
        // What a browser takes back when all was said is what it has no room for.
        Ok(_) => Err(FULL.to_owned()),
        Err(error) if error.to_string().contains("Quota") => Err(FULL.to_owned()),
        Err(error) => Err(format!(
            "The browser does not store files ({error}): what is saved from here on is lost with this tab, unless it does so again. \
             Download what you want to keep."
        )),
    }
}

async fn put(transaction: &Transaction, changes: &[Change], values: Vec<Option<JsValue>>) -> Result<(), idb::Error> {
    let store = transaction.object_store(STORE)?;
    for (change, value) in changes.iter().zip(values) {
        let key = JsValue::from_str(&change.path.to_string_lossy());
        match value {
            Some(value) => {
                store.put(&value, Some(&key))?.await?;
            }
            None if change.content == Content::Removed => store.delete(key)?.await?,
            None => {}
        }
    }
    Ok(())
}

/// Wakes all waiters for the end of an attempt.
fn rested() {
    for wake in STORAGE.with_borrow_mut(|storage| std::mem::take(&mut storage.resting)) {
        // A promise that is kept already does not mind.
        let _ = wake.call0(&JsValue::NULL);
    }
}

/// Whether there is a storage at all.
pub(crate) fn is_there() -> bool {
    database().is_some()
}

/// Waits until all is written that was to be kept, or an attempt has failed; whether all is.
pub(crate) async fn settled() -> bool {
    loop {
        let (done, failing) = STORAGE.with_borrow(|storage| (!storage.writing && storage.waiting.is_empty(), storage.failing));
        if done || failing {
            return !failing;
        }
        let promise = Promise::new(&mut |resolve, _| STORAGE.with_borrow_mut(|storage| storage.resting.push(resolve)));
        // It is never broken.
        let _ = JsFuture::from(promise).await;
    }
}

/// Removes files at once, also where there is no room for others; gives what is to be said if it fails.
pub(crate) async fn remove(paths: Vec<PathBuf>) -> Result<(), String> {
    let changes: Vec<Change> = paths.into_iter().map(|path| Change { path, content: Content::Removed }).collect();
    STORAGE.with_borrow_mut(|storage| {
        storage.waiting.retain(|waiting| changes.iter().all(|change| change.path != waiting.path));
    });
    memory::apply(changes.clone());
    match database() {
        Some(database) => write(&database, &changes).await,
        None => Ok(()),
    }
}
