//! Mean kappa over epochs.

use super::{
    Kind,
    over_epochs::{Quantity, draw},
};
use crate::svg::chart::Scale;

pub(super) const FIGURE: Kind = Kind {
    name: "mean-kappa",
    about: "mean κ of the training samples, over epochs",
    needs_network: false,
    draw: |subjects, ink| {
        let kappa = Quantity { label: "", value: |epoch| Some(epoch.mean_kappa), dashes: "", tone: None };
        draw(subjects, ("Mean κ of training samples", "κ, attack steps", Scale::Number), &[kappa], ink)
    },
};
