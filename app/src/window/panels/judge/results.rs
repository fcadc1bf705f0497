//! What suites have said: the worst case as the headline, the table of attacks and runs, flags in words.

use egui::{Align, Grid, Layout, ProgressBar, RichText, Ui};
use gairat::session::{Judged, SampleTrial, Verdict, Weights};

use crate::window::{
    model::{Run, State},
    panels::table,
    theme,
};

/// Every run's results.
pub(super) fn results_ui(ui: &mut Ui, state: &State) {
    let two = state.has_twin();
    for run in &state.runs {
        progress_ui(ui, run);
    }
    let known: Vec<(&Run, &Judged, &Verdict)> =
        state.runs.iter().filter_map(|run| run.judgements.last().map(|(judged, verdict)| (run, judged, verdict))).collect();
    if !known.is_empty() {
        ui.separator();
        ui.columns(known.len(), |columns| {
            for (ui, (run, judged, verdict)) in columns.iter_mut().zip(&known) {
                ui.with_layout(Layout::top_down(Align::LEFT), |ui| headline_ui(ui, run, judged, (verdict, two)));
            }
        });
        for (run, _, verdict) in &known {
            if let Some(sentence) = &verdict.at_chance {
                let whose = if two { format!("{}: ", run.title()) } else { String::new() };
                ui.colored_label(ui.visuals().error_fg_color, format!("{whose}{sentence}"));
            }
        }
    }
    let judged = |run: &Run| run.judgements.under_way.is_some() || run.judgements.last().is_some();
    if state.runs.iter().any(judged) {
        let columns: Vec<_> = state.runs.iter().map(|run| (run.title(), table::cells(run))).collect();
        if columns.iter().any(|(_, cells)| !cells.is_empty()) {
            ui.separator();
            table::table_ui(ui, "judged", &columns);
        }
    }
    super::curve::curve_ui(ui, &state.runs);
    for run in &state.runs {
        if let Some((_, verdict)) = run.judgements.last() {
            flags_ui(ui, run, verdict, two);
        }
    }
}

/// How far a trial is.
fn progress_ui(ui: &mut Ui, run: &Run) {
    let Some(under_way) = &run.judgements.under_way else { return };
    let text = match under_way.attacks.get(under_way.attack) {
        None if under_way.attacks.is_empty() => "waits for the run…".to_owned(),
        None if under_way.found => "at other radii…".to_owned(),
        None => "looks for signs of masked gradients…".to_owned(),
        Some(attack) if under_way.all == 0 => format!("{attack}…"),
        Some(attack) => format!("{attack}: {} of {}", under_way.done, under_way.all),
    };
    let within = under_way.done as f32 / under_way.all.max(1) as f32;
    let part = (under_way.attack as f32 + within.min(1.0)) / under_way.attacks.len().max(1) as f32;
    ui.add(ProgressBar::new(part.min(1.0)).text(text));
}

/// The number that counts, and what it is of.
fn headline_ui(ui: &mut Ui, run: &Run, judged: &Judged, (verdict, two): (&Verdict, bool)) {
    let attacks = verdict.bars.len().saturating_sub(1);
    let (low, high) = verdict.interval;
    if two {
        ui.strong(run.title());
    }
    ui.label(RichText::new(format!("{:.1} %", 100.0 * verdict.robust)).size(26.0).strong());
    let alone = format!("after {} alone, which proves little", verdict.strongest);
    ui.label(if attacks == 1 { alone } else { format!("robust under all {attacks} attacks of {}", judged.attacks) })
        .on_hover_text(format!("of {} test samples, L∞ ball of {}", verdict.samples, judged.epsilon));
    ui.label(format!("95 %: {:.1} to {:.1} %", 100.0 * low, 100.0 * high))
        .on_hover_text("Where the share of all data like these lies, with a confidence of 95 % (Wilson's interval)");
    ui.weak(of_which(run, judged));
}

/// Which weights were judged, in words.
fn of_which(run: &Run, judged: &Judged) -> String {
    let now = run.place.epoch == judged.epoch && run.place.step == judged.step;
    let batches = match (judged.weights, judged.step) {
        (Weights::Best, _) => ", the best".to_owned(),
        (Weights::Now, 0) => String::new(),
        (Weights::Now, step) => format!(" + {step} batches"),
    };
    let since = if now || judged.weights == Weights::Best { "" } else { "; has gone on since" };
    format!("weights of epoch {}{batches}{since}", judged.epoch)
}

/// Signs that the number may not be what it seems.
fn flags_ui(ui: &mut Ui, run: &Run, verdict: &Verdict, two: bool) {
    let whose = if two { format!("{}: ", run.title()) } else { String::new() };
    for flag in &verdict.flags {
        // What a suite leaves out is no sign of anything.
        let (colour, mark) = match &*flag.name {
            "left-out" => (ui.visuals().weak_text_color(), "ℹ"),
            _ => (ui.visuals().warn_fg_color, "⚑"),
        };
        ui.label(RichText::new(format!("{mark} {whose}{}: {}", flag.name, flag.message)).color(colour));
    }
}

/// What each attack did to one sample.
pub(super) fn sample_results_ui(ui: &mut Ui, run: &Run, judged: &Judged, sample: &SampleTrial, two: bool) {
    let dark = ui.visuals().dark_mode;
    if two {
        ui.label(RichText::new(run.title()).strong());
    }
    ui.weak(of_which(run, judged));
    if !sample.natural {
        ui.label("It is misclassified before any attack, so there is nothing to break.");
        return;
    }
    Grid::new(ui.next_auto_id()).num_columns(3).spacing([8.0, 2.0]).show(ui, |ui| {
        for fate in &sample.fates {
            ui.label(&fate.attack);
            let (text, colour) =
                if fate.broken { ("✖ broken", theme::adversarial(dark)) } else { ("✔ withstood", theme::natural(dark)) };
            ui.colored_label(colour, text);
            let least = match fate.distance {
                Some(distance) => format!("at distance {distance:.3}"),
                None => format!("least margin {:.2}", fate.margin),
            };
            ui.weak(least).on_hover_text("margin: z_y − the next greatest logit; distance: L∞, from the sample");
            ui.end_row();
        }
    });
}
