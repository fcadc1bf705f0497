//! The curves of runs over their epochs: what there is, and how they become a figure.

use egui::Color32;
use gairat::metrics::EpochMetrics;

use super::{
    Run,
    moment::{Moment, MomentKind},
};
use crate::window::theme;

/// A sort of curve.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) at_first: bool,
    pub(crate) value: fn(&EpochMetrics) -> Option<f64>,
}

/// All of them.
pub(crate) const KINDS: [Kind; 7] = [
    Kind {
        name: "validation natural",
        doc: "Accuracy on natural validation data",
        at_first: true,
        value: |m| m.validation("natural"),
    },
    Kind {
        name: "validation PGD-20",
        doc: "Accuracy on validation data after PGD-20; one attack alone proves little",
        at_first: true,
        value: |m| m.validation("pgd:20"),
    },
    Kind {
        name: "train robust",
        doc: "Share of training samples that the training attack did not break",
        at_first: true,
        value: |m| Some(m.train_robust),
    },
    Kind { name: "loss", doc: "Mean of what is minimised, in nats", at_first: true, value: |m| Some(m.loss) },
    Kind { name: "mean κ", doc: "Mean kappa of the training samples", at_first: false, value: |m| Some(m.mean_kappa) },
    Kind { name: "learning rate", doc: "Learning rate", at_first: false, value: |m| Some(m.lr) },
    Kind { name: "effective", doc: "Share of samples that count", at_first: false, value: |m| m.effective },
];

/// The colour of a kind.
pub(crate) fn colour(kind: usize, dark: bool) -> Color32 {
    match kind {
        0 => theme::natural(dark),
        1 => theme::adversarial(dark),
        2 => theme::adversarial_in_training(dark),
        6 => theme::weight(dark),
        4 => theme::accent(dark),
        _ => theme::neutral(dark),
    }
}

/// Whether a kind is no share: then it has a unit of its own, and no place on an axis of shares.
pub(crate) fn has_own_scale(kind: usize) -> bool {
    (3..=5).contains(&kind)
}

/// The greatest that there is of a kind, which its curve is scaled by.
pub(crate) fn scale(kind: usize, runs: &[Run]) -> f64 {
    let values = runs.iter().flat_map(|run| &run.metrics).filter_map(KINDS[kind].value).filter(|value| value.is_finite());
    values.fold(0.0, f64::max).max(1e-12)
}

/// What is marked of a run: what follows from its settings, and what happened.
pub(crate) fn moments(run: &Run) -> Vec<Moment> {
    let settings = &run.settings;
    let mut moments = Vec::new();
    if settings.method.about().burns_in && settings.burn_in > 0 && settings.burn_in < settings.epochs {
        moments.push(Moment {
            epoch: f64::from(settings.burn_in),
            kind: MomentKind::BurnIn,
            text: format!("burn-in ends with epoch {}: weights set in with the next", settings.burn_in),
        });
    }
    if let Ok(plan) = settings.checked() {
        let rate = |epoch| plan.learning_rate.at(epoch);
        let drops: Vec<u32> = (2..=settings.epochs.min(10_000)).filter(|&epoch| rate(epoch) < 0.5 * rate(epoch - 1)).collect();
        moments.extend(drops.into_iter().take(20).map(|epoch| Moment {
            epoch: f64::from(epoch - 1),
            kind: MomentKind::LearningRate,
            text: format!("learning rate {} to {}", rate(epoch - 1), rate(epoch)),
        }));
    }
    let best = run.moments.iter().rev().find(|mark| mark.kind == MomentKind::Best);
    moments.extend(best.cloned());
    moments.extend(run.moments.iter().filter(|mark| mark.kind == MomentKind::Changed).cloned());
    moments
}
