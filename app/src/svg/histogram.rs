//! Bars.

use super::{Frame, Ink, lines::short, ticks};

/// A bar from `low` to `high`, so high.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) count: usize,
}

/// How many of `values` lie in each of `count` bins of one width between the least and the greatest; nothing of nothing. Numbers that are
/// not finite are left out.
pub(crate) fn bins(values: impl Iterator<Item = f64> + Clone, count: usize) -> Vec<Bar> {
    let finite = || values.clone().filter(|value| value.is_finite());
    let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high || count == 0 {
        return Vec::new();
    }
    let width = if high > low { (high - low) / count as f64 } else { 1.0 / count as f64 };
    let edge = |place: usize| low + width * place as f64;
    let mut bars: Vec<Bar> = (0..count).map(|place| Bar { low: edge(place), high: edge(place + 1), count: 0 }).collect();
    for value in finite() {
        let place = ((value - low) / width) as usize;
        bars[place.min(count - 1)].count += 1;
    }
    bars
}

/// How high counts are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Height {
    /// As high as they are.
    Plain,
    /// By the logarithm of one more, so that one sample is seen beside a thousand.
    Logarithmic,
}

impl Height {
    fn of(self, count: f64) -> f64 {
        match self {
            Self::Plain => count,
            Self::Logarithmic => count.ln_1p(),
        }
    }

    fn ticks(self, most: f64) -> Vec<f64> {
        match self {
            // Counts are whole.
            Self::Plain => ticks(0.0, most, 5).into_iter().filter(|tick| tick.fract() == 0.0).collect(),
            Self::Logarithmic => {
                [0.0].into_iter().chain((0..15).map(|power| 10_f64.powi(power)).filter(|tick| *tick <= most)).collect()
            }
        }
    }
}

/// The figure, with the name of what is counted below.
pub(crate) fn svg(
    title: &str,
    bars: &[Bar],
    height: Height,
    name: &str,
    colour: Option<&str>,
    size: (f64, f64),
    ink: Ink,
) -> String {
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1) as f64;
    let (low, high) = (bars.first().map_or(0.0, |bar| bar.low), bars.last().map_or(1.0, |bar| bar.high));
    let mut frame = Frame::new(size, (low, high), (0.0, height.of(most) * 1.05), ink);
    let marks: Vec<f64> = height.ticks(most).into_iter().map(|tick| height.of(tick)).collect();
    frame.across(&marks, |tick| match height {
        Height::Plain => format!("{tick:.0}"),
        Height::Logarithmic => format!("{:.0}", tick.exp_m1()),
    });
    let (from, to) = if bars.iter().all(is_whole) { (low + 0.5, high - 0.5) } else { (low, high) };
    let below: Vec<f64> =
        ticks(from, to, 10).into_iter().filter(|tick| !bars.iter().all(is_whole) || tick.fract() == 0.0).collect();
    frame.below(&below, short, name);
    for bar in bars.iter().filter(|bar| bar.count > 0) {
        let (left, right, top) = (frame.x(bar.low), frame.x(bar.high), frame.y(height.of(bar.count as f64)));
        let colour = colour.unwrap_or(ink.colour());
        frame.add(&format!(
            "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\" fill-opacity=\"0.75\"><title>{} at {}</title></rect>",
            left + 1.0,
            (right - left - 2.0).max(0.5),
            frame.y(0.0) - top,
            bar.count,
            if is_whole(bar) { format!("{:.0}", bar.low + 0.5) } else { format!("{} to {}", short(bar.low), short(bar.high)) }
        ));
    }
    frame.finish(title)
}

/// Whether a bar stands for one whole number.
fn is_whole(bar: &Bar) -> bool {
    (bar.high - bar.low - 1.0).abs() < 1e-9 && (bar.low + 0.5).fract() == 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_is_in_one_bin() {
        let values = [0.0, 0.5, 1.0, 1.0, f64::NAN, 0.26];
        let bars = bins(values.into_iter(), 4);
        assert_eq!(bars.iter().map(|bar| bar.count).collect::<Vec<_>>(), [1, 1, 1, 2]);
        assert_eq!(bins([2.0, 2.0].into_iter(), 3)[0].count, 2, "values that are all the same");
        assert!(bins(std::iter::empty(), 3).is_empty());
    }
}
