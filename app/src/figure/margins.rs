//! How margins of training samples are spread, before the attack and after it.

use super::{Kind, SIZE, Subject, over_epochs::titled};
use crate::svg::{
    Drawing, Ink, Tone,
    chart::{Chart, Line, Scale},
};

pub(super) const FIGURE: Kind = Kind {
    name: "margins",
    about: "how margins of training samples are spread before and after the attack, last epoch",
    needs_network: false,
    draw,
};

/// Parts of the axis.
const PARTS: usize = 40;
/// Of all margins, so many lie beyond each end of the axis: one that lies far off would press all others together.
const TAIL: f64 = 0.002;

fn draw(subjects: &[Subject], ink: Ink) -> Option<(Drawing, String)> {
    let both = |subject: &Subject| [subject.samples.margin_start.clone(), subject.samples.margin_adversarial.clone()];
    let mut all: Vec<f64> = subjects.iter().flat_map(both).flatten().filter(|margin| margin.is_finite()).collect();
    if all.is_empty() {
        return None;
    }
    all.sort_by(f64::total_cmp);
    let at = |part: f64| all[((all.len() - 1) as f64 * part).round() as usize];
    let (low, high) = (at(TAIL).min(0.0), at(1.0 - TAIL).max(0.0));
    let width = ((high - low) / PARTS as f64).max(1e-6);
    let mut lines = Vec::new();
    for (place, subject) in subjects.iter().enumerate() {
        let names = [("attack's start", "", Tone::Natural), ("after the attack", "7 4", Tone::Adversarial)];
        for (margins, (name, dashes, own)) in both(subject).into_iter().zip(names) {
            let mut counts = [0_usize; PARTS];
            for margin in margins.iter().filter(|margin| margin.is_finite()) {
                counts[(((margin - low) / width).max(0.0) as usize).min(PARTS - 1)] += 1;
            }
            let all = margins.len().max(1) as f64;
            let middle = |part: usize| low + width * (part as f64 + 0.5);
            let points = counts.iter().enumerate().map(|(part, count)| (middle(part), *count as f64 / all)).collect();
            let several = subjects.len() > 1;
            let label = if several { format!("{}: {name}", subject.label) } else { name.to_owned() };
            let colour = ink.tone(if several { Tone::Run(place) } else { own });
            if !margins.is_empty() {
                lines.push(Line { label, points, dashes, colour, ..Line::default() });
            }
        }
    }
    let chart = Chart {
        title: titled("Margins of training samples, last epoch", subjects),
        across: "margin z_y − max other, logits (below 0: misclassified)".to_owned(),
        whole: false,
        up: "share of samples".to_owned(),
        scale: Scale::Part,
        lines,
        marks: vec![(0.0, "boundary".to_owned())],
    };
    Some((chart.draw(SIZE, ink), chart.csv()))
}
