//! A browser: storage, locks, uploads and downloads, for a page and for its worker.

mod claim;
pub(crate) mod codecs;
pub(crate) mod drawing;
mod exchange;
mod folder;
mod fonts;
pub(crate) mod outside;
pub(crate) mod rest;
mod slices;
pub(crate) mod storage;

use wasm_bindgen::{JsCast as _, JsValue};

pub(crate) use claim::{Claim, held, take};
pub(crate) use fonts::fonts;

/// Whether a browser is around the program, with keys and menus of its own.
pub(crate) const IN_BROWSER: bool = true;

/// The page's address without what is behind `#`.
pub(crate) fn address() -> String {
    let href = web_sys::window().and_then(|window| window.location().href().ok()).unwrap_or_default();
    href.split('#').next().unwrap_or_default().to_owned()
}

/// Now, as the beginning of a name, in the person's own time.
pub(crate) fn moment() -> String {
    let now = js_sys::Date::new_0();
    let (year, month, day) = (now.get_full_year(), now.get_month() + 1, now.get_date());
    let (hour, minute, second) = (now.get_hours(), now.get_minutes(), now.get_seconds());
    format!("{year:04}-{month:02}-{day:02}_{hour:02}-{minute:02}-{second:02}")
}

/// What a value of the browser says.
pub(crate) fn words(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => error.as_string().unwrap_or_else(|| "the browser does not say why".to_owned()),
    }
}
