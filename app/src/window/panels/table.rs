//! Attacks × runs: what each attack leaves of each network, with the least of a network marked.

use egui::{Align2, FontId, Grid, Label, RichText, Sense, Ui, vec2};
use gairat::{
    metrics::{PLUS, score_label, stage_label},
    session::Bar,
};

use crate::window::{
    model::{Phase, Run},
    theme,
};

/// The share that is left after an attack.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) attack: String,
    pub(super) accuracy: f64,
    /// Whether the attack saw only what those above it had left.
    pub(super) on_survivors: bool,
    /// What is said besides where it is pointed at.
    pub(super) about: String,
}

impl Cell {
    /// A bar of a judgement.
    pub(super) fn of(bar: &Bar) -> Self {
        let tried = if bar.on_survivors { "that nothing before had broken" } else { "that are correct before it" };
        let about = format!("; it broke {} of {} samples {tried}", bar.broke, bar.tried);
        Self { attack: bar.attack.clone(), accuracy: bar.accuracy, on_survivors: bar.on_survivors, about }
    }
}

/// What is known of a run: of the suite that is at work or ran last, else of the evaluation at its end.
pub(super) fn cells(run: &Run) -> Vec<Cell> {
    match (&run.judgements.under_way, run.judgements.last(), &run.phase) {
        (Some(under_way), _, _) if !under_way.bars.is_empty() && !under_way.found => {
            under_way.bars.iter().map(Cell::of).collect()
        }
        (_, Some((_, verdict)), _) => verdict.bars.iter().map(Cell::of).collect(),
        (_, None, Phase::Finished(_)) => of_summary(run),
        _ => Vec::new(),
    }
}

/// What the evaluation at the end of a run found.
pub(super) fn of_summary(run: &Run) -> Vec<Cell> {
    let Phase::Finished(summary) = &run.phase else { return Vec::new() };
    let cell =
        |(name, accuracy): (&str, f64)| Cell { attack: score_label(name), accuracy, on_survivors: false, about: String::new() };
    let mut cells: Vec<Cell> = summary.reported().map(cell).collect();
    // Natural data first, then the attacks as they come.
    cells.sort_by_key(|cell| cell.attack != "natural");
    cells
}

/// The height of the table of so many attacks, with its titles and its note.
pub(crate) fn height(ui: &Ui, rows: usize) -> f32 {
    let body = ui.text_style_height(&egui::TextStyle::Body);
    let row = body.max(1.3 * text_size(ui)) + SPACING;
    row * (rows + 1) as f32 + 24.0
}

/// The size of the figures.
fn text_size(ui: &Ui) -> f32 {
    (0.8 * ui.text_style_height(&egui::TextStyle::Body)).max(14.0)
}

/// What the column of attacks is called.
const TITLE: &str = "correct after";
/// The size of the note, as a share of that of other text.
const NOTE: f32 = 0.86;
/// Between two rows.
const SPACING: f32 = 3.0;

/// The table; every column is a run's title and its cells.
pub(super) fn table_ui(ui: &mut Ui, id: &str, columns: &[(String, Vec<Cell>)]) {
    let mut attacks: Vec<&str> = Vec::new();
    for cell in columns.iter().flat_map(|(_, cells)| cells) {
        if !attacks.contains(&cell.attack.as_str()) {
            attacks.push(&cell.attack);
        }
    }
    // The first that came so low: those after it may have seen its survivors alone, and broken none.
    let lowest: Vec<Option<&Cell>> =
        columns.iter().map(|(_, cells)| cells.iter().min_by(|a, b| a.accuracy.total_cmp(&b.accuracy))).collect();
    let together =
        |attack: &str| columns.iter().flat_map(|(_, cells)| cells).any(|cell| cell.attack == attack && cell.on_survivors);
    // As wide as the longest name, however large the text is.
    let font = egui::TextStyle::Body.resolve(ui.style());
    let wide = |name: String| ui.painter().layout_no_wrap(name, font.clone(), egui::Color32::PLACEHOLDER).size().x;
    let title = if columns.len() > 1 { TITLE } else { "" };
    let names = attacks.iter().map(|attack| wide(stage_label(attack, together(attack)))).fold(wide(title.to_owned()), f32::max);
    let names = names.max(60.0) + 6.0;
    let width = ((ui.available_width() - names) / columns.len() as f32 - 10.0).max(56.0);
    Grid::new(id).num_columns(columns.len() + 1).spacing([6.0, SPACING]).show(ui, |ui| {
        if columns.len() > 1 {
            ui.weak(TITLE);
            for (title, _) in columns {
                ui.add_sized([width, 16.0], Label::new(RichText::new(title).size(0.95 * font.size)).truncate());
            }
            ui.end_row();
        }
        for attack in &attacks {
            let together = together(attack);
            let name = ui.label(stage_label(attack, together));
            if together {
                name.on_hover_text(PLUS);
            }
            for ((title, cells), lowest) in columns.iter().zip(&lowest) {
                match cells.iter().find(|cell| cell.attack == *attack) {
                    Some(cell) => cell_ui(ui, title, cell, (width, *lowest == Some(cell))),
                    None => {
                        ui.weak("–");
                    }
                }
            }
            ui.end_row();
        }
    });
    if attacks.iter().any(|attack| together(attack)) {
        ui.label(RichText::new(PLUS).size(NOTE * font.size).weak());
    }
}

fn cell_ui(ui: &mut Ui, title: &str, cell: &Cell, (width, lowest): (f32, bool)) {
    let dark = ui.visuals().dark_mode;
    let text_size = text_size(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 1.3 * text_size), Sense::hover());
    let fill = if cell.attack == "natural" { theme::natural(dark) } else { theme::adversarial(dark) };
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 2.0, ui.visuals().faint_bg_color);
    let part = rect.with_max_x(rect.left() + rect.width() * cell.accuracy.clamp(0.0, 1.0) as f32);
    painter.rect_filled(part, 2.0, fill.gamma_multiply(if lowest { 0.55 } else { 0.3 }));
    let mark = if lowest { "▼ " } else { "" };
    let text = format!("{mark}{:.1} %", 100.0 * cell.accuracy);
    let colour = if lowest { ui.visuals().strong_text_color() } else { ui.visuals().text_color() };
    painter.text(rect.right_center() - vec2(4.0, 0.0), Align2::RIGHT_CENTER, &text, FontId::proportional(text_size), colour);
    let about = format!("{title}: {:.1} % correct after {}", 100.0 * cell.accuracy, cell.attack);
    let spoken = if lowest { format!("{about}, the least") } else { about.clone() };
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &spoken));
    response.on_hover_text(format!("{about}{}", cell.about));
}
