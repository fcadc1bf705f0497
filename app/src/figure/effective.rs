//! The effective share of samples over epochs.

use super::{
    Kind,
    over_epochs::{Quantity, draw},
};
use crate::svg::{Tone, chart::Scale};

pub(super) const FIGURE: Kind = Kind {
    name: "effective",
    about: "the share of samples that count, (Σω)²/(nΣω²), over epochs",
    needs_network: false,
    draw: |subjects, ink| {
        let share = Quantity { label: "", value: |epoch| epoch.effective, dashes: "", tone: Some(Tone::Weight) };
        draw(subjects, ("Effective share of samples, (Σω)²/(nΣω²)", "share of samples", Scale::Share), &[share], ink)
    },
};
