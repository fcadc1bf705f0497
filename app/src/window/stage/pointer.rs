//! Pointer and fingers on a stage: they move and zoom it, and point at samples.

use egui::{FontId, Rect, Response, Ui, vec2};
use web_time::{Duration, Instant};

use super::{Placing, REACH};
use crate::window::{
    model::{State, lesson::Lesson},
    theme,
};

/// For how long it is said how to zoom.
const HINT: Duration = Duration::from_millis(1800);
/// How far the stage can be zoomed in.
const MOST_ZOOM: f32 = 40.0;

/// Drag and scroll move and zoom; a double click shows everything again.
pub(super) fn look_around(ui: &Ui, state: &mut State, rect: Rect, response: &Response) {
    let placing = Placing::of(&state.stage, rect);
    let drawing = state.drawing.is_some();
    let drags =
        response.dragged_by(egui::PointerButton::Middle) || (!drawing && response.dragged_by(egui::PointerButton::Primary));
    if drags {
        let by = response.drag_delta() / placing.scale;
        state.stage.middle = [state.stage.middle[0] - by.x, state.stage.middle[1] + by.y];
    }
    let fingers = ui.input(egui::InputState::multi_touch).filter(|fingers| rect.contains(fingers.center_pos));
    if let Some(at) = fingers.map(|fingers| fingers.center_pos).or(response.hover_pos()) {
        let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        // The wheel belongs to what the stage stands in: the page around a frame, or the column of a narrow window.
        let bound = state.link.embed || state.large_targets;
        if bound && scroll != 0.0 && fingers.is_none() {
            state.stage.wheel_turned = Some(Instant::now());
        }
        let factor = if bound { pinch } else { (scroll / 240.0).exp() * pinch };
        let moved = fingers.map_or(egui::Vec2::ZERO, |fingers| fingers.translation_delta);
        if factor != 1.0 || moved != egui::Vec2::ZERO {
            let under = placing.to_data(at - moved);
            state.stage.zoom = (state.stage.zoom * factor).clamp(0.5, MOST_ZOOM);
            // What is under the pointer, or was between the fingers, is so again.
            let there = Placing::of(&state.stage, rect).to_data(at);
            state.stage.middle = [state.stage.middle[0] + under[0] - there[0], state.stage.middle[1] + under[1] - there[1]];
        }
    }
    if response.double_clicked() && !drawing && !state.large_targets {
        state.stage.reset();
    }
}

/// What the pointer is on, and what is clicked.
pub(super) fn point_at(ui: &Ui, state: &mut State, place: usize, placing: Placing, response: &Response) {
    let Some(at) = response.hover_pos() else {
        if response.contains_pointer() {
            state.hovered = None;
        }
        return;
    };
    let Some(dataset) = state.runs[place].dataset.clone() else { return };
    let train = &dataset.train;
    let nearest = train
        .pixels
        .chunks_exact(2)
        .enumerate()
        .map(|(sample, point)| (placing.to_screen([point[0], point[1]]).distance_sq(at), sample))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(distance, _)| *distance < REACH * REACH)
        .map(|(_, sample)| sample);
    state.hovered = nearest.map(|sample| train.rows[sample]);
    if response.clicked() {
        state.select(state.hovered);
    }
    if let Some(sample) = nearest {
        let run = &state.runs[place];
        let label = theme::class_name(train.labels[sample] as usize, dataset.classes);
        let row = train.rows[sample];
        let [x, y] = [train.pixels[2 * sample], train.pixels[2 * sample + 1]];
        let mut text = format!("sample {row} · class {label}\nx {x:.3}  y {y:.3}");
        let hides = state.selected == Some(row) && state.lesson.as_ref().is_some_and(Lesson::hides_attack);
        if let Some(seen) = run.seen(row).filter(|_| !hides) {
            let measured = &seen.record.measured;
            let verdict = if measured.broken { "✖ broken" } else { "✔ withstood" };
            text += &format!(
                "\n{verdict}, κ {} of {}\nω {:.2}\nmargin {} to {}",
                measured.kappa,
                run.settings.steps,
                seen.record.omega,
                two_digits(measured.margin_start),
                two_digits(measured.margin_adversarial)
            );
        }
        if response.hovered() && !ui.input(|input| input.pointer.any_down()) {
            response.clone().on_hover_text_at_pointer(text);
        }
    }
}

/// Two digits, or more where a number would look like 0.
fn two_digits(number: f32) -> String {
    if number == 0.0 || number.abs() >= 0.005 { format!("{number:.2}") } else { format!("{number:.1e}") }
}

/// Says for a while how to zoom, where the wheel alone does something else.
pub(super) fn wheel_hint(ui: &Ui, state: &mut State, rect: Rect) {
    let Some(turned) = state.stage.wheel_turned else { return };
    if turned.elapsed() >= HINT {
        state.stage.wheel_turned = None;
        return;
    }
    ui.ctx().request_repaint_after(HINT);
    let text = if state.large_targets { "Two fingers, or Ctrl and the wheel, zoom" } else { "Ctrl and the wheel zoom" };
    let painter = ui.painter_at(rect);
    let galley = painter.layout_no_wrap(text.to_owned(), FontId::proportional(14.0), ui.visuals().text_color());
    let frame = Rect::from_center_size(rect.center(), galley.size() + vec2(24.0, 14.0));
    painter.rect_filled(frame, 6.0, ui.visuals().window_fill);
    painter.galley(frame.min + vec2(12.0, 7.0), galley, ui.visuals().text_color());
}
