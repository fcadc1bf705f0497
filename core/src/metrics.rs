//! The metrics of a run: a line per epoch, and the summary.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The metrics of an epoch. Accuracies are shares from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// The learning rate.
    pub lr: f64,
    /// The mean loss.
    pub loss: f64,
    /// The share of training samples that the training attack did not break.
    pub train_robust: f64,
    /// The mean kappa, from 0 to K.
    pub mean_kappa: f64,
    /// The effective share of samples, (Σω)²/(nΣω²), averaged over the steps; `None` unless
    /// [`About::omega_is_share`](crate::method::About::omega_is_share).
    pub effective: Option<f64>,
    /// Further measurements by name: scheduled values (`lambda`, `tau`), the method's extra measurement, and accuracies on the validation part
    /// (`validation_` and the attack).
    #[serde(flatten)]
    pub more: BTreeMap<String, Option<f64>>,
}

/// The columns of `metrics.csv` in every run.
const COLUMNS: [&str; 6] = ["epoch", "lr", "loss", "train_robust", "mean_kappa", "effective"];

/// The name of an attack's accuracy: `pgd20` for `pgd:20`.
pub fn score_name(attack: &str) -> String {
    attack.replace(':', "")
}

impl EpochMetrics {
    /// The measurement `name`, if any.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.more.get(name).copied().flatten()
    }

    /// The accuracy on the validation part after `attack` (its name on the command line), if evaluated.
    pub fn validation(&self, attack: &str) -> Option<f64> {
        self.get(&format!("validation_{}", score_name(attack)))
    }

    /// `metrics.csv`: a line of names, and a line for each epoch; unknown values stay empty.
    pub fn csv(epochs: &[Self]) -> String {
        let more: BTreeSet<&str> = epochs.iter().flat_map(|epoch| epoch.more.keys().map(String::as_str)).collect();
        let mut lines = COLUMNS.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>().join(",") + "\n";
        for epoch in epochs {
            let text = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
            let known = [epoch.lr, epoch.loss, epoch.train_robust, epoch.mean_kappa].map(Some);
            let numbers = [epoch.epoch.to_string()].into_iter().chain(known.into_iter().chain([epoch.effective]).map(text));
            let rest = more.iter().map(|name| text(epoch.get(name)));
            lines += &(numbers.chain(rest).collect::<Vec<_>>().join(",") + "\n");
        }
        lines
    }
}

/// The name of a score for people: PGD-20 for `pgd20`.
pub fn score_label(name: &str) -> String {
    if name == "natural" {
        return name.to_owned();
    }
    let letters = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let digits = &name[letters.len()..];
    let dash = if digits.is_empty() { "" } else { "-" };
    format!("{}{dash}{digits}", letters.to_uppercase())
}

/// An attack's name in a table, with a plus if it ran only on the survivors of all attacks above, so that its accuracy includes theirs.
pub fn stage_label(label: &str, on_survivors: bool) -> String {
    if on_survivors { format!("+ {label}") } else { label.to_owned() }
}

/// The explanation of the plus, for the foot of a table.
pub const PLUS: &str = "+: together with all attacks above it, on the samples they left";

/// The summary of a run. Accuracies are shares of the test part, from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The share of samples that stay correct under every attack.
    pub robust: f64,
    /// The attack with the lowest accuracy of its own.
    pub strongest: String,
    /// The number of test samples.
    pub samples: usize,
    /// The epoch of the evaluated weights: the best on the validation part, or the last.
    pub epoch: u32,
    /// Epochs trained.
    pub epochs: u32,
    /// Training samples by kappa, from 0 to K, in the last epoch.
    pub kappa: Vec<usize>,
    /// A sentence about a network that learned (nearly) nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_chance: Option<String>,
    /// The same for the weights of the last epoch, if another was the best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at_chance: Option<String>,
    /// The same for the averaged weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_at_chance: Option<String>,
    /// The accuracy after each attack by [`score_name`]: `natural`, `pgd20`, `cw20`. A prefix of [`Beside`] marks other weights.
    #[serde(flatten)]
    pub scores: BTreeMap<String, f64>,
}

impl Summary {
    /// The accuracy after `attack` (its name on the command line); 0 if it did not run.
    pub fn accuracy(&self, attack: &str) -> f64 {
        self.scores.get(&score_name(attack)).copied().unwrap_or_default()
    }

    /// The scores of the weights that the run reports, by name.
    pub fn reported(&self) -> impl Iterator<Item = (&str, f64)> {
        let others = |name: &str| Beside::ALL.iter().any(|beside| name.starts_with(beside.prefix()));
        self.scores.iter().map(|(name, score)| (name.as_str(), *score)).filter(move |(name, _)| !others(name))
    }

    /// The scores of other weights, by name without prefix; empty if not evaluated. `robust` is the worst case.
    pub fn beside(&self, beside: Beside) -> impl Iterator<Item = (&str, f64)> {
        self.scores.iter().filter_map(move |(name, score)| Some((name.strip_prefix(beside.prefix())?, *score)))
    }

    /// A sentence about other weights that learned (nearly) nothing.
    pub fn beside_at_chance(&self, beside: Beside) -> Option<&str> {
        match beside {
            Beside::Last => self.last_at_chance.as_deref(),
            Beside::Average => self.average_at_chance.as_deref(),
        }
    }
}

/// Weights that are evaluated besides the reported ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// The weights of the last epoch, if another was the best.
    Last,
    /// The averaged weights, if averaging is on.
    Average,
}

impl Beside {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Last, Self::Average];

    /// The prefix of their scores' names.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Last => "last_",
            Self::Average => "average_",
        }
    }

    /// Their name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Last => "weights of the last epoch",
            Self::Average => "averaged weights of the last epoch",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_without_a_share_leaves_its_cell_empty_and_lines_of_before_still_open() {
        let epoch = EpochMetrics { epoch: 1, lr: 0.1, effective: None, ..EpochMetrics::default() };
        assert_eq!(EpochMetrics::csv(std::slice::from_ref(&epoch)).lines().last(), Some("1,0.1,0,0,0,"));
        let line = serde_json::to_string(&epoch).unwrap();
        assert_eq!(serde_json::from_str::<EpochMetrics>(&line).unwrap(), epoch);
        let of_before =
            r#"{"epoch":2,"lr":0.1,"loss":0.5,"train_robust":0.5,"mean_kappa":4.0,"effective":1.0,"lambda":-1.0,"tau":null}"#;
        let read: EpochMetrics = serde_json::from_str(of_before).unwrap();
        assert_eq!((read.effective, read.get("lambda"), read.get("tau")), (Some(1.0), Some(-1.0), None));
    }
}
