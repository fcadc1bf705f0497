//! The decoders of `codecs.rs` in a page: a module of their own, which the page loads when a set needs it and tells of here.

use std::sync::{Mutex, PoisonError};

/// Decodes `bytes` with the codec of this name; a page of Parquet is to hold so many bytes.
pub type Decode = fn(codec: &str, bytes: &[u8], size: usize) -> Result<Vec<u8>, String>;

static DECODE: Mutex<Option<Decode>> = Mutex::new(None);

/// Tells where the decoders are: before this is called, no picture is read.
pub fn set_codecs(decode: Decode) {
    *DECODE.lock().unwrap_or_else(PoisonError::into_inner) = Some(decode);
}

fn decoded(codec: &str, bytes: &[u8], size: usize) -> Result<Vec<u8>, String> {
    // Not held while it decodes.
    let decode = *DECODE.lock().unwrap_or_else(PoisonError::into_inner);
    let decode = decode.ok_or("needs decoders that the page has not loaded; reload the page and open the set again")?;
    decode(codec, bytes, size)
}

pub(super) fn picture(file: &[u8]) -> Result<Vec<u8>, String> {
    decoded("picture", file, 0)
}

pub(super) fn snappy(page: &[u8], size: usize) -> Result<Vec<u8>, String> {
    decoded("snappy", page, size)
}

pub(super) fn zstandard(page: &[u8], size: usize) -> Result<Vec<u8>, String> {
    decoded("zstandard", page, size)
}
