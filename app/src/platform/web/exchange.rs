//! Files that come from the person's computer, and files that go there.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io::{Cursor, Read as _, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use egui::{Context, DroppedFileHandle};
use gairat::{
    checkpoint::RunFolder,
    dataset::{Source, is_picture},
    files::{
        self,
        memory::{self, Change, Content},
    },
};
use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, HtmlInputElement, Url};

use web_time::Duration;

use super::{
    claim, folder,
    rest::sleep,
    slices::{self, SLICE},
    storage, words,
};
use crate::platform::{RUNS, known_data, list};

/// Where uploads are kept.
pub(crate) const UPLOADS: &str = "uploads";
/// The largest file that is taken, in bytes, unpacked: what a page may hold in memory some times over.
pub(super) const LARGEST: u64 = 512 * 1024 * 1024;

/// From how many slices on it is told how far the reading is.
const TOLD: usize = 5;
/// What Parquet files begin with.
const PARQUET: &[u8] = b"PAR1";
/// What files of weights are called.
const WEIGHTS: [&str; 3] = ["safetensors", "pth", "pt"];

/// What the browser keeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stock {
    /// Folders of runs that are at work, in any tab.
    pub(crate) held: BTreeSet<PathBuf>,
    /// Uploads that runs need, and one of these runs.
    pub(crate) used: BTreeMap<PathBuf, String>,
    /// Bytes that are used, and that there are, as the browser estimates.
    pub(crate) space: Option<(f64, f64)>,
}

thread_local! {
    static ARRIVED: RefCell<Vec<Result<PathBuf, String>>> = const { RefCell::new(Vec::new()) };
    /// What was done that takes its time, and is to be said.
    static DONE: RefCell<Vec<Result<String, String>>> = const { RefCell::new(Vec::new()) };
    static STOCK: RefCell<Option<Stock>> = const { RefCell::new(None) };
}

/// What has arrived since this was last asked.
pub(crate) fn arrived() -> Vec<Result<PathBuf, String>> {
    ARRIVED.take()
}

/// What was done since this was last asked.
pub(crate) fn done() -> Vec<Result<String, String>> {
    DONE.take()
}

/// What the browser keeps, if [`take_stock`] has found it out since this was last asked.
pub(crate) fn stock() -> Option<Stock> {
    STOCK.take()
}

/// Does something that takes its time, and says what came of it.
fn later(ctx: &Context, work: impl Future<Output = Option<Result<String, String>>> + 'static) {
    let ctx = ctx.clone();
    wasm_bindgen_futures::spawn_local(async move {
        let done = work.await;
        DONE.with_borrow_mut(|all| all.extend(done));
        ctx.request_repaint();
    });
}

/// Finds out what the browser keeps, also of other tabs.
pub(crate) fn take_stock(ctx: &Context) {
    later(ctx, async {
        look_around().await;
        None
    });
}

async fn look_around() {
    storage::refresh().await;
    let held = claim::held().await.unwrap_or_default();
    STOCK.set(Some(Stock { held, used: used(), space: space().await }));
}

/// The uploads that runs were trained on.
fn used() -> BTreeMap<PathBuf, String> {
    let mut used = BTreeMap::new();
    for run in list(Path::new(RUNS)) {
        let Ok((_, settings)) = RunFolder::open(&run) else { continue };
        let name = run.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for file in settings.data.files().into_iter().chain(settings.weights.0.as_deref()) {
            used.extend(memory::under(file).into_iter().map(|file| (file.path, name.clone())));
            // The folder of a set is shown in the place of its files.
            if let Some(set) = file.strip_prefix(UPLOADS).ok().and_then(|rest| rest.iter().next()) {
                used.insert(Path::new(UPLOADS).join(set), name.clone());
            }
        }
    }
    used
}

/// Bytes that the browser uses for this page and its like, and that it has for them.
async fn space() -> Option<(f64, f64)> {
    let get = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).ok().filter(|value| !value.is_undefined());
    let storage = get(&get(&js_sys::global(), "navigator")?, "storage")?;
    let estimate: Function = get(&storage, "estimate")?.dyn_into().ok()?;
    let promise: Promise = estimate.call0(&storage).ok()?.dyn_into().ok()?;
    let estimate = JsFuture::from(promise).await.ok()?;
    Some((get(&estimate, "usage")?.as_f64()?, get(&estimate, "quota")?.as_f64()?))
}

fn element<T: wasm_bindgen::JsCast>(name: &str) -> Option<T> {
    web_sys::window()?.document()?.create_element(name).ok()?.dyn_into().ok()
}

