//! Loss, gradient and count: `shaders/loss_gradient_and_count.wgsl` launched, and its CPU twin.

use std::{fmt, str::FromStr};

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn_wgpu::{CubeBackend, CubeDim, KernelSource, SourceKernel, SourceTemplate, into_contiguous, kernel_source};
use cubecl::{CubeCount, prelude::KernelId};
use derive_new::new;

use crate::launch;

/// Numbers in a sample's record: loss, margin, kappa, first hit.
pub const RECORD: usize = 4;
/// Where a record keeps its loss.
pub const LOSS: usize = 0;
/// Where a record keeps its margin.
pub const MARGIN: usize = 1;
/// Where a record keeps its kappa.
pub const KAPPA: usize = 2;
/// Where a record keeps its first hit.
pub const FIRST_HIT: usize = 3;

/// The loss that the attack maximises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LossKind {
    /// Cross-entropy, `-log softmax(z)_y`.
    #[default]
    CrossEntropy,
    /// The margin of Carlini and Wagner without a confidence, `max_(c != y) z_c - z_y`.
    CwMargin,
    /// `KL(softmax(z at x) || softmax(z))`, the divergence from the natural prediction; needs a random start.
    Kl,
}

impl LossKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CrossEntropy, Self::CwMargin, Self::Kl];

    /// The number by which the kernel knows it.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::CrossEntropy => 0,
            Self::CwMargin => 1,
            Self::Kl => 2,
        }
    }
}

impl FromStr for LossKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.to_string() == text)
            .ok_or_else(|| format!("`{text}` is no loss: expected `ce`, `cw` or `kl`"))
    }
}

impl fmt::Display for LossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CrossEntropy => "ce",
            Self::CwMargin => "cw",
            Self::Kl => "kl",
        })
    }
}

/// The settings of one count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountSettings {
    /// The loss.
    pub kind: LossKind,
    /// t, the index of this iterate.
    pub step: u32,
    /// What `first_hit` holds as long as nothing was hit: K.
    pub never: u32,
}

/// What is computed of a batch of N samples with C classes.
#[derive(Clone, Debug, PartialEq)]
pub struct LossGradientAndCount {
    /// The loss of each sample: N.
    pub losses: Vec<f32>,
    /// The gradient of a sample's loss with respect to its logits: N x C.
    pub gradient: Vec<f32>,
    /// The records with this iterate counted: N x [`RECORD`].
    pub records: Vec<f32>,
}

/// The twin; see the shader for the formulas.
///
/// `logits` and `reference` are N x `classes` (`reference` is read for [`LossKind::Kl`] only), `labels` N, `before` N x [`RECORD`].
pub fn loss_gradient_and_count(
    logits: &[f32],
    labels: &[i32],
    reference: &[f32],
    before: &[f32],
    classes: usize,
    settings: CountSettings,
) -> LossGradientAndCount {
    let samples = labels.len();
    let mut result =
        LossGradientAndCount { losses: vec![0.0; samples], gradient: vec![0.0; samples * classes], records: before.to_vec() };
    for (sample, &label) in labels.iter().enumerate() {
        let row = sample * classes..(sample + 1) * classes;
        let reference = if settings.kind == LossKind::Kl { &reference[row.clone()] } else { &[] };
        let gradient = &mut result.gradient[row.clone()];
        let loss_of = sample_loss(&logits[row], label as usize, reference, gradient, settings.kind);
        result.losses[sample] = loss_of.loss;
        loss_of.count(&mut result.records[sample * RECORD..(sample + 1) * RECORD], settings);
    }
    result
}

/// What the logits of one sample say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SampleLoss {
    /// In nats, or in logits for the CW margin.
    pub loss: f32,
    /// In logits.
    pub margin: f32,
    /// argmax z = y, ties to the lowest class.
    pub correct: bool,
}

impl SampleLoss {
    /// Writes it into the sample's record.
    pub(crate) fn count(self, record: &mut [f32], settings: CountSettings) {
        record[LOSS] = self.loss;
        record[MARGIN] = self.margin;
        if self.correct {
            record[KAPPA] += 1.0;
        } else if record[FIRST_HIT] == settings.never as f32 {
            record[FIRST_HIT] = settings.step as f32;
        }
    }
}

/// Loss, margin and correctness of one sample; the gradient of the loss with respect to the logits goes to `gradient` (C).
/// `reference` (C) is read for [`LossKind::Kl`] only.
pub(crate) fn sample_loss(logits: &[f32], label: usize, reference: &[f32], gradient: &mut [f32], kind: LossKind) -> SampleLoss {
    sample_loss_for::<true>(logits, label, reference, gradient, kind)
}

