//! The selected sample: what it is, what the attack makes of it, and every step of the attack.

mod attack;

use egui::{RichText, ScrollArea, Ui};
use gairat::{method::Axis, metrics::Beside};

use super::{controls::action_button, table};
use crate::window::{
    actions::Action,
    model::{Phase, Run, State, lesson::Lesson},
    theme,
};

pub(crate) use attack::steps_panel_ui;

/// The inspector.
pub(crate) fn inspector_ui(ui: &mut Ui, state: &mut State) {
    ScrollArea::vertical().id_salt("inspector").auto_shrink([false, false]).show(ui, |ui| {
        // What is too long wraps: a panel that grows would push the stage aside.
        ui.set_max_width(ui.available_width());
        let Some(row) = state.selected else {
            ui.strong("Sample");
            ui.label(if state.large_targets {
                "Touch a sample to look into it."
            } else {
                "Click a sample to look into it, or go through them with the arrow keys."
            });
            ui.weak("Each point of the stage is a training sample; beside those that are drawn in full, some 250, a mark shows where the attack moved them.");
            let columns: Vec<_> = state.runs.iter().map(|run| (run.title(), table::of_summary(run))).collect();
            if columns.iter().any(|(_, cells)| !cells.is_empty()) {
                ui.separator();
                ui.strong("Results");
                table::table_ui(ui, "results", &columns);
            }
            for place in 0..state.runs.len() {
                summary_ui(ui, state, place);
            }
            return;
        };
        header_ui(ui, state, row);
        if state.lesson.as_ref().is_some_and(Lesson::hides_attack) {
            ui.label("What the attack makes of it is shown after your answer.");
            return;
        }
        let runs = state.runs.len();
        for place in 0..runs {
            if runs > 1 {
                ui.add_space(4.0);
                ui.strong(state.runs[place].title());
            }
            training_ui(ui, &state.runs[place], row);
        }
        ui.separator();
        if state.run().traced.as_ref().is_some_and(|traced| traced.row == row) {
            attack::attack_ui(ui, state);
        } else if !state.run().answers() {
            ui.label(
                "The run has ended, so this sample cannot be attacked now. Start a new run (R), or open the saved one (Ctrl+O).",
            );
        } else {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label("attacking this sample…");
            });
        }
    });
}

/// Whether there is a sample to look into, or a result to read.
pub(crate) fn has_something(state: &State) -> bool {
    state.selected.is_some() || state.lesson.is_none() && state.runs.iter().any(|run| matches!(run.phase, Phase::Finished(_)))
}

/// What a run that is over comes to beside the table: its worst case, of which weights, and what is wrong with it, if something is.
fn summary_ui(ui: &mut Ui, state: &State, place: usize) {
    let run = &state.runs[place];
    let Phase::Finished(summary) = &run.phase else { return };
    ui.separator();
    ui.strong(format!("{} on {} test samples", run.title(), summary.samples));
    if let Some(sentence) = run.at_chance() {
        ui.colored_label(ui.visuals().error_fg_color, sentence);
    }
    let best = if summary.epoch == summary.epochs { "the last" } else { "the best" };
    ui.horizontal(|ui| {
        let worst = format!("{:.1} %", 100.0 * summary.robust);
        number(ui, "worst case", &worst, "Share of the test samples that withstand every attack");
    });
    ui.weak(format!("Weights of epoch {} of {}, {best}; {} alone broke most.", summary.epoch, summary.epochs, summary.strongest));
    for beside in Beside::ALL {
        let found = |wanted: &str| summary.beside(beside).find(|(name, _)| *name == wanted).map(|(_, score)| 100.0 * score);
        if let (Some(natural), Some(robust)) = (found("natural"), found("robust")) {
            ui.weak(format!("The {}: natural {natural:.1} %, worst case {robust:.1} %.", beside.label()));
        }
    }
}

fn header_ui(ui: &mut Ui, state: &mut State, row: u32) {
    let run = state.run();
    let label = run
        .place_of(row)
        .zip(run.dataset.as_ref())
        .map(|(place, dataset)| theme::class_name(dataset.train.labels[place] as usize, dataset.classes));
    ui.horizontal(|ui| {
        ui.strong(format!("Sample {row}"));
        if let Some(label) = label {
            ui.label(format!("class {label}"));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            action_button(ui, state, Action::Deselect, "✖", false);
            action_button(ui, state, Action::SelectNext, "⬇", false);
            action_button(ui, state, Action::SelectPrevious, "⬆", false);
        });
    });
}

/// What its last training step measured.
fn training_ui(ui: &mut Ui, run: &Run, row: u32) {
    let Some(seen) = run.seen(row) else {
        ui.weak("not trained on yet");
        return;
    };
    let measured = &seen.record.measured;
    let steps = run.settings.steps;
    ui.horizontal(|ui| {
        let dark = ui.visuals().dark_mode;
        let (text, colour) = if measured.broken {
            ("✖ broken in training", theme::adversarial(dark))
        } else {
            ("✔ withstood in training", theme::natural(dark))
        };
        ui.label(RichText::new(text).color(colour).strong());
    });
    egui::Grid::new(ui.next_auto_id()).num_columns(4).spacing([8.0, 3.0]).show(ui, |ui| {
        // K may have been changed since.
        let steps = steps.max(measured.kappa);
        number(
            ui,
            "κ in training",
            &format!("{} of {steps}", measured.kappa),
            "Attack steps before which it was classified correctly, in its last batch: how many of x⁰ … x^(K−1) were",
        );
        number(ui, "first hit", &format!("{}", measured.first_hit), "The first iterate that was misclassified; K if none was");
        ui.end_row();
        let omega =
            if run.is_reweighed { "How much it would count with the settings as they are" } else { "How much it counted" };
        number(ui, "ω", &format!("{:.4}", seen.record.omega), omega);
        number(ui, "loss", &format!("{:.4}", measured.loss), "Cross-entropy at x^(K), in nats");
        ui.end_row();
        number(
            ui,
            "margin, start",
            &format!("{:.3}", measured.margin_start),
            "z_y − the next greatest logit, where the attack started",
        );
        number(
            ui,
            "margin, end",
            &format!("{:.3}", measured.margin_adversarial),
            "The same where it ended; below 0 is misclassified",
        );
        ui.end_row();
    });
    ui.horizontal_wrapped(|ui| {
        // What the method's weights depend on, where it does not stand above.
        let axis = run.settings.method.about().axis;
        let above = [Axis::KAPPA, Axis::FIRST_HIT, Axis::LOSS, Axis::LOGIT_MARGIN].contains(&axis);
        if let Some(at) = run.place_of(row).and_then(|place| run.on_axis(place)).filter(|_| !above) {
            number(ui, &axis.name.replace('_', " "), &format!("{at:.4}"), axis.label);
        }
        if let Some(objective) = seen.record.objective {
            number(ui, "minimised", &format!("{objective:.4}"), "What the method minimises of it, weight and factors included");
        }
    });
}

fn number(ui: &mut Ui, name: &str, value: &str, doc: &str) {
    ui.weak(name).on_hover_text(doc);
    let response = ui.label(RichText::new(value).monospace()).on_hover_text(doc);
    // For screen readers and tests: the number with its name.
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{name} {value}")));
}
