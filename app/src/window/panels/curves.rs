//! How the run goes: accuracies, loss, mean kappa and learning rate over the epochs, with marks for what happened.

use super::{axis, controls::action_button};
use crate::{
    link::Part,
    window::{
        actions::Action,
        model::{
            Run, State,
            curves::{KINDS, colour, has_own_scale, moments, scale},
            moment::{Moment, MomentKind},
        },
        theme,
    },
};
use egui::{Align2, FontId, Label, Painter, Rangef, Rect, RichText, Sense, Shape, Stroke, Ui, pos2, vec2};
use egui_plot::{AxisHints, Line, LineStyle, Plot, PlotPoint, PlotPoints, PlotTransform, Points, VLine};

/// Room for the numbers at the left of the plot.
const LEFT: f32 = 40.0;
/// The height of the strip of what is no share, and of a plot that leaves room for one.
const STRIP: f32 = 34.0;
const LEAST: f32 = 84.0;
/// The greatest height of the plot where the stage has its place above.
const MOST: f32 = 400.0;

/// The panel.
pub(crate) fn curves_ui(ui: &mut Ui, state: &mut State) {
    let dark = ui.visuals().dark_mode;
    ui.horizontal(|ui| {
        ui.strong("Curves");
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            action_button(ui, state, Action::ExportFigures, "Figures…", false);
            ui.menu_button("Show…", |ui| {
                for (place, kind) in KINDS.iter().enumerate() {
                    ui.checkbox(&mut state.curves.shown[place], kind.name).on_hover_text(kind.doc);
                }
            });
            if state.has_twin() {
                // What the buttons leave.
                let lines = format!("— {}   - - {}", state.runs[0].title(), state.runs[1].title());
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.add(Label::new(RichText::new(&lines).weak()).truncate()).on_hover_text(lines);
                });
            }
        });
    });
    let shown = state.curves.shown;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(8.0, 0.0);
        for (place, kind) in KINDS.iter().enumerate().filter(|(place, _)| shown[*place]) {
            let last = state.run().metrics.iter().rev().find_map(kind.value);
            let value = last.map_or_else(|| "–".to_owned(), |value| number(place, value));
            let text = RichText::new(format!("■ {} {value}", short(kind.name))).color(colour(place, dark));
            ui.add(Label::new(text).extend()).on_hover_text(kind.doc);
        }
    });
    let runs = &state.runs;
    let moments: Vec<Moment> = runs.iter().flat_map(moments).collect();
    let epochs = f64::from(state.run().place.epochs.max(1));
    // What is no share has a strip of its own above, if there is room for one.
    let words = ui.text_style_height(&egui::TextStyle::Body);
    let strip_is_shown = (0..KINDS.len()).any(|kind| shown[kind] && has_own_scale(kind));
    let strip = strip_is_shown && ui.available_height() >= STRIP + LEAST + 3.0 * words;
    let strip = strip.then(|| ui.allocate_exact_size(vec2(ui.available_width(), STRIP), Sense::hover()).0);
    let most = if state.link.shows(Part::Stage) { MOST } else { f32::INFINITY };
    let text_colour = ui.visuals().text_color();
    let height = ui.available_height().clamp(LEAST, most.max(LEAST));
    let plot = Plot::new("curves")
        .show_background(false)
        // Few lines: each is as long as the plot, and a software adapter draws them all.
        .grid_spacing(axis::FAINT)
        .x_grid_spacer(axis::few_whole)
        .y_grid_spacer(axis::few_within(height, egui::TextStyle::Body.resolve(ui.style()).size))
        .height(height)
        .include_x(0.0)
        .include_x(epochs)
        .include_y(0.0)
        .include_y(1.0)
        .custom_x_axes(vec![AxisHints::new_x().label("epoch").label_spacing(Rangef::new(16.0, 24.0))])
        // Where the plot is low, marks stand close to each other and are read all the same.
        .custom_y_axes(vec![
            AxisHints::new_y()
                .formatter(|mark, _| format!("{:.0} %", 100.0 * mark.value))
                .min_thickness(LEFT)
                .label_spacing(Rangef::new(8.0, 14.0)),
        ])
        .allow_scroll(false)
        .label_formatter(|position| {
            // One reading for all curves: the epoch under the pointer.
            let at = match position {
                egui_plot::HoverPosition::NearDataPoint { position, .. } | egui_plot::HoverPosition::Elsewhere { position } => {
                    position.x
                }
            };
            let mut lines = vec![format!("epoch {:.0}", at.round().max(0.0))];
            for run in runs {
                let Some(metrics) = run.metrics.iter().find(|metrics| f64::from(metrics.epoch) == at.round()) else { continue };
                if runs.len() > 1 {
                    lines.push(run.title());
                }
                for (place, kind) in KINDS.iter().enumerate().filter(|(place, _)| shown[*place]) {
                    if let Some(value) = (kind.value)(metrics) {
                        lines.push(format!("{} {}", kind.name, number(place, value)));
                    }
                }
            }
            let near = moments.iter().filter(|mark| (mark.epoch - at).abs() < epochs / 60.0);
            lines.extend(near.map(|mark| mark.text.clone()));
            Some(lines.join("\n"))
        });
    let response = plot.show(ui, |plot| {
        for mark in &moments {
            let (colour, style) = match mark.kind {
                MomentKind::BurnIn => (theme::accent(dark), LineStyle::Solid),
                MomentKind::LearningRate => (text_colour.gamma_multiply(0.5), LineStyle::dotted_loose()),
                MomentKind::Best => (theme::natural(dark), LineStyle::dashed_loose()),
                MomentKind::Changed => (text_colour.gamma_multiply(0.7), LineStyle::dashed_dense()),
            };
            plot.vline(VLine::new(mark.text.clone(), mark.epoch).color(colour).width(1.2).style(style));
        }
        for (place, run) in runs.iter().enumerate() {
            for (kind, sort) in KINDS.iter().enumerate().filter(|(kind, _)| shown[*kind] && !has_own_scale(*kind)) {
                let points: Vec<[f64; 2]> =
                    run.metrics.iter().filter_map(|metrics| Some([f64::from(metrics.epoch), (sort.value)(metrics)?])).collect();
                // Evaluations are marked by dots: between them nothing was measured.
                if kind < 2 || points.len() < 3 {
                    plot.points(Points::new(sort.name, PlotPoints::from(points.clone())).color(colour(kind, dark)).radius(2.2));
                }
                let style = if place == 0 { LineStyle::Solid } else { LineStyle::dashed_dense() };
                plot.line(Line::new(sort.name, PlotPoints::from(points)).color(colour(kind, dark)).width(1.8).style(style));
            }
        }
    });
    names_ui(&ui.painter_at(response.response.rect), &moments, &response.transform, dark);
    if let Some(rect) = strip {
        strip_ui(&ui.painter_at(rect), rect, runs, &shown, &response.transform);
    }
    let about = state.run().metrics.last().map_or_else(
        || "Curves: no epoch yet".to_owned(),
        |last| {
            format!(
                "Curves: after epoch {} loss {:.4}, mean kappa {:.4}, robust {:.4}",
                last.epoch, last.loss, last.mean_kappa, last.train_robust
            )
        },
    );
    response.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &about));
}

