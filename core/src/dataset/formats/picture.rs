//! One picture: PNG or JPEG to bytes.

use super::codecs;
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

/// Decodes the bytes of a file.
///
/// # Errors
/// What is wrong with them.
pub(super) fn decode(file: &[u8]) -> Result<Picture, String> {
    if let Some(what) = crate::files::what_else(file) {
        return Err(what.to_owned());
    }
    let mut bytes = codecs::picture(file)?;
    let head = *bytes.first_chunk::<16>().ok_or("cannot be decoded (nothing came of it)")?;
    bytes.drain(..head.len());
    let [channels, height, width, alpha] =
        [0, 4, 8, 12].map(|at| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize);
    Ok(Picture { channels, height, width, bytes, alpha: alpha != 0 })
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
