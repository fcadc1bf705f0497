//! Training methods: one file each, and [`METHODS`], the list.
//!
//! A method answers five questions. The default answers are plain adversarial training:
//!
//! | question | answered by |
//! | --- | --- |
//! | Which adversarial data? | [`Method::crafts`] |
//! | How much does each sample count? | [`Method::weigh`] |
//! | Which loss? | [`Method::loss`] |
//! | Which gradient does the step follow? | [`Method::combine`], [`Method::refine`] |
//! | How is the method described? | [`Method::about`], [`Method::curve`] |
//!
//! Only a method's own file names it. A program can train with a method of its own: see `examples/own_method.rs`.

mod about;
mod arow;
mod at;
mod average;
mod ca_at;
mod cow;
mod dro;
mod evidence;
mod ewat;
mod fat;
mod gair_fat;
mod gair_trades;
mod gairat;
mod ham;
mod hard_instance;
mod mail_at;
mod mail_mart;
mod mail_trades;
mod mart;
mod mlcat;
mod parameter;
mod sovr;
mod surroundings;
mod trades;
mod vir_at;
mod vir_trades;
mod wmmr;

use std::{fmt, sync::Arc};

use burn::tensor::Tensor;

pub use about::{About, Axis, AxisRange, Measure, MeasureKind, Passes};
pub use evidence::{Evidence, Side};
pub use parameter::{Condition, Parameter, ParameterKind, ParameterValue, Parameters};
pub use surroundings::Surroundings;

use crate::{
    attack::LossKind,
    batch::Noise,
    loss::{self, Labels},
    model::Gradient,
};

/// All methods, in display order.
pub const METHODS: &[Entry] = &[
    at::ENTRY,
    gairat::ENTRY,
    fat::ENTRY,
    gair_fat::ENTRY,
    trades::ENTRY,
    gair_trades::ENTRY,
    mart::ENTRY,
    mail_at::ENTRY,
    mail_trades::ENTRY,
    mail_mart::ENTRY,
    vir_at::ENTRY,
    vir_trades::ENTRY,
    dro::ENTRY,
    ca_at::ENTRY,
    average::ENTRY,
    wmmr::ENTRY,
    sovr::ENTRY,
    ewat::ENTRY,
    arow::ENTRY,
    cow::ENTRY,
    mlcat::ENTRY,
    hard_instance::ENTRY,
    ham::ENTRY,
];

/// A parameter to change, and the reason.
pub type Mismatch = (&'static str, String);

/// An entry of [`METHODS`].
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The description.
    pub about: &'static About,
    /// Builds the method from its parameter values.
    pub build: fn(&Parameters) -> Arc<dyn Method>,
    /// Checks that parameter values go together, given the number of attack steps.
    pub check: fn(&Parameters, u32) -> Result<(), Mismatch>,
}

impl Entry {
    /// An entry whose parameter values always go together.
    const fn new(about: &'static About, build: fn(&Parameters) -> Arc<dyn Method>) -> Self {
        Self { about, build, check: |_, _| Ok(()) }
    }
}

/// The entry of `name`.
pub fn entry(name: &str) -> Option<&'static Entry> {
    METHODS.iter().find(|entry| entry.about.name == name)
}

/// The default method: GAIRAT.
pub fn usual() -> &'static Entry {
    entry(gairat::ENTRY.about.name).unwrap_or(&METHODS[0])
}

/// The time of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// Epochs in all.
    pub epochs: u32,
    /// Epochs of burn-in, in which all samples count alike.
    pub burn_in: u32,
}

impl Clock {
    /// Whether burn-in is over.
    pub fn weighs(&self) -> bool {
        self.epoch > self.burn_in
    }
}

/// How the attack crafts one set of adversarial data. Ball, number of steps and step size come from the run's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Craft {
    /// The loss that the attack maximises.
    pub loss: LossKind,
    /// The distribution of x⁰.
    pub noise: Noise,
    /// τ of early-stopped PGD: a sample stops at the check that finds it misclassified for the (τ + 1)th time. `None` takes all steps.
    pub patience: Option<u32>,
}

impl Craft {
    /// Cross-entropy from a uniform start, all steps.
    pub const UNIFORM: Self = Self { loss: LossKind::CrossEntropy, noise: Noise::Uniform, patience: None };
    /// Cross-entropy from Gaussian noise of deviation 0.001.
    pub const GAUSSIAN: Self = Self { noise: Noise::Gaussian, ..Self::UNIFORM };
    /// The divergence from the natural prediction, from Gaussian noise of deviation 0.001, because its gradient at x is 0.
    pub const DIVERGENCE: Self = Self { loss: LossKind::Kl, ..Self::GAUSSIAN };
}

/// The weights of a batch, without gradient.
#[derive(Clone, Debug)]
pub struct Weights {
    /// ω: N numbers, 0 or more.
    pub omega: Tensor<1>,
    /// The quantity that determines them ([`About::axis`]): N numbers.
    pub axis: Tensor<1>,
}

