//! A folder from the person's computer. A page has no folders on a disk: one of pictures, or of a run, is packed into an archive, and of
//! another its files are taken one by one.

use std::{
    collections::BTreeMap,
    io::{Cursor, Write as _},
};

use egui::Context;
use gairat::dataset::is_picture;
use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;
use web_time::{Duration, Instant};

use super::{
    exchange::{Arrived, LARGEST, read_file, tell},
    rest::next_task,
    words,
};

/// Files by their path, which begins with the name of the folder that was chosen.
pub(super) type Inside = Vec<(String, File)>;

/// What the names of Parquet files end in.
const PARQUET: &str = "parquet";
/// What is beside data in folders, and none.
const DOCUMENTS: [&str; 6] = ["txt", "md", "html", "htm", "pdf", "py"];
/// How many files are taken one by one: more are no set of data, but somebody's documents.
const ONE_BY_ONE: usize = 16;
/// How long files are read before a frame may be drawn.
const AT_ONCE: Duration = Duration::from_millis(10);
/// From how many files on it is told how far the reading is.
const TOLD: usize = 500;

/// The folders that were dropped on the page just now, if any were: the page's script has begun to look into them, because a browser shows
/// them only while they are dropped.
pub(super) fn dropped() -> Option<Promise> {
    let global = js_sys::global();
    let dropped = Reflect::get(&global, &"dropped".into()).ok()?.dyn_into().ok()?;
    // What could not be cleared would be read twice, and do no harm.
    let _ = Reflect::set(&global, &"dropped".into(), &JsValue::UNDEFINED);
    Some(dropped)
}

/// What came of asking for a folder: what was read, a problem to be told, or nothing.
type Asked = Option<Result<Vec<Result<Arrived, String>>, String>>;

/// Asks the person for a folder in the newer way of browsers, which does not make all its files in one task; `None` where there is no such
/// way: in some browsers, and over plain HTTP; and in a frame, where the one that there is may be refused.
pub(super) fn ask(ctx: &Context) -> Option<impl Future<Output = Asked> + 'static> {
    let window = web_sys::window()?;
    let in_frame = !matches!(window.parent(), Ok(Some(parent)) if parent == window);
    let function = |name: &str| Reflect::get(&window, &name.into()).ok()?.dyn_into::<Function>().ok();
    let (picker, look) = (function("showDirectoryPicker").filter(|_| !in_frame)?, function("inside")?);
    let asked: Promise = picker.call0(&window).ok()?.dyn_into().ok()?;
    let ctx = ctx.clone();
    Some(async move {
        let chosen = match JsFuture::from(asked).await {
            Ok(chosen) => chosen,
            // Whoever closes the dialog wants nothing.
            Err(error) if text(&error, "name") == "AbortError" => return None,
            Err(error) => return Some(Err(format!("The folder cannot be read: {}", words(&error)))),
        };
        let name = text(&chosen, "name");
        tell(format!("Looking into {name}"), &ctx);
        let found: Promise = look.call1(&JsValue::UNDEFINED, &chosen).ok()?.dyn_into().ok()?;
        Some(match inside(found).await {
            Ok(folders) => Ok(read(folders.into_values().flatten().collect(), &ctx).await),
            Err(problem) => Err(format!("{name} cannot be read: {problem}")),
        })
    })
}

/// A field of a JavaScript object that is text; nothing where there is none.
fn text(of: &JsValue, field: &str) -> String {
    Reflect::get(of, &field.into()).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// What is inside of folders, by the folders' names; nothing in those that are empty.
///
/// # Errors
/// What the browser says.
pub(super) async fn inside(found: Promise) -> Result<BTreeMap<String, Inside>, String> {
    let found: Array = JsFuture::from(found).await.map_err(|error| words(&error))?.unchecked_into();
    let (names, files): (Array, Array) = (found.get(0).unchecked_into(), found.get(1).unchecked_into());
    let mut folders: BTreeMap<String, Inside> =
        names.iter().filter_map(|name| name.as_string()).map(|name| (name, Inside::new())).collect();
    for one in files.iter() {
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
    // Browsers have orders of their own; the same folder is to give the same bytes.
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    let Some(name) = files.first().map(|(path, _)| top(path).to_owned()) else {
        return vec![Err("The folder is empty.".to_owned())];
    };
    let kind = |path: &str| path.rsplit_once('.').map(|(_, kind)| kind.to_lowercase()).unwrap_or_default();
    if files.iter().any(|(path, _)| is_picture(path)) || files.iter().any(|(path, _)| path.ends_with("/settings.json")) {
        return vec![pack(&name, &files, ctx).await];
    }
    let parquet = files.iter().any(|(path, _)| kind(path) == PARQUET);
    let (data, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|(path, _)| match parquet {
        true => kind(path) == PARQUET,
        false => !DOCUMENTS.contains(&&*kind(path)),
    });
    if data.is_empty() || !parquet && data.len() > ONE_BY_ONE {
        let count = data.len() + others.len();
        return vec![Err(format!(
            "{name} holds {count} files, and no pictures (.png, .jpg), no Parquet and no run among them; choose the files of the set themselves."
        ))];
    }
    if !others.is_empty() {
        let more = if others.len() > 3 { format!(" and {} more", others.len() - 3) } else { String::new() };
        let some: Vec<&str> = others.iter().take(3).map(|(path, _)| path.as_str()).collect();
        tell(format!("Left out: {}{more}", some.join(", ")), ctx);
    }
    let mut read = Vec::new();
    for (path, file) in data {
        read.push(read_file(&file, ctx).await.map(|(_, bytes)| (path, bytes)));
    }
    read
}

/// An archive of all files, as they are: pictures are packed already.
async fn pack(name: &str, files: &Inside, ctx: &Context) -> Result<Arrived, String> {
    let mut size = 0;
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let quarter = |count: usize| 4 * count / files.len();
    let mut rested = Instant::now();
    for (count, (path, file)) in files.iter().enumerate() {
        // Small files come one after the other without a frame between them.
        if rested.elapsed() >= AT_ONCE {
            next_task().await;
            rested = Instant::now();
        }
        let (_, bytes) = read_file(file, ctx).await?;
        size += bytes.len() as u64;
        if size > LARGEST {
            let (has, most) = (size as f64 / 1e6, LARGEST as f64 / 1e6);
            return Err(format!("{name} has more than {has:.0} MB; a page takes at most {most:.0}."));
        }
        // The folder's own name is no class.
        let inside = path.strip_prefix(&format!("{name}/")).unwrap_or(path);
        let written = archive.start_file(inside, options).map_err(std::io::Error::from).and_then(|()| archive.write_all(&bytes));
        written.map_err(|error| format!("{path}: {error}"))?;
        if files.len() >= TOLD && count > 0 && quarter(count) > quarter(count - 1) {
            tell(format!("Reading {name}: {} % of {} files", 25 * quarter(count), files.len()), ctx);
        }
    }
    let bytes = archive.finish().map_err(|error| format!("{name}: {error}"))?.into_inner();
    Ok((format!("{name}.zip"), bytes.into()))
}
