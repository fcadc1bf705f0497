//! How the page draws its stage: with the shapes of egui, which WebGL draws in every browser.

use egui::{Painter, Pos2, Rect, Shape, Stroke, Vec2};
use gairat::region_map::OnDevice;

use crate::platform::{Kind, StageMark};

/// Draws marks; the layer means nothing here.
pub(crate) fn marks(marks: Vec<StageMark>, painter: &Painter, rect: Rect, _layer: usize) {
    let reach = rect.expand(12.0);
    painter.extend(marks.iter().filter(|mark| mark.kind == Kind::Bar || reach.contains(mark.middle)).map(shape));
}

/// The corners and edges that `shaders/marks.wgsl` draws.
fn shape(mark: &StageMark) -> Shape {
    let StageMark { kind, middle, axis, half_width, colour } = *mark;
    let size = axis.length();
    let polygon = |corners: &[(f32, f32)]| {
        let corners: Vec<Pos2> = corners.iter().map(|&(x, y)| middle + Vec2::new(x, y) * size).collect();
        Shape::convex_polygon(corners, colour, Stroke::NONE)
    };
    match kind {
        Kind::Disc => Shape::circle_filled(middle, size, colour),
        // A bar as wide as it is long is a square; all others are lines.
        Kind::Bar if half_width == size && axis.y == 0.0 => {
            Shape::rect_filled(Rect::from_center_size(middle, Vec2::splat(2.0 * size)), 0.0, colour)
        }
        Kind::Bar => Shape::line_segment([middle - axis, middle + axis], Stroke::new(2.0 * half_width, colour)),
        Kind::Diamond => polygon(&[(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)]),
        // Where the three edges of the shader's triangle meet.
        Kind::Triangle => polygon(&[(0.0, -1.0), (0.923_76, 0.6), (-0.923_76, 0.6)]),
        Kind::Cross => {
            let arm = std::f32::consts::FRAC_1_SQRT_2 * 1.2 * size;
            let stroke = Stroke::new(1.6, colour);
            Shape::Vec(vec![
                Shape::line_segment([middle - Vec2::splat(arm), middle + Vec2::splat(arm)], stroke),
                Shape::line_segment([middle + Vec2::new(-arm, arm), middle + Vec2::new(arm, -arm)], stroke),
            ])
        }
    }
}

/// Never asked for: the page's runs compute in a worker, and its maps come as numbers.
pub(crate) fn regions(_painter: &Painter, _visible: Rect, _map: OnDevice, _words: Vec<f32>) {}
