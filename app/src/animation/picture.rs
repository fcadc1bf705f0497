//! One frame: the regions, the training samples with their weights, and how far the run is.

use gairat::dataset::Dataset;

use super::{CELLS, Frame};
use crate::palette::{LIGHT, LIGHT_GROUND};

/// Width and height of the plane in pixels, and the height of the bar below.
pub(super) const SIDE: usize = 3 * CELLS;
pub(super) const FOOT: usize = 12;
/// How strong the colour of a region is where the network is unsure, and where it is sure.
const FAINTEST: f32 = 0.14;
const DEEPEST: f32 = 0.5;
/// Steps of that strength: fewer make a smaller file.
const SHADES: f32 = 16.0;
/// Radius of a sample of weight 1, and of the largest.
const RADIUS: f32 = 2.2;
const LARGEST: f32 = 7.0;

type Colour = (u8, u8, u8);

/// The pixels of a frame, row by row, three bytes each; `part` of the run is done.
pub(super) fn draw(frame: &Frame, dataset: &Dataset, part: f64) -> Vec<u8> {
    let mut picture = vec![LIGHT_GROUND; SIDE * (SIDE + FOOT)];
    let classes = dataset.classes.max(2);
    for (cell, of) in frame.map.chunks_exact(2).enumerate() {
        let least = 1.0 / classes as f32;
        let sure = ((of[1] - least) / (1.0 - least)).clamp(0.0, 1.0);
        let strength = FAINTEST + (DEEPEST - FAINTEST) * (sure * SHADES).round() / SHADES;
        let colour = mix(LIGHT_GROUND, LIGHT[of[0] as usize % LIGHT.len()], strength);
        let (row, column) = (3 * (cell / CELLS), 3 * (cell % CELLS));
        for y in row..row + 3 {
            picture[y * SIDE + column..y * SIDE + column + 3].fill(colour);
        }
    }
    // The heavy ones last, so that they are seen.
    let mut order: Vec<usize> = (0..dataset.train.len()).collect();
    order.sort_by(|&a, &b| frame.omega[a].total_cmp(&frame.omega[b]));
    for place in order {
        let (x, y) = (dataset.train.pixels[2 * place], dataset.train.pixels[2 * place + 1]);
        let centre = (x * SIDE as f32, (1.0 - y) * SIDE as f32);
        let radius = (RADIUS * frame.omega[place].max(0.0).sqrt()).clamp(0.8, LARGEST);
        let colour = LIGHT[dataset.train.labels[place] as usize % LIGHT.len()];
        disc(&mut picture, centre, radius, colour, frame.broken[place]);
    }
    let done = (part.clamp(0.0, 1.0) * SIDE as f64).round() as usize;
    for y in SIDE + 4..SIDE + FOOT - 2 {
        picture[y * SIDE..y * SIDE + done].fill((110, 110, 110));
    }
    picture.into_iter().flat_map(|(r, g, b)| [r, g, b]).collect()
}

/// A disc, or a ring for a sample that the attack broke.
fn disc(picture: &mut [Colour], (x, y): (f32, f32), radius: f32, colour: Colour, ring: bool) {
    let reach = radius.ceil() as i64 + 1;
    let (column, row) = (x.floor() as i64, y.floor() as i64);
    for dy in -reach..=reach {
        for dx in -reach..=reach {
            let (at_x, at_y) = (column + dx, row + dy);
            let inside = |at: i64| usize::try_from(at).ok().filter(|at| *at < SIDE);
            let (Some(at_x), Some(at_y)) = (inside(at_x), inside(at_y)) else { continue };
            let distance = ((at_x as f32 + 0.5 - x).powi(2) + (at_y as f32 + 0.5 - y).powi(2)).sqrt();
            let outer = (radius - distance + 0.5).clamp(0.0, 1.0);
            let hole = if ring { (radius - 1.6 - distance + 0.5).clamp(0.0, 1.0) } else { 0.0 };
            let pixel = &mut picture[at_y * SIDE + at_x];
            *pixel = mix(mix(*pixel, colour, outer), LIGHT_GROUND, hole);
        }
    }
}

fn mix(from: Colour, to: Colour, part: f32) -> Colour {
    let channel = |from: u8, to: u8| (f32::from(from) + (f32::from(to) - f32::from(from)) * part).round() as u8;
    (channel(from.0, to.0), channel(from.1, to.1), channel(from.2, to.2))
}
