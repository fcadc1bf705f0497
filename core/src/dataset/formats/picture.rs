//! One picture: PNG or JPEG to bytes.

#[cfg(not(target_arch = "wasm32"))]
use std::io::Cursor;

#[cfg(not(target_arch = "wasm32"))]
use image::{DynamicImage, GenericImageView as _, ImageReader, Limits};

/// A decoded picture: `channels` x `height` x `width` bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    /// Channels first.
    pub(super) bytes: Vec<u8>,
    /// Whether it could be seen through, which is lost.
    pub(super) alpha: bool,
}

/// A page does without the decoders: they are a tenth of what it loads.
///
/// # Errors
/// What to do instead.
#[cfg(target_arch = "wasm32")]
pub(super) fn decode(_file: &[u8]) -> Result<Picture, String> {
    Err("is a picture, which the page does not decode; the program does, or make an NPZ of `x` and `y`".to_owned())
}

/// The most pixels of a side: a picture that claims more is broken, or nothing for a network.
#[cfg(not(target_arch = "wasm32"))]
const SIDE: u32 = 4096;

/// Decodes the bytes of a file.
///
/// # Errors
/// What is wrong with them.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn decode(file: &[u8]) -> Result<Picture, String> {
    if let Some(what) = crate::files::what_else(file) {
        return Err(what.to_owned());
    }
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
    let (channels, bytes) = if grey { (1, image.into_luma8().into_raw()) } else { (3, image.into_rgb8().into_raw()) };
    let (width, height) = (width as usize, height as usize);
    let places = width * height;
    let bytes =
        (0..channels).flat_map(|channel| (0..places).map(move |place| place * channels + channel)).map(|at| bytes[at]).collect();
    Ok(Picture { channels, height, width, bytes, alpha })
}

impl Picture {
    /// The same in three colours.
    pub(super) fn coloured(self) -> Self {
        if self.channels == 3 { self } else { Self { channels: 3, bytes: self.bytes.repeat(3), ..self } }
    }
}
