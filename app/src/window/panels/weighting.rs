//! What the weights of a method depend on, and how: the samples over that number, and ω as a curve where it follows from it alone, else as
//! points. Below it what the method measures besides, and what must be said of it.

use std::sync::Arc;

use egui::{Label, RichText, Ui, WidgetInfo, WidgetText};
use egui_plot::{Bar, BarChart, HoverPosition, Line, LineStyle, Plot, PlotPoints, Points};
use gairat::{
    method::{Axis, Clock},
    settings::{MethodChoice, Settings},
};

use super::{
    axis, measure, setting,
    weight_numbers::{Numbers, at_end, axes, round_below, short, weight_at},
};
use crate::{
    lesson::Mark,
    link::Part,
    window::{
        model::{Counted, Member, Run, State, lesson::Lesson, spread::Spread},
        theme,
    },
};

/// The least height of the picture of weights, and of one of even weights beside something that is measured: what has no room besides is
/// not shown.
const LEAST: (f32, f32) = (90.0, 60.0);
/// The greatest height of that picture where the stage has its place above.
const MOST: f32 = 220.0;
/// From this width on, it is said in the axis what the bars are.
const WIDE: f32 = 400.0;
/// From this width of a bar on, it is said how many samples it stands for.
const BAR: f32 = 34.0;
/// The height of a line of a caveat.
const SMALL: f32 = 16.0;

/// The share of the height that the highest bar takes, and that the lowest takes at least.
const BARS: f64 = 0.8;
const LEAST_BAR: f64 = 0.03;
/// The size of what is said in small letters, as a share of that of other text.
const SMALLER: f32 = 0.83;

/// The weights of one run.
struct Shown {
    member: Member,
    /// The method that the form says, if the run has it, with parameters that may just have been changed.
    choice: MethodChoice,
    /// ω over the axis, as it is used, if it is a curve.
    curve: Option<Vec<[f64; 2]>>,
    /// What the method's own curve is multiplied by to give that.
    scale: f64,
    /// Whether that is how it will be once weights set in.
    ahead: bool,
}

impl Shown {
    fn of(state: &mut State) -> Self {
        let member = if state.has_twin() { state.weights.member } else { Member::Main };
        let wanted = state.wanted(member).method;
        let settings = &state.runs[member.place()].settings;
        let choice = if wanted.name() == settings.method.name() { wanted } else { settings.method.clone() };
        let method = state.weights.method(&choice);
        let run = &state.runs[member.place()];
        let clock = run.clock();
        let ahead = !clock.weighs();
        // Burn-in is shown as what comes after it.
        let clock = if ahead { Clock { epoch: clock.burn_in + 1, ..clock } } else { clock };
        let scaled = run.tally().spread.scaled(|at| method.curve(at, run.settings.steps, clock));
        let (curve, scale) = scaled.map_or((None, 1.0), |(curve, scale)| (Some(curve), scale));
        Self { member, choice, curve, scale, ahead }
    }

    fn run<'a>(&self, state: &'a State) -> &'a Run {
        &state.runs[self.member.place()]
    }

    /// Whether every sample counts the same, whatever it is.
    fn is_even(&self) -> bool {
        self.curve.as_ref().is_some_and(|curve| curve.iter().all(|[_, weight]| *weight == curve[0][1]))
    }
}

/// The panel.
pub(crate) fn weighting_ui(ui: &mut Ui, state: &mut State) {
    let shown = Shown::of(state);
    header_ui(ui, state, &shown);
    headline_ui(ui, state, &shown);
    let about = shown.choice.about();
    if let Some(measure) = about.measure.filter(|_| state.lesson.is_some() && shown.is_even()) {
        // A lesson about what is measured besides shows that, and no weights that are all alike.
        let height = ui.available_height().clamp(60.0, 400.0);
        measure::large_ui(ui, shown.run(state), measure, height);
        return;
    }
    let least = if about.measure.is_some() && shown.is_even() { LEAST.1 } else { LEAST.0 };
    // What stands below the picture keeps a distance.
    let room = ui.available_height() - least - ui.spacing().item_spacing.y;
    let measured = about.measure.filter(|_| room >= measure::HEIGHT);
    let left = room - measured.map_or(0.0, |_| measure::HEIGHT);
    let hides = about.caveats.is_empty() || state.lesson.as_ref().is_some_and(Lesson::hides_caveats);
    let rows = if hides { 0 } else { (left / SMALL).clamp(0.0, 2.0) as usize };
    let most = if state.link.shows(Part::Stage) { MOST } else { f32::INFINITY };
    plot_ui(ui, state, &shown, (least + left - SMALL * rows as f32).clamp(least, most));
    if let Some(measure) = measured {
        measure::measure_ui(ui, shown.run(state), measure);
    }
    if rows > 0 {
        caveat_ui(ui, about.caveats, rows);
    }
}

