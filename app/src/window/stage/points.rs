//! Points on the stage: colour is the class, size the weight, paleness kappa, and the mark of the adversarial partner says whether the
//! attack broke it.

use egui::{Align2, Color32, FontId, Painter, Pos2, Shape, Stroke, StrokeKind, vec2};

use super::{Placing, marks::Marks};
use crate::{
    lesson::Mark,
    window::{
        model::{State, lesson::Lesson, stations::Station},
        theme,
    },
};

/// Where the layers of what is marked begin.
const MARKED: usize = 2;

/// The radius of a point that counts `relative` times as much as the mean: its area grows with that.
fn radius(relative: f32) -> f32 {
    (2.6 * relative.max(0.0).sqrt()).clamp(1.6, 9.0)
}

/// The least radius of the mark of a point that is selected.
const LEAST_SELECTED: f32 = 4.6;
/// Points that are drawn in full at most, spread evenly over the training part; more of them hide each other.
const IN_FULL: usize = 250;
/// How much smaller the others are, and how much of their colour is seen.
const BEHIND: (f32, f32) = (0.6, 0.45);

/// All training points as they were last seen: some with their adversarial partners, the others behind them.
pub(super) fn all(state: &State, place: usize, placing: Placing, painter: &Painter, dark: bool) {
    let run = &state.runs[place];
    let Some(dataset) = &run.dataset else { return };
    let shows = state.stage.shows;
    let clip = painter.clip_rect().expand(10.0);
    let pale = theme::ground(dark);
    let steps = run.settings.steps.max(1) as f32;
    let other = state.stage.difference.then(|| state.runs.get(1 - place.min(1))).flatten();
    let text = if dark { Color32::from_gray(235) } else { Color32::from_gray(20) };
    let train = &dataset.train;
    let every = train.len().div_ceil(IN_FULL).max(1);
    let ink = placing.ink;
    let mut behind = Marks::default();
    let mut marks = Marks::default();
    for (sample, point) in train.pixels.chunks_exact(2).enumerate() {
        let natural = placing.to_screen([point[0], point[1]]);
        if !clip.contains(natural) {
            continue;
        }
        let class = train.labels[sample] as usize;
        let in_full = sample % every == 0;
        let colour = theme::class(class, dark);
        let Some(seen) = run.samples.get(sample).and_then(Option::as_ref) else {
            if shows.natural {
                if in_full {
                    marks.shape(class, natural, 2.0 * ink, theme::mix(colour, pale, 0.4));
                } else {
                    behind.shape(class, natural, 2.0 * ink * BEHIND.0, colour.gamma_multiply(BEHIND.1));
                }
            }
            continue;
        };
        let measured = &seen.record.measured;
        if let Some(position) = seen.adversarial.filter(|_| in_full) {
            let adversarial = placing.to_screen(position);
            if shows.steps {
                marks.line(natural, adversarial, 1.0, text.gamma_multiply(0.35));
            }
            if shows.adversarial {
                if measured.broken {
                    marks.cross(adversarial, 2.6 * ink, text);
                } else {
                    marks.dot(adversarial, 2.2 * ink, theme::mix(colour, text, 0.3));
                }
            }
        }
        if shows.natural {
            let (size, fill) = match other {
                // How much more or less it counts here than in the twin.
                Some(other) => {
                    let twin = other.samples.get(sample).and_then(Option::as_ref);
                    let more = run.relative(seen.record.omega) - twin.map_or(1.0, |seen| other.relative(seen.record.omega));
                    (radius(more.abs()), theme::diverging((more / 2.0).clamp(-1.0, 1.0), dark))
                }
                None => (radius(run.relative(seen.record.omega)), theme::mix(colour, pale, 0.55 * measured.kappa as f32 / steps)),
            };
            if in_full {
                marks.shape(class, natural, ink * size, fill);
            } else {
                let fill = if other.is_some() { fill } else { colour };
                behind.shape(class, natural, BEHIND.0 * ink * size, fill.gamma_multiply(BEHIND.1));
            }
        }
    }
    behind.append(marks);
    behind.paint(painter, place);
    lit(state, place, placing, painter, dark);
}

