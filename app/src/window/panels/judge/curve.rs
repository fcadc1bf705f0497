//! Robust accuracy over the radius of the ball, of the run and its twin.

use egui::{Rangef, Ui};
use egui_plot::{AxisHints, Line, LineStyle, Plot, PlotPoints, Points, VLine};

use crate::window::{model::Run, panels::axis, theme};

/// The curves of the newest judgements, if there are any.
pub(super) fn curve_ui(ui: &mut Ui, runs: &[Run]) {
    let dark = ui.visuals().dark_mode;
    let curves: Vec<_> = runs
        .iter()
        .enumerate()
        .filter_map(|(place, run)| run.judgements.last().map(|(judged, verdict)| (place, run.title(), judged, verdict)))
        .filter(|(_, _, _, verdict)| verdict.curve.len() > 1)
        .collect();
    let Some((_, _, first, _)) = curves.first() else { return };
    let epsilon = f64::from(first.epsilon);
    ui.separator();
    ui.label("Robust accuracy over the radius");
    if runs.len() > 1 {
        ui.weak(format!("— {}   - - {}", runs[0].title(), runs[1].title()));
    }
    let told: Vec<String> = curves
        .iter()
        .flat_map(|(_, title, _, verdict)| {
            verdict.curve.iter().map(move |point| format!("{title}: {:.1} % at ε {:.3}", 100.0 * point.robust, point.epsilon))
        })
        .collect();
    let colour = theme::adversarial(dark);
    let text = ui.visuals().text_color();
    let response = Plot::new("judged curve")
        .show_background(false)
        .grid_spacing(axis::FAINT)
        .x_grid_spacer(axis::few)
        .y_grid_spacer(axis::few)
        .height(130.0)
        .include_x(0.0)
        .include_y(0.0)
        .include_y(100.0)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        // Few marks close to each other are as dark as many that are far apart.
        .custom_x_axes(vec![
            AxisHints::new_x().label("radius ε").formatter(|mark, _| axis::label(mark)).label_spacing(Rangef::new(8.0, 20.0)),
        ])
        .y_axis_formatter(|mark, _| format!("{} %", mark.value))
        .y_axis_min_width(34.0)
        .show(ui, |plot| {
            plot.vline(VLine::new("ε of the run", epsilon).color(text.gamma_multiply(0.5)).style(LineStyle::dotted_loose()));
            for (place, title, _, verdict) in &curves {
                let points: Vec<[f64; 2]> =
                    verdict.curve.iter().map(|point| [f64::from(point.epsilon), 100.0 * point.robust]).collect();
                let style = if *place == 0 { LineStyle::Solid } else { LineStyle::dashed_dense() };
                plot.points(Points::new(title.clone(), PlotPoints::from(points.clone())).color(colour).radius(2.4));
                plot.line(Line::new(title.clone(), PlotPoints::from(points)).color(colour).width(1.8).style(style));
            }
        });
    response.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, told.join("; ")));
}
