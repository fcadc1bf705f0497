//! How samples count and what is minimised: one file a method, and [`METHODS`], the list.
//!
//! A method answers five questions, with answers that mean plain adversarial training unless it gives its own:
//!
//! | question | answered by |
//! | --- | --- |
//! | which adversarial data? | [`Method::crafts`] |
//! | how much does each sample count? | [`Method::weigh`] |
//! | what is minimised? | [`Method::loss`] |
//! | what becomes of the gradients? | [`Method::combine`], [`Method::refine`] |
//! | what is to be said of it? | [`Method::about`], [`Method::curve`] |
//!
//! Nothing outside its own file names a method. A program may train with one of its own: see `examples/own_method.rs`.

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

/// All methods, in the order in which they are shown.
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

/// The parameter to change, and why.
pub type Mismatch = (&'static str, String);

/// A line of the list.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What is said of the method.
    pub about: &'static About,
    /// Makes it with the values of its parameters.
    pub build: fn(&Parameters) -> Arc<dyn Method>,
    /// Whether values that are fine each go together, with an attack of so many steps; else the parameter to change, and why.
    pub check: fn(&Parameters, u32) -> Result<(), Mismatch>,
}

impl Entry {
    /// An entry whose parameters all go together.
    const fn new(about: &'static About, build: fn(&Parameters) -> Arc<dyn Method>) -> Self {
        Self { about, build, check: |_, _| Ok(()) }
    }
}

/// The entry of `name`.
pub fn entry(name: &str) -> Option<&'static Entry> {
    METHODS.iter().find(|entry| entry.about.name == name)
}

/// What a run trains with unless another is asked for: the method that the program is named after.
pub fn usual() -> &'static Entry {
    entry(gairat::ENTRY.about.name).unwrap_or(&METHODS[0])
}

/// When a step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// Epochs in all.
    pub epochs: u32,
    /// Epochs in which all samples count alike.
    pub burn_in: u32,
}

impl Clock {
    /// Whether burn-in is over.
    pub fn weighs(&self) -> bool {
        self.epoch > self.burn_in
    }
}

/// How one set of adversarial data is made; ball, steps and step size are those of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Craft {
    /// What the attack climbs.
    pub loss: LossKind,
    /// Where x⁰ is drawn from.
    pub noise: Noise,
    /// τ of early-stopped PGD: a sample that was misclassified at τ checks stays where the next one finds it misclassified; none
    /// takes all steps.
    pub patience: Option<u32>,
}

impl Craft {
    /// Cross-entropy from a uniform start, all steps.
    pub const UNIFORM: Self = Self { loss: LossKind::CrossEntropy, noise: Noise::Uniform, patience: None };
    /// Cross-entropy from Gaussian noise of deviation 0.001.
    pub const GAUSSIAN: Self = Self { noise: Noise::Gaussian, ..Self::UNIFORM };
    /// The divergence from the natural prediction, from Gaussian noise of deviation 0.001: at x itself its gradient is 0.
    pub const DIVERGENCE: Self = Self { loss: LossKind::Kl, ..Self::GAUSSIAN };
}

/// The weights of a batch, without gradient.
#[derive(Clone, Debug)]
pub struct Weights {
    /// ω: N numbers, 0 or more.
    pub omega: Tensor<1>,
    /// What they depend on ([`About::axis`]): N numbers.
    pub axis: Tensor<1>,
}

/// The logits of the training passes, tracked: batch norm is in training mode, the natural samples went first.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// At x, where the method asked for it: N x C.
    pub natural: Option<Tensor<2>>,
    /// At x~: N x C.
    pub adversarial: Tensor<2>,
    /// At the adversarial data of a second craft, if there is one: N x C.
    pub second: Option<Tensor<2>>,
    /// The labels.
    pub labels: Labels,
}

impl Outputs {
    /// Logits at x; those at x~ where the method asked for none.
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

    /// KL(softmax(z) ‖ softmax(z~)): N numbers, whose gradient flows into both.
    pub fn divergence(&self) -> Tensor<1> {
        loss::divergence(self.natural(), self.adversarial.clone())
    }
}

/// What is minimised: the mean over the batch of the sum of both terms.
#[derive(Clone, Debug)]
pub struct Loss {
    /// What is asked of natural data, weights and factors included: N numbers.
    pub natural: Option<Tensor<1>>,
    /// What is asked of adversarial data, weights and factors included: N numbers.
    pub adversarial: Tensor<1>,
}

impl Loss {
    /// A term of adversarial data alone.
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

/// `ω_i l_i`; the losses themselves where all samples count 1.
pub fn weighted(losses: Tensor<1>, omega: Option<&Tensor<1>>) -> Tensor<1> {
    match omega {
        Some(omega) => losses * omega.clone(),
        None => losses,
    }
}

/// What a method keeps from step to step, besides the network: a few numbers on the device, saved with the run. It begins anew when the
/// method or one of its parameters is changed.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// None before the first step that uses it.
    pub numbers: Option<Tensor<1>>,
}

/// A way to train against adversarial data.
pub trait Method: fmt::Debug + Send + Sync {
    /// What is to be said of it.
    fn about(&self) -> &'static About;

    /// Which adversarial data a step trains on: one craft, or two where the loss reads [`Outputs::second`].
    fn crafts(&self, _clock: Clock) -> Vec<Craft> {
        vec![Craft::UNIFORM]
    }

    /// Whether the update needs a pass of the natural samples.
    fn needs_natural(&self, _clock: Clock) -> bool {
        false
    }

    /// How much each sample counts; none where all count 1, and no arithmetic is spent on it. Not asked in burn-in, if the method
    /// has one ([`About::burns_in`]).
    fn weigh(&self, _evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        None
    }

    /// What is minimised, with the weights that [`Self::weigh`] gave.
    fn loss(&self, outputs: &Outputs, omega: Option<&Tensor<1>>) -> Loss {
        Loss::adversarial(weighted(outputs.adversarial_cross_entropy(), omega))
    }

    /// Whether the gradients of the two terms are computed apart, for [`Self::combine`].
    fn combines(&self) -> bool {
        false
    }

    /// One gradient of the two, and what was measured of them (one number), if anything.
    fn combine(&self, natural: Gradient, adversarial: Gradient) -> (Gradient, Option<Tensor<1>>) {
        (natural.plus(adversarial, 1.0), None)
    }

    /// The gradient that is followed, from the one that was computed; `omega` are the weights of the step.
    fn refine(&self, gradient: Gradient, _around: &Surroundings<'_>, _omega: Option<&Tensor<1>>) -> Gradient {
        gradient
    }

    /// Whether the step is `Σ ω_i CE_i(x~)` and [`Self::weigh`] reads nothing but kappa and first hit: then kernels that compute all of
    /// it at once may be used. The result is the same but for rounding.
    fn is_weighted_cross_entropy(&self) -> bool {
        false
    }

    /// The weight of a sample as a function of the number at [`About::axis`], before it is normalised over a batch; none where the
    /// weight depends on more than that number, or there is none. `steps` is K.
    fn curve(&self, _at: f64, _steps: u32, _clock: Clock) -> Option<f64> {
        None
    }

    /// What changes with the epochs, by its name: λ, τ or both.
    fn scheduled(&self, _clock: Clock) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// What a step costs with these parameters.
    fn passes(&self) -> Passes {
        self.about().passes
    }

    /// Values that are allowed and probably not meant; a sentence each.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