/// Rings around the points that are drawn in full, where a lesson speaks of their weight or of kappa: as large as they count, and
/// around those of low kappa.
fn lit(state: &State, place: usize, placing: Placing, painter: &Painter, dark: bool) {
    let Some(lesson) = &state.lesson else { return };
    let run = &state.runs[place];
    let (weight, kappa) = (lesson.lights(Mark::Weight), lesson.lights(Mark::Kappa));
    let Some(dataset) = run.dataset.as_ref().filter(|_| weight || kappa) else { return };
    let train = &dataset.train;
    let every = train.len().div_ceil(IN_FULL).max(1);
    for (sample, point) in train.pixels.chunks_exact(2).enumerate().step_by(every) {
        let Some(seen) = run.samples.get(sample).and_then(Option::as_ref) else { continue };
        let at = placing.to_screen([point[0], point[1]]);
        if weight {
            let size = placing.ink * radius(run.relative(seen.record.omega));
            painter.circle_stroke(at, size + 3.0, Stroke::new(1.8, theme::weight(dark)));
        } else if 2 * seen.record.measured.kappa <= run.settings.steps {
            painter.circle_stroke(at, 6.0, Stroke::new(1.6, theme::accent(dark)));
        }
    }
}

/// The next batch in the middle of its attack.
pub(super) fn batch(state: &State, place: usize, placing: Placing, painter: &Painter, dark: bool) {
    let run = &state.runs[place];
    let (Some(dataset), Some(batch), Some(step)) = (&run.dataset, &run.next_batch, state.attack_step) else { return };
    let train = &dataset.train;
    let text = if dark { Color32::from_gray(235) } else { Color32::from_gray(20) };
    let pale = theme::ground(dark);
    let mut marks = Marks::default();
    for (sample, point) in train.pixels.chunks_exact(2).enumerate() {
        let at = placing.to_screen([point[0], point[1]]);
        marks.shape(
            train.labels[sample] as usize,
            at,
            1.6 * placing.ink,
            theme::mix(theme::class(train.labels[sample] as usize, dark), pale, 0.7),
        );
    }
    for (row, points) in batch.rows.iter().zip(&batch.points) {
        let Some(sample) = run.place_of(*row) else { continue };
        let class = train.labels[sample] as usize;
        let way: Vec<Pos2> =
            points.iter().take(step + 1).map(|point| placing.to_screen([point.position[0], point.position[1]])).collect();
        let Some(&now) = way.last() else { continue };
        let natural = placing.to_screen([train.pixels[2 * sample], train.pixels[2 * sample + 1]]);
        marks.line(natural, way[0], 0.8, text.gamma_multiply(0.3));
        way.windows(2).for_each(|pair| marks.line(pair[0], pair[1], 1.2, text.gamma_multiply(0.7)));
        marks.shape(class, natural, 2.4 * placing.ink, theme::class(class, dark));
        if points.get(step).is_some_and(|point| point.margin <= 0.0) {
            marks.cross(now, 3.2 * placing.ink, text);
        } else {
            marks.dot(now, 3.0 * placing.ink, text);
        }
    }
    marks.paint(painter, place);
    if let Some(weights) = run.next_weights() {
        stations(state, place, placing, &weights, painter, dark);
    }
}

/// What is counted of the next batch, or what it weighs: a number, or a ring, at each of its points.
fn stations(state: &State, place: usize, placing: Placing, weights: &[(u32, Option<f32>)], painter: &Painter, dark: bool) {
    let run = &state.runs[place];
    let (Some(dataset), Some(batch), Some(station)) = (&run.dataset, &run.next_batch, state.station()) else { return };
    let train = &dataset.train;
    for (row, &(kappa, weight)) in batch.rows.iter().zip(weights) {
        let Some(sample) = run.place_of(*row) else { continue };
        let at = placing.to_screen([train.pixels[2 * sample], train.pixels[2 * sample + 1]]);
        match (station, weight) {
            (Station::Kappa, _) => {
                let font = FontId::proportional(12.0 * placing.ink.max(1.0));
                let colour = if dark { Color32::WHITE } else { Color32::BLACK };
                let galley = painter.layout_no_wrap(kappa.to_string(), font, colour);
                let rect = Align2::CENTER_BOTTOM.anchor_size(at - vec2(0.0, 3.0), galley.size());
                painter.rect_filled(rect.expand(1.0), 2.0, theme::ground(dark).gamma_multiply(0.75));
                painter.galley(rect.min, galley, colour);
            }
            (Station::Weight, Some(weight)) => {
                painter.circle_stroke(at, placing.ink * radius(weight) + 2.0, Stroke::new(1.8, theme::weight(dark)));
            }
            _ => {}
        }
    }
}

