//! Curves over epochs.

use super::{Frame, Ink, ticks};

/// A curve; where nothing was measured it goes straight on to the next point.
pub(crate) struct Line {
    /// What it is, said at its end.
    pub(crate) label: String,
    /// Epochs and numbers, in ascending order.
    pub(crate) points: Vec<(f64, f64)>,
    /// `stroke-dasharray`; empty for a line without gaps.
    pub(crate) dashes: &'static str,
    /// A colour; none for that of the text.
    pub(crate) colour: Option<&'static str>,
}

/// What the vertical axis shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    /// Shares from 0 to 1, written in percent.
    Share,
    /// Numbers from 0 to the greatest there is.
    Number,
}

/// The figure; `marks` are epochs that something happened at.
pub(crate) fn svg(title: &str, lines: &[Line], scale: Scale, marks: &[(f64, &str)], size: (f64, f64), ink: Ink) -> String {
    let all = || lines.iter().flat_map(|line| line.points.iter());
    let last = all().map(|point| point.0).fold(1.0, f64::max);
    let low = all().map(|point| point.1).fold(0.0, f64::min);
    let high = all().map(|point| point.1).fold(0.0, f64::max);
    let (y, y_ticks) = match scale {
        Scale::Share => ((0.0, 1.0), vec![0.0, 0.25, 0.5, 0.75, 1.0]),
        Scale::Number => ((low, high * 1.05), ticks(low, high, 5)),
    };
    let mut frame = Frame::new(size, (1.0, last), y, ink).room(130.0);
    frame.across(&y_ticks, |tick| match scale {
        Scale::Share => format!("{:.0} %", 100.0 * tick),
        Scale::Number => short(tick),
    });
    let whole: Vec<f64> = ticks(1.0, last, 6).into_iter().filter(|tick| tick.fract() == 0.0).collect();
    frame.below(&whole, |tick| format!("{tick:.0}"), "epoch");
    for (epoch, text) in marks {
        frame.mark(*epoch, text);
    }
    let mut ends: Vec<(f64, usize)> = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let Some(&(_, end)) = line.points.last() else { continue };
        let points: Vec<String> = line.points.iter().map(|&(x, y)| format!("{:.1},{:.1}", frame.x(x), frame.y(y))).collect();
        let colour = line.colour.unwrap_or(ink.colour());
        frame.add(&format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\" stroke-dasharray=\"{}\"/>",
            points.join(" "),
            if line.dashes.is_empty() { "none" } else { line.dashes }
        ));
        ends.push((frame.y(end), place));
    }
    // Labels stand at the ends of their lines, moved apart where they would cover each other.
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut before = f64::NEG_INFINITY;
    for (y, place) in ends {
        let at = y.max(before + 15.0);
        before = at;
        let (x, line) = (frame.end() + 6.0, &lines[place]);
        let colour = line.colour.unwrap_or(ink.colour());
        frame.add(&format!(
            "<line x1=\"{x:.1}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"{colour}\" stroke-width=\"1.8\" stroke-dasharray=\"{}\"/>",
            x + 16.0,
            if line.dashes.is_empty() { "none" } else { line.dashes }
        ));
        frame.text((x + 20.0, at + 4.0), "start", &line.label);
    }
    frame.finish(title)
}

/// A number with no more digits than an axis needs.
pub(super) fn short(number: f64) -> String {
    let text = if number.abs() >= 100.0 { format!("{number:.0}") } else { format!("{number:.3}") };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
