//! Files that come from the person's computer, and files that go there.

use std::{
    cell::RefCell,
    io::{Cursor, Read as _, Write as _},
    path::{Path, PathBuf},
};

use egui::{Context, DroppedFileHandle};
use gairat::files::{self, memory};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, HtmlInputElement, Url};

use super::workshop::words;

/// Where uploads are kept.
const UPLOADS: &str = "uploads";
/// The largest file that is taken, in bytes: what a page may hold in memory some times over.
const LARGEST: f64 = 512.0 * 1024.0 * 1024.0;

thread_local! {
    static ARRIVED: RefCell<Vec<Result<PathBuf, String>>> = const { RefCell::new(Vec::new()) };
}

/// What has arrived since this was last asked.
pub(crate) fn arrived() -> Vec<Result<PathBuf, String>> {
    ARRIVED.take()
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
    // The browser has taken the blob; the address of it is not needed any more.
    let _ = Url::revoke_object_url(&url);
    Ok(())
}

/// A run as an archive.
pub(crate) fn download_run(folder: &Path) -> Result<String, String> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for file in memory::under(folder) {
        let inside = file.path.strip_prefix(folder).unwrap_or(&file.path).to_string_lossy().into_owned();
        let written = archive
            .start_file(format!("{name}/{inside}"), options)
            .map_err(std::io::Error::from)
            .and_then(|()| archive.write_all(file.bytes.as_deref().unwrap_or_default()));
        written.map_err(|error| format!("{name}: {error}"))?;
    }
    let bytes = archive.finish().map_err(|error| format!("{name}: {error}"))?.into_inner();
    download(&format!("{name}.zip"), &bytes)?;
    Ok(format!("Downloaded: {name}.zip"))
}

/// Removes a run from the browser's storage.
pub(crate) fn delete_run(folder: &Path) {
    for file in memory::under(folder) {
        // It was there a moment ago.
        let _ = files::remove(&file.path);
    }
}

/// Asks the person for files; they arrive later.
pub(crate) fn upload(ctx: &Context) {
    let Some(input) = element::<HtmlInputElement>("input") else { return };
    input.set_type("file");
    input.set_multiple(true);
    input.set_accept(".json,.npz,.zip,.gz,.safetensors,application/octet-stream");
    let (chosen, ctx) = (input.clone(), ctx.clone());
    let changed = Closure::once_into_js(move || {
        let Some(list) = chosen.files() else { return };
        let files: Vec<web_sys::File> = (0..list.length()).filter_map(|place| list.get(place)).collect();
        wasm_bindgen_futures::spawn_local(async move {
            let mut read = Vec::new();
            for file in files {
                read.push(read_file(&file).await);
            }
            take(read);
            ctx.request_repaint();
        });
    });
    input.set_onchange(Some(changed.unchecked_ref()));
    input.click();
}

async fn read_file(file: &web_sys::File) -> Result<(String, Vec<u8>), String> {
    let name = file.name();
    if file.size() > LARGEST {
        return Err(format!("{name} has {:.0} MB; a page takes at most {:.0}.", file.size() / 1e6, LARGEST / 1e6));
    }
    let buffer = JsFuture::from(file.array_buffer()).await.map_err(|error| format!("{name}: {}", words(&error.into())))?;
    Ok((name, Uint8Array::new(&buffer).to_vec()))
}

/// Reads a file that was dropped on the page.
pub(crate) fn read_dropped(file: DroppedFileHandle, ctx: &Context) {
    let ctx = ctx.clone();
    wasm_bindgen_futures::spawn_local(async move {
        let name = file.path().to_string_lossy().into_owned();
        let bytes = file.bytes_async().await;
        take(vec![bytes.map(|bytes| (name.clone(), bytes)).map_err(|error| format!("{name}: {error}"))]);
        ctx.request_repaint();
    });
}

/// Puts files where the program finds them, and says which of them it is to open.
fn take(read: Vec<Result<(String, Vec<u8>), String>>) {
    let mut told = Vec::new();
    for file in read {
        match file.and_then(|(name, bytes)| place(&name, &bytes)) {
            Ok(path) => told.push(Ok(path)),
            Err(problem) => told.push(Err(problem)),
        }
    }
    ARRIVED.with_borrow_mut(|arrived| arrived.extend(told));
}

fn place(name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
    // A name is no way into other folders.
    let name = Path::new(name).file_name().unwrap_or_default().to_string_lossy().into_owned();
    if Path::new(&name).extension().is_some_and(|kind| kind == "zip") {
        return unpack(&name, bytes);
    }
    let path = Path::new(UPLOADS).join(&name);
    files::write(&path, bytes).map_err(|error| format!("{name}: {error}"))?;
    Ok(path)
}

/// Takes a downloaded run in again, beside those there are.
fn unpack(name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
    let fail = |error: &dyn std::fmt::Display| format!("{name}: {error}; expected a run that this page gave as a .zip.");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| fail(&error))?;
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let runs = Path::new(crate::run_folders::RUNS);
    let names = (1..1000).map(|number| runs.join(if number == 1 { stem.clone() } else { format!("{stem}_{number}") }));
    let folder = names.into_iter().find(|folder| !files::exists(folder)).ok_or_else(|| fail(&"there are 999 of it"))?;
    let mut unpacked = Vec::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).map_err(|error| fail(&error))?;
        if file.is_dir() {
            continue;
        }
        let Some(inside) = file.enclosed_name().and_then(|path| path.file_name().map(PathBuf::from)) else { continue };
        let mut bytes = Vec::new();
        (&mut file).take(LARGEST as u64).read_to_end(&mut bytes).map_err(|error| fail(&error))?;
        unpacked.push((inside, bytes));
    }
    if !unpacked.iter().any(|(inside, _)| inside == Path::new("settings.json")) {
        return Err(fail(&"it holds no settings.json"));
    }
    for (inside, bytes) in unpacked {
        files::write(&folder.join(inside), &bytes).map_err(|error| fail(&error))?;
    }
    Ok(folder)
}