/// The selected point and the one under the pointer: the box that the attack may move in, and the way of the attack.
pub(super) fn marked(state: &State, place: usize, placing: Placing, painter: &Painter, dark: bool) {
    let run = &state.runs[place];
    let Some(dataset) = &run.dataset else { return };
    let accent = theme::accent(dark);
    let mut chosen = Marks::default();
    let hides = state.lesson.as_ref().is_some_and(Lesson::hides_attack);
    for (row, selected) in [(state.hovered, false), (state.selected, true)] {
        let Some(sample) = row.and_then(|row| run.place_of(row)) else { continue };
        let point = &dataset.train.pixels[2 * sample..2 * sample + 2];
        let epsilon = run.settings.epsilon as f32;
        let ball = egui::Rect::from_two_pos(
            placing.to_screen([point[0] - epsilon, point[1] - epsilon]),
            placing.to_screen([point[0] + epsilon, point[1] + epsilon]),
        );
        let lit = selected && state.lesson.as_ref().is_some_and(|lesson| lesson.lights(Mark::Ball));
        let stroke = Stroke::new(
            if lit {
                4.0
            } else if selected {
                2.0
            } else {
                1.2
            },
            accent,
        );
        // A rim in the colour of the ground, so that it is seen on any region.
        let rim = Stroke::new(stroke.width + 2.5, theme::ground(dark));
        painter.rect_stroke(ball, 0.0, rim, StrokeKind::Middle);
        if selected && hides {
            painter.rect_filled(ball, 0.0, theme::ground(dark));
        }
        painter.rect_stroke(ball, 0.0, stroke, StrokeKind::Middle);
        // The ring leaves room for the mark, whose shape and colour are its class.
        let natural = placing.to_screen([point[0], point[1]]);
        let size = run
            .samples
            .get(sample)
            .and_then(Option::as_ref)
            .map_or(2.0, |seen| placing.ink * radius(run.relative(seen.record.omega)));
        let size = size.max(LEAST_SELECTED);
        painter.circle_stroke(natural, size + 4.5, rim);
        painter.circle_stroke(natural, size + 4.5, stroke);
        let class = dataset.train.labels[sample] as usize;
        chosen.shape(class, natural, size, theme::class(class, dark));
    }
    let traced = run.traced.as_ref().filter(|traced| Some(traced.row) == state.selected && !hides);
    let Some(traced) = traced else { return chosen.paint(painter, MARKED + place) };
    let now = state.scrub_in(traced.points.len());
    let way: Vec<Pos2> = traced.points.iter().map(|point| placing.to_screen([point.position[0], point.position[1]])).collect();
    let lit = state.lesson.as_ref().is_some_and(|lesson| lesson.lights(Mark::Path) || lesson.lights(Mark::Cross));
    painter.add(Shape::line(way.clone(), Stroke::new(if lit { 4.0 } else { 1.6 }, accent)));
    let mut marks = Marks::default();
    for (step, at) in way.iter().enumerate() {
        let broken = traced.class_at(step) != traced.label as usize;
        if step == now {
            painter.circle_stroke(*at, 5.0, Stroke::new(2.5, accent));
        }
        if broken {
            marks.cross(*at, if lit { 5.0 } else { 3.0 }, if dark { Color32::WHITE } else { Color32::BLACK });
        } else {
            marks.shape(0, *at, 2.0, if dark { Color32::WHITE } else { Color32::BLACK });
        }
    }
    // The class of the point is seen above the way that begins at it.
    marks.append(chosen);
    marks.paint(painter, MARKED + place);
}
