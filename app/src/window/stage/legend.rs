//! What the marks of the stage mean.

use egui::{Align2, FontId, Rect, Sense, Ui, Vec2, vec2};

use super::marks::Marks;
use crate::window::{model::State, theme};

/// Where the layers of legends begin.
const LEGENDS: usize = 4;
/// The greatest height of a line of the legend as a row, in points.
const ROW: f32 = 26.0;
/// How many times the size of its text that row is wide at least, in one line.
const LEAST: f32 = 46.0;

/// What stands before a line of the legend.
#[derive(Clone, Copy)]
enum Sign {
    Class(usize),
    Broken,
    Withstood,
    None,
}

/// The lines of the legend: a sign, and what it means.
fn lines(state: &State, place: usize, dark: bool) -> Vec<(Sign, String)> {
    let classes = state.runs[place].dataset.as_ref().map_or(2, |dataset| dataset.classes);
    let of_class = |class| (Sign::Class(class), format!("class {}", theme::class_name(class, classes)));
    let mut lines: Vec<_> = (0..classes.min(10)).map(of_class).collect();
    lines.push((Sign::Broken, "broken".to_owned()));
    lines.push((Sign::Withstood, "withstood".to_owned()));
    lines.push((Sign::None, "larger: greater ω".to_owned()));
    lines.push((Sign::None, format!("{}: higher κ", if dark { "darker" } else { "paler" })));
    lines
}

fn put(marks: &mut Marks, sign: Sign, at: egui::Pos2, ui: &Ui) {
    let (dark, colour) = (ui.visuals().dark_mode, ui.visuals().text_color());
    match sign {
        Sign::Class(class) => marks.shape(class, at, 4.0, theme::class(class, dark)),
        Sign::Broken => marks.cross(at, 3.5, colour),
        Sign::Withstood => marks.dot(at, 3.2, colour),
        Sign::None => {}
    }
}

/// The width of the legend in a corner, as many times as its text is large.
const CORNER: f32 = 9.8;

/// The size of its text there.
fn corner_size(ui: &Ui) -> f32 {
    egui::TextStyle::Body.resolve(ui.style()).size.clamp(13.0, 15.5)
}

/// Whether a corner of a stage of this size is free: the square of the data stands in its middle.
pub(super) fn fits_beside(ui: &Ui, stage: Vec2) -> bool {
    stage.x - stage.min_elem() > 2.0 * CORNER * corner_size(ui)
}

/// In a corner of the stage, where there is room.
pub(super) fn corner_ui(ui: &Ui, state: &State, place: usize, rect: Rect) {
    let dark = ui.visuals().dark_mode;
    let painter = ui.painter_at(rect);
    let lines = lines(state, place, dark);
    let size = corner_size(ui);
    let line = 1.3 * size;
    let height = line * lines.len() as f32 + 8.0;
    if rect.height() < 2.2 * height || rect.width() < 440.0 {
        return;
    }
    let frame = Rect::from_min_size(rect.left_bottom() - vec2(0.0, height + 4.0), vec2(CORNER * size, height));
    painter.rect_filled(frame, 4.0, theme::ground(dark).gamma_multiply(0.85));
    let mut marks = Marks::default();
    for (place, (sign, text)) in lines.iter().enumerate() {
        let at = frame.left_top() + vec2(12.0, 4.0 + line * (0.5 + place as f32));
        put(&mut marks, *sign, at, ui);
        painter.text(at + vec2(12.0, 0.0), Align2::LEFT_CENTER, text, FontId::proportional(size), ui.visuals().text_color());
    }
    marks.paint(&painter, LEGENDS + place);
}

/// The size of the text of the row: of the text around it, and no larger than a legend needs it.
fn size(ui: &Ui) -> f32 {
    let body = egui::TextStyle::Body.resolve(ui.style()).size;
    if ui.ctx().content_rect().width() < theme::NARROW { body.min(12.5) } else { body.min(15.0) }
}

/// The height of the row below stages of this width: it may take two lines.
pub(super) fn height(ui: &Ui, width: f32) -> f32 {
    let lines = if width >= LEAST * size(ui) { 1.0 } else { 2.0 };
    lines * line(ui)
}

fn line(ui: &Ui) -> f32 {
    (1.7 * size(ui)).min(ROW)
}

/// As a row below the stages, for a narrow window and beside a twin.
pub(super) fn row_ui(ui: &mut Ui, state: &State) {
    let dark = ui.visuals().dark_mode;
    let (size, high) = (size(ui), line(ui));
    let mut marks = Marks::default();
    // Its lines are as high as this, and not as what is pressed.
    let row = ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = high;
        ui.spacing_mut().item_spacing = vec2(4.0, 0.0);
        ui.horizontal_wrapped(|ui| {
            for (sign, text) in lines(state, 0, dark) {
                // A sign and its words stay together.
                let galley = ui.painter().layout_no_wrap(text.clone(), FontId::proportional(size), ui.visuals().text_color());
                let before = if matches!(sign, Sign::None) { 0.0 } else { 16.0 };
                let (rect, response) = ui.allocate_exact_size(vec2(before + galley.size().x + 8.0, high), Sense::hover());
                put(&mut marks, sign, rect.left_center() + vec2(6.0, 0.0), ui);
                let at = rect.left_center() + vec2(before, -galley.size().y / 2.0);
                ui.painter().galley(at, galley, ui.visuals().text_color());
                response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &text));
            }
        });
    });
    marks.paint(&ui.painter_at(row.response.rect), LEGENDS);
}
