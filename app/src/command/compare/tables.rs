//! The table of a comparison: in the terminal, and as CSV, LaTeX, Markdown and JSON.

use std::path::Path;

use gairat::{compare::Table, files};
use serde_json::json;

use super::{
    gather::{Gathered, suite_of},
    plan::{Plan, State},
    words,
};
use crate::{
    failure::Failure,
    report::{self, Shown, intervals, raster},
    svg::{Ink, chart::cell},
};

/// What stands above a block.
fn caption(plan: &Plan, table: &Table, place: usize) -> String {
    let block = &table.blocks[place];
    let suite = suite_of(plan, table, &block.weights);
    format!("{}, suite {suite}: mean ± deviation over seeds, percent", words::weights(block))
}

const DIFFERENCES: &str = "paired differences over seeds, points, with the 95 % interval (Student's t)";

/// Prints it for people.
pub(super) fn print(plan: &Plan, gathered: &Gathered) {
    let table = &gathered.table;
    for (place, block) in table.blocks.iter().enumerate() {
        crate::terminal::say!("\n{}", caption(plan, table, place));
        let mut rows = vec![words::headings(table)];
        rows.extend(words::accuracies(block, "±"));
        let differences = words::differences(block);
        rows.extend(differences.iter().cloned());
        for (line, text) in words::aligned(&rows).iter().enumerate() {
            if !differences.is_empty() && line == rows.len() - differences.len() {
                crate::terminal::say!("  {DIFFERENCES}");
            }
            crate::terminal::say!("  {text}");
        }
    }
    for (name, state) in &gathered.missing {
        crate::terminal::say!("{name}: {}; it is not in the table", in_words(*state));
    }
}

fn in_words(state: State) -> String {
    match state {
        State::Open(0) => "not begun".to_owned(),
        State::Open(epochs) => format!("{epochs} epochs are done"),
        State::Trained => "not evaluated yet".to_owned(),
        State::Done => "done".to_owned(),
    }
}

/// The last object of `--json`.
pub(super) fn line(plan: &Plan, gathered: &Gathered) -> serde_json::Value {
    let missing: Vec<&str> = gathered.missing.iter().map(|(name, _)| name.as_str()).collect();
    json!({ "event": "comparison", "suite": plan.suite, "missing": missing, "table": gathered.table })
}

/// Writes all of them into `dir`.
pub(super) fn write(dir: &Path, plan: &Plan, gathered: &Gathered) -> Result<(), Failure> {
    let put = |name: &str, text: &str| {
        let file = dir.join(name);
        files::write(&file, text.as_bytes()).map_err(|error| Failure::Work(format!("{}: {error}", file.display())))
    };
    put("runs.csv", &runs_csv(gathered))?;
    put("table.csv", &csv(plan, &gathered.table))?;
    put("table.md", &markdown(plan, &gathered.table))?;
    put("table.tex", &latex(plan, &gathered.table))?;
    let mut text = serde_json::to_string_pretty(&line(plan, gathered)).unwrap_or_default();
    text.push('\n');
    put("table.json", &text)?;
    figures(dir, gathered)?;
    put(report::FILE, &page(plan, gathered))
}

