//! What a word of a lesson names is lit: a frame around it, and an arrow from the word.

use egui::{Context, Id, LayerId, Order, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Ui, vec2};

use crate::{
    lesson::Mark,
    window::{model::State, theme},
};

/// From here on an arrow is long enough to be seen.
const LEAST: f32 = 24.0;

/// Lights `rect` if the word that is pointed at names one of `marks`.
pub(crate) fn show(ui: &Ui, state: &State, marks: &[Mark], rect: Rect) {
    let Some(lit) = state.lesson.as_ref().and_then(|lesson| lesson.lit).filter(|lit| marks.contains(&lit.mark)) else { return };
    let stroke = Stroke::new(2.5, theme::accent(ui.visuals().dark_mode));
    let painter = above(ui.ctx());
    painter.rect_stroke(rect.shrink(1.0), 4.0, stroke, StrokeKind::Inside);
    arrow(&painter, lit.from, rect, stroke);
}

/// What is drawn above all panels.
fn above(ctx: &Context) -> Painter {
    ctx.layer_painter(LayerId::new(Order::Foreground, Id::unique("spotlight")))
}

/// An arrow from the side of a word to the nearest point of what it names.
fn arrow(painter: &Painter, from: Rect, to: Rect, stroke: Stroke) {
    let end = to.shrink(1.0).clamp(from.center());
    let begin = side_of(from, end);
    let way = end - begin;
    if way.length() < LEAST {
        return;
    }
    let along = way.normalized();
    let across = vec2(-along.y, along.x);
    painter.line_segment([begin, end - 8.0 * along], stroke);
    let head = [end, end - 11.0 * along + 5.5 * across, end - 11.0 * along - 5.5 * across];
    painter.add(Shape::convex_polygon(head.to_vec(), stroke.color, Stroke::NONE));
}

/// The middle of the side of a word that looks to where the arrow goes.
fn side_of(word: Rect, end: Pos2) -> Pos2 {
    let away = end - word.center();
    match (away.x.abs() > away.y.abs(), away.x > 0.0, away.y > 0.0) {
        (true, true, _) => word.right_center(),
        (true, false, _) => word.left_center(),
        (false, _, true) => word.center_bottom(),
        (false, _, false) => word.center_top(),
    }
}
