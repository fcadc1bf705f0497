//! Thousands of small marks, gathered to be drawn at once.

use egui::{Color32, Painter, Pos2, Rect, Vec2, vec2};

use crate::platform::{Kind, StageMark, drawing};

/// Marks that are gathered.
#[derive(Default)]
pub(super) struct Marks(Vec<StageMark>);

impl Marks {
    fn mark(&mut self, kind: Kind, middle: Pos2, axis: Vec2, half_width: f32, colour: Color32) {
        self.0.push(StageMark { kind, middle, axis, half_width, colour });
    }

    pub(super) fn line(&mut self, from: Pos2, to: Pos2, width: f32, colour: Color32) {
        self.mark(Kind::Bar, from + (to - from) / 2.0, (to - from) / 2.0, width / 2.0, colour);
    }

    /// A cross: broken.
    pub(super) fn cross(&mut self, at: Pos2, size: f32, colour: Color32) {
        self.mark(Kind::Cross, at, vec2(size, 0.0), size, colour);
    }

    /// A small diamond: withstood.
    pub(super) fn dot(&mut self, at: Pos2, size: f32, colour: Color32) {
        self.mark(Kind::Diamond, at, vec2(size, 0.0), size, colour);
    }

    /// The shape of a class: a disc, a square, a triangle, a diamond, and so on.
    pub(super) fn shape(&mut self, class: usize, at: Pos2, size: f32, colour: Color32) {
        let (kind, size) = match class % 4 {
            0 => (Kind::Disc, size),
            1 => (Kind::Bar, 0.88 * size),
            2 => (Kind::Triangle, 1.2 * size),
            _ => (Kind::Diamond, 1.25 * size),
        };
        self.mark(kind, at, vec2(size, 0.0), size, colour);
    }

    /// Puts others above them.
    pub(super) fn append(&mut self, mut above: Self) {
        self.0.append(&mut above.0);
    }

    /// Draws them into what `painter` may draw on. `layer` tells draws of one frame apart.
    pub(super) fn paint(self, painter: &Painter, layer: usize) {
        let rect: Rect = painter.clip_rect().intersect(painter.ctx().content_rect());
        if !self.0.is_empty() && rect.is_positive() {
            drawing::marks(self.0, painter, rect, layer);
        }
    }
}
