//! What a word of a lesson names is lit: a frame around it, and an arrow from the word.

use egui::{Context, Id, LayerId, Order, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Ui, pos2, vec2};

use crate::{
    lesson::Mark,
    window::{
        model::{State, lesson::Lit},
        theme,
    },
};

/// How far above the bottom of a word its line stands.
pub(super) const UNDER: f32 = 3.3;
/// From here on an arrow is long enough to be seen.
const LEAST: f32 = 24.0;

/// Lights `rect` if the word that is pointed at names one of `marks`.
pub(crate) fn show(ui: &Ui, state: &State, marks: &[Mark], rect: Rect) {
    let Some(lit) = state.lesson.as_ref().and_then(|lesson| lesson.lit).filter(|lit| marks.contains(&lit.mark)) else { return };
    let stroke = Stroke::new(2.5, theme::accent(ui.visuals().dark_mode));
    let painter = above(ui.ctx());
    painter.rect_stroke(rect.shrink(1.0), 4.0, stroke, StrokeKind::Inside);
    let begin = begin_of(&lit, rect);
    // Between two lines of the card nothing is written.
    painter.line_segment([lit.from.right_bottom() - vec2(0.0, UNDER), begin], Stroke::new(1.2, stroke.color));
    arrow(&painter, begin, rect, stroke);
}

/// What is drawn above all panels.
fn above(ctx: &Context) -> Painter {
    ctx.layer_painter(LayerId::new(Order::Foreground, Id::unique("spotlight")))
}

/// An arrow to the nearest point of what a word names.
fn arrow(painter: &Painter, begin: Pos2, to: Rect, stroke: Stroke) {
    let end = to.shrink(1.0).clamp(begin);
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

/// Where the arrow begins: at the edge of the card, so that it goes over nothing that is read there; within the card at the word.
fn begin_of(lit: &Lit, to: Rect) -> Pos2 {
    let below = lit.from.right_bottom() - vec2(0.0, UNDER);
    let (above, beside) = (to.bottom() <= lit.card.top(), to.left() >= lit.card.right());
    match (beside, above || to.top() >= lit.card.bottom()) {
        (true, _) => pos2(lit.card.right(), below.y),
        (false, true) => pos2(below.x, if above { lit.card.top() } else { lit.card.bottom() }),
        (false, false) => below,
    }
}