/// Hands a file to the browser, which puts it where it puts downloads.
pub(crate) fn download(name: &str, bytes: &[u8]) -> Result<(), String> {
    let parts = Array::of1(&Uint8Array::from(bytes));
    let kind = BlobPropertyBag::new();
    kind.set_type("application/octet-stream");
    let fail = |error: JsValue| format!("{name} cannot be downloaded: {}", words(&error));
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &kind).map_err(fail)?;
    let url = Url::create_object_url_with_blob(&blob).map_err(fail)?;
    let anchor: HtmlAnchorElement =
        element("a").ok_or_else(|| format!("{name} cannot be downloaded: the page has no document"))?;
    anchor.set_href(&url);
    anchor.set_download(name);
    anchor.click();
    // Some browsers read what is behind the address only later.
    wasm_bindgen_futures::spawn_local(async move {
        sleep(Duration::from_secs(60)).await;
        let _ = Url::revoke_object_url(&url);
    });
    Ok(())
}

/// Downloads a run as an archive.
pub(crate) fn download_run(ctx: &Context, folder: &Path) {
    let folder = folder.to_owned();
    later(ctx, async move { Some(pack(&folder).await) });
}

async fn pack(folder: &Path) -> Result<String, String> {
    let stored = storage::stored(folder).await?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    let here = memory::under(folder).into_iter().filter(|file| matches!(file.content, Content::Bytes(_)));
    let here: BTreeMap<PathBuf, Content> = here.map(|file| (file.path, file.content)).collect();
    let files = stored.into_iter().map(|file| (file.path, file.content)).chain(here).collect::<BTreeMap<_, _>>();
    for (path, content) in files {
        let Content::Bytes(bytes) = content else { continue };
        let inside = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
        let written = archive
            .start_file(format!("{name}/{inside}"), options)
            .map_err(std::io::Error::from)
            .and_then(|()| archive.write_all(&bytes));
        written.map_err(|error| format!("{name}: {error}"))?;
    }
    let bytes = archive.finish().map_err(|error| format!("{name}: {error}"))?.into_inner();
    download(&format!("{name}.zip"), &bytes)?;
    Ok(format!("Downloaded: {name}.zip"))
}

/// Removes a run or an upload from the browser's storage.
pub(crate) fn delete(ctx: &Context, path: &Path) {
    let path = path.to_owned();
    later(ctx, async move {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Another tab may have begun with it since the list was made.
        let Some(_held) = claim::take(&path).await else {
            return Some(Err(format!("{name} is at work in another tab; it was not deleted.")));
        };
        let files = memory::under(&path).into_iter().map(|file| file.path).collect();
        let removed = storage::remove(files).await;
        look_around().await;
        Some(removed.map(|()| format!("Deleted: {name}")))
    });
}

/// Asks the person for files; they arrive later.
pub(crate) fn upload(ctx: &Context) {
    ask(
        ctx,
        |input| input.set_multiple(true),
        |files, ctx| async move {
            let mut read = Vec::new();
            for file in files {
                read.push(read_file(&file, &ctx).await);
            }
            read
        },
    );
}

/// Asks the person for a folder, which arrives later, packed.
pub(crate) fn upload_folder(ctx: &Context) {
    if let Some(asked) = folder::ask(ctx) {
        later(ctx, async move {
            match asked.await? {
                Ok(read) => take(read).await,
                Err(problem) => return Some(Err(problem)),
            }
            None
        });
        return;
    }
    // Fails for what is no element alone.
    let for_folders = |input: &HtmlInputElement| _ = input.set_attribute("webkitdirectory", "");
    ask(ctx, for_folders, |files, ctx| async move {
        let path = |file: &web_sys::File| Reflect::get(file, &"webkitRelativePath".into()).ok()?.as_string();
        folder::read(files.into_iter().filter_map(|file| Some((path(&file)?, file))).collect(), &ctx).await
    });
}

/// Asks with the browser's dialog, and reads what is chosen in it.
fn ask<R: Future<Output = Vec<Result<Arrived, String>>>>(
    ctx: &Context,
    prepare: impl FnOnce(&HtmlInputElement),
    read: impl FnOnce(Vec<web_sys::File>, Context) -> R + 'static,
) {
    let Some(input) = element::<HtmlInputElement>("input") else { return };
    input.set_type("file");
    prepare(&input);
    let (chosen, ctx) = (input.clone(), ctx.clone());
    let changed = Closure::once_into_js(move || {
        let Some(list) = chosen.files() else { return };
        let files: Vec<web_sys::File> = (0..list.length()).filter_map(|place| list.get(place)).collect();
        later(&ctx.clone(), async move {
            take(read(files, ctx).await).await;
            None
        });
    });
    input.set_onchange(Some(changed.unchecked_ref()));
    input.click();
}

