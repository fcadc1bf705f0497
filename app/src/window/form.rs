//! The settings as one form, made from the table of settings: their words, their ranges, their groups.

use egui::{ComboBox, DragValue, ScrollArea, Slider, TextEdit, Ui};
use gairat::{
    dataset::Toy,
    settings::{FIELDS, Field, Group, Settings, may_change},
};

use super::{state::State, words};

/// Settings that everybody wants to see; the others of their group are behind "more".
const FIRST: [&str; 14] = [
    "data",
    "points",
    "noise",
    "model",
    "epsilon",
    "step_size",
    "steps",
    "method",
    "weighting",
    "lambda",
    "burn_in",
    "epochs",
    "batch",
    "lr",
];

/// What can be chosen for the settings that have names for values.
fn choices(name: &str) -> Option<Vec<String>> {
    let words = |words: &[&str]| Some(words.iter().map(ToString::to_string).collect());
    match name {
        "data" => {
            let mut names: Vec<String> = Toy::ALL.iter().map(|toy| toy.name().to_owned()).collect();
            names.push("digits".to_owned());
            Some(names)
        }
        "init" => words(&["pytorch", "he"]),
        "loss" => words(&["ce", "cw", "kl"]),
        "random_start" => words(&["true", "false"]),
        "path" => words(&["auto", "fused", "composed"]),
        "method" => words(&["at", "gairat"]),
        "weighting" => words(&["tanh", "sigmoid", "discrete"]),
        "lambda_schedule" => words(&["fixed", "linear", "piecewise"]),
        "lr_schedule" => words(&["piecewise", "cosine", "linear", "one-drop", "super-converge"]),
        _ => None,
    }
}

/// The part of a range that a slider goes over, where the whole is too wide to be hit; and whether it is logarithmic.
fn slider_range(name: &str) -> Option<(f64, f64, bool)> {
    match name {
        "epsilon" => Some((0.0, 0.3, false)),
        "step_size" => Some((0.001, 0.1, true)),
        "steps" => Some((1.0, 40.0, false)),
        "lambda" => Some((-4.0, 4.0, false)),
        "noise" => Some((0.0, 0.5, false)),
        "lr" => Some((0.001, 1.0, true)),
        "momentum" => Some((0.0, 0.99, false)),
        _ => None,
    }
}

/// What a setting is called in the form.
pub(crate) fn label(name: &str) -> String {
    match name {
        "epsilon" => "ε".to_owned(),
        "step_size" => "step α".to_owned(),
        "steps" => "steps K".to_owned(),
        "lambda" => "λ".to_owned(),
        "lambda_max" => "λ max".to_owned(),
        "lambda_schedule" => "λ schedule".to_owned(),
        "lr" => "learning rate".to_owned(),
        "lr_schedule" => "rate schedule".to_owned(),
        "model" => "network".to_owned(),
        other => other.replace('_', " "),
    }
}

/// All settings.
pub(crate) fn form_ui(ui: &mut Ui, state: &mut State) {
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        let mut group = None;
        for field in FIELDS {
            if group == Some(field.group) {
                continue;
            }
            group = Some(field.group);
            group_ui(ui, state, field.group);
        }
        if let Err(error) = state.form.checked() {
            ui.colored_label(ui.visuals().error_fg_color, words::in_window(&error.to_string()));
        }
        for warning in state.form.warnings() {
            ui.colored_label(ui.visuals().warn_fg_color, words::in_window(&warning));
        }
    });
}

fn group_ui(ui: &mut Ui, state: &mut State, group: Group) {
    ui.add_space(4.0);
    ui.strong(group.to_string());
    let (first, more): (Vec<&Field>, Vec<&Field>) =
        FIELDS.iter().filter(|field| field.group == group).partition(|field| FIRST.contains(&field.name));
    for field in first {
        field_ui(ui, state, field);
    }
    if !more.is_empty() {
        ui.collapsing(format!("more {}", group.to_string().to_lowercase()), |ui| {
            for field in more {
                field_ui(ui, state, field);
            }
        });
    }
}

