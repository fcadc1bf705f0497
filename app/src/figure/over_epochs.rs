//! What curves over epochs have in common.

use gairat::metrics::EpochMetrics;

use super::{SIZE, Subject};
use crate::svg::{
    Drawing, Ink, Tone,
    chart::{Chart, Line, Scale},
};

/// A quantity of an epoch.
pub(super) struct Quantity {
    /// What it is called at the end of its line; empty where it is the only one.
    pub(super) label: &'static str,
    pub(super) value: fn(&EpochMetrics) -> Option<f64>,
    pub(super) dashes: &'static str,
    /// What it is of, where there is one run alone; none for the colour of the text.
    pub(super) tone: Option<Tone>,
}

/// Curves of these quantities, of one run in their own colours, of several in those of the runs.
pub(super) fn draw(
    subjects: &[Subject],
    (title, up, scale): (&str, &str, Scale),
    quantities: &[Quantity],
    ink: Ink,
) -> Option<(Drawing, String)> {
    let several = subjects.len() > 1;
    let mut lines = Vec::new();
    for (place, subject) in subjects.iter().enumerate() {
        for Quantity { label, value, dashes, tone } in quantities {
            let points: Vec<(f64, f64)> =
                subject.epochs.iter().filter_map(|epoch| Some((f64::from(epoch.epoch), value(epoch)?))).collect();
            if points.is_empty() {
                continue;
            }
            let label = match (several, label.is_empty()) {
                (true, true) => subject.label.clone(),
                (true, false) => format!("{}: {label}", subject.label),
                (false, _) => (*label).to_owned(),
            };
            let tone = if several { Some(Tone::Run(place)) } else { *tone };
            let colour = tone.map(|tone| ink.tone(tone)).unwrap_or_default();
            lines.push(Line { label, points, dashes, colour, ..Line::default() });
        }
    }
    let chart = Chart {
        title: titled(title, subjects),
        across: "epoch".to_owned(),
        whole: true,
        up: up.to_owned(),
        scale,
        lines,
        marks: marks(subjects),
    };
    (!chart.is_empty()).then(|| (chart.draw(SIZE, ink), chart.csv()))
}

/// The title of a figure: of one run, with its name.
pub(super) fn titled(title: &str, subjects: &[Subject]) -> String {
    match subjects {
        [only] if !only.label.is_empty() => format!("{title}, {}", only.label),
        _ => title.to_owned(),
    }
}

/// What happened on the way, once where it happened to several runs at the same time.
fn marks(subjects: &[Subject]) -> Vec<(f64, String)> {
    let mut marks: Vec<(f64, String)> = Vec::new();
    for subject in subjects {
        let settings = &subject.settings;
        let mut mark = |at: f64, text: &str| {
            let mark = (at, text.to_owned());
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        };
        if settings.method.about().burns_in && settings.burn_in > 0 && settings.burn_in < settings.epochs {
            mark(f64::from(settings.burn_in) + 0.5, "weights begin");
        }
        if let Some(summary) = subject.summary.as_ref().filter(|summary| subjects.len() == 1 && summary.epoch < summary.epochs) {
            mark(f64::from(summary.epoch), "best");
        }
    }
    marks
}
