//! The table of a comparison in rows of text, which every format sets in its own way.

use gairat::{
    compare::{Block, Column, Difference, Row, Spread, Table},
    metrics::score_label,
};

/// What a column is called.
pub(super) fn heading(name: &str) -> String {
    if name == "robust" { "worst".to_owned() } else { score_label(name) }
}

/// What the weights of a block are.
pub(super) fn weights(block: &Block) -> &'static str {
    if block.weights == "best" { "best weights, chosen on the validation part" } else { "weights of the last epoch" }
}

/// A mean and a deviation in percent.
pub(super) fn percent(spread: Option<&Spread>, plus_minus: &str) -> String {
    match spread {
        Some(Spread { mean, deviation: Some(deviation), .. }) => {
            format!("{:.2} {plus_minus} {:.2}", 100.0 * mean, 100.0 * deviation)
        }
        Some(Spread { mean, .. }) => format!("{:.2}", 100.0 * mean),
        None => "-".to_owned(),
    }
}

/// A difference in points of percent, with its interval.
pub(super) fn points(difference: Option<&Difference>) -> String {
    match difference {
        Some(Difference { mean, interval: Some((low, high)), .. }) => {
            format!("{:+.2} [{:+.2}, {:+.2}]", 100.0 * mean, 100.0 * low, 100.0 * high)
        }
        Some(Difference { mean, .. }) => format!("{:+.2}", 100.0 * mean),
        None => "-".to_owned(),
    }
}

/// Seconds of a run.
pub(super) fn seconds(row: &Row, plus_minus: &str) -> String {
    match row.seconds {
        Some(Spread { mean, deviation: Some(deviation), .. }) => format!("{mean:.1} {plus_minus} {deviation:.1}"),
        Some(Spread { mean, .. }) => format!("{mean:.1}"),
        None => "-".to_owned(),
    }
}

/// Headings above the accuracies of a block.
pub(super) fn headings(table: &Table) -> Vec<String> {
    let columns = table.columns.iter().map(|name| heading(name));
    [String::new(), "runs".to_owned()].into_iter().chain(columns).chain(["seconds".to_owned()]).collect()
}

/// The rows of a block: what it is, how many runs, accuracies, seconds.
pub(super) fn accuracies(block: &Block, plus_minus: &str) -> Vec<Vec<String>> {
    let of_row = |row: &Row| -> Vec<String> {
        let numbers = row.columns.iter().map(|column| percent(column.spread.as_ref(), plus_minus));
        [row.variant.clone(), row.runs.to_string()].into_iter().chain(numbers).chain([seconds(row, plus_minus)]).collect()
    };
    block.rows.iter().map(of_row).collect()
}

/// The rows of differences to the first, without the first.
pub(super) fn differences(block: &Block) -> Vec<Vec<String>> {
    let first = block.rows.first().map(|row| row.variant.as_str()).unwrap_or_default();
    let of_row = |row: &Row| -> Vec<String> {
        let count = row.columns.iter().filter_map(|column: &Column| column.difference.map(|difference| difference.count)).max();
        let numbers = row.columns.iter().map(|column| points(column.difference.as_ref()));
        let name = format!("{} − {first}", row.variant);
        [name, count.unwrap_or_default().to_string()].into_iter().chain(numbers).chain([String::new()]).collect()
    };
    block.rows.iter().skip(1).map(of_row).collect()
}

/// Rows as lines whose cells stand below each other, the first to the left and the others to the right.
pub(super) fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let width = |place: usize| rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(place, cell)| {
            let room = " ".repeat(width(place).saturating_sub(cell.chars().count()));
            if place == 0 { format!("{cell}{room}") } else { format!("{room}{cell}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_percent_with_two_digits_and_signs_stand_before_differences() {
        let spread = Spread::of(&[0.9233, 0.9279]).unwrap();
        assert_eq!(percent(Some(&spread), "±"), "92.56 ± 0.33");
        assert_eq!(percent(Spread::of(&[0.5]).as_ref(), "±"), "50.00");
        assert_eq!(percent(None, "±"), "-");
        let difference = Difference { count: 5, mean: 0.0144, interval: Some((-0.001, 0.0298)) };
        assert_eq!(points(Some(&difference)), "+1.44 [-0.10, +2.98]");
    }

    #[test]
    fn cells_stand_below_each_other() {
        let rows = [vec![String::new(), "a".to_owned()], vec!["at λ".to_owned(), "1 ± 2".to_owned()]];
        assert_eq!(aligned(&rows), ["          a", "at λ  1 ± 2"]);
    }
}
