//! The decoders of other libraries that a set may need: PNG and JPEG pictures, and what packs the pages of Parquet besides gzip.
//!
//! The program has them inside. In a page they would be a tenth of what everybody loads, so there they are a module of their own
//! (`web/codecs`), made of this same file: nothing here may speak of the rest of the library.

use std::io::{Cursor, Read as _};

use image::{DynamicImage, GenericImageView as _, ImageReader, Limits};

/// The most pixels of a side: a picture that claims more is broken, or nothing for a network.
const SIDE: u32 = 4096;

/// Decodes a PNG or JPEG file: channels (1 or 3), height, width and whether it could be seen through (0 or 1), each a number of four
/// bytes, the lowest first; then the bytes of the picture, channels first.
///
/// # Errors
/// What is wrong with the file.
pub(super) fn picture(file: &[u8]) -> Result<Vec<u8>, String> {
    let mut reader =
        ImageReader::new(Cursor::new(file)).with_guessed_format().map_err(|cause| format!("cannot be read ({cause})"))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    reader.limits(limits);
    let image = reader.decode().map_err(|cause| format!("cannot be decoded ({cause})"))?;
    let (width, height) = image.dimensions();
    let grey = matches!(
        image,
        DynamicImage::ImageLuma8(_) | DynamicImage::ImageLuma16(_) | DynamicImage::ImageLumaA8(_) | DynamicImage::ImageLumaA16(_)
    );
    let alpha = image.color().has_alpha();
    let (channels, pixels) = if grey { (1, image.into_luma8().into_raw()) } else { (3, image.into_rgb8().into_raw()) };
    let head = [channels, height, width, u32::from(alpha)];
    let mut decoded: Vec<u8> = head.iter().flat_map(|number| number.to_le_bytes()).collect();
    let channels = channels as usize;
    for channel in 0..channels {
        decoded.extend(pixels.iter().skip(channel).step_by(channels));
    }
    Ok(decoded)
}

/// Unpacks a page that Snappy packed, which is to hold `size` bytes.
///
/// # Errors
/// What is wrong with it.
pub(super) fn snappy(page: &[u8], size: usize) -> Result<Vec<u8>, String> {
    match snap::raw::decompress_len(page) {
        Ok(length) if length == size => snap::raw::Decoder::new().decompress_vec(page).map_err(|cause| cause.to_string()),
        Ok(length) => Err(format!("it holds {length} bytes instead of {size}")),
        Err(cause) => Err(cause.to_string()),
    }
}

/// Unpacks a page that Zstandard packed, up to one byte more than the `size` that it is to hold: enough to tell that it holds more.
///
/// # Errors
/// What is wrong with it.
pub(super) fn zstandard(page: &[u8], size: usize) -> Result<Vec<u8>, String> {
    let decoder = ruzstd::decoding::StreamingDecoder::new(page).map_err(|cause| cause.to_string())?;
    let mut bytes = Vec::new();
    decoder.take(size as u64 + 1).read_to_end(&mut bytes).map_err(|cause| cause.to_string())?;
    Ok(bytes)
}
