//! Lines over two axes, named at their ends.

use super::{Drawing, Frame, Ink, short, ticks};

/// A letter of 13 px is about so wide.
const LETTER: f64 = 7.2;
/// From the axes to the text of a label: a piece of its line lies between.
const SAMPLE: f64 = 26.0;
/// Between two labels.
const ROW: f64 = 16.0;

/// A line; where nothing was measured it goes straight on to the next point.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Line {
    /// What it is, said at its end.
    pub(crate) label: String,
    /// In ascending order across.
    pub(crate) points: Vec<(f64, f64)>,
    /// Lower and upper ends of a band around it, at the same places; empty for none.
    pub(crate) band: Vec<(f64, f64)>,
    /// `stroke-dasharray`; empty for a line without gaps.
    pub(crate) dashes: &'static str,
    /// A colour; empty for that of the text.
    pub(crate) colour: String,
    /// Whether its points are marked.
    pub(crate) dots: bool,
}

/// What the vertical axis shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    /// Shares from 0 to 1, written in percent.
    Share,
    /// Shares from 0 to the greatest there is, written in percent.
    Part,
    /// Numbers from 0 to the greatest there is.
    Number,
}

impl Scale {
    fn text(self, number: f64) -> String {
        match self {
            Self::Share | Self::Part => format!("{} %", short(100.0 * number)),
            Self::Number => short(number),
        }
    }
}

/// A figure of lines.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chart {
    pub(crate) title: String,
    /// What goes across, with its unit.
    pub(crate) across: String,
    /// Whether that is counted in whole numbers.
    pub(crate) whole: bool,
    /// What goes up, with its unit.
    pub(crate) up: String,
    pub(crate) scale: Scale,
    pub(crate) lines: Vec<Line>,
    /// Places across that something happened at, and what.
    pub(crate) marks: Vec<(f64, String)>,
}

impl Chart {
    /// Its lines that have a number at all.
    fn shown(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.points.iter().any(is_finite))
    }

    /// Whether there is nothing to draw.
    pub(crate) fn is_empty(&self) -> bool {
        self.shown().next().is_none()
    }

    /// The drawing.
    pub(crate) fn draw(&self, size: (f64, f64), ink: Ink) -> Drawing {
        let points = || self.shown().flat_map(|line| line.points.iter().filter(|point| is_finite(point)));
        let ends = |numbers: &mut dyn Iterator<Item = f64>| {
            numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| (low.min(number), high.max(number)))
        };
        let across = ends(&mut points().map(|point| point.0));
        let across = if across.0 <= across.1 { across } else { (0.0, 1.0) };
        let bands = self.shown().flat_map(|line| line.band.iter().flat_map(|(low, high)| [*low, *high]));
        let (low, high) = ends(&mut points().map(|point| point.1).chain(bands.filter(|number| number.is_finite())).chain([0.0]));
        let (up, up_ticks) = match self.scale {
            Scale::Share => ((0.0, 1.0), vec![0.0, 0.25, 0.5, 0.75, 1.0]),
            Scale::Part | Scale::Number => {
                ((low, if high > low { high + 0.05 * (high - low) } else { low + 1.0 }), ticks(low, high, 5))
            }
        };
        let longest = self.shown().map(|line| line.label.chars().count()).max().unwrap_or(0);
        let mut frame = Frame::new(size, across, up, ink).room(SAMPLE + 8.0 + LETTER * longest as f64);
        frame.across(&up_ticks, |tick| self.scale.text(tick));
        frame.left(&self.up);
        let below: Vec<f64> =
            ticks(across.0, across.1, 6).into_iter().filter(|tick| !self.whole || tick.fract() == 0.0).collect();
        frame.below(&below, short, &self.across);
        let mut taken = f64::NEG_INFINITY;
        let mut marks: Vec<&(f64, String)> = self.marks.iter().filter(|(at, _)| (across.0..=across.1).contains(at)).collect();
        marks.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (at, text) in marks {
            // A text that would cover the one before it stays away.
            let half = LETTER / 2.0 * text.chars().count() as f64;
            let free = frame.x(*at) - half > taken;
            frame.mark(*at, if free { text } else { "" });
            if free {
                taken = frame.x(*at) + half + LETTER;
            }
        }
        for line in self.shown() {
            let colour = if line.colour.is_empty() { ink.colour() } else { &line.colour };
            if !line.band.is_empty() {
                let edge = |place: usize, number: f64| format!("{:.1},{:.1}", frame.x(line.points[place].0), frame.y(number));
                let upper = line.band.iter().enumerate().map(|(place, (_, high))| edge(place, *high));
                let lower = line.band.iter().enumerate().rev().map(|(place, (low, _))| edge(place, *low));
                let around: Vec<String> = upper.chain(lower).collect();
                frame.add(&format!("<polygon points=\"{}\" fill=\"{colour}\" fill-opacity=\"0.16\"/>", around.join(" ")));
            }
            let points: Vec<(f64, f64)> = line.points.iter().copied().filter(is_finite).collect();
            frame.line(&points, colour, 1.8, line.dashes);
            for &(x, y) in points.iter().filter(|_| line.dots || points.len() == 1) {
                frame.add(&format!("<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>", frame.x(x), frame.y(y)));
            }
        }
        self.label(&mut frame, ink);
        frame.finish(&self.title)
    }

    /// Writes labels beside the ends of their lines, apart where they would cover each other.
    fn label(&self, frame: &mut Frame, ink: Ink) {
        let last = |line: &Line| line.points.iter().rev().copied().find(is_finite).map_or(0.0, |point| point.1);
        let mut labels: Vec<(f64, &Line)> =
            self.shown().filter(|line| !line.label.is_empty()).map(|line| (frame.y(last(line)), line)).collect();
        labels.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut before = f64::NEG_INFINITY;
        for (y, _) in &mut labels {
            *y = y.max(before + ROW);
            before = *y;
        }
        // What went below the axis goes up again, and pushes what is above it.
        let mut after = frame.bottom() + ROW;
        for (y, _) in labels.iter_mut().rev() {
            *y = y.min(after - ROW);
            after = *y;
        }
        for (y, line) in labels {
            let x = frame.end() + 6.0;
            let colour = if line.colour.is_empty() { ink.colour() } else { &line.colour };
            let dashes = if line.dashes.is_empty() { "none" } else { line.dashes };
            frame.add(&format!(
                "<line x1=\"{x:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{colour}\" stroke-width=\"1.8\" stroke-dasharray=\"{dashes}\"/>",
                x + 16.0
            ));
            frame.text((x + SAMPLE - 6.0, y + 4.0), "start", &line.label);
        }
    }

    /// The numbers: a row for each point.
    pub(crate) fn csv(&self) -> String {
        let banded = self.lines.iter().any(|line| !line.band.is_empty());
        let mut text = format!("line,{},{}{}\n", cell(&self.across), cell(&self.up), if banded { ",low,high" } else { "" });
        for line in &self.lines {
            for (place, (x, y)) in line.points.iter().enumerate() {
                text += &format!("{},{x},{y}", cell(&line.label));
                if banded {
                    text += &line.band.get(place).map_or_else(|| ",,".to_owned(), |(low, high)| format!(",{low},{high}"));
                }
                text.push('\n');
            }
        }
        for (at, what) in &self.marks {
            text += &format!("{},{at},{}\n", cell(what), if banded { ",," } else { "" });
        }
        text
    }
}

