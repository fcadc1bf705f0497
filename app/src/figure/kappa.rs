//! How kappa is spread over the training samples: bars of one run, lines of several.

use super::{Kind, SIZE, Subject, over_epochs::titled};
use crate::svg::{
    Drawing, Ink, Tone,
    chart::{Chart, Line, Scale, cell},
    histogram::{self, Bar},
};

pub(super) const FIGURE: Kind =
    Kind { name: "kappa", about: "how many training samples have which κ, in the last epoch", needs_network: false, draw };

const TITLE: &str = "κ of training samples, last epoch";
const ACROSS: &str = "κ: attack steps before which it is correct";

fn draw(subjects: &[Subject], ink: Ink) -> Option<(Drawing, String)> {
    let known: Vec<(usize, &Subject)> =
        subjects.iter().enumerate().filter(|(_, subject)| !subject.samples.kappa.is_empty()).collect();
    if known.is_empty() {
        return None;
    }
    let counts = |subject: &Subject| subject.samples.weight_by_kappa(subject.settings.steps as usize);
    let mut csv = "run,kappa,samples,share\n".to_owned();
    let mut lines = Vec::new();
    for &(place, subject) in &known {
        let all = subject.samples.kappa.len() as f64;
        let share = |count: usize| count as f64 / all;
        for (kappa, count, _) in counts(subject) {
            csv += &format!("{},{kappa},{count},{}\n", cell(&subject.label), share(count));
        }
        let points = counts(subject).into_iter().map(|(kappa, count, _)| (kappa as f64, share(count))).collect();
        lines.push(Line {
            label: subject.label.clone(),
            points,
            colour: ink.tone(Tone::Run(place)),
            dots: true,
            ..Line::default()
        });
    }
    if let [only] = subjects {
        let bar =
            |(kappa, count, _): (usize, usize, Option<f64>)| Bar { low: kappa as f64 - 0.5, high: kappa as f64 + 0.5, count };
        let bars: Vec<Bar> = counts(only).into_iter().map(bar).collect();
        return Some((histogram::draw(&titled(TITLE, subjects), &bars, ACROSS, None, SIZE, ink), csv));
    }
    let (title, across, up) = (TITLE.to_owned(), ACROSS.to_owned(), "share of samples".to_owned());
    let chart = Chart { title, across, whole: true, up, scale: Scale::Part, lines, marks: Vec::new() };
    Some((chart.draw(SIZE, ink), csv))
}