/// The name of a curve beside its number: of what part of the data it is stands in what is told of it.
fn short(name: &str) -> &str {
    if name == "train robust" { "train" } else { name.trim_start_matches("validation ") }
}

/// What the lines are that stand in the plot, at their feet: each in the lowest row that is free there.
fn names_ui(painter: &Painter, moments: &[Moment], transform: &PlotTransform, dark: bool) {
    let mut taken: Vec<(Rect, &str)> = Vec::new();
    let frame = *transform.frame();
    let font = FontId::proportional((0.83 * egui::TextStyle::Body.resolve(&painter.ctx().global_style()).size).max(12.0));
    for moment in moments {
        let Some(name) = moment.kind.name() else { continue };
        let x = transform.position_from_point(&PlotPoint::new(moment.epoch, 0.0)).x;
        let said = |(rect, other): &(Rect, &str)| *other == name && (rect.left() - x).abs() < 4.0;
        if taken.iter().any(said) || !frame.x_range().contains(x) {
            continue;
        }
        let colour = if moment.kind == MomentKind::Best { theme::natural(dark) } else { theme::neutral(dark) };
        let galley = painter.layout_no_wrap(name.to_owned(), font.clone(), colour);
        let lowest = Rect::from_min_size(pos2(x + 3.0, frame.bottom() - galley.size().y - 1.0), galley.size());
        let mut place = lowest;
        while taken.iter().any(|(rect, _)| rect.expand(2.0).intersects(place)) {
            place = place.translate(vec2(0.0, -galley.size().y));
        }
        // Above the middle it would lie among the curves.
        if place.top() < frame.center().y || place.right() > frame.right() {
            continue;
        }
        taken.push((place, name));
        painter.rect_filled(place, 2.0, theme::ground(dark).gamma_multiply(0.7));
        painter.galley(place.min, galley, colour);
    }
}