fn header_ui(ui: &mut Ui, state: &mut State, shown: &Shown) {
    let titles: Vec<String> = state.runs.iter().map(Run::title).collect();
    ui.horizontal_wrapped(|ui| {
        ui.strong("Weights");
        if state.has_twin() {
            for (member, title) in state.members().zip(titles) {
                ui.selectable_value(&mut state.weights.member, member, title);
            }
        }
        if state.lesson.is_some() && shown.is_even() && shown.choice.about().measure.is_some() {
            // It is not about weights.
            return;
        }
        let is_share = shown.choice.about().omega_is_share;
        let (effective, whose) = shown.run(state).counted();
        let effective = effective.filter(|_| is_share).map_or("-".to_owned(), |share| format!("{:.0} %", 100.0 * share));
        // Beside a twin there is little room.
        let twin = state.has_twin();
        let share = match whose {
            Counted::All => format!("{effective} of all count"),
            _ if twin => format!("{effective} count"),
            Counted::Batch => format!("{effective} of the batch counts"),
            Counted::Epoch(epoch) => format!("{effective} counted in epoch {epoch}"),
        };
        ui.label(share).on_hover_text(if is_share {
            "Effective share of samples, (Σω)² / (n Σω²): in the batch last trained on; while a run rests and was weighed anew, of all samples; and once it has ended, the mean over its last epoch, as in the curve `effective`"
        } else {
            "There is no share: ω is a factor that each sample has for itself in one term of the loss"
        });
        if !twin && shown.choice.about().axis == Axis::KAPPA && shown.run(state).tally().seen > 0 {
            let run = shown.run(state);
            // What a lesson says of both is seen beside each other.
            let first = run.metrics.first().filter(|_| state.lesson.is_some());
            let first = first.map(|first| format!(", first epoch {:.2}", first.mean_kappa)).unwrap_or_default();
            ui.label(format!("mean κ {:.2}{first}", run.tally().mean_kappa))
                .on_hover_text("Over the training samples as they were last attacked");
        }
        if shown.ahead {
            ui.weak("· burn-in").on_hover_text("Every sample counts 1; the dashed curve is what comes after it");
        } else if shown.is_even() && !twin {
            ui.weak("· every sample counts\u{a0}1");
        }
    });
}

/// The parameter that says most about the method.
fn headline_ui(ui: &mut Ui, state: &mut State, shown: &Shown) {
    let settings = Settings { method: shown.choice.clone(), ..state.form.clone() };
    let field = shown.choice.headline().and_then(|(parameter, _)| settings.field(parameter.name));
    ui.horizontal(|ui| {
        let Some(field) = field else {
            ui.weak(if shown.is_even() {
                format!("{}: every sample counts 1", shown.choice.about().title)
            } else {
                format!("{}: its weights have no number to set", shown.choice.about().title)
            });
            return;
        };
        let before = settings.get(field.name).unwrap_or_default();
        let about = shown.choice.about();
        ui.add_enabled_ui(!state.link.lock.contains(field.name), |ui| {
            let label = ui.label(field.label.as_ref());
            setting::name_for_readers(&label, shown.member, &field);
            // Room for the number behind the slider, however large the text is.
            let number = 5.8 * ui.text_style_height(&egui::TextStyle::Body);
            ui.spacing_mut().slider_width = (ui.available_width() - number).max(60.0);
            let response = setting::value_ui(ui, state, shown.member, &field, &before).labelled_by(label.id);
            response.on_hover_ui(|ui| {
                setting::help_ui(ui, &field, about);
                ui.label("It takes hold from the next batch.");
            });
        });
    });
}

/// Whether a lesson lights `mark`.
fn lights(state: &State, mark: Mark) -> bool {
    state.lesson.as_ref().is_some_and(|lesson| lesson.lights(mark))
}

