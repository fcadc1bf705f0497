//! How the run goes: accuracies, loss, mean kappa and learning rate over the epochs, with marks for what happened.

use super::{axis, controls::action_button};
use crate::window::{
    actions::Action,
    model::{
        Run, State,
        curves::{KINDS, colour, moments, scale},
        moment::{Moment, MomentKind},
    },
    theme,
};
use egui::{Label, RichText, Ui};
use egui_plot::{Line, LineStyle, Plot, PlotPoints, Points, VLine};
use gairat::metrics::EpochMetrics;

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
        ui.spacing_mut().item_spacing = egui::vec2(8.0, 0.0);
        for (place, kind) in KINDS.iter().enumerate().filter(|(place, _)| shown[*place]) {
            let last = state.run().metrics.iter().rev().find_map(kind.value);
            let mut value = last.map_or_else(|| "–".to_owned(), |value| number(place, value));
            if (3..=5).contains(&place) && last.is_some() {
                value += &format!(" (drawn ÷ {})", number(place, scale(place, &state.runs)));
            }
            ui.colored_label(colour(place, dark), format!("■ {} {value}", kind.name)).on_hover_text(kind.doc);
        }
    });
    let runs = &state.runs;
    let scales: Vec<f64> = (0..KINDS.len()).map(|kind| scale(kind, runs)).collect();
    let moments: Vec<Moment> = runs.iter().flat_map(moments).collect();
    let rows: Vec<Vec<EpochMetrics>> = runs.iter().map(|run| run.metrics.clone()).collect();
    let titles: Vec<String> = runs.iter().map(Run::title).collect();
    let epochs = f64::from(state.run().place.epochs.max(1));
    let text_colour = ui.visuals().text_color();
    let told = moments.clone();
    let plot = Plot::new("curves")
        .show_background(false)
        // Few lines: each is as long as the plot, and a software adapter draws them all.
        .grid_spacing(axis::faint(ui.available_width()))
        .x_grid_spacer(axis::few_whole)
        .y_grid_spacer(axis::few)
        .y_axis_formatter(|mark, _| format!("{:.0} %", 100.0 * mark.value))
        .height(ui.available_height().clamp(90.0, 400.0))
        .include_x(0.0)
        .include_x(epochs)
        .include_y(0.0)
        .include_y(1.0)
        .x_axis_label("epoch")
        .y_axis_min_width(40.0)
        .allow_scroll(false)
        .label_formatter(move |position| {
            // One reading for all curves: the epoch under the pointer.
            let at = match position {
                egui_plot::HoverPosition::NearDataPoint { position, .. } | egui_plot::HoverPosition::Elsewhere { position } => {
                    position.x
                }
            };
            let mut lines = vec![format!("epoch {:.0}", at.round().max(0.0))];
            for (title, metrics) in titles.iter().zip(&rows) {
                let Some(metrics) = metrics.iter().find(|metrics| f64::from(metrics.epoch) == at.round()) else { continue };
                if titles.len() > 1 {
                    lines.push(title.clone());
                }
                for (place, kind) in KINDS.iter().enumerate().filter(|(place, _)| shown[*place]) {
                    if let Some(value) = (kind.value)(metrics) {
                        lines.push(format!("{} {}", kind.name, number(place, value)));
                    }
                }
            }
            let near = told.iter().filter(|mark| (mark.epoch - at).abs() < epochs / 60.0);
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
            for (kind, sort) in KINDS.iter().enumerate().filter(|(kind, _)| shown[*kind]) {
                let points: Vec<[f64; 2]> = run
                    .metrics
                    .iter()
                    .filter_map(|metrics| Some([f64::from(metrics.epoch), (sort.value)(metrics)? / scales[kind]]))
                    .collect();
                // Evaluations are marked by dots: between them nothing was measured.
                if kind < 2 || points.len() < 3 {
                    plot.points(Points::new(sort.name, PlotPoints::from(points.clone())).color(colour(kind, dark)).radius(2.2));
                }
                let style = if place == 0 { LineStyle::Solid } else { LineStyle::dashed_dense() };
                plot.line(Line::new(sort.name, PlotPoints::from(points)).color(colour(kind, dark)).width(1.8).style(style));
            }
        }
    });
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

fn number(kind: usize, value: f64) -> String {
    match kind {
        0..=2 | 6 => format!("{:.1} %", 100.0 * value),
        3 => format!("{value:.3}"),
        4 => format!("{value:.2}"),
        _ => format!("{value}"),
    }
}
