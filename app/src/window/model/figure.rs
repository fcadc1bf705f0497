//! A figure of curves as numbers, and its forms outside the window: SVG and CSV.

/// A curve.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// What it is, with its unit.
    pub(crate) name: String,
    /// Its colour as `#rrggbb`.
    pub(crate) colour: String,
    /// Whether it is drawn with dashes.
    pub(crate) dashed: bool,
    /// (epoch, value), by epoch.
    pub(crate) points: Vec<[f64; 2]>,
}

/// A moment that is marked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moment {
    /// When, in epochs.
    pub(crate) epoch: f64,
    /// What.
    pub(crate) text: String,
}

/// Curves over epochs. Values of the first scale are shares from 0 to 1, others are scaled by their own greatest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figure {
    pub(crate) title: String,
    pub(crate) series: Vec<Series>,
    pub(crate) moments: Vec<Moment>,
}

impl Figure {
    /// The last epoch of any curve; at least 1.
    fn last(&self) -> f64 {
        self.series.iter().flat_map(|series| &series.points).map(|point| point[0]).fold(1.0, f64::max)
    }

    /// The greatest value that is drawn; at least 1.
    fn most(&self) -> f64 {
        self.series.iter().flat_map(|series| &series.points).map(|point| point[1]).filter(|y| y.is_finite()).fold(1.0, f64::max)
    }
}

/// Text that may stand in XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The figure as a drawing of 720 x 400.
pub(crate) fn svg(figure: &Figure) -> String {
    let (width, height) = (720.0, 400.0);
    let (left, right, top, bottom) = (52.0, width - 16.0, 34.0, height - 84.0);
    let (last, most) = (figure.last(), figure.most());
    let x = |epoch: f64| left + (right - left) * epoch / last;
    let y = |value: f64| bottom - (bottom - top) * value / most;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>{title}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"{left}\" y=\"20\" font-size=\"14\" font-weight=\"bold\">{title}</text>\n",
        title = escaped(&figure.title)
    );
    for tick in 0..=5 {
        let value = most * f64::from(tick) / 5.0;
        svg += &format!(
            "<line x1=\"{left}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#dddddd\"/>\
             <text x=\"{label}\" y=\"{text:.1}\" text-anchor=\"end\">{value:.1}</text>\n",
            at = y(value),
            label = left - 6.0,
            text = y(value) + 4.0
        );
        let epoch = last * f64::from(tick) / 5.0;
        svg += &format!("<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{epoch:.0}</text>\n", x(epoch), bottom + 16.0);
    }
    svg += &format!("<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">epoch</text>\n", (left + right) / 2.0, bottom + 32.0);
    for moment in &figure.moments {
        svg += &format!(
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{top}\" y2=\"{bottom}\" stroke=\"#888888\" stroke-dasharray=\"2 3\"><title>{}</title></line>\n",
            escaped(&moment.text),
            at = x(moment.epoch)
        );
    }
    for (place, series) in figure.series.iter().enumerate() {
        let points: Vec<String> = series
            .points
            .iter()
            .filter(|point| point[1].is_finite())
            .map(|point| format!("{:.1},{:.1}", x(point[0]), y(point[1])))
            .collect();
        let dashes = if series.dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        svg += &format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{dashes}/>\n",
            points.join(" "),
            series.colour
        );
        let (at, line) = (left + 170.0 * (place % 4) as f64, bottom + 52.0 + 16.0 * (place / 4) as f64);
        svg += &format!(
            "<line x1=\"{at}\" x2=\"{end}\" y1=\"{mark}\" y2=\"{mark}\" stroke=\"{}\" stroke-width=\"3\"{dashes}/>\
             <text x=\"{text}\" y=\"{line}\">{}</text>\n",
            series.colour,
            escaped(&series.name),
            end = at + 18.0,
            mark = line - 4.0,
            text = at + 24.0
        );
    }
    svg + "</svg>\n"
}

/// The figure as a table: a row for each point.
pub(crate) fn csv(figure: &Figure) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut csv = "curve,epoch,value\n".to_owned();
    for series in &figure.series {
        for [epoch, value] in &series.points {
            csv += &format!("{},{epoch},{value}\n", quoted(&series.name));
        }
    }
    for moment in &figure.moments {
        csv += &format!("{},{},\n", quoted(&format!("mark: {}", moment.text)), moment.epoch);
    }
    csv
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure() -> Figure {
        Figure {
            title: "a < b & c".to_owned(),
            series: vec![Series {
                name: "robust \"PGD\"".to_owned(),
                colour: "#aa0000".to_owned(),
                dashed: true,
                points: vec![[1.0, 0.5], [2.0, f64::NAN], [4.0, 1.0]],
            }],
            moments: vec![Moment { epoch: 2.0, text: "burn-in ends".to_owned() }],
        }
    }

    #[test]
    fn a_drawing_escapes_its_texts_and_leaves_out_what_is_no_number() {
        let svg = svg(&figure());
        assert!(svg.contains("a &lt; b &amp; c") && svg.contains("&quot;PGD&quot;"));
        // x from 52 to 704 over 4 epochs, y from 316 up to 34.
        assert!(svg.contains("points=\"215.0,175.0 704.0,34.0\""), "{svg}");
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn a_table_has_every_point_and_every_mark() {
        assert_eq!(
            csv(&figure()),
            "curve,epoch,value\n\"robust \"\"PGD\"\"\",1,0.5\n\"robust \"\"PGD\"\"\",2,NaN\n\"robust \"\"PGD\"\"\",4,1\n\"mark: burn-in ends\",2,\n"
        );
    }
}