/// The same; without `LOSS` a cross-entropy is not computed, which the gradient does not need, and is NaN.
#[inline(always)]
pub(crate) fn sample_loss_for<const LOSS: bool>(
    logits: &[f32],
    label: usize,
    reference: &[f32],
    gradient: &mut [f32],
    kind: LossKind,
) -> SampleLoss {
    let classes = logits.len();
    let own = logits[label];

    // The strongest other class, and the strongest of all.
    let mut rival = usize::from(label == 0);
    for class in rival + 1..classes {
        if class != label && logits[class] > logits[rival] {
            rival = class;
        }
    }
    let margin = own - logits[rival];
    let correct = margin > 0.0 || (margin == 0.0 && label < rival);
    let top = if correct { label } else { rival };
    let highest = logits[top];

    if kind == LossKind::CwMargin {
        gradient.fill(0.0);
        gradient[rival] = 1.0;
        gradient[label] = -1.0;
        return SampleLoss { loss: -margin, margin, correct };
    }

    // Sums of exp(z_c - highest) without the highest itself.
    let mut rest = 0.0;
    for (class, power) in gradient.iter_mut().enumerate() {
        *power = if class == top { 1.0 } else { (logits[class] - highest).exp() };
        rest += if class == top { 0.0 } else { *power };
    }
    let whole = 1.0 + rest;
    let log_whole = if LOSS || kind == LossKind::Kl { log_one_plus(rest) } else { f32::NAN };

    let mut loss = 0.0;
    if kind == LossKind::CrossEntropy {
        loss = log_whole + (highest - own);
        let mut others = 0.0;
        for (class, power) in gradient.iter_mut().enumerate() {
            if class != label {
                *power /= whole;
                others += *power;
            }
        }
        gradient[label] = -others;
    } else {
        let mut reference_top = 0;
        for class in 1..classes {
            if reference[class] > reference[reference_top] {
                reference_top = class;
            }
        }
        let reference_highest = reference[reference_top];
        let reference_log_whole = log_one_plus(sum_of_exponentials(reference, reference_top));
        for class in 0..classes {
            let log_target = reference[class] - reference_highest - reference_log_whole;
            let log_probability = logits[class] - highest - log_whole;
            let goal = log_target.exp();
            loss += goal * (log_target - log_probability);
            gradient[class] = log_probability.exp() - goal;
        }
    }
    SampleLoss { loss, margin, correct }
}

/// The sum of exp(z_c - z_top) over all classes but `top`.
fn sum_of_exponentials(logits: &[f32], top: usize) -> f32 {
    logits.iter().enumerate().filter(|&(class, _)| class != top).map(|(_, &z)| (z - logits[top]).exp()).sum()
}

/// log(1 + u) for u >= 0, to a few units in the last place also where 1 + u rounds (the shader's own series; here the library's).
fn log_one_plus(u: f32) -> f32 {
    u.ln_1p()
}

kernel_source!(CountText, "../../../shaders/loss_gradient_and_count.wgsl");

/// The kernel for CubeCL's cache: one text, no templates.
#[derive(Debug)]
struct CountKernel;

impl KernelSource for CountKernel {
    fn source(&self) -> SourceTemplate {
        CountText::new().source()
    }

    fn id(&self) -> KernelId {
        KernelId::new::<Self>()
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// Losses, gradient and records on the GPU; one dispatch.
pub(super) fn launch(
    logits: FloatTensor<CubeBackend>,
    labels: IntTensor<CubeBackend>,
    reference: FloatTensor<CubeBackend>,
    before: FloatTensor<CubeBackend>,
    settings: CountSettings,
) -> (FloatTensor<CubeBackend>, FloatTensor<CubeBackend>, FloatTensor<CubeBackend>) {
    let (logits, labels) = (into_contiguous(logits), into_contiguous(labels));
    let (reference, before) = (into_contiguous(reference), into_contiguous(before));
    let (samples, classes) = (logits.meta.shape()[0], logits.meta.shape()[1]);
    let losses = launch::empty(&logits, [samples]);
    let gradient = launch::empty(&logits, [samples, classes]);
    let after = launch::empty(&logits, [samples, RECORD]);
    let words = [samples as u32, classes as u32, settings.kind.code(), settings.step, settings.never];
    logits.client.launch(
        Box::new(SourceKernel::new(CountKernel, CubeDim::new_1d(launch::WORKGROUP as u32))),
        CubeCount::Static(samples.div_ceil(launch::WORKGROUP).max(1) as u32, 1, 1),
        launch::arguments([&logits, &labels, &reference, &before, &losses, &gradient, &after], &words),
    );
    (losses, gradient, after)
}
