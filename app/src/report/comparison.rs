//! The report of a comparison.

use gairat::compare::Block;

use super::{intervals, page::Page};
use crate::svg::Ink;

/// What is shown of the same weights.
pub(crate) struct Shown<'a> {
    pub(crate) block: &'a Block,
    /// What stands above it.
    pub(crate) caption: String,
    /// Its rows of accuracies, the headings first.
    pub(crate) accuracies: Vec<Vec<String>>,
    /// Its rows of differences, the headings first.
    pub(crate) differences: Vec<Vec<String>>,
}

/// The file: tables and figures of every block, what else there is to say, and the command that makes the comparison.
pub(crate) fn of_comparison(
    (title, below): (&str, &str),
    blocks: &[Shown<'_>],
    heading: impl Fn(&str) -> String,
    missing: &[String],
) -> String {
    let mut page = Page::new(title, below);
    for sentence in missing {
        page.flag("Missing", sentence);
    }
    for shown in blocks {
        page.heading(&shown.caption);
        page.table(&shown.accuracies, |_, _| false);
        if shown.differences.len() > 1 {
            page.paragraph("Paired differences over seeds, in points, with the 95 % interval (Student's t); bold where an interval leaves 0 out.");
            // Before the numbers stand name and count.
            let clear = |row: usize, column: usize| {
                let column = column.checked_sub(2).and_then(|column| shown.block.rows.get(row)?.columns.get(column));
                column.and_then(|column| column.difference).is_some_and(|difference| difference.is_clear())
            };
            page.table(&shown.differences, clear);
        }
        let panels = intervals::panels(shown.block, &heading, Ink::Page);
        page.paragraph("Large dots: means over seeds, with their 95 % intervals. Small dots: seeds.");
        page.figures(&panels.into_iter().map(|(_, drawing)| drawing.svg()).collect::<Vec<_>>());
    }
    page.finish()
}
