//! The numbers of weights: what stands at their axes, beside their marks, and under the pointer.

use egui::{Align2, Color32, FontId, Painter, Rangef, Ui, vec2};
use egui_plot::{AxisHints, HPlacement, PlotPoint, PlotTransform};

use crate::window::theme;

/// What the curve weighs at a number: it is straight between its points. `None` of a curve without any.
pub(super) fn weight_at(curve: &[[f64; 2]], at: f64) -> Option<f64> {
    let after = curve.partition_point(|[place, _]| *place < at).min(curve.len().checked_sub(1)?);
    let [[a, before], [b, behind]] = [curve[after.saturating_sub(1)], curve[after]];
    let part = if b > a { ((at - a) / (b - a)).clamp(0.0, 1.0) } else { 1.0 };
    Some(before + part * (behind - before))
}

/// A weight as it stands beside a mark.
pub(crate) fn short(weight: f64) -> String {
    tick(three_digits(weight))
}

/// A weight at the end of a curve that goes up to `top`: there what is next to nothing is called so.
pub(super) fn at_end(weight: f64, top: f64) -> String {
    if weight > 0.0 && weight < 0.002 * top { "≈ 0".to_owned() } else { short(weight) }
}

/// What numbers in a plot are written with: what plots them, whether it is dark, and the size of their text.
pub(super) struct Numbers<'a> {
    pub(super) painter: Painter,
    pub(super) transform: &'a PlotTransform,
    pub(super) dark: bool,
    pub(super) size: f32,
}

impl Numbers<'_> {
    /// A number beside a mark, on the side where there is room, and on a ground of its own: lines and bars may go through it.
    pub(super) fn beside(&self, [at, weight]: [f64; 2], text: String, colour: Color32) {
        let mark = self.transform.position_from_point(&PlotPoint::new(at, weight));
        let frame = self.transform.frame();
        let (right, below) = (mark.x > frame.center().x, mark.y < frame.top() + 0.3 * frame.height());
        let (anchor, away) = match (right, below) {
            (false, false) => (Align2::LEFT_BOTTOM, vec2(8.0, -5.0)),
            (false, true) => (Align2::LEFT_TOP, vec2(8.0, 5.0)),
            (true, false) => (Align2::RIGHT_BOTTOM, vec2(-8.0, -5.0)),
            (true, true) => (Align2::RIGHT_TOP, vec2(-8.0, 5.0)),
        };
        self.write(anchor, mark + away, text, colour);
    }

    /// How many samples a bar stands for, above its middle.
    pub(super) fn above(&self, [at, height]: [f64; 2], text: String, colour: Color32) {
        let top = self.transform.position_from_point(&PlotPoint::new(at, height));
        let galley = self.painter.layout_no_wrap(text, FontId::proportional(0.85 * self.size), colour);
        let rect = Align2::CENTER_BOTTOM.anchor_size(top - vec2(0.0, 1.0), galley.size());
        self.painter.galley(rect.min, galley, colour);
    }

    fn write(&self, anchor: Align2, at: egui::Pos2, text: String, colour: Color32) {
        let galley = self.painter.layout_no_wrap(text, FontId::proportional(self.size), colour);
        let rect = anchor.anchor_size(at, galley.size());
        self.painter.rect_filled(rect.expand2(vec2(3.0, 0.0)), 3.0, theme::ground(self.dark).gamma_multiply(0.85));
        self.painter.galley(rect.min, galley, colour);
    }
}

/// The weight as it is used on the left, or `ahead` of its use in burn-in; on the right the method's own curve, before it is given its mean.
pub(super) fn axes(ui: &Ui, (is_curve, scale): (bool, f64), greatest: f64, ahead: bool) -> Vec<AxisHints<'static>> {
    let as_raw = move |weight: f64| if weight == 0.0 { "0 raw".to_owned() } else { short(weight / scale) };
    // As wide as what stands there, however large the text is.
    let font = egui::TextStyle::Body.resolve(ui.style());
    let width = |text: String| ui.painter().layout_no_wrap(text, font.clone(), Color32::PLACEHOLDER).size().x + 6.0;
    let used =
        AxisHints::new_y().label(if ahead { "ω after burn-in" } else { "ω as used" }).formatter(|mark, _| tick(mark.value));
    // Where the plot is low, marks stand close to each other and are read all the same.
    let close = Rangef::new(8.0, 14.0);
    let used = used.min_thickness(width(tick(greatest)).max(24.0)).label_spacing(close);
    let raw = AxisHints::new_y().placement(HPlacement::Right).min_thickness(width(as_raw(greatest)).max(width(as_raw(0.0))));
    let raw = raw.formatter(move |mark, _| as_raw(mark.value)).label_spacing(close);
    if is_curve { vec![used, raw] } else { vec![used] }
}

/// A number with three digits that count.
fn three_digits(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return 0.0;
    }
    let power = 10.0_f64.powf(number.abs().log10().floor() - 2.0);
    (number / power).round() * power
}

/// A number at an axis: short, whatever its size.
fn tick(number: f64) -> String {
    if number == 0.0 || (1e-3..1e5).contains(&number) {
        let text = format!("{number:.5}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{number:.0e}")
    }
}

/// The greatest of 1, 2 and 5 times a power of ten that is not above `number`, which is greater than 0.
pub(super) fn round_below(number: f64) -> f64 {
    let power = 10.0_f64.powf(number.log10().floor());
    [5.0, 2.0, 1.0].into_iter().map(|digit| digit * power).find(|round| *round <= number).unwrap_or(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_round_and_not_above() {
        for (number, mark) in [(1.0, 1.0), (0.27, 0.2), (4.9, 2.0), (7e12, 5e12), (1e-9, 1e-9)] {
            assert!((round_below(number) / mark - 1.0).abs() < 1e-9, "{number}");
        }
        assert_eq!([0.0, 0.2, 500.0, 2e12].map(tick), ["0", "0.2", "500", "2e12"]);
        assert_eq!([2.0 / 3.0, 0.012345, 0.0].map(|number| tick(three_digits(number))), ["0.667", "0.0123", "0"]);
    }

    #[test]
    fn the_weight_under_the_pointer_lies_on_the_curve() {
        let curve = [[0.0, 4.0], [1.0, 2.0], [3.0, 1.0]];
        for (at, weight) in [(-1.0, 4.0), (0.0, 4.0), (0.5, 3.0), (1.0, 2.0), (2.0, 1.5), (9.0, 1.0)] {
            assert_eq!(weight_at(&curve, at), Some(weight), "{at}");
        }
        assert_eq!(weight_at(&[], 0.5), None);
    }
}
