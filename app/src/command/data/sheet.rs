//! A contact sheet: some samples of every class, one row a class; or the points of a plane, coloured by class.

use gairat::dataset::{Inspection, SampleShape};

/// Samples of a class that are drawn.
const COLUMNS: usize = 16;
/// Classes that are drawn.
const ROWS: usize = 20;
/// The least side of a sample, in pixels: small ones are drawn larger, by a whole factor.
const SIDE: usize = 48;
const GAP: usize = 2;
const PAPER: [u8; 3] = [250, 250, 250];
/// The side of a picture of points.
const PLANE: usize = 512;
/// Colours of classes that colour-blind people can distinguish (Okabe and Ito).
const COLOURS: [[u8; 3]; 8] =
    [[0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167], [213, 94, 0], [86, 180, 233], [240, 228, 66], [0, 0, 0]];

/// The sheet as a PNG file.
pub(super) fn png(inspection: &Inspection) -> Result<Vec<u8>, png::EncodingError> {
    let (width, height, pixels) = if inspection.shape == SampleShape::Flat(2) { points(inspection) } else { rows(inspection) };
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(file)
}

type Sheet = (usize, usize, Vec<u8>);

fn points(inspection: &Inspection) -> Sheet {
    let mut pixels = PAPER.repeat(PLANE * PLANE);
    for (point, &label) in inspection.samples.pixels.chunks_exact(2).zip(&inspection.samples.labels) {
        let place = |at: f32| (at * (PLANE - 3) as f32) as usize + 1;
        // The second axis points up.
        let (column, row) = (place(point[0]), PLANE - 1 - place(point[1]));
        for (down, right) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let at = 3 * ((row + down).min(PLANE - 1) * PLANE + (column + right).min(PLANE - 1));
            pixels[at..at + 3].copy_from_slice(&COLOURS[label as usize % COLOURS.len()]);
        }
    }
    (PLANE, PLANE, pixels)
}

fn rows(inspection: &Inspection) -> Sheet {
    let (channels, height, width) = inspection.shape.picture();
    let scale = SIDE.div_ceil(height.max(width).max(1)).max(1);
    let (cell_height, cell_width) = (height * scale + GAP, width * scale + GAP);
    let rows = inspection.classes.min(ROWS);
    let (sheet_width, sheet_height) = (COLUMNS * cell_width + GAP, rows * cell_height + GAP);
    let mut pixels = PAPER.repeat(sheet_width * sheet_height);
    let len = inspection.shape.len();
    let mut drawn = vec![0; rows];
    for (sample, &label) in inspection.samples.pixels.chunks_exact(len).zip(&inspection.samples.labels) {
        let class = label as usize;
        if class >= rows || drawn[class] == COLUMNS {
            continue;
        }
        let (top, left) = (GAP + class * cell_height, GAP + drawn[class] * cell_width);
        drawn[class] += 1;
        for (row, column) in (0..height * scale).flat_map(|row| (0..width * scale).map(move |column| (row, column))) {
            let place = row / scale * width + column / scale;
            let at = 3 * ((top + row) * sheet_width + left + column);
            for colour in 0..3 {
                // A grey picture has one channel, and a row that is drawn as a square ends before the square does.
                let channel = if channels >= 3 { colour } else { 0 };
                let value = sample.get(channel * height * width + place).copied().unwrap_or(0.0);
                pixels[at + colour] = (255.0 * value).round() as u8;
            }
        }
    }
    (sheet_width, sheet_height, pixels)
}