/// A figure for every accuracy, as SVG and PNG; their numbers are in the table.
fn figures(dir: &Path, gathered: &Gathered) -> Result<(), Failure> {
    let folder = dir.join("figures");
    let failed = |error: &dyn std::fmt::Display| Failure::Work(format!("{}: {error}", folder.display()));
    files::create_dir_all(&folder).map_err(|error| failed(&error))?;
    for block in &gathered.table.blocks {
        for (name, drawing) in intervals::panels(block, words::heading, Ink::Paper) {
            let png = raster::png(&drawing).map_err(|error| failed(&error))?;
            for (kind, bytes) in [("svg", drawing.svg().into_bytes()), ("png", png)] {
                files::write(&folder.join(format!("{}-{name}.{kind}", block.weights)), &bytes).map_err(|error| failed(&error))?;
            }
        }
    }
    Ok(())
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// All of it as a page.
fn page(plan: &Plan, gathered: &Gathered) -> String {
    let table = &gathered.table;
    let with_head = |rows: Vec<Vec<String>>| [words::headings(table)].into_iter().chain(rows).collect::<Vec<Vec<String>>>();
    // Seconds are no matter of differences.
    let without_seconds = |rows: Vec<Vec<String>>| with_head(rows).into_iter().map(|row| row[..row.len() - 1].to_vec()).collect();
    let blocks = table.blocks.iter().enumerate().map(|(place, block)| Shown {
        block,
        caption: sentence(&caption(plan, table, place)),
        accuracies: with_head(words::accuracies(block, "±")),
        differences: without_seconds(words::differences(block)),
    });
    let missing: Vec<String> = gathered.missing.iter().map(|(name, state)| format!("{name}: {}", in_words(*state))).collect();
    let variants = plan.variants();
    let below =
        format!("{} runs; tables and figures lie beside this file, and a report in the folder of every run", plan.runs.len());
    let blocks: Vec<Shown<'_>> = blocks.collect();
    report::of_comparison((&variants.join(" · "), &below), &blocks, words::heading, &missing)
}

/// Every number of every run. Accuracies are shares from 0 to 1.
fn runs_csv(gathered: &Gathered) -> String {
    let mut text = "name,variant,seed,weights,score,value\n".to_owned();
    for (name, found) in &gathered.found {
        let about = format!("{},{},{}", cell(name), cell(&found.variant), found.seed);
        for (weights, score, value) in &found.scores {
            text += &format!("{about},{weights},{score},{value}\n");
        }
        if let Some(seconds) = found.seconds {
            text += &format!("{about},,seconds,{seconds}\n");
        }
    }
    text
}

/// The table in shares from 0 to 1.
fn csv(plan: &Plan, table: &Table) -> String {
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let mut text =
        "weights,suite,variant,score,count,mean,deviation,low,high,difference_count,difference,difference_low,difference_high\n"
            .to_owned();
    for block in &table.blocks {
        for row in &block.rows {
            for column in &row.columns {
                let Some(spread) = column.spread else { continue };
                let (low, high) = (spread.interval.map(|of| of.0), spread.interval.map(|of| of.1));
                let of = column.difference;
                let interval = of.and_then(|of| of.interval);
                let cells = [
                    block.weights.clone(),
                    suite_of(plan, table, &block.weights).to_owned(),
                    cell(&row.variant),
                    column.name.clone(),
                    spread.count.to_string(),
                    spread.mean.to_string(),
                    number(spread.deviation),
                    number(low),
                    number(high),
                    of.map(|of| of.count.to_string()).unwrap_or_default(),
                    number(of.map(|of| of.mean)),
                    number(interval.map(|of| of.0)),
                    number(interval.map(|of| of.1)),
                ];
                text += &(cells.join(",") + "\n");
            }
        }
    }
    text
}

fn markdown(plan: &Plan, table: &Table) -> String {
    let row = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut text = String::new();
    for (place, block) in table.blocks.iter().enumerate() {
        let mut headings = words::headings(table);
        text += &format!("{}\n\n{}", caption(plan, table, place), row(&headings));
        text += &format!("| --- |{}\n", " ---: |".repeat(headings.len() - 1));
        for cells in words::accuracies(block, "±") {
            text += &row(&cells);
        }
        let differences = words::differences(block);
        if !differences.is_empty() {
            // Seconds are no matter of differences.
            headings.pop();
            text += &format!("\n{DIFFERENCES}\n\n{}| --- |{}\n", row(&headings), " ---: |".repeat(headings.len() - 1));
            for cells in differences {
                text += &row(&cells[..headings.len()]);
            }
        }
        text.push('\n');
    }
    text
}

/// Text as LaTeX sets it.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => format!("\\{letter}"),
            '\\' => "\\textbackslash{}".to_owned(),
            '~' => "\\textasciitilde{}".to_owned(),
            '^' => "\\textasciicircum{}".to_owned(),
            '−' => "$-$".to_owned(),
            '±' => "$\\pm$".to_owned(),
            _ => letter.to_string(),
        })
        .collect()
}

