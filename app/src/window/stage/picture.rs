//! The regions as a picture: from a buffer on the GPU through a paint callback, or from the host as a texture.

use egui::{Color32, ColorImage, Context, Painter, Rect, TextureHandle, TextureOptions};
use gairat::{
    region_map::{Grid, OnDevice, Quantity},
    session::Region,
};

use crate::{
    platform::drawing,
    window::{model::Run, theme},
};

/// A margin that is shown as certain.
const FULL_MARGIN: f32 = 8.0;
/// The least and the greatest share of a class's colour in the picture: a border is seen even where the network is unsure on both
/// sides, and points stand out from where it is sure.
const FAINTEST: f32 = 0.14;
const DEEPEST: f32 = 0.6;

/// What is painted.
#[derive(Default)]
pub(super) struct Picture {
    texture: Option<TextureHandle>,
    /// What the texture was made of: the number of the regions, and how they were to look.
    made_of: Option<(u64, Quantity, bool, bool)>,
    on_device: Option<(Grid, OnDevice, Quantity, bool, usize)>,
}

impl Picture {
    /// Takes the newest regions of `run`.
    pub(super) fn show(&mut self, ctx: &Context, run: &Run, quantity: Quantity, dark: bool) {
        let Some((region, number)) = &run.region else { return };
        match region {
            Region::OnDevice(grid, map) => {
                let classes = run.dataset.as_ref().map_or(2, |dataset| dataset.classes);
                self.on_device = Some((*grid, OnDevice::clone(map), quantity, dark, classes));
            }
            Region::OnHost(grid, map) => {
                self.on_device = None;
                if self.made_of == Some((*number, quantity, dark, false)) {
                    return;
                }
                self.made_of = Some((*number, quantity, dark, false));
                let classes = run.dataset.as_ref().map_or(2, |dataset| dataset.classes);
                let ground = theme::ground(dark);
                let palette: Vec<Color32> = (0..classes).map(|class| theme::class(class, dark)).collect();
                let pixels = map.chunks_exact(2).map(|cell| {
                    let colour = palette[(cell[0] as usize).min(classes - 1)];
                    theme::mix(ground, colour, FAINTEST + (DEEPEST - FAINTEST) * certainty(cell[1], quantity, classes))
                });
                self.set(ctx, *grid, pixels.collect());
            }
        }
    }

    /// Shows where two networks differ: in colour where their answers do, in grey where only their certainty does.
    pub(super) fn show_difference(&mut self, ctx: &Context, [(grid, a), (_, b)]: [(&Grid, &[f32]); 2], dark: bool) {
        self.on_device = None;
        self.made_of = None;
        let ground = theme::ground(dark);
        let strong = theme::adversarial(dark);
        let grey = if dark { Color32::from_gray(150) } else { Color32::from_gray(120) };
        let pixels = a.chunks_exact(2).zip(b.chunks_exact(2)).map(|(a, b)| {
            if a[0] != b[0] { theme::mix(ground, strong, 0.75) } else { theme::mix(ground, grey, (a[1] - b[1]).abs().min(1.0)) }
        });
        self.set(ctx, *grid, pixels.collect());
    }

    fn set(&mut self, ctx: &Context, grid: Grid, pixels: Vec<Color32>) {
        let image = ColorImage::new([grid.columns, grid.rows], pixels);
        match &mut self.texture {
            Some(texture) => texture.set(image, TextureOptions::LINEAR),
            None => self.texture = Some(ctx.load_texture("regions", image, TextureOptions::LINEAR)),
        }
    }

    /// Paints the picture over the unit square.
    pub(super) fn paint(&self, painter: &Painter, unit: Rect) {
        if let Some((grid, map, quantity, dark, classes)) = &self.on_device {
            let visible = unit.intersect(painter.clip_rect());
            if visible.is_positive() {
                let shown = Rect::from_min_max(
                    ((visible.min - unit.min) / unit.size()).to_pos2(),
                    ((visible.max - unit.min) / unit.size()).to_pos2(),
                );
                drawing::regions(painter, visible, map.clone(), words(*grid, shown, *quantity, *dark, *classes));
            }
        } else if let Some(texture) = &self.texture {
            let whole = Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0));
            painter.image(texture.id(), unit, whole, Color32::WHITE);
        }
    }
}

/// How sure a cell is, from 0 to 1.
fn certainty(quantity_here: f32, quantity: Quantity, classes: usize) -> f32 {
    match quantity {
        Quantity::Probability => {
            let least = 1.0 / classes as f32;
            ((quantity_here - least) / (1.0 - least)).clamp(0.0, 1.0)
        }
        Quantity::Margin => (quantity_here / FULL_MARGIN).clamp(0.0, 1.0),
    }
}

/// What the shader needs: see `Settings` in `region_picture.wgsl`.
fn words(grid: Grid, shown: Rect, quantity: Quantity, dark: bool, classes: usize) -> Vec<f32> {
    let (least, full) = match quantity {
        Quantity::Probability => (1.0 / classes as f32, 1.0),
        Quantity::Margin => (0.0, FULL_MARGIN),
    };
    let mut words = vec![grid.columns as f32, grid.rows as f32, least, full];
    words.extend([shown.min.x, shown.min.y, shown.width(), shown.height()]);
    let colour = |colour: Color32| [colour.r(), colour.g(), colour.b(), 255].map(|channel| f32::from(channel) / 255.0);
    words.extend(colour(theme::ground(dark)));
    words.extend([FAINTEST, DEEPEST, 0.0, 0.0]);
    for class in 0..10 {
        words.extend(colour(theme::class(class, dark)));
    }
    words
}
