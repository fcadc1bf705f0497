//! Losses of logits, one value per sample, written once for every device.
//!
//! Each function takes logits (N x C), tracked by autodiff or not, and returns N numbers that carry the gradient of tracked logits. All are
//! finite for logits up to 1e30 in size.

mod boosted_cross_entropy;
mod cross_entropy;
mod divergence;
mod margin;
mod one_vs_rest;
mod scale_free;

use std::ops::Range;

use burn::tensor::{Int, Tensor};

pub use boosted_cross_entropy::{boosted_cross_entropy, guarded_divergence};
pub use cross_entropy::{cross_entropy, smoothed_cross_entropy};
pub use divergence::{divergence, entropy};
pub use margin::{largest_other, logit_margin, of_label, probability_margin};
pub use one_vs_rest::one_vs_rest;
pub use scale_free::{difference_of_logits_ratio, scale_free_cross_entropy, targeted_difference_of_logits_ratio};

/// The labels of a batch in the two forms that losses read.
#[derive(Clone, Debug)]
pub struct Labels {
    /// N classes.
    pub class: Tensor<1, Int>,
    /// N x C: 1 at the label, else 0.
    pub one_hot: Tensor<2>,
}

impl Labels {
    /// The labels `class` (N) among `classes` classes.
    pub fn new(class: Tensor<1, Int>, classes: usize) -> Self {
        let class = class.inner();
        let samples = class.dims()[0];
        let all = Tensor::<1, Int>::arange(0..classes as i64, &class.device()).reshape([1, classes]).expand([samples, classes]);
        let own = class.clone().reshape([samples, 1]).expand([samples, classes]);
        Self { class, one_hot: own.equal(all).float() }
    }

    /// Those of some samples, one after the other.
    #[must_use]
    pub fn rows(&self, rows: Range<usize>) -> Self {
        Self { class: self.class.clone().slice([rows.clone()]), one_hot: self.one_hot.clone().slice([rows]) }
    }

    /// Those of some samples.
    #[must_use]
    pub fn select(&self, rows: &Tensor<1, Int>) -> Self {
        Self { class: self.class.clone().select(0, rows.clone()), one_hot: self.one_hot.clone().select(0, rows.clone()) }
    }

    /// How many samples.
    pub fn len(&self) -> usize {
        self.class.dims()[0]
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// N x 1 to N.
fn flat(column: Tensor<2>) -> Tensor<1> {
    let samples = column.dims()[0];
    column.reshape([samples])
}