/// What is no share, each over the epochs of the plot below it, and from 0 to the greatest that there is of it.
fn strip_ui(painter: &Painter, rect: Rect, runs: &[Run], shown: &[bool; KINDS.len()], transform: &PlotTransform) {
    let dark = painter.ctx().global_style().visuals.dark_mode;
    let inner = Rect::from_x_y_ranges(transform.frame().x_range(), rect.shrink2(vec2(0.0, 2.0)).y_range());
    painter.rect_filled(inner, 2.0, theme::ground(dark));
    let font = FontId::proportional(12.0);
    let mut row = rect.top();
    for (kind, sort) in KINDS.iter().enumerate().filter(|(kind, _)| shown[*kind] && has_own_scale(*kind)) {
        let most = scale(kind, runs);
        let tint = colour(kind, dark);
        let name = if sort.name.len() > 6 { "rate" } else { sort.name };
        if row + 12.0 < rect.bottom() {
            painter.text(pos2(inner.left() - 4.0, row), Align2::RIGHT_TOP, name, font.clone(), tint);
            row += 12.0;
        }
        for (place, run) in runs.iter().enumerate() {
            let at = |epoch: u32, value: f64| {
                let x = transform.position_from_point(&PlotPoint::new(f64::from(epoch), 0.0)).x;
                pos2(x, inner.bottom() - 2.0 - (inner.height() - 4.0) * (value / most).clamp(0.0, 1.0) as f32)
            };
            let line: Vec<egui::Pos2> = run
                .metrics
                .iter()
                .filter_map(|metrics| Some((metrics.epoch, (sort.value)(metrics)?)))
                .filter(|(_, value)| value.is_finite())
                .map(|(epoch, value)| at(epoch, value))
                .collect();
            let stroke = Stroke::new(1.6, tint);
            if place == 0 {
                painter.add(Shape::line(line, stroke));
            } else {
                painter.extend(Shape::dashed_line(&line, stroke, 4.0, 3.0));
            }
        }
    }
    if row == rect.top() + 12.0 {
        // Of one alone it is said how far it goes.
        let kind = (0..KINDS.len()).find(|kind| shown[*kind] && has_own_scale(*kind)).unwrap_or_default();
        let most = format!("0–{:.2}", scale(kind, runs));
        painter.text(pos2(inner.left() - 4.0, row), Align2::RIGHT_TOP, most, font, theme::neutral(dark));
    }
}

fn number(kind: usize, value: f64) -> String {
    match kind {
        0..=2 | 6 => format!("{:.1} %", 100.0 * value),
        3 => format!("{value:.3}"),
        4 => format!("{value:.2}"),
        _ => format!("{value}"),
    }
}
