//! Files of any size between the browser and the program, slice by slice, so that no frame waits for one.

use bytes::Bytes;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::rest::next_task;

/// How much is copied at once: what a browser hands over in a millisecond or two.
pub(super) const SLICE: usize = 4 << 20;

/// Reads all `size` bytes of a file, which whoever calls has asked it for once: of a file that was chosen a browser looks it up on the disk,
/// and the page waits. Tells after every slice how many were read.
///
/// # Errors
/// What the browser says; `None` where it hands over less than the file has, because the file changed meanwhile.
pub(super) async fn read(blob: &Blob, size: usize, mut told: impl FnMut(usize)) -> Result<Bytes, Option<JsValue>> {
    if size <= SLICE {
        let whole = Uint8Array::new(&JsFuture::from(blob.array_buffer()).await?).to_vec();
        told(whole.len());
        return if whole.len() == size { Ok(whole.into()) } else { Err(None) };
    }
    // Uninitialised capacity: filling that of a large file would take longer than a frame.
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size {
        let to = (bytes.len() + SLICE).min(size);
        let part = blob.slice_with_f64_and_f64(bytes.len() as f64, to as f64)?;
        let part = Uint8Array::new(&JsFuture::from(part.array_buffer()).await?);
        if part.length() as usize != to - bytes.len() {
            return Err(None);
        }
        bytes.extend_from_slice(&part.to_vec());
        told(to);
    }
    Ok(bytes.into())
}

/// Bytes as the browser's storage takes them: in a file of its own where they are many, because other values are copied in one go.
///
/// # Errors
/// What the browser says, which may have no room.
pub(super) async fn write(bytes: &[u8]) -> Result<JsValue, JsValue> {
    if bytes.len() <= SLICE {
        return Ok(Uint8Array::from(bytes).into());
    }
    let parts = Array::new();
    for slice in bytes.chunks(SLICE) {
        parts.push(&Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(slice)))?.into());
        next_task().await;
    }
    Ok(Blob::new_with_blob_sequence(&parts)?.into())
}
