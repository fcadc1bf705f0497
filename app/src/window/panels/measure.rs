//! What a method measures of its steps besides weights, over the epochs: a cosine, or a share.

use egui::{Align2, Color32, FontId, Label, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};
use gairat::method::{Measure, MeasureKind};

use crate::window::{model::Run, theme};

/// The height of the curve, and of that with its line of text.
const LINE: f32 = 20.0;
pub(super) const HEIGHT: f32 = LINE + 28.0;
/// From this width on, it is said from where to where its axes go.
const WIDE: f32 = 400.0;

/// Epochs that a mean is taken over, at the beginning and at the end.
const FIRST: usize = 2;
const LAST: usize = 10;

/// What was measured, by epoch.
fn values_of(run: &Run, measure: Measure) -> Vec<(u32, f64)> {
    let measured = run.metrics.iter().filter_map(|metrics| Some((metrics.epoch, metrics.get(measure.name)?)));
    measured.filter(|(_, value)| value.is_finite()).collect()
}

/// The same as large as there is room, with its axis, and its means at the beginning and at the end.
pub(super) fn large_ui(ui: &mut Ui, run: &Run, measure: Measure, height: f32) {
    let begun = ui.cursor().top();
    let values = values_of(run, measure);
    if values.is_empty() {
        ui.weak(format!("{}: after the first epoch", measure.doc));
        return;
    }
    let dark = ui.visuals().dark_mode;
    let mean = |part: &[(u32, f64)]| part.iter().map(|(_, value)| value).sum::<f64>() / part.len().max(1) as f64;
    let first = mean(&values[..FIRST.min(values.len())]);
    ui.add(Label::new(measure.doc).truncate());
    let mut text = format!("mean: first {FIRST} epochs {first:.2}");
    if values.len() >= FIRST + LAST {
        text += &format!(", last {LAST} epochs {:.2}", mean(&values[values.len() - LAST..]));
    }
    ui.colored_label(theme::accent(dark), &text);
    let size = vec2(ui.available_width(), (height - (ui.cursor().top() - begun)).max(40.0));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let about = format!("{}: {text}", measure.doc);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &about));
    let painter = ui.painter_at(rect);
    let font = FontId::proportional(0.72 * ui.text_style_height(&egui::TextStyle::Body));
    let weak = ui.visuals().weak_text_color();
    let below = font.size * 1.3;
    let inner = Rect::from_min_max(rect.min + vec2(28.0, 6.0), rect.max - vec2(6.0, below + 2.0));
    painter.rect_filled(inner.expand2(vec2(0.0, 4.0)), 3.0, theme::ground(dark));
    let (low, high) = ends(measure);
    let y = |value: f64| inner.bottom() - inner.height() * ((value.clamp(low, high) - low) / (high - low)) as f32;
    for mark in [low, (low + high) / 2.0, high] {
        painter.hline(inner.x_range(), y(mark), Stroke::new(1.0, weak.gamma_multiply(0.35)));
        let text = format!("{mark}").replace('-', "−");
        painter.text(pos2(inner.left() - 4.0, y(mark)), Align2::RIGHT_CENTER, text, font.clone(), weak);
    }
    let (from, to) = (values[0].0, values[values.len() - 1].0);
    let x = |epoch: u32| inner.left() + inner.width() * (epoch - from) as f32 / epoch_span(from, to);
    for (at, align, text) in [
        (inner.left(), Align2::LEFT_BOTTOM, format!("epoch {from}")),
        (inner.right(), Align2::RIGHT_BOTTOM, format!("epoch {to}")),
    ] {
        painter.text(pos2(at, rect.bottom()), align, text, font.clone(), weak);
    }
    let line: Vec<egui::Pos2> = values.iter().map(|&(epoch, value)| pos2(x(epoch), y(value))).collect();
    painter.circle_filled(line[line.len() - 1], 3.5, theme::accent(dark));
    painter.add(Shape::line(line, Stroke::new(2.0, theme::accent(dark))));
    response.on_hover_text(about);
}

/// From where to where it goes.
fn ends(measure: Measure) -> (f64, f64) {
    match measure.kind {
        MeasureKind::Cosine => (-1.0, 1.0),
        MeasureKind::Share => (0.0, 1.0),
    }
}

/// What the method measures of its steps, over the epochs.
pub(super) fn measure_ui(ui: &mut Ui, run: &Run, measure: Measure) {
    let values = values_of(run, measure);
    let Some(&(epoch, last)) = values.last() else {
        ui.weak(format!("{}: after the first epoch", measure.doc));
        return;
    };
    let text = format!("{}: {}", measure.doc, in_words(measure, last));
    let range = match measure.kind {
        MeasureKind::Cosine => "−1 to 1",
        MeasureKind::Share => "0 to 1",
    };
    ui.horizontal(|ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            // The axes of the line, where there is room for them.
            if ui.available_width() > WIDE {
                ui.weak(format!("{range}, epoch {} to {epoch}", values[0].0));
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| ui.add(Label::new(&text).truncate()));
        });
    });
    let dark = ui.visuals().dark_mode;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::hover());
    let about = format!("{text} in epoch {epoch}, {} in epoch {}", in_words(measure, values[0].1), values[0].0);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &about));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 3.0, theme::ground(dark));
    let inner = rect.shrink2(vec2(4.0, 3.0));
    let (low, high) = ends(measure);
    let first = values[0].0;
    let x = |epoch: u32| inner.left() + inner.width() * (epoch - first) as f32 / epoch_span(first, values[values.len() - 1].0);
    let y = |value: f64| inner.bottom() - inner.height() * ((value.clamp(low, high) - low) / (high - low)) as f32;
    if low < 0.0 && high > 0.0 {
        let zero = Stroke::new(1.0, ui.visuals().weak_text_color().gamma_multiply(0.6));
        painter.hline(inner.x_range(), y(0.0), zero);
    }
    let line: Vec<egui::Pos2> = values.iter().map(|&(epoch, value)| pos2(x(epoch), y(value))).collect();
    let colour: Color32 = theme::accent(dark);
    painter.circle_filled(line[line.len() - 1], 2.5, colour);
    painter.add(Shape::line(line, Stroke::new(1.8, colour)));
    response.on_hover_text(about);
}

fn epoch_span(first: u32, last: u32) -> f32 {
    last.saturating_sub(first).max(1) as f32
}

fn in_words(measure: Measure, value: f64) -> String {
    match measure.kind {
        MeasureKind::Cosine => format!("{value:.3} ({:.0}°)", value.clamp(-1.0, 1.0).acos().to_degrees()),
        MeasureKind::Share => format!("{:.1} %", 100.0 * value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_is_told_as_an_angle_too_and_a_share_in_percent() {
        let measure = |kind| Measure { name: "any", doc: "Any", kind };
        assert_eq!(in_words(measure(MeasureKind::Cosine), 0.5), "0.500 (60°)");
        assert_eq!(in_words(measure(MeasureKind::Cosine), -1.5), "-1.500 (180°)");
        assert_eq!(in_words(measure(MeasureKind::Share), 0.125), "12.5 %");
    }
}
