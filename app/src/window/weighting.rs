//! How kappa becomes a weight: the curve of the rule, the samples under it, and how many of them count.

use egui::{Slider, Ui};
use egui_plot::{Bar, BarChart, Line, Plot, PlotPoints, Points};
use gairat::weight::Method;

use super::{colours, state::State};

/// The panel.
pub(crate) fn weighting_ui(ui: &mut Ui, state: &mut State) {
    let dark = ui.visuals().dark_mode;
    let run = state.run();
    let steps = run.settings.steps;
    let histogram = run.kappa_histogram();
    let all = run.tally().seen;
    let effective = run.effective.unwrap_or(1.0);
    let in_burn_in = !run.lambda.is_finite();
    ui.horizontal(|ui| {
        ui.strong("Weights");
        let text = format!("{:.0} % of the batch counts", 100.0 * effective);
        ui.label(&text)
            .on_hover_text("Effective share of samples, (Σω)² / (n Σω²), in the batch last trained on; the curve `effective` is its mean over an epoch");
        if in_burn_in && state.run().settings.method == Method::Gairat {
            ui.weak("· burn-in");
        }
    });
    ui.horizontal(|ui| {
        let method = state.form.method;
        let applies = method == Method::Gairat && !state.link.lock.contains("lambda");
        ui.add_enabled_ui(applies, |ui| {
            let label = ui.label("λ");
            let before = state.form.lambda;
            let mut lambda = before;
            ui.spacing_mut().slider_width = (ui.available_width() - 80.0).max(60.0);
            let slider = Slider::new(&mut lambda, -4.0..=4.0).max_decimals(2).clamping(egui::SliderClamping::Never);
            let response = ui.add(slider).labelled_by(label.id);
            response.on_hover_text(
                "Lower: only samples that break early count. Higher: all count alike. It takes hold from the next batch.",
            );
            if lambda != before && state.form.set("lambda", &lambda.to_string()).is_ok() {
                state.edited();
            }
        });
        if method == Method::At {
            ui.weak("AT: every weight is 1");
        }
    });
    let rule = state.form.weighting;
    let lambda = if state.form.method == Method::At { f64::INFINITY } else { state.form.lambda };
    let raw: Vec<f64> = (0..=steps).map(|kappa| rule.raw(kappa, steps, lambda)).collect();
    let most = histogram.iter().copied().max().unwrap_or(0).max(1) as f64;
    let curve: Vec<[f64; 2]> = raw.iter().enumerate().map(|(kappa, &weight)| [kappa as f64, weight]).collect();
    let bars: Vec<Bar> = histogram
        .iter()
        .enumerate()
        .map(|(kappa, &count)| {
            let part = (count as f64 / most).sqrt();
            Bar::new(kappa as f64, 0.9 * part)
                .width(0.8)
                .name(format!("κ {kappa}: {count} of {all} samples, raw weight {:.4}", raw[kappa]))
        })
        .collect();
    let selected = state.selected.and_then(|row| state.run().seen(row)).map(|seen| seen.record.measured.kappa);
    let plot = Plot::new("weights")
        .show_background(false)
        // Few lines: each is as long as the plot, and a software adapter draws them all.
        .grid_spacing(egui::Rangef::new(22.0, 110.0))
        .height(ui.available_height().clamp(90.0, 220.0))
        .show_y(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .include_y(0.0)
        .include_y(1.05)
        .include_x(-0.6)
        .include_x(f64::from(steps) + 0.6)
        .x_axis_label("κ: attack steps withstood (bars: samples, root scale)")
        .y_axis_min_width(24.0);
    let response = plot.show(ui, |plot| {
        plot.bar_chart(BarChart::new("samples", bars).color(colours::class(1, dark).gamma_multiply(0.55)));
        let line = Line::new("raw weight ω(κ)", PlotPoints::from(curve.clone())).color(colours::class(0, dark)).width(2.5);
        plot.line(line);
        plot.points(Points::new("raw weight ω(κ)", PlotPoints::from(curve.clone())).color(colours::class(0, dark)).radius(3.0));
        if let Some(kappa) = selected.filter(|kappa| *kappa <= steps) {
            let at = [f64::from(kappa), raw[kappa as usize]];
            plot.points(Points::new("selected", PlotPoints::from(vec![at])).color(colours::accent(dark)).radius(6.0));
        }
    });
    let counts: Vec<String> = histogram.iter().map(ToString::to_string).collect();
    let about = format!(
        "Weights: raw weight from {:.4} at kappa 0 to {:.4} at kappa {steps}; samples by kappa: {}",
        raw[0],
        raw[steps as usize],
        counts.join(" ")
    );
    response.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &about));
}
