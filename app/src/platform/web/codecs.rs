//! The decoders of pictures: a module beside the program, loaded when a set needs it.

use std::cell::RefCell;

use js_sys::{Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::words;

thread_local! {
    static DECODE: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Loads the module, once; the worker's script knows where it is.
///
/// # Errors
/// What is to be said where it cannot be loaded.
pub(crate) async fn load() -> Result<(), String> {
    if DECODE.with_borrow(Option::is_some) {
        return Ok(());
    }
    let loaded = async {
        let load: Function = Reflect::get(&js_sys::global(), &"loadCodecs".into())?.dyn_into()?;
        let promise: Promise = load.call0(&JsValue::UNDEFINED)?.dyn_into()?;
        Reflect::get(&JsFuture::from(promise).await?, &"decode".into())?.dyn_into::<Function>()
    };
    let decode = loaded.await.map_err(|error| {
        format!(
            "The decoders of pictures and Parquet are not here yet and cannot be loaded ({}): open the set again when there is a network.",
            words(&error)
        )
    })?;
    DECODE.set(Some(decode));
    gairat::dataset::set_codecs(decoded);
    Ok(())
}

fn decoded(codec: &str, bytes: &[u8], size: usize) -> Result<Vec<u8>, String> {
    let decode = DECODE.with_borrow(Clone::clone).ok_or("cannot be decoded before the decoders are loaded")?;
    let decoded = decode.call3(&JsValue::UNDEFINED, &codec.into(), &Uint8Array::from(bytes), &size.into());
    decoded.map(|bytes| Uint8Array::new(&bytes).to_vec()).map_err(|error| words(&error))
}
