//! The table of a comparison's results.

use serde::{Deserialize, Serialize};

use super::statistics::{Difference, Spread};

/// The results of one finished run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Its variant: see [`Run::variant`](super::Run::variant).
    pub variant: String,
    /// Its seed.
    pub seed: u64,
    /// Numbers by weights and name: `("best", "pgd20", 0.72)`. Accuracies are shares from 0 to 1.
    pub scores: Vec<(String, String, f64)>,
    /// Its duration, if known.
    pub seconds: Option<f64>,
}

/// A number of a row over its seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name: `pgd20`.
    pub name: String,
    /// Its statistics over the seeds; `None` if no run has it.
    pub spread: Option<Spread>,
    /// The difference to the first row over common seeds; `None` in the first row.
    pub difference: Option<Difference>,
    /// The number of every seed.
    pub seeds: Vec<(u64, f64)>,
}

/// One variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub variant: String,
    /// The number of finished runs.
    pub runs: usize,
    /// Its accuracies.
    pub columns: Vec<Column>,
    /// Seconds of a run.
    pub seconds: Option<Spread>,
}

/// All variants, evaluated with the same kind of weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// The kind of weights: `best` or `last`.
    pub weights: String,
    /// A row for each variant; the first is the baseline.
    pub rows: Vec<Row>,
}

/// A comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The weights that were evaluated.
    pub blocks: Vec<Block>,
}

impl Table {
    /// Summarises `found`, with `variants` in this order and the accuracies of these names. Weights without an evaluated run get no block.
    pub fn of(found: &[Found], variants: &[String], columns: &[&str], weights: &[&str]) -> Self {
        let blocks = weights.iter().filter(|weights| {
            let of_weights =
                |found: &Found| found.scores.iter().any(|(of, name, _)| of == *weights && columns.contains(&name.as_str()));
            found.iter().any(of_weights)
        });
        let blocks = blocks.map(|weights| Block {
            weights: (*weights).to_owned(),
            rows: variants.iter().map(|variant| row(found, variant, &variants[0], columns, weights)).collect(),
        });
        Self { columns: columns.iter().map(|name| (*name).to_owned()).collect(), blocks: blocks.collect() }
    }
}

fn row(found: &[Found], variant: &str, first: &str, columns: &[&str], weights: &str) -> Row {
    let mine = || found.iter().filter(move |run| run.variant == variant);
    let seconds: Vec<f64> = mine().filter_map(|run| run.seconds).collect();
    let columns = columns.iter().map(|name| {
        let seeds = seeded(found, variant, weights, name);
        let numbers: Vec<f64> = seeds.iter().map(|(_, number)| *number).collect();
        let difference = (variant != first).then(|| Difference::paired(&seeds, &seeded(found, first, weights, name))).flatten();
        Column { name: (*name).to_owned(), spread: Spread::of(&numbers), difference, seeds }
    });
    Row { variant: variant.to_owned(), runs: mine().count(), columns: columns.collect(), seconds: Spread::of(&seconds) }
}

/// A number of a variant by seed, in ascending order.
fn seeded(found: &[Found], variant: &str, weights: &str, name: &str) -> Vec<(u64, f64)> {
    let mut seeds: Vec<(u64, f64)> = found
        .iter()
        .filter(|run| run.variant == variant)
        .filter_map(|run| {
            let score = run.scores.iter().find(|(of, score, _)| of == weights && score == name)?;
            Some((run.seed, score.2))
        })
        .collect();
    seeds.sort_by_key(|(seed, _)| *seed);
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variant: &str, seed: u64, pgd: f64) -> Found {
        let scores = vec![("last".to_owned(), "pgd20".to_owned(), pgd)];
        Found { variant: variant.to_owned(), seed, scores, seconds: Some(2.0 * pgd) }
    }

    #[test]
    fn rows_hold_means_and_differences_to_the_first_over_the_seeds_of_both() {
        let runs = [found("b", 1, 0.9), found("a", 0, 0.5), found("b", 0, 0.7), found("a", 1, 0.6), found("b", 2, 0.1)];
        let table = Table::of(&runs, &["a".to_owned(), "b".to_owned()], &["pgd20", "cw20"], &["best", "last"]);
        let [block] = table.blocks.as_slice() else { panic!("{table:?}") };
        assert_eq!(block.weights, "last");
        let [a, b] = block.rows.as_slice() else { panic!("{block:?}") };
        assert_eq!((a.runs, b.runs), (2, 3));
        assert!((a.columns[0].spread.unwrap().mean - 0.55).abs() < 1e-12 && a.columns[0].difference.is_none());
        let difference = b.columns[0].difference.unwrap();
        assert!((difference.mean - 0.25).abs() < 1e-12 && difference.count == 2);
        assert_eq!(b.columns[0].seeds, [(0, 0.7), (1, 0.9), (2, 0.1)]);
        assert!(b.columns[1].spread.is_none() && b.columns[1].difference.is_none());
        assert!((a.seconds.unwrap().mean - 1.1).abs() < 1e-12);
    }
}
