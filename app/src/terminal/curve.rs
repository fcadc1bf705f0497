//! Robust accuracy over the radius as an SVG picture, readable on light and on dark paper.

use gairat::evaluate::CurvePoint;

use crate::svg::escaped;

/// Width and height, and the room left of and below the axes.
const SIZE: (f64, f64) = (640.0, 400.0);
const ROOM: (f64, f64) = (64.0, 56.0);
const EDGE: f64 = 24.0;

/// The picture, titled `title`; the horizontal axis is called `axis`.
pub(crate) fn svg(points: &[CurvePoint], title: &str, axis: &str) -> String {
    let low = points.first().map_or(0.0, |point| f64::from(point.epsilon));
    let high = points.last().map_or(1.0, |point| f64::from(point.epsilon)).max(low + 1e-9);
    let x = |epsilon: f64| ROOM.0 + (epsilon - low) / (high - low) * (SIZE.0 - ROOM.0 - EDGE);
    let y = |share: f64| SIZE.1 - ROOM.1 - share * (SIZE.1 - ROOM.1 - 2.0 * EDGE);
    let path = |values: &mut dyn Iterator<Item = (f64, f64)>| -> String {
        values.map(|(epsilon, share)| format!("{:.1},{:.1}", x(epsilon), y(share))).collect::<Vec<_>>().join(" ")
    };
    let at = |point: &CurvePoint| f64::from(point.epsilon);
    let line = path(&mut points.iter().map(|point| (at(point), point.robust)));
    let above = points.iter().map(|point| (at(point), point.interval.1));
    let below = points.iter().rev().map(|point| (at(point), point.interval.0));
    let band = path(&mut above.chain(below));
    let mut marks = String::new();
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        marks += &format!(
            "<line x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#808080\" stroke-opacity=\"0.3\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{:.0} %</text>\n",
            ROOM.0,
            SIZE.0 - EDGE,
            ROOM.0 - 8.0,
            y(share) + 4.0,
            100.0 * share,
            y = y(share)
        );
    }
    for step in 0..=4 {
        let epsilon = low + (high - low) * f64::from(step) / 4.0;
        marks +=
            &format!("<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{epsilon:.3}</text>\n", x(epsilon), y(0.0) + 20.0);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#808080\">\n\
         <text x=\"{}\" y=\"20\" font-size=\"15\">{}</text>\n{marks}\
         <polygon points=\"{band}\" fill=\"#2f7fd0\" fill-opacity=\"0.2\"/>\n\
         <polyline points=\"{line}\" fill=\"none\" stroke=\"#2f7fd0\" stroke-width=\"2\"/>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n</svg>\n",
        SIZE.0,
        SIZE.1,
        ROOM.0,
        escaped(title),
        (ROOM.0 + SIZE.0 - EDGE) / 2.0,
        SIZE.1 - 12.0,
        escaped(axis)
    )
}
