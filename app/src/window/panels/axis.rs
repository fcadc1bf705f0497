//! The marks of an axis: four or five round numbers, whatever it goes over.

use egui::Rangef;
use egui_plot::{GridInput, GridMark};

/// What makes the lines of a plot faint, a seventh of the colour of text, however far apart they are: a plot draws lines the stronger the
/// farther apart they are within this range, as the root of that.
pub(super) const FAINT: Rangef = Rangef { min: -1000.0, max: 50_000.0 };

/// Marks have these steps, times powers of ten.
const STEPS: [f64; 5] = [1.0, 2.0, 2.5, 5.0, 10.0];
/// How many steps there are at most.
const MOST: f64 = 5.0;
/// From one number to the next above it, and what stands below a plot, as many times as text is high.
const APART: f32 = 1.4;
const BELOW: f32 = 2.6;

/// A spacer for [`egui_plot::Plot`]: three to six marks.
pub(super) fn few(input: GridInput) -> Vec<GridMark> {
    marks(input.bounds, &STEPS, MOST)
}

/// Two to six marks, for the axis of a plot that is so high with all that stands below it, where numbers are so high: a plot leaves out all
/// numbers where they would touch.
pub(super) fn few_within(height: f32, text: f32) -> impl Fn(GridInput) -> Vec<GridMark> {
    let most = f64::from((height - BELOW * text) / (APART * text)).floor().clamp(1.0, MOST);
    move |input| {
        let marks = marks(input.bounds, &STEPS, most);
        if marks.len() > 1 { marks } else { pair(input.bounds) }
    }
}

/// Two marks as far apart as one digit times a power of ten lets them be.
fn pair((low, high): (f64, f64)) -> Vec<GridMark> {
    let power = 10f64.powf((high - low).log10().floor());
    if !power.is_normal() {
        return Vec::new();
    }
    let mut steps = [power, power / 10.0].into_iter().flat_map(|power| (1..=9).rev().map(move |digit| f64::from(digit) * power));
    let fits = |step: &f64| (low / step).ceil() * step + step <= high;
    let both = |step: f64| [0.0, 1.0].map(|more| GridMark { value: (low / step).ceil() * step + more * step, step_size: step });
    steps.find(fits).map(|step| both(step).to_vec()).unwrap_or_default()
}

/// The same for an axis of whole numbers.
pub(super) fn few_whole(input: GridInput) -> Vec<GridMark> {
    let mut marks = marks(input.bounds, &[1.0, 2.0, 5.0, 10.0], MOST);
    marks.retain(|mark| mark.value.fract() == 0.0);
    marks
}

/// What stands at a mark.
pub(super) fn label(mark: GridMark) -> String {
    // The nearest number of that many decimals, and no -0.
    let decimals = (1.0 - mark.step_size.log10().floor()).clamp(0.0, 8.0) as usize;
    let text = format!("{:.decimals$}", mark.value);
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.replace('-', "−") }
}

/// Marks at multiples of one of these numbers times a power of ten: of the least that goes into the bounds at most so many times.
fn marks((low, high): (f64, f64), steps: &[f64], most: f64) -> Vec<GridMark> {
    let rough = (high - low) / most;
    if !rough.is_finite() || rough <= 0.0 {
        return Vec::new();
    }
    let power = 10f64.powf(rough.log10().floor());
    let step = steps.iter().map(|step| step * power).find(|step| *step >= 0.999 * rough).unwrap_or(10.0 * power);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(|mark| GridMark { value: mark as f64 * step, step_size: step }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_three_to_six_round_marks_that_differ() {
        for (low, high) in [(0.0, 1.06), (0.0, 80.0), (-4.0, 22.0), (-0.6, 10.6), (0.0, 0.0031), (-1e-7, 1e-7), (0.0, 31_234.0)] {
            let marks = few(GridInput { bounds: (low, high), base_step_size: 1.0 });
            assert!((3..=6).contains(&marks.len()), "{low} to {high}: {marks:?}");
            assert!(marks.iter().all(|mark| (low..=high).contains(&mark.value)), "{low} to {high}: {marks:?}");
            let labels: std::collections::BTreeSet<String> = marks.iter().map(|mark| label(*mark)).collect();
            assert!(labels.len() == marks.len() && !labels.contains("−0"), "{labels:?}");
        }
        for (height, text) in [(60.0, 14.0), (85.0, 18.0), (120.0, 18.0), (200.0, 14.0)] {
            for top in [1.06, 1.9, 2.99, 4.9, 5.1, 9.99, 11.9, 0.034, 690.0] {
                let marks = few_within(height, text)(GridInput { bounds: (-0.02 * top, top), base_step_size: 1.0 });
                let apart = marks[0].step_size / (1.02 * top) * f64::from(height - BELOW * text);
                assert!(marks.len() > 1 && apart >= f64::from(0.65 * text), "{height}, {text}, {top}: {marks:?}");
            }
        }
        let kappa = few_whole(GridInput { bounds: (-0.6, 10.6), base_step_size: 1.0 });
        assert_eq!(kappa.into_iter().map(label).collect::<Vec<_>>(), ["0", "5", "10"]);
        assert!(few(GridInput { bounds: (0.0, f64::INFINITY), base_step_size: 1.0 }).is_empty());
        assert!(few(GridInput { bounds: (1.0, 1.0), base_step_size: 1.0 }).is_empty());
    }
}