/// The samples over the axis, and what they weigh.
fn plot_ui(ui: &mut Ui, state: &State, shown: &Shown, height: f32) {
    let dark = ui.visuals().dark_mode;
    let run = shown.run(state);
    let axis = shown.choice.about().axis;
    let spread = &run.tally().spread;
    let selected = state.selected.and_then(|row| {
        let at = f64::from(run.on_axis(run.place_of(row)?)?);
        let omega = f64::from(run.seen(row)?.record.omega);
        (at.is_finite() && omega.is_finite()).then_some([at, omega])
    });
    let top = top(spread, shown.curve.as_deref()).max(selected.map_or(0.0, |[_, omega]| omega));
    let most = spread.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let all = spread.samples();
    let mut told = Vec::new();
    let bars: Vec<Bar> = spread
        .counts
        .iter()
        .enumerate()
        .map(|(part, &count)| {
            let (middle, half) = (spread.middle(part), spread.width() / 2.0);
            let place = if spread.whole {
                format!("{} {part}", axis.name.replace('_', " "))
            } else {
                format!("{:.3} to {:.3}", middle - half, middle + half)
            };
            told.push(format!("{place}: {count} of {all} samples"));
            let high = BARS * top * count as f64 / most;
            // What is there is seen, however little it is beside the most.
            let high = if count > 0 { high.max(LEAST_BAR * top) } else { high };
            Bar::new(middle, high).width(0.85 * spread.width())
        })
        .collect();
    // In its batch weights had the mean 1; the curve is scaled to the mean of all samples.
    let batch = if run.is_reweighed || shown.curve.is_none() || shown.is_even() { "" } else { " in its batch" };
    let (low, high) = spread.range;
    let beside = if spread.whole { 0.6 } else { 0.02 * (high - low) };
    // Above them the number is as wide as the panel allows.
    let bars_mean = if ui.available_width() < WIDE { "" } else { " (bars: samples)" };
    let (curve, spread_of) = (shown.curve.clone(), spread);
    let plot = Plot::new("weights")
        .show_background(false)
        // Few lines: each is as long as the plot, and a software adapter draws them all.
        .grid_spacing(axis::FAINT)
        .x_grid_spacer(if spread.whole { axis::few_whole } else { axis::few })
        .x_axis_formatter(|mark, _| axis::label(mark))
        .height(height)
        .show_y(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .x_axis_label(format!("{}{bars_mean}", axis.label))
        .custom_y_axes(axes(ui, (shown.curve.is_some(), shown.scale), round_below(top), shown.ahead))
        .label_formatter(move |position| {
            let (at, nearest) = match position {
                HoverPosition::NearDataPoint { position, .. } => (position.x, Some(position.y)),
                HoverPosition::Elsewhere { position } => (position.x, None),
            };
            let part = spread_of.part(at);
            let weight = match &curve {
                Some(curve) => weight_at(curve, if spread_of.whole { spread_of.middle(part) } else { at }),
                None => nearest,
            };
            let weight = weight.map(|weight| format!("ω {}", short(weight)));
            let at = (!spread_of.whole).then(|| format!("at {at:.3}"));
            let lines = [at, weight, told.get(part).cloned()];
            Some(lines.into_iter().flatten().collect::<Vec<_>>().join("\n"))
        })
        .y_grid_spacer(axis::few_within(height, egui::TextStyle::Body.resolve(ui.style()).size));
    let colour = theme::weight(dark);
    let response = plot.show(ui, |plot| {
        plot.set_plot_bounds_x(low - beside..=high + beside);
        plot.set_plot_bounds_y(0.0..=1.06 * top);
        let (bars_lit, curve_lit) = (lights(state, Mark::Kappa) || lights(state, Mark::Axis), lights(state, Mark::Weight));
        let bars_in = if bars_lit { theme::accent(dark) } else { theme::neutral(dark).gamma_multiply(0.6) };
        plot.bar_chart(BarChart::new("samples", bars).color(bars_in).allow_hover(false));
        match &shown.curve {
            Some(curve) => {
                let style = if shown.ahead { LineStyle::dashed_loose() } else { LineStyle::Solid };
                plot.line(
                    Line::new("weight ω", PlotPoints::from(curve.clone()))
                        .color(colour)
                        .width(if curve_lit { 5.0 } else { 2.5 })
                        .style(style),
                );
                if spread.whole && curve.len() <= 64 {
                    plot.points(Points::new("weight ω", PlotPoints::from(curve.clone())).color(colour).radius(3.0));
                }
            }
            None => {
                let points = PlotPoints::from(spread.points.clone());
                plot.points(Points::new("samples and their ω", points).color(colour).radius(1.8));
            }
        }
        if let Some([at, omega]) = selected {
            let accent = theme::accent(dark);
            plot.points(
                Points::new("selected", PlotPoints::from(vec![[at, omega]])).color(accent).radius(6.0).allow_hover(false),
            );
        }
    });
    let numbers = Numbers {
        painter: ui.painter_at(response.response.rect),
        transform: &response.transform,
        dark,
        size: egui::TextStyle::Body.resolve(ui.style()).size.max(13.0),
    };
    let across = response.transform.frame().width() / spread.counts.len().max(1) as f32;
    if spread.whole && across >= BAR {
        for (part, &count) in spread.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let at = [spread.middle(part), (BARS * top * count as f64 / most).max(LEAST_BAR * top)];
            numbers.above(at, count.to_string(), theme::neutral(dark));
        }
    }
    // What it weighs at both ends of the axis, where no sample is selected there.
    if let Some([first, .., last]) = shown.curve.as_deref() {
        for [at, weight] in [*first, *last] {
            if selected.is_none_or(|[there, _]| (there - at).abs() > 0.12 * (high - low)) && weight <= top {
                numbers.beside([at, weight], at_end(weight, top), colour);
            }
        }
    }
    if let Some([at, omega]) = selected {
        numbers.beside([at, omega], format!("ω {}{batch}", short(omega)), theme::accent(dark));
    }
    let counts: Vec<String> = spread.counts.iter().map(ToString::to_string).collect();
    let weights = match shown.curve.as_deref() {
        Some([first, .., last]) => format!("from {:.4} at {:.3} to {:.4} at {:.3}", first[1], first[0], last[1], last[0]),
        _ => format!("of {} samples, one by one", spread.points.len()),
    };
    let own = selected.map_or_else(String::new, |[at, omega]| format!("; selected: ω {}{batch} at {at:.3}", short(omega)));
    let lost = if spread.left_out > 0 { format!("; {} have no such number", spread.left_out) } else { String::new() };
    let about = format!(
        "Weights over {}: {weights}{own}; samples by {}: {}{lost}",
        axis.label,
        axis.name.replace('_', " "),
        counts.join(" ")
    );
    response.response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &about));
}

