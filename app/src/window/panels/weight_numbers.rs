//! The numbers of weights: what stands at their axes, beside their marks, and under the pointer.

use egui::{Align2, Color32, RichText, Ui};
use egui_plot::{AxisHints, HPlacement, PlotPoint, Text};

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

/// A number beside a mark, on the side where there is room.
pub(super) fn number_beside([at, weight]: [f64; 2], (low, high): (f64, f64), top: f64, text: &str, colour: Color32) -> Text {
    let (right, below) = (2.0 * at > low + high, weight > 0.75 * top);
    let anchor = match (right, below) {
        (false, false) => Align2::LEFT_BOTTOM,
        (false, true) => Align2::LEFT_TOP,
        (true, false) => Align2::RIGHT_BOTTOM,
        (true, true) => Align2::RIGHT_TOP,
    };
    // Blanks keep it off the mark.
    let text = if right { format!("{text}  ") } else { format!("  {text}") };
    Text::new(format!("number at {at}"), PlotPoint::new(at, weight), RichText::new(text).size(13.0))
        .color(colour)
        .anchor(anchor)
        .allow_hover(false)
}

/// The weight as it is used on the left; on the right the method's own curve, before it is given its mean.
pub(super) fn axes(ui: &Ui, (is_curve, scale): (bool, f64), greatest: f64) -> Vec<AxisHints<'static>> {
    let as_raw = move |weight: f64| format!("{} raw", short(weight / scale));
    // As wide as what stands there, however large the text is.
    let font = egui::TextStyle::Body.resolve(ui.style());
    let width = |text: String| ui.painter().layout_no_wrap(text, font.clone(), Color32::PLACEHOLDER).size().x + 6.0;
    let used = AxisHints::new_y().label("ω as used").formatter(|mark, _| tick(mark.value));
    let used = used.min_thickness(width(tick(greatest)).max(24.0));
    let raw = AxisHints::new_y().placement(HPlacement::Right).min_thickness(width(as_raw(greatest)));
    let raw = raw.formatter(move |mark, _| as_raw(mark.value));
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
