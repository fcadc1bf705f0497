//! Margins of natural and adversarial data, and how they move over the epochs: two humps after plain training, one near zero after
//! reweighted training, which is its known weakness.

use std::path::PathBuf;

use egui::{Color32, ColorImage, Rangef, RichText, Slider, Stroke, TextureHandle, TextureOptions, Ui, vec2};
use egui_plot::{AxisHints, Bar, BarChart, Line, LineStyle, Plot, PlotPoints, VLine};

use super::axis;
use crate::{
    link::Part,
    window::{
        model::{MarginsOfEpoch, Run, State, histogram::Histogram},
        theme,
    },
};

/// The least height of the histogram.
const LEAST: f32 = 90.0;

/// The panel.
pub(crate) fn margins_ui(ui: &mut Ui, state: &mut State) {
    let dark = ui.visuals().dark_mode;
    let run = state.run();
    let id = ui.scope_id().with("margins back");
    let mut back: Option<usize> = ui.data(|data| data.get_temp(id)).unwrap_or_default();
    let epochs = run.margins.len();
    back = back.filter(|place| *place + 1 < epochs);
    ui.horizontal_wrapped(|ui| {
        ui.strong("Margins");
        ui.colored_label(theme::natural(dark), "■ natural");
        ui.colored_label(theme::adversarial(dark), "■ adversarial");
        if state.has_twin() {
            ui.weak(format!("bars {} · dashes {}", run.title(), state.runs[1].title()));
        }
    })
    .response
    .on_hover_text("z_y − the next greatest logit: below 0 is misclassified");
    ui.horizontal(|ui| {
        let words = 6.5 * ui.text_style_height(&egui::TextStyle::Body);
        ui.spacing_mut().slider_width = (ui.available_width() - words).max(50.0);
        let mut place = back.unwrap_or(epochs.saturating_sub(1));
        let label = ui.label("epoch");
        let slider = Slider::new(&mut place, 0..=epochs.saturating_sub(1)).custom_formatter(|place, _| {
            run.margins.get(place as usize).map_or_else(|| "0".to_owned(), |margins| margins.epoch.to_string())
        });
        let response = ui
            .add_enabled(epochs > 1, slider)
            .labelled_by(label.id)
            .on_hover_text("Look back at earlier epochs; at the end: now");
        if response.changed() {
            back = (place + 1 < epochs).then_some(place);
        }
    });
    ui.data_mut(|data| data.insert_temp(id, back));
    let (natural, adversarial) = match back.and_then(|place| run.margins.get(place)) {
        Some(margins) => (margins.natural.clone(), margins.adversarial.clone()),
        None => run.tally().margins.clone().unwrap_or_else(|| (Histogram::empty(), Histogram::empty())),
    };
    // However narrow a bar is, its edges are seen.
    let bars = |histogram: &Histogram, colour: Color32| -> Vec<Bar> {
        let edge = Stroke::new(1.0, colour);
        (0..histogram.counts.len())
            .map(|bin| {
                Bar::new(histogram.middle(bin), 100.0 * histogram.share(bin))
                    .width(histogram.width())
                    .fill(colour.gamma_multiply(0.5))
                    .stroke(edge)
            })
            .collect()
    };
    // The strip and its line of text, where there is room for them.
    let strip = 22.0;
    let below_plot = strip + small(ui) * 1.4 + 3.0 * ui.spacing().item_spacing.y;
    let over = ui.available_height() >= LEAST + below_plot;
    let below_plot = if over { below_plot } else { 0.0 };
    let below = |histogram: &Histogram| {
        let bins = 0..histogram.counts.len();
        100.0 * bins.filter(|&bin| histogram.middle(bin) < 0.0).map(|bin| histogram.share(bin)).sum::<f64>()
    };
    let about =
        format!("Margins: {:.0} % of natural and {:.0} % of adversarial samples below 0", below(&natural), below(&adversarial));
    let most = if state.link.shows(Part::Stage) { 200.0 } else { f32::INFINITY };
    let height = (ui.available_height() - below_plot).clamp(LEAST, most);
    let text = egui::TextStyle::Body.resolve(ui.style()).size;
    let plot = Plot::new("margins")
        .show_background(false)
        // Few lines: each is as long as the plot, and a software adapter draws them all.
        .grid_spacing(axis::FAINT)
        .x_grid_spacer(axis::few)
        .x_axis_formatter(|mark, _| axis::label(mark))
        .y_grid_spacer(axis::few_within(height, text))
        .height(height)
        .show_y(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .include_y(0.0)
        .x_axis_label("margin (logits)")
        // Where the plot is low, marks stand close to each other and are read all the same.
        .custom_y_axes(vec![
            AxisHints::new_y()
                .formatter(|mark, _| format!("{} %", mark.value))
                .min_thickness(34.0)
                .label_spacing(Rangef::new(8.0, 14.0)),
        ]);
    // Those of the twin lie over them as outlines: of now, or of the epoch that is looked back at.
    let twin = state.runs.get(1).and_then(|twin| match back.and_then(|place| twin.margins.get(place)) {
        Some(margins) => Some((margins.natural.clone(), margins.adversarial.clone())),
        None => twin.tally().margins.clone(),
    });
    let ((natural, adversarial), twin) = match twin {
        Some(twin) => {
            let [run, twin] = side_by_side((natural, adversarial), twin);
            (run, Some(twin))
        }
        None => ((natural, adversarial), None),
    };
    let response = plot.show(ui, |plot| {
        plot.bar_chart(
            BarChart::new("natural", bars(&natural, theme::natural(dark))).color(theme::natural(dark).gamma_multiply(0.6)),
        );
        plot.bar_chart(
            BarChart::new("adversarial", bars(&adversarial, theme::adversarial(dark)))
                .color(theme::adversarial(dark).gamma_multiply(0.6)),
        );
        if let Some((natural, adversarial)) = &twin {
            for (name, histogram, colour) in
                [("twin, natural", natural, theme::natural(dark)), ("twin, adversarial", adversarial, theme::adversarial(dark))]
            {
                let line = Line::new(name, PlotPoints::from(outline(histogram))).color(colour).width(1.8);
                plot.line(line.style(LineStyle::dashed_dense()));
            }
        }
        plot.vline(VLine::new("boundary", 0.0).color(ui_text(dark)).width(1.0));
    });
    response.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &about));
    if over {
        over_time(ui, run, strip, dark);
    }
}