/// The greatest weight that is shown: where there are samples, or anywhere where there are none.
fn top(spread: &Spread, curve: Option<&[[f64; 2]]>) -> f64 {
    let greatest = |weights: &mut dyn Iterator<Item = f64>| weights.filter(|weight| weight.is_finite()).fold(0.0, f64::max);
    let of_samples = greatest(&mut spread.points.iter().map(|[_, omega]| *omega));
    let of_curve = curve.map(|curve| {
        let taken = |at: f64| spread.samples() == 0 || spread.counts[spread.part(at)] > 0;
        greatest(&mut curve.iter().filter(|[at, _]| taken(*at)).map(|[_, weight]| *weight))
    });
    let top = of_curve.unwrap_or(of_samples);
    if top > 0.0 { top } else { 1.0 }
}

/// What must be said beside the figures of a method: some lines of the first, and all when it is pointed at.
fn caveat_ui(ui: &mut Ui, caveats: &[&str], rows: usize) {
    let text = RichText::new(caveats[0])
        .size(SMALLER * egui::TextStyle::Body.resolve(ui.style()).size)
        .color(ui.visuals().weak_text_color());
    let mut job =
        Arc::unwrap_or_clone(WidgetText::from(text).into_layout_job(ui.style(), egui::TextStyle::Body.into(), egui::Align::Min));
    job.wrap.max_width = ui.available_width();
    job.wrap.max_rows = rows;
    let galley = ui.painter().layout_job(job);
    let response = ui.add(Label::new(galley));
    response.on_hover_ui(|ui| {
        ui.set_max_width(420.0);
        for caveat in caveats {
            ui.label(*caveat);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_weight_shown_is_one_that_a_sample_may_have() {
        let samples = [(1.0, 2.0), (2.0, 1.5)];
        let spread = Spread::of(gairat::method::AxisRange::Steps, 4, samples.into_iter());
        let curve: Vec<[f64; 2]> = (0..=4).map(|kappa| [f64::from(kappa), f64::from(10 - kappa)]).collect();
        assert_eq!(top(&spread, Some(&curve)), 9.0);
        assert_eq!(top(&spread, None), 2.0);
        assert_eq!(top(&Spread::default(), None), 1.0);
    }
}
