//! What samples weigh, over what their weight depends on: the mean, and between which weights nine in ten samples lie.

use gairat::method::{Axis, AxisRange};

use super::{Kind, SIZE, Subject, over_epochs::titled};
use crate::svg::{
    Drawing, Ink, Tone,
    chart::{Chart, Line, Scale},
};

pub(super) const FIGURE: Kind = Kind {
    name: "weights",
    about: "the weights of training samples over what they depend on (κ, a margin, a loss), last epoch",
    needs_network: false,
    draw,
};

/// Parts of an axis that does not count steps.
const PARTS: usize = 24;
/// Of the samples of a part, so many lie below the band, and as many above.
const TAIL: f64 = 0.05;

fn draw(subjects: &[Subject], ink: Ink) -> Option<(Drawing, String)> {
    // Axes of several methods are not one: what stands on another than the first is left out.
    let axis = subjects.iter().map(|subject| subject.settings.method.about()).find(|about| about.weighs())?.axis;
    let alike = |subject: &&Subject| subject.settings.method.about().axis == axis;
    let lines: Vec<Line> = subjects
        .iter()
        .enumerate()
        .filter(|(_, subject)| alike(subject))
        .filter_map(|(place, subject)| {
            let colour = ink.tone(if subjects.len() > 1 { Tone::Run(place) } else { Tone::Weight });
            let label = if subjects.len() > 1 { subject.label.clone() } else { "mean ω".to_owned() };
            Some(Line { label, colour, ..line(subject, axis)? })
        })
        .collect();
    let chart = Chart {
        title: titled("Weights of training samples, last epoch", subjects),
        across: axis.label.to_owned(),
        whole: axis.range == AxisRange::Steps,
        up: "ω (band: 5 to 95 % of samples)".to_owned(),
        scale: Scale::Number,
        lines,
        marks: Vec::new(),
    };
    (!chart.is_empty()).then(|| (chart.draw(SIZE, ink), chart.csv()))
}

/// Mean and band of one run; `None` of one whose samples all weigh the same.
fn line(subject: &Subject, axis: Axis) -> Option<Line> {
    let samples = &subject.samples;
    let weighed = samples.depends_on.iter().copied().zip(samples.weight.iter().copied());
    let weighed: Vec<(f64, f64)> = weighed.filter(|(at, weight)| at.is_finite() && weight.is_finite()).collect();
    let (_, first) = *weighed.first()?;
    if weighed.iter().all(|(_, weight)| (weight - first).abs() <= 1e-6) {
        return None;
    }
    let found = weighed.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (at, _)| (low.min(*at), high.max(*at)));
    let (low, high) = match axis.range {
        AxisRange::Between(low, high) => (low, high),
        AxisRange::FromZero => (0.0, found.1),
        AxisRange::Steps | AxisRange::Open => found,
    };
    let whole = axis.range == AxisRange::Steps;
    let width = if whole { 1.0 } else { ((high - low) / PARTS as f64).max(f64::MIN_POSITIVE) };
    let mut parts: Vec<Vec<f64>> = vec![Vec::new(); if whole { (high - low) as usize + 1 } else { PARTS }];
    for (at, weight) in weighed {
        let part = (((at - low) / width).max(0.0) as usize).min(parts.len() - 1);
        parts[part].push(weight);
    }
    let mut line = Line { dots: true, ..Line::default() };
    for (place, mut weights) in parts.into_iter().enumerate().filter(|(_, weights)| !weights.is_empty()) {
        weights.sort_by(f64::total_cmp);
        let middle = low + width * (place as f64 + if whole { 0.0 } else { 0.5 });
        let at = |part: f64| weights[((weights.len() - 1) as f64 * part).round() as usize];
        line.points.push((middle, weights.iter().sum::<f64>() / weights.len() as f64));
        line.band.push((at(TAIL), at(1.0 - TAIL)));
    }
    Some(line)
}
