//! The frame of a figure: its axes, and where a number is.

use super::{Drawing, Ink, Picture};

/// Room left of the axes, to the right, above and below.
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const ABOVE: f64 = 44.0;
const BELOW: f64 = 44.0;

/// A figure with two axes.
pub(crate) struct Frame {
    size: (f64, f64),
    x: (f64, f64),
    y: (f64, f64),
    right: f64,
    below: f64,
    ink: Ink,
    pictures: Vec<Picture>,
    body: String,
}

impl Frame {
    /// A figure of this size whose axes go over these ranges; a range of no length is widened.
    pub(crate) fn new(size: (f64, f64), x: (f64, f64), y: (f64, f64), ink: Ink) -> Self {
        let wide = |(low, high): (f64, f64)| if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
        Self { size, x: wide(x), y: wide(y), right: RIGHT, below: BELOW, ink, pictures: Vec::new(), body: String::new() }
    }

    /// With so much room to the right of the axes, for labels there.
    pub(crate) fn room(mut self, right: f64) -> Self {
        self.right = right;
        self
    }

    /// With so much room below the axes.
    #[allow(dead_code, reason = "rows of a comparison alone need it")]
    pub(crate) fn foot(mut self, below: f64) -> Self {
        self.below = below;
        self
    }

    /// The height of all but the rows of a figure of rows.
    #[allow(dead_code, reason = "rows of a comparison alone need it")]
    pub(crate) fn margins(below: f64) -> f64 {
        ABOVE + below
    }

    /// Where `x` is.
    pub(crate) fn x(&self, x: f64) -> f64 {
        LEFT + (x - self.x.0) / (self.x.1 - self.x.0) * (self.size.0 - LEFT - self.right)
    }

    /// Where `y` is.
    pub(crate) fn y(&self, y: f64) -> f64 {
        self.size.1 - self.below - (y - self.y.0) / (self.y.1 - self.y.0) * (self.size.1 - ABOVE - self.below)
    }

    /// The right end of the axes.
    pub(crate) fn end(&self) -> f64 {
        self.size.0 - self.right
    }

    /// The height of the axis across.
    pub(crate) fn bottom(&self) -> f64 {
        self.size.1 - self.below
    }

    /// Adds elements.
    pub(crate) fn add(&mut self, elements: &str) {
        self.body += elements;
        self.body.push('\n');
    }

    /// Adds a text; `anchor` is start, middle or end.
    pub(crate) fn text(&mut self, (x, y): (f64, f64), anchor: &str, text: &str) {
        self.add(&format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escaped(text)));
    }

    /// Adds lines across at these heights, with their numbers.
    pub(crate) fn across(&mut self, ticks: &[f64], label: impl Fn(f64) -> String) {
        for &tick in ticks {
            let y = self.y(tick);
            let ink = self.ink.colour();
            self.add(&format!(
                "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{ink}\" stroke-opacity=\"0.2\"/>",
                self.end()
            ));
            self.text((LEFT - 8.0, y + 4.0), "end", &label(tick));
        }
    }

    /// Adds numbers below the axis, and its name under them.
    pub(crate) fn below(&mut self, ticks: &[f64], label: impl Fn(f64) -> String, name: &str) {
        let bottom = self.size.1 - self.below;
        for &tick in ticks {
            self.text((self.x(tick), bottom + 18.0), "middle", &label(tick));
        }
        self.text((f64::midpoint(LEFT, self.end()), bottom + 36.0), "middle", name);
    }

    /// Adds a line up and down at `x`, with what it means above it.
    pub(crate) fn mark(&mut self, x: f64, text: &str) {
        let (x, ink) = (self.x(x), self.ink.colour());
        let (top, bottom) = (ABOVE, self.size.1 - self.below);
        self.add(&format!(
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\" stroke=\"{ink}\" stroke-opacity=\"0.5\" stroke-dasharray=\"2 3\"/>"
        ));
        self.text((x, top - 5.0), "middle", text);
    }

    /// Adds the name of the axis that goes up, along it.
    pub(crate) fn left(&mut self, name: &str) {
        let middle = f64::midpoint(ABOVE, self.size.1 - self.below);
        self.add(&format!(
            "<text transform=\"translate(15 {middle:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            escaped(name)
        ));
    }

    /// Adds a picture below all else, of what lies over these ranges of the axes.
    pub(crate) fn picture(&mut self, (left, right): (f64, f64), (low, high): (f64, f64), mut picture: Picture) {
        let (x, y) = (self.x(left), self.y(high));
        picture.at = (x, y, self.x(right) - x, self.y(low) - y);
        self.pictures.push(picture);
    }

    /// Adds a line through these points of the axes; `dashes` are those of SVG, empty for a line without gaps.
    pub(crate) fn line(&mut self, points: &[(f64, f64)], colour: &str, width: f64, dashes: &str) {
        let points: Vec<String> = points.iter().map(|&(x, y)| format!("{:.1},{:.1}", self.x(x), self.y(y))).collect();
        let dashes = if dashes.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dashes}\"") };
        self.add(&format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{dashes}/>",
            points.join(" ")
        ));
    }

    /// The drawing, with `title` above it.
    pub(crate) fn finish(self, title: &str) -> Drawing {
        let body = format!("<text x=\"{LEFT}\" y=\"18\" font-size=\"15\">{}</text>\n{}", escaped(title), self.body);
        Drawing { size: self.size, title: title.to_owned(), ink: self.ink, pictures: self.pictures, body }
    }
}

/// A text as XML holds it, in elements and in attributes.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A number with no more digits than an axis needs.
pub(crate) fn short(number: f64) -> String {
    let text = if number.abs() >= 100.0 { format!("{number:.0}") } else { format!("{number:.3}") };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.replace('-', "\u{2212}") }
}

/// Round numbers between `low` and `high`, about `count` of them.
pub(crate) fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let length = high - low;
    if !length.is_finite() || length <= 0.0 || count == 0 {
        return vec![low];
    }
    let rough = length / count as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough * 0.99).unwrap_or(rough);
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    (first..=last).map(|place| place as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(ticks(0.0, 1.0, 4), [0.0, 0.5, 1.0]);
        assert_eq!(ticks(0.0, 60.0, 6), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
        assert_eq!(ticks(2.0, 2.0, 5), [2.0]);
        for (low, high) in [(0.3, 0.34), (-7.0, 12.0), (0.0, 1e-6), (1e6, 3e6)] {
            let found = ticks(low, high, 5);
            assert!(found.len() >= 2 && found.len() <= 11, "{found:?}");
            assert!(found.iter().all(|tick| (low - 1e-9..=high + 1e-9 * high.abs()).contains(tick)), "{found:?}");
        }
    }

    #[test]
    fn what_a_text_holds_cannot_end_an_element() {
        let mut frame = Frame::new((300.0, 200.0), (0.0, 0.0), (0.0, 1.0), Ink::Paper);
        frame.text((1.0, 1.0), "start", "a < b & \"c\"");
        let picture = frame.finish("</svg><script>").svg();
        assert_eq!(picture.matches("<svg").count(), 1);
        assert!(
            !picture.contains("<script") && picture.contains("a &lt; b &amp; &quot;c&quot;") && !picture.contains("NaN"),
            "{picture}"
        );
    }
}
