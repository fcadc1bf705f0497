//! Accuracy on the validation part over epochs, natural and attacked.

use super::{
    Kind,
    over_epochs::{Quantity, draw},
};
use crate::svg::{Tone, chart::Scale};

pub(super) const FIGURE: Kind = Kind {
    name: "accuracy",
    about: "accuracy over epochs: natural, under PGD-20, in the worst case, and in training",
    needs_network: false,
    draw: |subjects, ink| {
        let quantities = [
            Quantity { label: "natural", value: |epoch| epoch.validation("natural"), dashes: "", tone: Some(Tone::Natural) },
            Quantity { label: "PGD-20", value: |epoch| epoch.validation("pgd:20"), dashes: "7 4", tone: Some(Tone::Adversarial) },
            Quantity {
                label: "worst",
                value: |epoch| epoch.get("validation_robust"),
                dashes: "2 3",
                tone: Some(Tone::Adversarial),
            },
            Quantity { label: "training attack", value: |epoch| Some(epoch.train_robust), dashes: "1 4", tone: None },
        ];
        // Of several runs, what tells least is left out.
        let shown = if subjects.len() > 1 { &quantities[..2] } else { &quantities[..] };
        draw(subjects, ("Accuracy on validation data", "accuracy", Scale::Share), shown, ink)
    },
};
