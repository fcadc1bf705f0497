//! Means with their intervals, one row for each of what is compared.

use gairat::compare::{Block, Column};

use crate::svg::{Drawing, Frame, Ink, short, ticks};

/// The height of a row, and the room for numbers below them.
const ROW: f64 = 30.0;
const FOOT: f64 = 30.0;

/// A panel for every accuracy of the block, one below the other: a dot for the mean, a bar for its 95 % interval, small dots for seeds.
pub(crate) fn panels(block: &Block, heading: impl Fn(&str) -> String, ink: Ink) -> Vec<(String, Drawing)> {
    let names = block.rows.first().map(|row| row.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>());
    let panel = |(place, name): (usize, String)| {
        let rows: Vec<(&str, &Column)> =
            block.rows.iter().filter_map(|row| Some((row.variant.as_str(), row.columns.get(place)?))).collect();
        let title = format!("{}, %", heading(&name));
        (name, draw(&title, &rows, ink))
    };
    names.into_iter().flatten().enumerate().map(panel).collect()
}

fn draw(title: &str, rows: &[(&str, &Column)], ink: Ink) -> Drawing {
    let numbers = || {
        rows.iter().flat_map(|(_, column)| {
            let interval = column.spread.and_then(|spread| spread.interval);
            let ends = interval.into_iter().flat_map(|(low, high)| [low, high]);
            column.seeds.iter().map(|(_, number)| *number).chain(ends)
        })
    };
    let (low, high) =
        numbers().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| (low.min(number), high.max(number)));
    let (low, high) = if low <= high { (100.0 * low, 100.0 * high) } else { (0.0, 100.0) };
    let edge = ((high - low) * 0.06).max(0.5);
    let (low, high) = (low - edge, high + edge);
    // Letters of 13 px are about 7 wide.
    let longest = rows.iter().map(|(variant, _)| variant.chars().count()).max().unwrap_or(0);
    let room = 20.0 + 7.2 * longest as f64;
    let count = rows.len() as f64;
    let mut frame = Frame::new((640.0, Frame::margins(FOOT) + ROW * count), (low, high), (0.0, count), ink).room(room).foot(FOOT);
    let colour = ink.colour();
    for tick in ticks(low, high, 6) {
        let x = frame.x(tick);
        let (top, bottom) = (frame.y(count), frame.y(0.0));
        frame.add(&format!(
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top:.1}\" y2=\"{bottom:.1}\" stroke=\"{colour}\" stroke-opacity=\"0.2\"/>"
        ));
        frame.text((x, bottom + 18.0), "middle", &short(tick));
    }
    for (place, (variant, column)) in rows.iter().enumerate() {
        let y = frame.y(count - place as f64 - 0.5);
        frame.text((frame.end() + 10.0, y + 4.0), "start", variant);
        for (_, number) in &column.seeds {
            let x = frame.x(100.0 * number);
            frame.add(&format!("<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"2.5\" fill=\"{colour}\" fill-opacity=\"0.5\"/>", y + 9.0));
        }
        let Some(spread) = column.spread else { continue };
        if let Some((low, high)) = spread.interval {
            let (from, to) = (frame.x(100.0 * low), frame.x(100.0 * high));
            frame.add(&format!(
                "<line x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{colour}\" stroke-width=\"2\"/>"
            ));
        }
        let x = frame.x(100.0 * spread.mean);
        frame.add(&format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{colour}\"/>"));
    }
    frame.finish(title)
}
