//! A folder from the person's computer. A page has no folders on a disk: one of pictures, or of a run, is packed into an archive, and of
//! another its files are taken one by one.

use std::{
    collections::BTreeMap,
    io::{Cursor, Write as _},
};

use egui::Context;
use js_sys::{Array, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::{
    exchange::{Arrived, LARGEST, read_file, tell},
    words,
};

/// Files by their path, which begins with the name of the folder that was chosen.
pub(super) type Inside = Vec<(String, File)>;

/// How many files are taken one by one: more are no set of data, but somebody's documents.
const ONE_BY_ONE: usize = 16;

/// The folders that were dropped on the page just now, if any were: the page's script has begun to look into them, because a browser shows
/// them only while they are dropped.
pub(super) fn dropped() -> Option<Promise> {
    let global = js_sys::global();
    let dropped = Reflect::get(&global, &"dropped".into()).ok()?.dyn_into().ok()?;
    // What could not be cleared would be read twice, and do no harm.
    let _ = Reflect::set(&global, &"dropped".into(), &JsValue::UNDEFINED);
    Some(dropped)
}

/// What is inside of dropped folders, by the folders' names.
///
/// # Errors
/// What the browser says.
pub(super) async fn inside(dropped: Promise) -> Result<BTreeMap<String, Inside>, String> {
    let found: Array = JsFuture::from(dropped).await.map_err(|error| words(&error))?.unchecked_into();
    let mut folders: BTreeMap<String, Inside> = BTreeMap::new();
    for one in found.iter() {
        let one: Array = one.unchecked_into();
        let (Some(path), Ok(file)) = (one.get(0).as_string(), one.get(1).dyn_into()) else { continue };
        folders.entry(top(&path).to_owned()).or_default().push((path, file));
    }
    Ok(folders)
}

fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// Reads what is in a folder: as one archive where it holds pictures or a run, else file by file.
pub(super) async fn read(mut files: Inside, ctx: &Context) -> Vec<Result<Arrived, String>> {
    // What systems leave in folders is no data.
    files.retain(|(path, _)| !path.split('/').any(|part| part.starts_with('.') || part == "__MACOSX"));
    let Some(name) = files.first().map(|(path, _)| top(path).to_owned()) else {
        return vec![Err("The folder is empty.".to_owned())];
    };
    let kind = |path: &str| path.rsplit_once('.').map(|(_, kind)| kind.to_lowercase()).unwrap_or_default();
    let together =
        files.iter().any(|(path, _)| path.ends_with("settings.json") || ["png", "jpg", "jpeg"].contains(&&*kind(path)));
    if together {
        return vec![pack(&name, &files, ctx).await];
    }
    if files.len() > ONE_BY_ONE {
        return vec![Err(format!(
            "{name} holds {} files, and no pictures (.png, .jpg) and no run among them; choose the files of the set themselves.",
            files.len()
        ))];
    }
    let mut read = Vec::new();
    for (_, file) in &files {
        read.push(read_file(file, ctx).await);
    }
    read
}

/// An archive of all files, as they are: pictures are packed already.
async fn pack(name: &str, files: &Inside, ctx: &Context) -> Result<Arrived, String> {
    let size: f64 = files.iter().map(|(_, file)| file.size()).sum();
    if size > LARGEST as f64 {
        return Err(format!("{name} has {:.0} MB; a page takes at most {:.0}.", size / 1e6, LARGEST as f64 / 1e6));
    }
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let quarter = |count: usize| 4 * count / files.len();
    for (count, (path, file)) in files.iter().enumerate() {
        let (_, bytes) = read_file(file, ctx).await?;
        let written =
            archive.start_file(path.as_str(), options).map_err(std::io::Error::from).and_then(|()| archive.write_all(&bytes));
        written.map_err(|error| format!("{path}: {error}"))?;
        if files.len() >= TOLD && count > 0 && quarter(count) > quarter(count - 1) {
            tell(format!("Reading {name}: {} % of {} files", 25 * quarter(count), files.len()), ctx);
        }
    }
    let bytes = archive.finish().map_err(|error| format!("{name}: {error}"))?.into_inner();
    Ok((format!("{name}.zip"), bytes.into()))
}

/// From how many files on it is told how far the reading is.
const TOLD: usize = 500;
