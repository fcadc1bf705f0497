//! Unpacks the program of the page while it is being loaded. Brotli makes it a third smaller than gzip does, plain file servers send
//! files as they are, and not every browser can unpack brotli for a page (`DecompressionStream`); this can, everywhere.

use std::io::Write as _;

use brotli_decompressor::DecompressorWriter;
use wasm_bindgen::prelude::wasm_bindgen;

/// How much is unpacked at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// What was packed with brotli, piece by piece.
#[wasm_bindgen]
pub struct Unpacker {
    inner: DecompressorWriter<Vec<u8>>,
}

#[wasm_bindgen]
impl Unpacker {
    /// One that has seen nothing yet.
    #[wasm_bindgen(constructor)]
    #[expect(clippy::new_without_default, reason = "JavaScript knows constructors alone")]
    pub fn new() -> Self {
        Self { inner: DecompressorWriter::new(Vec::new(), BUFFER) }
    }

    /// Takes the next piece; gives what it comes to.
    ///
    /// # Errors
    /// In words, where the piece is no brotli.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>, String> {
        self.inner.write_all(piece).map_err(|error| format!("the program arrived damaged ({error})"))?;
        Ok(std::mem::take(self.inner.get_mut()))
    }

    /// Nothing comes after this; gives the rest.
    ///
    /// # Errors
    /// In words, where something lacks.
    pub fn end(mut self) -> Result<Vec<u8>, String> {
        self.inner.close().map_err(|error| format!("the program arrived in part ({error})"))?;
        Ok(std::mem::take(self.inner.get_mut()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        brotli::BrotliCompress(&mut &*bytes, &mut packed, &brotli::enc::BrotliEncoderParams::default())
            .expect("memory takes every byte");
        packed
    }

    /// Half a megabyte, partly like itself and partly not.
    fn bytes() -> Vec<u8> {
        (0..500_000_u32)
            .map(|place| if place % 3000 < 1500 { (place % 251) as u8 } else { (place.wrapping_mul(2_654_435_761) >> 24) as u8 })
            .collect()
    }

    fn unpacked(packed: &[u8], piece: usize) -> Result<Vec<u8>, String> {
        let mut unpacker = Unpacker::new();
        let mut all = Vec::new();
        for piece in packed.chunks(piece) {
            all.extend(unpacker.push(piece)?);
        }
        all.extend(unpacker.end()?);
        Ok(all)
    }

    #[test]
    fn pieces_of_any_size_come_to_the_whole() {
        let bytes = bytes();
        let packed = packed(&bytes);
        for piece in [1, 7, 1000, 65_536, packed.len()] {
            assert!(unpacked(&packed, piece).as_ref() == Ok(&bytes), "in pieces of {piece}");
        }
    }

    #[test]
    fn what_arrived_in_part_or_damaged_is_refused() {
        let packed = packed(&bytes());
        assert!(unpacked(&packed[..packed.len() - 1], 4096).is_err());
        assert!(unpacked(&packed[..packed.len() / 2], 4096).is_err());
        let mut damaged = packed.clone();
        damaged[100..140].fill(0xff);
        assert!(unpacked(&damaged, 4096).is_err_and(|told| told.contains("arrived")));
    }
}
