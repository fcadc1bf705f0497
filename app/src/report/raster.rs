//! A drawing as PNG, at two pixels for each of SVG's: what a PDF shows sharp at the size of the drawing. Needs no screen and no font of the
//! system.

use std::sync::{Arc, OnceLock};

use resvg::{
    tiny_skia::{FilterQuality, Pixmap, PixmapPaint, PremultipliedColorU8, Transform},
    usvg::{Options, Tree, fontdb::Database},
};

use crate::svg::{Drawing, Picture};

/// Pixels for each of SVG's.
const SCALE: f32 = 2.0;
/// Pixels a metre: SVG has 96 to the inch.
const PER_METRE: u32 = 7559;

/// The bytes of the file.
///
/// # Errors
/// What is wrong with the drawing.
pub(crate) fn png(drawing: &Drawing) -> Result<Vec<u8>, String> {
    let (width, height) = drawing.size;
    let side = |length: f64| (length * f64::from(SCALE)).ceil().clamp(1.0, 16_384.0) as u32;
    let mut pixmap =
        Pixmap::new(side(width), side(height)).ok_or_else(|| format!("a drawing of {width} x {height} has no pixels"))?;
    pixmap.fill(resvg::tiny_skia::Color::WHITE);
    for picture in &drawing.pictures {
        paint(&mut pixmap, picture);
    }
    let tree = Tree::from_str(&drawing.vectors(), options()).map_err(|error| format!("the drawing is no SVG ({error})"))?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixmap.as_mut());
    encoded(&pixmap).map_err(|error| error.to_string())
}

/// Letters alone: egui's, so that a figure looks the same wherever it is made.
fn options() -> &'static Options<'static> {
    static OPTIONS: OnceLock<Options<'static>> = OnceLock::new();
    OPTIONS.get_or_init(|| {
        let mut letters = Database::new();
        letters.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
        // It has the arrows that the other lacks.
        letters.load_font_data(epaint_default_fonts::HACK_REGULAR.to_vec());
        let family =
            letters.faces().next().and_then(|face| face.families.first().map(|(name, _)| name.clone())).unwrap_or_default();
        letters.set_sans_serif_family(&family);
        Options { font_family: family, fontdb: Arc::new(letters), ..Options::default() }
    })
}

fn paint(pixmap: &mut Pixmap, picture: &Picture) {
    let (x, y, width, height) = picture.at;
    let (columns, rows) = picture.size;
    let Some(mut own) = Pixmap::new(columns as u32, rows as u32) else { return };
    for (pixel, &(r, g, b)) in own.pixels_mut().iter_mut().zip(&picture.pixels) {
        if let Some(opaque) = PremultipliedColorU8::from_rgba(r, g, b, 255) {
            *pixel = opaque;
        }
    }
    let scale = |length: f64, of: usize| SCALE * length as f32 / of.max(1) as f32;
    let at = Transform::from_row(scale(width, columns), 0.0, 0.0, scale(height, rows), SCALE * x as f32, SCALE * y as f32);
    let quality = if picture.smooth { FilterQuality::Bilinear } else { FilterQuality::Nearest };
    pixmap.draw_pixmap(0, 0, own.as_ref(), &PixmapPaint { quality, ..PixmapPaint::default() }, at, None);
}

fn encoded(pixmap: &Pixmap) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixmap.width(), pixmap.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: PER_METRE, yppu: PER_METRE, unit: png::Unit::Meter }));
    let mut writer = encoder.write_header()?;
    // White lies below everything, so that nothing is seen through.
    let pixels: Vec<u8> = pixmap.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}