fn field_ui(ui: &mut Ui, state: &mut State, field: &Field) {
    let before = state.form.get(field.name).unwrap_or_default();
    let running = state.run().settings.get(field.name).unwrap_or_default();
    ui.horizontal(|ui| {
        ui.spacing_mut().slider_width = 92.0;
        let name = label(field.name);
        let waits = before != running && !may_change(field.name);
        let text = if waits { egui::RichText::new(format!("{name} •")).color(ui.visuals().warn_fg_color) } else { name.into() };
        let mut doc = field.doc.trim().to_owned();
        if let Some((low, high)) = field.range {
            doc += &format!("\nFrom {low} to {high}.");
        }
        if !may_change(field.name) {
            doc += "\nA change takes a new run.";
        }
        let labelled =
            ui.allocate_ui_with_layout(egui::vec2(88.0, 20.0), egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.set_min_width(88.0);
                ui.label(text)
            });
        let labelled = labelled.inner.on_hover_text(&doc);
        // Points are generated for the figures alone.
        let generated = matches!(state.form.data, gairat::dataset::Source::Toy(_));
        let applies = (generated || !matches!(field.name, "points" | "noise")) && !state.link.lock.contains(field.name);
        let edited = ui.add_enabled_ui(applies, |ui| value_ui(ui, state, field, &before)).inner;
        edited.labelled_by(labelled.id).on_hover_text(doc);
    });
    if let Some((_, problem)) = state.unread.get(field.name) {
        ui.colored_label(ui.visuals().error_fg_color, problem);
    }
}

/// The widget of a value, by what sort of value it is.
fn value_ui(ui: &mut Ui, state: &mut State, field: &Field, before: &str) -> egui::Response {
    if field.name == "random_start" {
        let mut on = before == "true";
        let response = ui.checkbox(&mut on, "");
        if response.changed() {
            put(state, field.name, if on { "true" } else { "false" });
        }
        return response;
    }
    if let Some(choices) = choices(field.name) {
        let mut chosen = before.to_owned();
        let free = field.name == "data" && !choices.contains(&chosen);
        let shown = if free { short(&chosen) } else { chosen.clone() };
        let response = ComboBox::from_id_salt(field.name)
            .selected_text(shown)
            .width(146.0)
            .show_ui(ui, |ui| {
                for choice in choices {
                    ui.selectable_value(&mut chosen, choice.clone(), choice);
                }
            })
            .response;
        if chosen != before {
            if field.name == "data" { data(state, &chosen) } else { put(state, field.name, &chosen) }
        }
        return response;
    }
    let number = before.parse::<f64>().ok();
    match (number, field.range) {
        (Some(mut number), Some((low, high))) => {
            let whole = !before.contains('.')
                && matches!(field.name, n if !matches!(n, "epsilon" | "step_size" | "lambda" | "lambda_max" | "noise" | "lr" | "momentum" | "weight_decay" | "min_effective"));
            let response = match slider_range(field.name) {
                Some((from, to, logarithmic)) if (from..=to).contains(&number) => {
                    let slider =
                        Slider::new(&mut number, from..=to).logarithmic(logarithmic).clamping(egui::SliderClamping::Never);
                    ui.add(if whole { slider.integer() } else { slider.max_decimals(4).smart_aim(true) })
                }
                _ => {
                    let speed = if whole { 1.0 } else { (number.abs() * 0.02).max(1e-5) };
                    let drag = DragValue::new(&mut number).range(low..=high).speed(speed);
                    ui.add(if whole { drag.max_decimals(0) } else { drag.max_decimals(6) })
                }
            };
            if response.changed() {
                let number = number.clamp(low, high);
                put(state, field.name, &if whole { number.round().to_string() } else { number.to_string() });
            }
            response
        }
        _ => {
            let mut text = state.unread.get(field.name).map_or_else(|| before.to_owned(), |(text, _)| text.clone());
            let response = ui.add(TextEdit::singleline(&mut text).desired_width(140.0));
            if response.changed() {
                put(state, field.name, &text);
            }
            response
        }
    }
}

/// A long path by its end.
fn short(text: &str) -> String {
    let length = text.chars().count();
    if length <= 22 { text.to_owned() } else { format!("…{}", text.chars().skip(length - 21).collect::<String>()) }
}

/// Sets a value from text; one that cannot be read stays as it was typed, with the reason.
fn put(state: &mut State, name: &'static str, text: &str) {
    match state.form.set(name, text) {
        Ok(()) => {
            state.unread.remove(name);
            state.edited();
        }
        Err(error) => {
            state.unread.insert(name, (text.to_owned(), words::in_window(&error.to_string())));
        }
    }
}

/// Other data bring their own recipe with them.
fn data(state: &mut State, name: &str) {
    let mut settings = Settings::default();
    if settings.set("data", name).is_ok() {
        let recipe = Settings::recipe(settings.data);
        let kept = Settings {
            seed: state.form.seed,
            device: state.form.device.clone(),
            threads: state.form.threads,
            method: state.form.method,
            ..recipe
        };
        state.form = kept;
        state.edited();
    }
}
