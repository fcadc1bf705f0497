//! What happens on a run's way and is marked in its curves.

/// Something worth a mark in the curves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moment {
    /// When, in epochs.
    pub(crate) epoch: f64,
    /// What.
    pub(crate) kind: MomentKind,
    /// In words.
    pub(crate) text: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MomentKind {
    /// Weights set in.
    BurnIn,
    /// The learning rate dropped.
    LearningRate,
    /// A checkpoint was better than all before.
    Best,
    /// Settings were changed by hand.
    Changed,
}

impl MomentKind {
    /// What is written beside its line; nothing of changes, of which there may be many.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::BurnIn => Some("weights begin"),
            Self::LearningRate => Some("rate drops"),
            Self::Best => Some("best"),
            Self::Changed => None,
        }
    }
}
