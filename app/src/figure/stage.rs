//! The plane: what the network answers where, training samples with their weights, and where the attack moves them.

use super::{Kind, Scene, Shown, Subject};
use crate::{
    palette::{LIGHT, LIGHT_GROUND},
    svg::{Drawing, Frame, Ink, Picture, Tone, chart::cell, colour, short},
};

pub(super) const FIGURE: Kind = Kind {
    name: "stage",
    about: "2-D data: regions, samples with their weights, and where the attack moves them",
    needs_network: true,
    draw,
};

/// Side of a panel with its axes, and how many stand beside each other.
const PANEL: (f64, f64) = (380.0, 388.0);
const ACROSS: usize = 3;
/// Samples that are drawn in full; the others are small and pale.
const FULL: usize = 250;
/// How strong the colour of a region is where the network is unsure, and where it is sure.
const SHADE: (f32, f32) = (0.06, 0.34);

fn draw(subjects: &[Subject], ink: Ink) -> Option<(Drawing, String)> {
    let is_plane = |scene: &&Scene| scene.shape == (1, 1, 2) && !scene.samples.is_empty();
    let scenes: Vec<(&Subject, &Scene)> =
        subjects.iter().filter_map(|subject| Some((subject, subject.scene.as_ref().filter(is_plane)?))).collect();
    if scenes.is_empty() {
        return None;
    }
    let panels: Vec<Drawing> = scenes.iter().map(|(subject, scene)| panel(&subject.label, scene, ink)).collect();
    let words = [
        "Shade: the most likely class, by its probability. Marks: training samples, by class; the ring is as wide as the root of the weight ω in the last epoch.",
        "Lines lead to where the attack of training moves a sample; × where that breaks it. Some 250 samples are drawn in full, the others are small.",
    ];
    let drawing = Drawing::beside(panels, ACROSS, "Stage", &words);
    let mut csv =
        "run,row,label,x,y,x_adversarial,y_adversarial,broken,predicted,predicted_adversarial,kappa,weight\n".to_owned();
    for (subject, scene) in scenes {
        for sample in &scene.samples {
            let Shown { row, label, natural, adversarial, broken, before, after, kappa, weight } = sample;
            let (from, to) = (point(natural), point(adversarial));
            let kappa = kappa.map(|kappa| kappa.to_string()).unwrap_or_default();
            let class = |answer: &Option<(u32, f32)>| answer.map(|(class, _)| class.to_string()).unwrap_or_default();
            csv += &format!(
                "{},{row},{label},{},{},{},{},{broken},{},{},{kappa},{weight}\n",
                cell(&subject.label),
                from.0,
                from.1,
                to.0,
                to.1,
                class(before),
                class(after)
            );
        }
    }
    Some((drawing, csv))
}

fn panel(title: &str, scene: &Scene, ink: Ink) -> Drawing {
    let mut frame = Frame::new(PANEL, (0.0, 1.0), (0.0, 1.0), ink);
    let (columns, rows, map) = &scene.regions;
    if map.len() == 2 * columns * rows && !map.is_empty() {
        let least = 1.0 / scene.classes.max(2) as f32;
        let shade = |of: &[f32]| {
            let sure = ((of[1] - least) / (1.0 - least)).clamp(0.0, 1.0);
            mix(LIGHT_GROUND, LIGHT[of[0] as usize % LIGHT.len()], SHADE.0 + (SHADE.1 - SHADE.0) * sure)
        };
        let pixels = map.chunks_exact(2).map(shade).collect();
        let picture = Picture { at: (0.0, 0.0, 0.0, 0.0), size: (*columns, *rows), pixels, smooth: true };
        frame.picture((0.0, 1.0), (0.0, 1.0), picture);
    }
    let ends = [0.0, 0.25, 0.5, 0.75, 1.0];
    frame.across(&ends, short);
    frame.below(&ends, short, "first coordinate");
    frame.left("second coordinate");
    let apart = scene.samples.len().div_ceil(FULL).max(1);
    let (full, rest): (Vec<_>, Vec<_>) = scene.samples.iter().enumerate().partition(|(place, _)| place % apart == 0);
    for (_, sample) in rest {
        let (x, y) = point(&sample.natural);
        let own = colour(LIGHT[sample.label as usize % LIGHT.len()]);
        frame.add(&format!(
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"1.3\" fill=\"{own}\" fill-opacity=\"0.45\"/>",
            frame.x(x),
            frame.y(y)
        ));
    }
    for (_, sample) in &full {
        frame.line(&[point(&sample.natural), point(&sample.adversarial)], "#55585e", 0.7, "");
    }
    // The heavy ones last, so that they are seen.
    let mut full = full;
    full.sort_by(|a, b| a.1.weight.total_cmp(&b.1.weight));
    for (_, sample) in full {
        mark(&mut frame, sample, ink);
    }
    frame.finish(title)
}

/// One sample in full, and a cross where the attack breaks it.
fn mark(frame: &mut Frame, sample: &Shown, ink: Ink) {
    let (x, y) = point(&sample.natural);
    let (x, y) = (frame.x(x), frame.y(y));
    let own = colour(LIGHT[sample.label as usize % LIGHT.len()]);
    let width = (1.1 * f64::from(sample.weight.max(0.0)).sqrt()).clamp(0.0, 4.0);
    let ring = ink.tone(Tone::Weight);
    let style = format!("fill=\"{own}\" stroke=\"{ring}\" stroke-width=\"{width:.2}\" paint-order=\"stroke\"");
    let path = |corners: &[(f64, f64)]| {
        let corners: Vec<String> = corners.iter().map(|(dx, dy)| format!("{:.1} {:.1}", x + dx, y + dy)).collect();
        format!("<path d=\"M{}Z\" {style}/>", corners.join("L"))
    };
    frame.add(&match sample.label % 4 {
        0 => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" {style}/>"),
        1 => path(&[(-2.7, -2.7), (2.7, -2.7), (2.7, 2.7), (-2.7, 2.7)]),
        2 => path(&[(0.0, -3.6), (3.4, 2.6), (-3.4, 2.6)]),
        _ => path(&[(0.0, -3.8), (3.8, 0.0), (0.0, 3.8), (-3.8, 0.0)]),
    });
    if sample.broken {
        let (x, y) = point(&sample.adversarial);
        let (x, y) = (frame.x(x), frame.y(y));
        frame.add(&format!(
            "<path d=\"M{:.1} {:.1}L{:.1} {:.1}M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"{}\" stroke-width=\"1.1\"/>",
            x - 2.2,
            y - 2.2,
            x + 2.2,
            y + 2.2,
            x - 2.2,
            y + 2.2,
            x + 2.2,
            y - 2.2,
            ink.colour()
        ));
    }
}

/// The coordinates of a sample of the plane.
fn point(numbers: &[f32]) -> (f64, f64) {
    let at = |place: usize| numbers.get(place).copied().map_or(0.0, f64::from);
    (at(0), at(1))
}

fn mix(from: (u8, u8, u8), to: (u8, u8, u8), part: f32) -> (u8, u8, u8) {
    let channel = |from: u8, to: u8| (f32::from(from) + (f32::from(to) - f32::from(from)) * part).round() as u8;
    (channel(from.0, to.0), channel(from.1, to.1), channel(from.2, to.2))
}
