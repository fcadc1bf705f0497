//! Robust accuracy over the radius of the ball.

use super::{Kind, SIZE, Subject, over_epochs::titled};
use crate::svg::{
    Drawing, Ink, Tone,
    chart::{Chart, Line, Scale},
};

pub(super) const FIGURE: Kind = Kind {
    name: "epsilon-curve",
    about: "robust accuracy over the radius, where `gairat eval --epsilons` or the window evaluated it",
    needs_network: false,
    draw,
};

fn draw(subjects: &[Subject], ink: Ink) -> Option<(Drawing, String)> {
    let curves =
        subjects.iter().enumerate().flat_map(|(place, subject)| subject.radii.iter().map(move |curve| (place, subject, curve)));
    let curves: Vec<_> = curves.filter(|(_, _, curve)| !curve.points.is_empty()).collect();
    // Radii of different balls have no common axis.
    let norm = &curves.first()?.2.norm;
    let curves: Vec<_> = curves.iter().filter(|(_, _, curve)| curve.norm == *norm).collect();
    let dashes = ["", "7 4", "2 3", "9 3 2 3"];
    let lines = curves.iter().map(|(place, subject, curve)| {
        let number = subject.radii.iter().position(|other| std::ptr::eq(other, *curve)).unwrap_or(0);
        let label = match (subjects.len() > 1, subject.radii.len() > 1) {
            (true, true) => format!("{}: {}", subject.label, curve.by),
            (true, false) => subject.label.clone(),
            (false, _) => curve.by.clone(),
        };
        Line {
            label,
            points: curve.points.iter().map(|point| (f64::from(point.epsilon), point.robust)).collect(),
            band: curve.points.iter().map(|point| point.interval).collect(),
            dashes: dashes[number % dashes.len()],
            colour: ink.tone(if subjects.len() > 1 { Tone::Run(*place) } else { Tone::Adversarial }),
            dots: true,
        }
    });
    let mut marks: Vec<(f64, String)> = Vec::new();
    for (_, subject, _) in &curves {
        let mark = (subject.settings.epsilon, "ε of training".to_owned());
        if !marks.contains(&mark) {
            marks.push(mark);
        }
    }
    let chart = Chart {
        title: titled("Robust accuracy over the radius, 95 % intervals", subjects),
        across: format!("radius of the {norm} ball, pixels in [0, 1]"),
        whole: false,
        up: "correct under every attack".to_owned(),
        scale: Scale::Share,
        lines: lines.collect(),
        marks,
    };
    Some((chart.draw(SIZE, ink), chart.csv()))
}
