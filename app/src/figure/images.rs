//! Images: original + perturbation = adversarial, with what the network answers to both.

use super::{Kind, Scene, Shown, Subject};
use crate::{
    palette::class_name,
    pixels::{answer, magnified, perturbation, picture},
    svg::{Drawing, Ink, Picture, Tone, chart::cell, escaped},
};

pub(super) const FIGURE: Kind = Kind {
    name: "images",
    about: "images: original + perturbation = adversarial, with the network's answers",
    needs_network: true,
    draw,
};

/// Side of a picture, room for a sign between two, and height of a row.
const SIDE: f64 = 84.0;
const SIGN: f64 = 22.0;
const ROW: f64 = SIDE + 44.0;
/// Width of an equation, room around it, and how many stand beside each other.
const EQUATION: f64 = 3.0 * SIDE + 2.0 * SIGN;
const EDGE: f64 = 16.0;
const COLUMNS: usize = 2;
/// Above the first row.
const HEAD: f64 = 34.0;
/// Equations of a run at most.
const MOST: usize = 12;

fn draw(subjects: &[Subject], ink: Ink) -> Option<(Drawing, String)> {
    let is_images = |scene: &&Scene| scene.shape.1 > 1 && !scene.samples.is_empty();
    let scenes: Vec<(&Subject, &Scene)> =
        subjects.iter().filter_map(|subject| Some((subject, subject.scene.as_ref().filter(is_images)?))).collect();
    if scenes.is_empty() {
        return None;
    }
    let panels = scenes.iter().map(|(subject, scene)| panel(subject, scene, ink)).collect();
    let words = [
        "Original + perturbation = adversarial; below, what the network answers and how sure it is; κ and ω, a multiple of the mean, are of the last epoch.",
    ];
    let drawing = Drawing::beside(panels, 1, "Images", &words);
    let mut csv =
        "run,row,label,predicted,probability,predicted_adversarial,probability_adversarial,largest_change,kappa,weight\n"
            .to_owned();
    for (subject, scene) in scenes {
        for sample in scene.samples.iter().take(MOST) {
            let Shown { row, label, natural, adversarial, before, after, kappa, weight, .. } = sample;
            let change = natural.iter().zip(adversarial).map(|(from, to)| (to - from).abs()).fold(0.0, f32::max);
            let answer =
                |answer: &Option<(u32, f32)>| answer.map_or_else(|| ",".to_owned(), |(class, sure)| format!("{class},{sure}"));
            let kappa = kappa.map(|kappa| kappa.to_string()).unwrap_or_default();
            csv += &format!(
                "{},{row},{label},{},{},{change},{kappa},{weight}\n",
                cell(&subject.label),
                answer(before),
                answer(after)
            );
        }
    }
    Some((drawing, csv))
}

/// A text whose arrow is drawn in a font that has one: where a font lacks a letter, all of a text would be drawn in another.
fn with_arrow(text: &str) -> String {
    escaped(text).replace('→', "<tspan font-family=\"Hack, sans-serif\">→</tspan>")
}

fn panel(subject: &Subject, scene: &Scene, ink: Ink) -> Drawing {
    let epsilon = subject.settings.epsilon as f32;
    let count = scene.samples.len().min(MOST);
    let width = COLUMNS as f64 * (EQUATION + EDGE) + EDGE;
    let size = (width, HEAD + ROW * count.div_ceil(COLUMNS) as f64);
    let title = format!("{}; difference {}", subject.label, magnified(epsilon));
    let title = title.trim_start_matches("; ").to_owned();
    let mut body = format!("<text x=\"{EDGE}\" y=\"18\" font-size=\"15\">{}</text>\n", escaped(&title));
    let mut pictures = Vec::new();
    let (_, rows, columns) = scene.shape;
    for (place, sample) in scene.samples.iter().take(count).enumerate() {
        let x = EDGE + (EQUATION + EDGE) * (place % COLUMNS) as f64;
        let y = HEAD + ROW * (place / COLUMNS) as f64;
        let faces = [
            picture(&sample.natural, scene.shape),
            perturbation(&sample.natural, &sample.adversarial, scene.shape, epsilon, false),
            picture(&sample.adversarial, scene.shape),
        ];
        for (face, pixels) in faces.into_iter().enumerate() {
            let left = x + (SIDE + SIGN) * face as f64;
            pictures.push(Picture { at: (left, y, SIDE, SIDE), size: (columns, rows), pixels, smooth: false });
            body += &format!(
                "<rect x=\"{left:.1}\" y=\"{y:.1}\" width=\"{SIDE}\" height=\"{SIDE}\" fill=\"none\" stroke=\"{}\" stroke-width=\"0.6\"/>\n",
                ink.colour()
            );
            if face > 0 {
                let sign = if face == 1 { "+" } else { "=" };
                let middle = (left - SIGN / 2.0, y + SIDE / 2.0 + 6.0);
                body += &format!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"18\" text-anchor=\"middle\">{sign}</text>\n",
                    middle.0, middle.1
                );
            }
        }
        let answer =
            |of: Option<(u32, f32)>| of.map_or_else(|| "?".to_owned(), |(class, sure)| answer(class, sure, scene.classes));
        let mut answers = format!("{} → {}", answer(sample.before), answer(sample.after));
        if sample.before.is_some_and(|(class, _)| class != sample.label) {
            answers += &format!(", is {}", class_name(sample.label as usize, scene.classes));
        }
        let kappa = sample.kappa.map(|kappa| format!("κ {kappa}, ")).unwrap_or_default();
        let line = |dy: f64, fill: &str, text: &str| {
            let (at, below) = (x + EQUATION / 2.0, y + SIDE + dy);
            format!("<text x=\"{at:.1}\" y=\"{below:.1}\" text-anchor=\"middle\"{fill}>{}</text>\n", with_arrow(text))
        };
        let fill = if sample.broken { format!(" fill=\"{}\"", ink.tone(Tone::Adversarial)) } else { String::new() };
        body += &line(15.0, &fill, &answers);
        body += &line(31.0, " font-size=\"11\"", &format!("row {}, {kappa}ω {:.2}", sample.row, sample.weight));
    }
    Drawing { size, title, ink, pictures, body }
}
