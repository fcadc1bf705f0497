//! The judge: a suite of attacks on the network as it is, at any moment, and what it says of robustness.

mod curve;
mod results;

use egui::{Button, ComboBox, ScrollArea, Ui};
use gairat::{evaluate::SUITES, session::Weights};

use crate::{
    lesson::PGD_ALONE,
    window::{
        actions::{Action, judging},
        model::{Run, State},
        panels::controls::action_button,
    },
};

/// The panel.
pub(crate) fn judge_ui(ui: &mut Ui, state: &mut State) {
    ScrollArea::vertical().id_salt("judge").auto_shrink([false, false]).show(ui, |ui| {
        ui.set_max_width(ui.available_width());
        choices_ui(ui, state);
        let at_work = state.runs.iter().any(|run| run.judgements.under_way.is_some());
        ui.horizontal(|ui| {
            if at_work {
                action_button(ui, state, Action::StopJudging, "⏹ Stop", false);
                ui.weak("training rests meanwhile");
            } else {
                action_button(ui, state, Action::Judge, "⚖ Judge now", false);
                ui.checkbox(&mut state.judge.curve, "curve over ε")
                    .on_hover_text("Also robust accuracy at other radii, from 0 to 3 ε; takes about twice as long");
            }
        });
        if state.runs.iter().all(|run| run.judgements.under_way.is_none() && run.judgements.last().is_none()) {
            ui.add_space(4.0);
            ui.label(
                "One attack proves little. A suite runs several on the test samples, and a sample counts as robust only if it \
                 withstands all of them.",
            );
        }
        results::results_ui(ui, state);
        sample_ui(ui, state);
    });
}

/// PGD alone, which is what one is tempted to believe, and the suites but the first, which is for choosing epochs.
fn choices() -> impl Iterator<Item = (&'static str, &'static str)> {
    let suites = SUITES[1..].iter().map(|suite| (suite.name, suite.summary));
    std::iter::once((PGD_ALONE, "the attack that training uses, for comparison: it proves little")).chain(suites)
}

/// What attacks are called.
fn name_of(attacks: &str) -> &str {
    if attacks == PGD_ALONE { "PGD-20 alone" } else { attacks }
}

fn choices_ui(ui: &mut Ui, state: &mut State) {
    ui.horizontal_wrapped(|ui| {
        let chosen = &mut state.judge.attacks;
        ComboBox::from_id_salt("suite")
            .selected_text(name_of(chosen))
            .width(88.0)
            .show_ui(ui, |ui| {
                for (attacks, summary) in choices() {
                    if ui.selectable_label(*chosen == attacks, name_of(attacks)).on_hover_text(summary).clicked() {
                        *chosen = attacks;
                    }
                }
            })
            .response
            .on_hover_text(choices().find(|choice| choice.0 == *chosen).map_or("", |choice| choice.1));
        let label = ui.label("on the weights");
        let name = |weights: Weights| match weights {
            Weights::Now => "of now",
            Weights::Best => "of the best epoch",
        };
        let chosen = &mut state.judge.weights;
        let list = ComboBox::from_id_salt("judged weights").selected_text(name(*chosen)).width(62.0);
        let list = list.show_ui(ui, |ui| {
            for weights in [Weights::Now, Weights::Best] {
                ui.selectable_value(chosen, weights, name(weights));
            }
        });
        list.response.labelled_by(label.id);
    });
}

/// What the suite did to the selected sample.
fn sample_ui(ui: &mut Ui, state: &mut State) {
    let Some(row) = state.selected else {
        ui.separator();
        ui.weak("Select a training sample to see what each attack does to it.");
        return;
    };
    ui.separator();
    ui.strong(format!("Sample {row} (training)"));
    let known = state.runs.iter().any(|run| run.judgements.of_sample(row).is_some());
    let at_work = state.runs.iter().any(|run| run.judgements.under_way.is_some());
    if !at_work {
        let face = if known { "Attack it again" } else { "Attack it with the suite" };
        if ui.add(Button::new(face)).on_hover_text("Each attack of the suite on this sample alone").clicked() {
            judging::begin(state, false);
        }
    }
    let two = state.has_twin();
    let runs: Vec<&Run> = state.runs.iter().collect();
    for run in runs {
        if let Some((judged, sample)) = run.judgements.of_sample(row) {
            results::sample_results_ui(ui, run, judged, sample, two);
        }
    }
}
