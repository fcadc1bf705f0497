//! The evidence from which a method weighs the samples of a batch. It carries no gradient; each quantity is computed on first use.

use std::cell::OnceCell;

use burn::tensor::{Int, Tensor, activation::softmax};

use crate::{
    attack::{
        Adversarial,
        loss_gradient_and_count::{FIRST_HIT, KAPPA, RECORD},
    },
    loss::{self, Labels},
    weight::normalise_by,
};

/// Selects one of the two predictions of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// At x.
    Natural,
    /// At x~.
    Adversarial,
}

/// Results of the attack and of the training passes for a batch of N samples.
#[derive(Debug)]
pub struct Evidence {
    /// The labels.
    pub labels: Labels,
    /// K.
    pub steps: u32,
    /// The attack's records: N x 4 after x^(K−1), or before those as many after x⁰.
    records: Tensor<2>,
    natural: Option<Tensor<2>>,
    adversarial: Tensor<2>,
    probabilities: [OnceCell<Tensor<2>>; 2],
    losses: OnceCell<Tensor<1>>,
}

impl Evidence {
    /// From the attack's records and the logits of the training passes (N x C, tracked or not). Without a natural pass, the adversarial
    /// logits replace the natural ones.
    pub fn new(found: &Adversarial, steps: u32, labels: Labels, natural: Option<Tensor<2>>, adversarial: Tensor<2>) -> Self {
        Self {
            labels,
            steps,
            records: found.on_path.clone(),
            natural: natural.map(Tensor::inner),
            adversarial: adversarial.inner(),
            probabilities: [OnceCell::new(), OnceCell::new()],
            losses: OnceCell::new(),
        }
    }

    /// From the attack only. Holds kappa and first hit and nothing else: see
    /// [`Method::is_weighted_cross_entropy`](super::Method::is_weighted_cross_entropy).
    pub fn after_attack(found: &Adversarial, steps: u32, class: Tensor<1, Int>) -> Self {
        let nothing = found.on_path.clone();
        let labels = Labels { class, one_hot: nothing.clone() };
        Self::new(found, steps, labels, None, nothing)
    }

    /// The same from the records after x⁰ and after x^(K−1), N x 8.
    pub(crate) fn of_records(records: Tensor<2>, steps: u32, class: Tensor<1, Int>) -> Self {
        let nothing = records.clone();
        let found = Adversarial { images: nothing.clone(), at_start: nothing.clone(), on_path: records };
        Self::after_attack(&found, steps, class)
    }

    /// The column of a number of the records after x^(K−1).
    fn column(&self, index: usize) -> usize {
        self.records.dims()[1] - RECORD + index
    }

    fn record(&self, index: usize) -> Tensor<1> {
        let (samples, index) = (self.records.dims()[0], self.column(index));
        self.records.clone().slice([0..samples, index..index + 1]).reshape([samples])
    }

    /// Weights with mean 1 over the batch: N numbers, from the logarithms of raw weights of kappa 0 … K.
    pub fn normalised_by_kappa(&self, log_weights: Vec<f32>) -> Tensor<1> {
        normalise_by(self.records.clone(), self.column(KAPPA), log_weights)
    }

    /// κ, the number of iterates among x⁰ … x^(K−1) that are classified correctly: N numbers from 0 to K.
    pub fn kappa(&self) -> Tensor<1> {
        self.record(KAPPA)
    }

    /// The least t < K with x^t misclassified, else K: N numbers.
    pub fn first_hit(&self) -> Tensor<1> {
        self.record(FIRST_HIT)
    }

    /// Logits of the training pass, N x C.
    pub fn logits(&self, side: Side) -> Tensor<2> {
        match (side, &self.natural) {
            (Side::Natural, Some(natural)) => natural.clone(),
            _ => self.adversarial.clone(),
        }
    }

    /// softmax of [`Self::logits`].
    pub fn probabilities(&self, side: Side) -> Tensor<2> {
        self.probabilities[side as usize].get_or_init(|| softmax(self.logits(side), 1)).clone()
    }

    /// The probability of the label: N numbers.
    pub fn confidence(&self, side: Side) -> Tensor<1> {
        loss::of_label(self.probabilities(side), &self.labels)
    }

    /// `p_y − max_(c≠y) p_c`: N numbers from −1 to 1.
    pub fn probability_margin(&self, side: Side) -> Tensor<1> {
        loss::probability_margin(self.probabilities(side), &self.labels)
    }

    /// Cross-entropy of the adversarial samples, in nats: N numbers.
    pub fn losses(&self) -> Tensor<1> {
        self.losses.get_or_init(|| loss::cross_entropy(self.adversarial.clone(), &self.labels)).clone()
    }

    /// KL(softmax(z) ‖ softmax(z~)), in nats: N numbers.
    pub fn divergence(&self) -> Tensor<1> {
        loss::divergence(self.logits(Side::Natural), self.adversarial.clone())
    }

    /// The same with 1e-12 added to every probability of x~, which bounds it by 27.6 nats: N numbers.
    pub fn guarded_divergence(&self) -> Tensor<1> {
        loss::guarded_divergence(self.logits(Side::Natural), self.adversarial.clone())
    }
}
