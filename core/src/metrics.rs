//! What is recorded of a run: a line per epoch, and the summary.

use serde::{Deserialize, Serialize};

/// What is known of an epoch. Accuracies are shares from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Counted from 1.
    pub epoch: u32,
    /// The learning rate.
    pub lr: f64,
    /// λ; none while every weight is 1.
    pub lambda: Option<f64>,
    /// The mean weighted loss.
    pub loss: f64,
    /// The share of training samples that the training attack did not break.
    pub train_robust: f64,
    /// The mean kappa, from 0 to K.
    pub mean_kappa: f64,
    /// The effective share of samples, (Σω)²/(nΣω²), averaged over the steps.
    pub effective: f64,
    /// Accuracy on the natural validation part, if it was evaluated.
    pub validation_natural: Option<f64>,
    /// Accuracy on the validation part after PGD-20, if it was evaluated.
    pub validation_pgd20: Option<f64>,
}

impl EpochMetrics {
    /// The first line of `metrics.csv`.
    pub const CSV_HEADER: &str = "epoch,lr,lambda,loss,train_robust,mean_kappa,effective,validation_natural,validation_pgd20";

    /// A line of `metrics.csv`; what is not known stays empty.
    pub fn csv(&self) -> String {
        let text = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        [
            self.epoch.to_string(),
            self.lr.to_string(),
            text(self.lambda),
            self.loss.to_string(),
            self.train_robust.to_string(),
            self.mean_kappa.to_string(),
            self.effective.to_string(),
            text(self.validation_natural),
            text(self.validation_pgd20),
        ]
        .join(",")
    }
}

/// What a run comes to. Accuracies are shares of the test part, from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Accuracy on natural data.
    pub natural: f64,
    /// Accuracy after PGD-20.
    pub pgd20: f64,
    /// Accuracy after CW-20.
    pub cw20: f64,
    /// The share of samples that stay correct under every attack.
    pub robust: f64,
    /// The attack that alone broke most.
    pub strongest: String,
    /// How many test samples.
    pub samples: usize,
    /// The epoch of the weights that were evaluated: the best on the validation part, or the last.
    pub epoch: u32,
    /// Epochs trained.
    pub epochs: u32,
    /// Training samples by kappa, from 0 to K, in the last epoch.
    pub kappa: Vec<usize>,
}