/// The tracked logits of the training passes, with batch norm in training mode. The natural samples pass first.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// At x, if the method needs them ([`Method::needs_natural`]): N x C.
    pub natural: Option<Tensor<2>>,
    /// At x~: N x C.
    pub adversarial: Tensor<2>,
    /// At the adversarial data of the second craft, if any: N x C.
    pub second: Option<Tensor<2>>,
    /// The labels.
    pub labels: Labels,
}

impl Outputs {
    /// The logits at x, or those at x~ without a natural pass.
    pub fn natural(&self) -> Tensor<2> {
        self.natural.clone().unwrap_or_else(|| self.adversarial.clone())
    }

    /// Cross-entropy at x~: N numbers.
    pub fn adversarial_cross_entropy(&self) -> Tensor<1> {
        loss::cross_entropy(self.adversarial.clone(), &self.labels)
    }

    /// Cross-entropy at x: N numbers.
    pub fn natural_cross_entropy(&self) -> Tensor<1> {
        loss::cross_entropy(self.natural(), &self.labels)
    }

    /// KL(softmax(z) ‖ softmax(z~)): N numbers. The gradient flows into both.
    pub fn divergence(&self) -> Tensor<1> {
        loss::divergence(self.natural(), self.adversarial.clone())
    }
}

/// The loss: the batch mean of the sum of both terms.
#[derive(Clone, Debug)]
pub struct Loss {
    /// The term of natural data, including weights and factors: N numbers.
    pub natural: Option<Tensor<1>>,
    /// The term of adversarial data, including weights and factors: N numbers.
    pub adversarial: Tensor<1>,
}

impl Loss {
    /// The adversarial term only.
    pub fn adversarial(adversarial: Tensor<1>) -> Self {
        Self { natural: None, adversarial }
    }

    /// Both terms.
    pub fn both(natural: Tensor<1>, adversarial: Tensor<1>) -> Self {
        Self { natural: Some(natural), adversarial }
    }

    /// Their sum: N numbers.
    pub fn per_sample(&self) -> Tensor<1> {
        match &self.natural {
            Some(natural) => natural.clone() + self.adversarial.clone(),
            None => self.adversarial.clone(),
        }
    }
}

/// `ω_i l_i`, or the losses themselves without weights.
pub fn weighted(losses: Tensor<1>, omega: Option<&Tensor<1>>) -> Tensor<1> {
    match omega {
        Some(omega) => losses * omega.clone(),
        None => losses,
    }
}

/// A method's state between steps: a few numbers on the device, saved with the run. A change of the method or its parameters resets it.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// `None` before the first step that uses them.
    pub numbers: Option<Tensor<1>>,
}

/// A method of adversarial training.
pub trait Method: fmt::Debug + Send + Sync {
    /// The description.
    fn about(&self) -> &'static About;

    /// The adversarial data of a step: one craft, or two if the loss reads [`Outputs::second`].
    fn crafts(&self, _clock: Clock) -> Vec<Craft> {
        vec![Craft::UNIFORM]
    }

    /// Whether the update needs a pass of the natural samples.
    fn needs_natural(&self, _clock: Clock) -> bool {
        false
    }

    /// The weights of a batch; `None` if all samples count alike. The trainer does not ask during burn-in ([`About::burns_in`]).
    fn weigh(&self, _evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        None
    }

    /// The loss, given the weights from [`Self::weigh`].
    fn loss(&self, outputs: &Outputs, omega: Option<&Tensor<1>>) -> Loss {
        Loss::adversarial(weighted(outputs.adversarial_cross_entropy(), omega))
    }

    /// Whether [`Self::combine`] needs the gradients of both terms.
    fn combines(&self) -> bool {
        false
    }

    /// Combines the gradients of both terms into one, and may return a measurement (one number).
    fn combine(&self, natural: Gradient, adversarial: Gradient) -> (Gradient, Option<Tensor<1>>) {
        (natural.plus(adversarial, 1.0), None)
    }

    /// Turns the computed gradient into that of the step; `omega` holds the weights of the step.
    fn refine(&self, gradient: Gradient, _around: &Surroundings<'_>, _omega: Option<&Tensor<1>>) -> Gradient {
        gradient
    }

    /// Whether the loss is `Σ ω_i CE_i(x~)` and [`Self::weigh`] reads only kappa and first hit. Fused kernels may then compute the step, with
    /// the same result up to rounding.
    fn is_weighted_cross_entropy(&self) -> bool {
        false
    }

    /// The weight as a function of [`About::axis`], before normalisation over the batch; `None` without such a function. `steps` is K.
    fn curve(&self, _at: f64, _steps: u32, _clock: Clock) -> Option<f64> {
        None
    }

    /// Values that change over the epochs, by name: λ, τ or both.
    fn scheduled(&self, _clock: Clock) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// The cost of a step with these parameters.
    fn passes(&self) -> Passes {
        self.about().passes
    }

    /// Warnings about valid but suspicious values; a sentence each.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