/// A cell of a table in CSV.
pub(crate) fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn is_finite(point: &(f64, f64)) -> bool {
    point.0.is_finite() && point.1.is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(lines: Vec<Line>) -> Chart {
        let marks = vec![(2.0, "weights begin".to_owned())];
        let (title, across, up) = ("a < b & c".to_owned(), "epoch".to_owned(), "loss, nats".to_owned());
        Chart { title, across, whole: true, up, scale: Scale::Number, lines, marks }
    }

    #[test]
    fn a_drawing_escapes_its_texts_and_leaves_out_what_is_no_number() {
        let points = vec![(1.0, 0.5), (2.0, f64::NAN), (3.0, 1.0)];
        let svg =
            chart(vec![Line { label: "a \"b\"".to_owned(), points, ..Line::default() }]).draw((640.0, 320.0), Ink::Paper).svg();
        assert!(svg.contains("a &lt; b &amp; c") && svg.contains("&quot;b&quot;") && svg.contains("loss, nats"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert!(chart(vec![Line { points: vec![(1.0, f64::NAN)], ..Line::default() }]).is_empty());
    }

    #[test]
    fn labels_never_cover_each_other_and_stay_within_the_drawing() {
        let line =
            |place: usize| Line { label: format!("run {place}"), points: vec![(1.0, 0.0), (2.0, 0.01)], ..Line::default() };
        let svg = chart((0..9).map(line).collect()).draw((640.0, 320.0), Ink::Paper).svg();
        let heights: Vec<f64> = svg
            .lines()
            .filter(|element| element.contains(">run "))
            .map(|element| element.split("y=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(heights.len(), 9);
        assert!(heights.windows(2).all(|pair| (pair[1] - pair[0]).abs() >= ROW - 0.2), "{heights:?}");
        assert!(heights.iter().all(|height| (0.0..320.0).contains(height)), "{heights:?}");
    }

    #[test]
    fn a_table_has_every_point_every_band_and_every_mark() {
        let plain = Line { label: "robust \"PGD\"".to_owned(), points: vec![(1.0, 0.5), (2.0, f64::NAN)], ..Line::default() };
        assert_eq!(
            chart(vec![plain.clone()]).csv(),
            "line,epoch,\"loss, nats\"\n\"robust \"\"PGD\"\"\",1,0.5\n\"robust \"\"PGD\"\"\",2,NaN\nweights begin,2,\n"
        );
        let banded = Line { label: "b".to_owned(), points: vec![(1.0, 0.5)], band: vec![(0.25, 0.75)], ..Line::default() };
        let csv = chart(vec![plain, banded]).csv();
        assert!(csv.contains(",low,high\n") && csv.contains("\nb,1,0.5,0.25,0.75\n") && csv.contains(",1,0.5,,\n"), "{csv}");
    }
}