/// Says how far something is.
pub(super) fn tell(told: String, ctx: &Context) {
    DONE.with_borrow_mut(|done| done.push(Ok(told)));
    ctx.request_repaint();
}

/// The name and the bytes of a file.
pub(super) type Arrived = (String, Bytes);

/// Reads a file slice by slice, so that no frame waits for it, and tells how far it is where that takes its time.
pub(super) async fn read_file(file: &web_sys::File, ctx: &Context) -> Result<Arrived, String> {
    let name = file.name();
    let size = file.size();
    if size > LARGEST as f64 {
        return Err(format!("{name} has {:.0} MB; a page takes at most {:.0}.", size / 1e6, LARGEST as f64 / 1e6));
    }
    let slices = (size as usize).div_ceil(SLICE);
    let bytes = slices::read(file, size as usize, |done| {
        // A quarter at a time: every word is read aloud to some.
        let place = done.div_ceil(SLICE);
        let quarter = |place: usize| 4 * place / slices;
        if slices >= TOLD && quarter(place) > quarter(place - 1) && place < slices {
            tell(format!("Reading {name}: {} % of {:.0} MB", 25 * quarter(place), size / 1e6), ctx);
        }
    });
    let bytes = bytes.await.map_err(|error| match error {
        Some(error) => format!("{name}: {}", words(&error)),
        None => format!("{name}: it changed while it was read; choose it again."),
    })?;
    Ok((name, bytes))
}

/// Reads files that were dropped on the page.
pub(crate) fn read_dropped(files: Vec<DroppedFileHandle>, ctx: &Context) {
    let beside = ctx.clone();
    let folders = folder::dropped();
    later(ctx, async move {
        let mut read = Vec::new();
        let folders = match folders {
            Some(folders) => folder::inside(folders).await,
            None => Ok(<_>::default()),
        };
        let folders = match folders {
            Ok(folders) => folders,
            Err(problem) => return Some(Err(format!("The folder cannot be read: {problem}"))),
        };
        for files in folders.values() {
            read.extend(folder::read(files.clone(), &beside).await);
        }
        for file in files.iter().filter(|file| !folders.contains_key(&*file.path().to_string_lossy())) {
            let name = file.path().to_string_lossy().into_owned();
            read.push(match file.web_file() {
                Some(file) => read_file(file, &beside).await,
                None => Err(format!("{name}: the browser does not give it.")),
            });
        }
        take(read).await;
        None
    });
}

/// Puts files where the program finds them, and says which of them it is to open.
async fn take(read: Vec<Result<Arrived, String>>) {
    // What other tabs keep has a name, too.
    storage::refresh().await;
    let mut told = Vec::new();
    let mut parquet = Vec::new();
    for file in read {
        told.push(match file {
            Ok(file) if file.1.starts_with(PARQUET) => {
                parquet.push(file);
                continue;
            }
            Ok((name, bytes)) => place(&name, bytes).await,
            Err(problem) => Err(problem),
        });
    }
    if !parquet.is_empty() {
        told.push(place_together(parquet).await);
    }
    ARRIVED.with_borrow_mut(|arrived| arrived.extend(told));
}

/// Puts the Parquet files that came together into a folder of their own, because such files look for the others of their set beside them.
async fn place_together(files: Vec<Arrived>) -> Result<PathBuf, String> {
    // The last by name: `train-…` where there is one.
    let last = files.iter().map(|(name, _)| Path::new(name)).max().unwrap_or(Path::new(""));
    let set = if last.iter().count() > 1 { last.iter().next() } else { last.file_stem() };
    let set = set.unwrap_or_default().to_string_lossy().replace(',', "_");
    for number in 1..1000 {
        let folder = Path::new(UPLOADS).join(numbered(&set, number));
        let here = storage::stored(&folder).await?.into_iter().chain(memory::under(&folder));
        let here: BTreeMap<PathBuf, Content> =
            here.filter(|file| matches!(file.content, Content::Bytes(_))).map(|file| (file.path, file.content)).collect();
        let named = |name: &str| folder.join(Path::new(name).file_name().unwrap_or_default());
        let wanted: BTreeMap<PathBuf, Content> =
            files.iter().map(|(name, bytes)| (named(name), Content::Bytes(bytes.clone()))).collect();
        if here == wanted || !files::exists(&folder) {
            let only = wanted.keys().next().filter(|_| wanted.len() == 1).cloned();
            for (name, bytes) in files.iter().filter(|_| here.is_empty()) {
                memory::put(&named(name), bytes.clone());
            }
            return Ok(only.unwrap_or(folder));
        }
    }
    Err(format!("{set}: there are 999 of it"))
}

/// A name, with a number where others have it already.
fn numbered(name: &str, number: u32) -> String {
    if number == 1 { name.to_owned() } else { format!("{name}_{number}") }
}

