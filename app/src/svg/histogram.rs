//! Bars.

use super::{Drawing, Frame, Ink, short, ticks};

/// A bar from `low` to `high`, so high.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) count: usize,
}

/// The figure, with the name of what is counted below.
pub(crate) fn draw(title: &str, bars: &[Bar], name: &str, colour: Option<&str>, size: (f64, f64), ink: Ink) -> Drawing {
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1) as f64;
    let (low, high) = (bars.first().map_or(0.0, |bar| bar.low), bars.last().map_or(1.0, |bar| bar.high));
    let whole = bars.iter().all(is_whole);
    let mut frame = Frame::new(size, (low, high), (0.0, most * 1.05), ink);
    // Counts are whole.
    let across: Vec<f64> = ticks(0.0, most, 5).into_iter().filter(|tick| tick.fract() == 0.0).collect();
    frame.across(&across, |tick| format!("{tick:.0}"));
    frame.left("training samples");
    let (from, to) = if whole { (low + 0.5, high - 0.5) } else { (low, high) };
    let below: Vec<f64> = ticks(from, to, 10).into_iter().filter(|tick| !whole || tick.fract() == 0.0).collect();
    frame.below(&below, short, name);
    for bar in bars.iter().filter(|bar| bar.count > 0) {
        let (left, right, top) = (frame.x(bar.low), frame.x(bar.high), frame.y(bar.count as f64));
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
    fn a_bar_is_as_high_as_it_counts_and_one_of_nothing_is_not_drawn() {
        let bar = |place: usize, count| Bar { low: place as f64 - 0.5, high: place as f64 + 0.5, count };
        let svg = draw("κ", &[bar(0, 10), bar(1, 0), bar(2, 40)], "steps", None, (640.0, 320.0), Ink::Paper).svg();
        let heights: Vec<f64> = svg
            .lines()
            .filter(|element| element.contains("<title>"))
            .map(|element| element.split(" height=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(heights.len(), 2);
        assert!((heights[1] / heights[0] - 4.0).abs() < 0.02, "{heights:?}");
        assert!(svg.contains("<title>40 at 2</title>"), "{svg}");
    }
}
