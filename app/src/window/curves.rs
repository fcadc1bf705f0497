//! How the run goes: accuracies, loss, mean kappa and learning rate over the epochs, with marks for what happened.

use egui::{Color32, Ui};
use egui_plot::{Line, LineStyle, Plot, PlotPoints, Points, VLine};
use gairat::metrics::EpochMetrics;

use super::{
    action::{Action, Format},
    colours,
    figure::{Figure, Moment, Series},
    run::{Mark, MarkKind, Run},
    state::State,
};

/// Which curves are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CurvesView {
    shown: [bool; KINDS.len()],
}

impl Default for CurvesView {
    fn default() -> Self {
        Self { shown: KINDS.map(|kind| kind.at_first) }
    }
}

/// A sort of curve.
struct Kind {
    name: &'static str,
    doc: &'static str,
    at_first: bool,
    value: fn(&EpochMetrics) -> Option<f64>,
}

const KINDS: [Kind; 7] = [
    Kind {
        name: "validation natural",
        doc: "Accuracy on natural validation data",
        at_first: true,
        value: |m| m.validation("natural"),
    },
    Kind {
        name: "validation PGD-20",
        doc: "Accuracy on validation data after PGD-20; one attack alone proves little",
        at_first: true,
        value: |m| m.validation("pgd:20"),
    },
    Kind {
        name: "train robust",
        doc: "Share of training samples that the training attack did not break",
        at_first: true,
        value: |m| Some(m.train_robust),
    },
    Kind { name: "loss", doc: "Mean of what is minimised, in nats", at_first: true, value: |m| Some(m.loss) },
    Kind { name: "mean κ", doc: "Mean kappa of the training samples", at_first: false, value: |m| Some(m.mean_kappa) },
    Kind { name: "learning rate", doc: "Learning rate", at_first: false, value: |m| Some(m.lr) },
    Kind { name: "effective", doc: "Share of samples that count", at_first: false, value: |m| m.effective },
];

fn colour(kind: usize, dark: bool) -> Color32 {
    match kind {
        0 => colours::natural(dark),
        1 => colours::adversarial(dark),
        2 => colours::class(0, dark),
        3 => colours::class(1, dark),
        other => colours::class(other, dark),
    }
}

/// What a curve is scaled by: shares stand as they are, others by their greatest, so that all fit into one picture.
fn scale(kind: usize, runs: &[Run]) -> f64 {
    match kind {
        3..=5 => {
            let values = runs.iter().flat_map(|run| &run.metrics).filter_map(KINDS[kind].value).filter(|value| value.is_finite());
            values.fold(0.0, f64::max).max(1e-12)
        }
        _ => 1.0,
    }
}

/// What is marked of a run: what follows from its settings, and what happened.
pub(crate) fn marks(run: &Run) -> Vec<Mark> {
    let settings = &run.settings;
    let mut marks = Vec::new();
    if settings.method.about().burns_in && settings.burn_in > 0 && settings.burn_in < settings.epochs {
        marks.push(Mark {
            epoch: f64::from(settings.burn_in),
            kind: MarkKind::BurnIn,
            text: "burn-in ends: weights set in".to_owned(),
        });
    }
    if let Ok(plan) = settings.checked() {
        let rate = |epoch| plan.learning_rate.at(epoch);
        let drops: Vec<u32> = (2..=settings.epochs.min(10_000)).filter(|&epoch| rate(epoch) < 0.5 * rate(epoch - 1)).collect();
        marks.extend(drops.into_iter().take(20).map(|epoch| Mark {
            epoch: f64::from(epoch - 1),
            kind: MarkKind::LearningRate,
            text: format!("learning rate {} to {}", rate(epoch - 1), rate(epoch)),
        }));
    }
    let best = run.marks.iter().rev().find(|mark| mark.kind == MarkKind::Best);
    marks.extend(best.cloned());
    marks.extend(run.marks.iter().filter(|mark| mark.kind == MarkKind::Changed).cloned());
    marks
}

/// All curves of all runs, unscaled, for files.
pub(crate) fn figure(runs: &[Run]) -> Figure {
    let mut figure = Figure { title: runs.iter().map(Run::title).collect::<Vec<_>>().join(" and "), ..Figure::default() };
    for (place, run) in runs.iter().enumerate() {
        for (number, kind) in KINDS.iter().enumerate() {
            let [r, g, b, _] = colour(number, false).to_array();
            let points = run.metrics.iter().filter_map(|m| Some([f64::from(m.epoch), (kind.value)(m)?])).collect();
            figure.series.push(Series {
                name: if runs.len() > 1 { format!("{}: {}", run.title(), kind.name) } else { kind.name.to_owned() },
                colour: format!("#{r:02x}{g:02x}{b:02x}"),
                dashed: place > 0,
                points,
            });
        }
        figure.moments.extend(marks(run).into_iter().map(|mark| Moment { epoch: mark.epoch, text: mark.text }));
    }
    figure
}

/// The panel.
pub(crate) fn curves_ui(ui: &mut Ui, state: &mut State) {
    let dark = ui.visuals().dark_mode;
    let whole = ui.available_rect_before_wrap();
    ui.horizontal(|ui| {
        ui.strong("Curves");
        if state.has_twin() {
            ui.weak(format!("— {}   - - {}", state.runs[0].title(), state.runs[1].title()));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.menu_button("Save…", |ui| {
                for format in [Format::Png, Format::Svg, Format::Csv] {
                    let action = Action::ExportCurves(format);
                    if ui.button(action.name()).on_hover_text(action.doc()).clicked() {
                        let ctx = ui.ctx().clone();
                        state.act(action, &ctx);
                    }
                }
            });
            ui.menu_button("Show…", |ui| {
                for (place, kind) in KINDS.iter().enumerate() {
                    ui.checkbox(&mut state.curves.shown[place], kind.name).on_hover_text(kind.doc);
                }
            });
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
    let moments: Vec<Mark> = runs.iter().flat_map(marks).collect();
    let rows: Vec<Vec<EpochMetrics>> = runs.iter().map(|run| run.metrics.clone()).collect();
    let titles: Vec<String> = runs.iter().map(Run::title).collect();
    let epochs = f64::from(state.run().place.epochs.max(1));
    let text_colour = ui.visuals().text_color();
    let told = moments.clone();
    let plot = Plot::new("curves")
        .show_background(false)
        // Few lines: each is as long as the plot, and a software adapter draws them all.
        .grid_spacing(egui::Rangef::new(22.0, 110.0))
        .height(ui.available_height().clamp(90.0, 400.0))
        .include_x(0.0)
        .include_x(epochs)
        .include_y(0.0)
        .include_y(1.0)
        .x_axis_label("epoch")
        .y_axis_min_width(26.0)
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
                MarkKind::BurnIn => (colours::accent(dark), LineStyle::Solid),
                MarkKind::LearningRate => (text_colour.gamma_multiply(0.5), LineStyle::dotted_loose()),
                MarkKind::Best => (colours::natural(dark), LineStyle::dashed_loose()),
                MarkKind::Changed => (text_colour.gamma_multiply(0.7), LineStyle::dashed_dense()),
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
    if let Some(file) = state.picture.take() {
        let done = std::sync::Arc::clone(&state.pictures);
        let (scale, ctx) = (ui.ctx().pixels_per_point(), ui.ctx().clone());
        ui.ctx().request_screenshot(move |image| {
            let written =
                super::png::encode(&image.region(&whole, Some(scale))).and_then(|bytes| super::outside::put(&file, &bytes));
            if let Ok(mut done) = done.lock() {
                done.push(written);
            }
            ctx.request_repaint();
        });
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