async fn place(name: &str, bytes: Bytes) -> Result<PathBuf, String> {
    // A name is no way into other folders; a comma stands between the two files of a pair.
    let name = Path::new(name).file_name().unwrap_or_default().to_string_lossy().replace(',', "_");
    let kind = Path::new(&name).extension().map(|kind| kind.to_string_lossy().to_lowercase()).unwrap_or_default();
    // A run, unless it is an archive of pictures.
    let is_run = |bytes: &[u8]| {
        let is_settings = |name: &str| name.rsplit('/').next() == Some("settings.json");
        zip::ZipArchive::new(Cursor::new(bytes))
            .is_ok_and(|archive| archive.file_names().flatten().any(|name| is_settings(&name)))
    };
    if kind == "zip" && is_run(&bytes) {
        return unpack(&name, &bytes).await;
    }
    let in_memory = |path: &Path| memory::apply([Change { path: path.to_owned(), content: Content::Bytes(bytes.clone()) }]);
    if kind == "json" {
        // Settings are read once: the run that they make keeps them.
        let path = Path::new("settings").join(&name);
        in_memory(&path);
        return Ok(path);
    }
    let path = free(&name, &bytes).await?;
    if WEIGHTS.contains(&kind.as_str()) {
        memory::put(&path, bytes);
        return Ok(path);
    }
    in_memory(&path);
    // One file of several says what lacks; it is taken all the same, since the others may follow.
    if Source::of_files(std::slice::from_ref(&path)) == Ok(None) {
        let looks = Source::looks(&path);
        memory::forget(&path);
        return Err(match is_picture(&name) {
            true => {
                format!("{name} is a single picture; choose the folder of the set, in which every class is a folder of pictures.")
            }
            false => format!(
                "{name} {looks}; expected settings (.json), a downloaded run (.zip), weights (.pth, .safetensors) or data: {}.",
                known_data()
            ),
        });
    }
    memory::put(&path, bytes);
    Ok(path)
}

/// The path for an upload: of other data of the same name there may be runs.
async fn free(name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
    let (stem, kind) = name.split_once('.').map_or((name, String::new()), |(stem, kind)| (stem, format!(".{kind}")));
    for number in 1..1000 {
        let path = Path::new(UPLOADS).join(format!("{}{kind}", numbered(stem, number)));
        let stored = storage::stored(&path).await?;
        let same = stored
            .into_iter()
            .chain(memory::under(&path))
            .any(|file| matches!(file.content, Content::Bytes(there) if *there == *bytes));
        if same || !files::exists(&path) {
            return Ok(path);
        }
    }
    Err(format!("{name}: there are 999 of it"))
}

/// Takes a downloaded run in again, beside those there are.
async fn unpack(name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
    let fail = |error: &dyn std::fmt::Display| {
        format!("{name}: {error}; expected one run: a .zip that this page gave, or a run's folder.")
    };
    let mut archive =
        zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| fail(&"it is no zip archive, or not the whole of one"))?;
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let runs = Path::new(RUNS);
    let mut unpacked = Vec::new();
    let mut room = LARGEST;
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).map_err(|error| fail(&error))?;
        if file.is_dir() {
            continue;
        }
        let Some(inside) = file.enclosed_name().and_then(|path| path.file_name().map(PathBuf::from)) else { continue };
        let mut bytes = Vec::new();
        // What a file says of its own size is not believed.
        (&mut file).take(room + 1).read_to_end(&mut bytes).map_err(|error| fail(&error))?;
        room = room.checked_sub(bytes.len() as u64).ok_or_else(|| {
            format!("{name} holds more than {:.0} MB when it is unpacked; a page takes no more.", LARGEST as f64 / 1e6)
        })?;
        unpacked.push((inside, bytes));
    }
    for needed in ["settings.json", "metrics.jsonl"] {
        match unpacked.iter().filter(|(inside, _)| inside == Path::new(needed)).count() {
            1 => {}
            0 => return Err(fail(&format!("it holds no {needed}"))),
            _ => return Err(fail(&"it holds more than one run")),
        }
    }
    let mut free = None;
    for number in 1..1000 {
        let folder = runs.join(numbered(&stem, number));
        if !files::exists(&folder)
            && let Some(held) = claim::take(&folder).await
        {
            free = Some((folder, held));
            break;
        }
    }
    let (folder, held) = free.ok_or_else(|| fail(&"there are 999 of it"))?;
    for (inside, bytes) in unpacked {
        files::write(&folder.join(inside), &bytes).map_err(|error| fail(&error))?;
    }
    // No other tab takes the name before it can see why it should not.
    storage::keep(memory::take_changes());
    storage::settled().await;
    drop(held);
    Ok(folder)
}