fn latex(plan: &Plan, table: &Table) -> String {
    let mut text = "% \\input this file; it needs no package.\n".to_owned();
    for (place, block) in table.blocks.iter().enumerate() {
        let headings: Vec<String> = words::headings(table).iter().map(|cell| escaped(cell)).collect();
        text += &format!(
            "% {}\n\\begin{{tabular}}{{l{}}}\n\\hline\n{} \\\\\n\\hline\n",
            caption(plan, table, place),
            "r".repeat(headings.len() - 1),
            headings.join(" & ")
        );
        // A cell that begins with a bracket behind a line's end would be taken for its argument; none does: names come first.
        let row = |cells: &Vec<String>| {
            let cells: Vec<String> = cells
                .iter()
                .enumerate()
                .map(|(place, cell)| {
                    let is_number = place > 1 && cell.starts_with(|first: char| first.is_ascii_digit() || "+-".contains(first));
                    // A dash alone is an empty cell.
                    if is_number && cell.len() > 1 {
                        format!("${}$", cell.replace(" ±", " \\pm").replace(" [", "\\ ["))
                    } else {
                        escaped(cell)
                    }
                })
                .collect();
            format!("{} \\\\\n", cells.join(" & "))
        };
        words::accuracies(block, "±").iter().for_each(|cells| text += &row(cells));
        let differences = words::differences(block);
        if !differences.is_empty() {
            text += &format!("\\hline\n% {DIFFERENCES}\n");
            differences.iter().for_each(|cells| text += &row(cells));
        }
        text += "\\hline\n\\end{tabular}\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use gairat::compare::Found;

    use super::*;

    fn gathered() -> (Plan, Gathered) {
        let plan = Plan { cwd: "/".into(), suite: "quick".to_owned(), threads: 1, cpu: true, runs: Vec::new() };
        let of = |variant: &str, seed: u64, pgd: f64| {
            let scores = vec![("last".to_owned(), "pgd20".to_owned(), pgd)];
            (format!("{variant}_{seed}"), Found { variant: variant.to_owned(), seed, scores, seconds: Some(1.5) })
        };
        let found = vec![of("a", 0, 0.5), of("a", 1, 0.6), of("b x=1,2", 0, 0.7), of("b x=1,2", 1, 0.9)];
        let all: Vec<Found> = found.iter().map(|(_, found)| found.clone()).collect();
        let table = Table::of(&all, &["a".to_owned(), "b x=1,2".to_owned()], &["pgd20"], &["best", "last"]);
        (plan, Gathered { found, missing: Vec::new(), table })
    }

    #[test]
    fn every_format_holds_means_deviations_and_differences() {
        let (plan, gathered) = gathered();
        let csv = csv(&plan, &gathered.table);
        let row: Vec<&str> = csv.lines().nth(2).unwrap().split(',').collect();
        assert_eq!(csv.lines().next().unwrap().split(',').count() + 1, row.len(), "one comma is inside quotes");
        assert!(csv.contains("last,quick,\"b x=1,2\",pgd20,2,0.8,"), "{csv}");
        let markdown = markdown(&plan, &gathered.table);
        assert!(markdown.contains("| a | 2 | 55.00 ± 7.07 | 1.5 ± 0.0 |"), "{markdown}");
        assert!(markdown.contains("| b x=1,2 − a | 2 | +25.00 [-38.53, +88.53] |"), "{markdown}");
        let latex = latex(&plan, &gathered.table);
        assert!(latex.contains("a & 2 & $55.00 \\pm 7.07$ & $1.5 \\pm 0.0$ \\\\"), "{latex}");
        assert!(latex.contains("b x=1,2 $-$ a & 2 & $+25.00\\ [-38.53, +88.53]$ &  \\\\"), "{latex}");
        assert_eq!(latex.matches("\\begin").count(), latex.matches("\\end").count());
        assert_eq!(runs_csv(&gathered).lines().count(), 1 + 8);
    }
}