/// How many times as wide as another an axis may be before the bins of that one are too narrow to be seen on it.
const NARROW: f32 = 4.0;

/// The margins of two runs on one axis: where all of one lie close together, in bins of the other.
fn side_by_side(run: (Histogram, Histogram), twin: (Histogram, Histogram)) -> [(Histogram, Histogram); 2] {
    let all = (run.0.range.0.min(twin.0.range.0), run.0.range.1.max(twin.0.range.1));
    let shown = |(natural, adversarial): (Histogram, Histogram)| {
        let range = natural.range;
        if NARROW * (range.1 - range.0) < all.1 - all.0 {
            (natural.over(all), adversarial.over(all))
        } else {
            (natural, adversarial)
        }
    };
    [shown(run), shown(twin)]
}

/// The outline of a histogram, in percent.
fn outline(histogram: &Histogram) -> Vec<[f64; 2]> {
    let half = histogram.width() / 2.0;
    let bins = 0..histogram.counts.len();
    bins.flat_map(|bin| {
        let (middle, share) = (histogram.middle(bin), 100.0 * histogram.share(bin));
        [[middle - half, share], [middle + half, share]]
    })
    .collect()
}

/// The size of small letters.
fn small(ui: &Ui) -> f32 {
    (0.83 * egui::TextStyle::Body.resolve(ui.style()).size).max(11.5)
}

fn ui_text(dark: bool) -> Color32 {
    if dark { Color32::from_gray(200) } else { Color32::from_gray(60) }
}

/// Adversarial margins of all epochs, one column each: where they gather is dark.
fn over_time(ui: &mut Ui, run: &Run, height: f32, dark: bool) {
    if run.margins.len() < 2 {
        ui.add(egui::Label::new(RichText::new("over the epochs: after two of them").size(small(ui)).weak()).truncate());
        return;
    }
    let columns = run.margins.len();
    let (first, last) = (run.margins[0].epoch, run.margins[columns - 1].epoch);
    let ranges = run.margins.iter().map(|margins| margins.adversarial.range);
    let (low, high) = ranges.fold((-1.0_f32, 1.0_f32), |(low, high), range| (low.min(range.0), high.max(range.1)));
    // It changes once an epoch, and not with every frame.
    let shows = Over { folder: run.folder.clone(), columns, newest: run.margins[columns - 1].clone(), range: (low, high), dark };
    let id = ui.scope_id().with("margins over time");
    let kept = ui.data(|data| data.get_temp::<(Over, TextureHandle)>(id)).filter(|(kept, _)| *kept == shows);
    let draw = || {
        let texture = ui.ctx().load_texture("margins over time", picture(run, (low, high), dark), TextureOptions::NEAREST);
        ui.data_mut(|data| data.insert_temp(id, (shows, texture.clone())));
        texture
    };
    let texture = kept.map_or_else(draw, |(_, texture)| texture);
    let text = format!("adversarial margins over the epochs, {first} to {last}; from {low} to {high}").replace('-', "−");
    ui.add(egui::Label::new(RichText::new(text).size(small(ui)).weak()).truncate());
    let size = vec2(ui.available_width(), height);
    let response = ui.add(egui::Image::new((texture.id(), size)));
    let zero = response.rect.bottom() - response.rect.height() * (0.0 - low) / (high - low);
    ui.painter().hline(response.rect.x_range(), zero, Stroke::new(1.0, ui_text(dark).gamma_multiply(0.7)));
    response.on_hover_text("Adversarial margins over the epochs, from left to right; the line is 0");
}

/// What the picture of margins over the epochs was made of.
#[derive(Clone, Debug, PartialEq)]
struct Over {
    folder: Option<PathBuf>,
    columns: usize,
    newest: MarginsOfEpoch,
    range: (f32, f32),
    dark: bool,
}

/// A column an epoch, from the greatest margin down to the least.
fn picture(run: &Run, (low, high): (f32, f32), dark: bool) -> ColorImage {
    const ROWS: usize = 32;
    let columns = run.margins.len();
    let mut shares = vec![0.0_f64; columns * ROWS];
    for (column, margins) in run.margins.iter().enumerate() {
        let histogram = &margins.adversarial;
        for bin in 0..histogram.counts.len() {
            let part = (histogram.middle(bin) as f32 - low) / (high - low);
            let row = ROWS - 1 - ((part * ROWS as f32) as usize).min(ROWS - 1);
            shares[row * columns + column] += histogram.share(bin);
        }
    }
    let (ground, ink) = (theme::ground(dark), theme::adversarial(dark));
    let pixels = shares.iter().map(|share| theme::mix(ground, ink, (share.sqrt() * 1.6) as f32)).collect();
    ColorImage::new([columns, ROWS], pixels)
}
