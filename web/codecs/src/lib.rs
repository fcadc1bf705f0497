//! The program's decoders of pictures and of Parquet's pages for the page, as a module of their own: with the program they would be a tenth
//! of what everybody loads, and few bring pictures.

use wasm_bindgen::prelude::wasm_bindgen;

/// The program's own lines, so that a picture has the same numbers in every door.
#[path = "../../../core/src/dataset/formats/codecs.rs"]
mod codecs;

/// Decodes `bytes`: a `picture`, or a page of Parquet packed by `snappy` or `zstandard` that is to hold `size` bytes.
///
/// # Errors
/// In words, what is wrong with them.
#[wasm_bindgen]
pub fn decode(codec: &str, bytes: &[u8], size: usize) -> Result<Vec<u8>, String> {
    match codec {
        "picture" => codecs::picture(bytes),
        "snappy" => codecs::snappy(bytes, size),
        "zstandard" => codecs::zstandard(bytes, size),
        other => Err(format!("needs the decoder `{other}`, which this page does not have; reload the page")),
    }
}
