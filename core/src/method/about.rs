//! The description of a method in lists, help texts, forms and tooltips.

use super::Parameter;

/// The facts about a method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct About {
    /// Its name in settings.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// A one-sentence summary.
    pub summary: &'static str,
    /// The formula of the loss.
    pub formula: &'static str,
    /// The paper or code that defines it.
    pub source: &'static str,
    /// Uncertainties, and caveats to state beside its results; a sentence each.
    pub caveats: &'static [&'static str],
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// The quantity that determines the weights.
    pub axis: Axis,
    /// Whether ω distributes the loss, or its adversarial term, over the samples, so that the effective share of samples is meaningful.
    /// Otherwise ω is a separate factor per sample and is shown as such.
    pub omega_is_share: bool,
    /// Whether burn-in applies: the method weighs samples, and can start with equal weights.
    pub burns_in: bool,
    /// The cost of a training step.
    pub passes: Passes,
    /// An extra measurement of every step, if any.
    pub measure: Option<Measure>,
}

/// The quantity that determines a method's weights: the horizontal axis of the plot of weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Its name in files: `kappa`, `margin`.
    pub name: &'static str,
    /// The label of the axis.
    pub label: &'static str,
    /// The range of the axis.
    pub range: AxisRange,
}

/// The range of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AxisRange {
    /// Whole numbers from 0 to the attack's number of steps.
    Steps,
    /// Between two numbers.
    Between(f64, f64),
    /// From 0 to the largest value found.
    FromZero,
    /// The range of the values found.
    Open,
}

impl About {
    /// Whether samples may count differently. For methods that let all count alike, [`Self::axis`] is what their samples are shown over.
    pub fn weighs(&self) -> bool {
        self.burns_in || self.axis != Axis::KAPPA
    }
}

impl Axis {
    /// The attack steps before which a sample is classified correctly: how many of x⁰ … x^(K−1) are.
    pub const KAPPA: Self = Self { name: "kappa", label: "κ: steps before which it is correct", range: AxisRange::Steps };
    /// The probabilistic margin.
    pub const PROBABILITY_MARGIN: Self =
        Self { name: "probability_margin", label: "probability margin p_y − max other", range: AxisRange::Between(-1.0, 1.0) };
    /// The margin of logits.
    pub const LOGIT_MARGIN: Self = Self { name: "logit_margin", label: "logit margin z_y − max other", range: AxisRange::Open };
    /// The loss of the adversarial sample.
    pub const LOSS: Self =
        Self { name: "cross_entropy", label: "loss of the adversarial sample, nats", range: AxisRange::FromZero };
    /// The probability of the label of the natural sample.
    pub const NATURAL_CONFIDENCE: Self =
        Self { name: "confidence", label: "probability of the label, natural sample", range: AxisRange::Between(0.0, 1.0) };
    /// The probability of the label of the adversarial sample.
    pub const ADVERSARIAL_CONFIDENCE: Self =
        Self { name: "confidence", label: "probability of the label, adversarial sample", range: AxisRange::Between(0.0, 1.0) };
    /// How far the prediction moves.
    pub const DIVERGENCE: Self =
        Self { name: "divergence", label: "KL(natural ‖ adversarial), nats", range: AxisRange::FromZero };
    /// How undecided the prediction is.
    pub const ENTROPY: Self =
        Self { name: "entropy", label: "entropy of the adversarial prediction, nats", range: AxisRange::FromZero };
    /// The first step that breaks a sample.
    pub const FIRST_HIT: Self = Self { name: "first_hit", label: "first step that breaks the sample", range: AxisRange::Steps };
}

/// The cost of a training step in passes of the whole batch, with K attack steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    /// Forward and backward passes of the attack, as multiples of K.
    pub attacks: u32,
    /// Whether samples may stop before the attack's last step; the multiple of K is then an upper bound.
    pub stops_early: bool,
    /// Additional forward passes of the attack, for its reference.
    pub references: u32,
    /// Forward passes of the update.
    pub forward: u32,
    /// Backward passes of the update to the parameters.
    pub backward: u32,
    /// Forward and backward passes of the update to the input.
    pub input_gradients: u32,
}

impl Passes {
    /// K steps of attack, and one pass forwards and back: adversarial training.
    pub const PLAIN: Self = Self { attacks: 1, stops_early: false, references: 0, forward: 1, backward: 1, input_gradients: 0 };
    /// The same with an attack that samples may leave early.
    pub const STOPS_EARLY: Self = Self { stops_early: true, ..Self::PLAIN };
    /// The same with a forward pass of the natural samples that needs no backward pass.
    pub const NATURAL_FORWARD: Self = Self { forward: 2, ..Self::PLAIN };
    /// Natural and adversarial samples go forwards and back.
    pub const BOTH: Self = Self { forward: 2, backward: 2, ..Self::PLAIN };
    /// The same with an attack on the divergence, which needs the natural prediction.
    pub const BOTH_BY_DIVERGENCE: Self = Self { references: 1, ..Self::BOTH };

    /// Passes in all with `steps` attack steps: a pass forwards counts one, a pass back one, and one more for parameters.
    pub fn in_all(&self, steps: u32) -> f64 {
        f64::from(2 * (self.attacks * steps + self.backward + self.input_gradients) + self.references + self.forward)
    }
}

impl std::fmt::Display for Passes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let many = |count: u32, what: &str| if count == 1 { what.to_owned() } else { format!("{count} {what}") };
        let attacks = if self.attacks == 1 { "K".to_owned() } else { format!("{} K", self.attacks) };
        let at_most = if self.stops_early { "at most " } else { "" };
        write!(f, "attack {at_most}{attacks} × (forward + backward)")?;
        if self.references > 0 {
            write!(f, " + {}", many(self.references, "forward"))?;
        }
        write!(f, "; update {} + {} to the parameters", many(self.forward, "forward"), many(self.backward, "backward"))?;
        if self.input_gradients > 0 {
            write!(f, " + {} to the input", many(self.input_gradients, "(forward + backward)"))?;
        }
        Ok(())
    }
}

/// An extra measurement of every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Its name in files.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// How to read it.
    pub kind: MeasureKind,
}

/// How to read a measured number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasureKind {
    /// A share, from 0 to 1.
    Share,
    /// The cosine of an angle, from −1 to 1.
    Cosine,
}
