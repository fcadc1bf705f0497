//! The loss over epochs.

use super::{
    Kind,
    over_epochs::{Quantity, draw},
};
use crate::svg::chart::Scale;

pub(super) const FIGURE: Kind = Kind {
    name: "loss",
    about: "the mean of what is minimised, over epochs",
    needs_network: false,
    draw: |subjects, ink| {
        let loss = Quantity { label: "", value: |epoch| Some(epoch.loss), dashes: "", tone: None };
        draw(subjects, ("Loss that is minimised", "loss, nats", Scale::Number), &[loss], ink)
    },
};
