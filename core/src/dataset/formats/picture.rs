//! One picture: PNG or JPEG to bytes.

#[cfg(not(target_arch = "wasm32"))]
use std::io::Cursor;

#[cfg(not(target_arch = "wasm32"))]
use image::{DynamicImage, GenericImageView as _, ImageReader, Limits};

use crate::dataset::SampleShape;

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

/// What pictures that are to be the samples of one set have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Common {
    pub(super) height: usize,
    pub(super) width: usize,
    /// Whether any of them has colours: then all are taken as coloured.
    pub(super) coloured: bool,
}

impl Common {
    /// What they have in common, each with what errors call it; what is lost is noted.
    ///
    /// # Errors
    /// Two that differ in size, and what was expected.
    pub(super) fn of<'a>(
        pictures: impl Iterator<Item = (String, &'a Picture)> + Clone,
        notes: &mut Vec<String>,
    ) -> Result<Self, (String, String)> {
        let (name, first) = pictures.clone().next().ok_or_else(|| ("holds no picture".to_owned(), "pictures".to_owned()))?;
        let (height, width) = (first.height, first.width);
        if let Some((other, differs)) = pictures.clone().find(|(_, other)| (other.height, other.width) != (height, width)) {
            let found =
                format!("{other} has {} x {} pixels (height x width), {name} {height} x {width}", differs.height, differs.width);
            return Err((found, "pictures of one size; resize them first".to_owned()));
        }
        if pictures.clone().any(|(_, picture)| picture.alpha) {
            notes.push("pictures that can be seen through lose that".to_owned());
        }
        let coloured = pictures.clone().any(|(_, picture)| picture.channels == 3);
        if coloured && pictures.clone().any(|(_, picture)| picture.channels == 1) {
            notes.push("grey pictures among coloured ones are taken as coloured".to_owned());
        }
        Ok(Self { height, width, coloured })
    }

    /// The shape of the samples.
    pub(super) fn shape(self) -> SampleShape {
        SampleShape::Image { channels: if self.coloured { 3 } else { 1 }, height: self.height, width: self.width }
    }

    /// The numbers of one of them.
    pub(super) fn numbers(self, picture: Picture) -> impl Iterator<Item = f32> {
        let picture = if self.coloured { picture.coloured() } else { picture };
        picture.bytes.into_iter().map(|byte| f32::from(byte) / 255.0)
    }

    /// In a few words, how they lie in their file.
    pub(super) fn origin(self) -> String {
        format!("PNG or JPEG of {} x {}, {}", self.height, self.width, if self.coloured { "colours" } else { "grey" })
    }
}
