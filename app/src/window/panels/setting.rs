//! The control of one setting: what it is called, what may be chosen, and what is said of it.

use egui::{ComboBox, DragValue, Response, Slider, TextEdit, Ui};
use gairat::{
    dataset::Toy,
    method::{About, METHODS},
    settings::{Field, Kind, Settings, may_change},
};

use crate::{
    window::model::{Member, State},
    words::Door,
};

/// Room for a value at most, in points.
const VALUES: f32 = 146.0;

/// Two settings of one name are told apart.
pub(super) fn name_for_readers(label: &Response, member: Member, field: &Field) {
    if member == Member::Twin {
        label.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("twin {}", field.label)));
    }
}

/// What a setting is: its words and its range, and for a method and its parameters what is minimised and where that comes from.
pub(super) fn help_ui(ui: &mut Ui, field: &Field, about: &About) {
    ui.set_max_width(420.0);
    let is_method = field.name == "method";
    if is_method {
        ui.strong(about.title);
        ui.label(about.summary);
    } else {
        ui.label(field.doc.trim());
    }
    if let Some((low, high)) = field.range() {
        ui.label(format!("From {low} to {high}."));
    }
    if !may_change(field.name) {
        ui.label("A change takes a new run.");
    }
    if is_method || !field.methods.is_empty() {
        ui.separator();
        if !is_method {
            ui.label(format!("{}: {}", about.title, about.summary));
        }
        ui.monospace(about.formula);
        ui.weak(about.source);
        for caveat in about.caveats {
            ui.label(*caveat);
        }
        if is_method {
            ui.weak(format!("A step: {}.", about.passes));
        }
    }
}

/// The widget of a value, by what sort of value it is.
pub(super) fn value_ui(ui: &mut Ui, state: &mut State, member: Member, field: &Field, before: &str) -> Response {
    let name = field.name;
    match &field.kind {
        Kind::Flag => {
            let mut on = before == "true";
            let response = ui.checkbox(&mut on, "");
            if response.changed() {
                put(state, member, name, if on { "true" } else { "false" });
            }
            response
        }
        Kind::Choice(_) if name == "method" => method_ui(ui, state, member, before),
        Kind::Choice(choices) => {
            let (chosen, response) =
                choice_ui(ui, member, name, (before, before.to_owned()), choices.iter().map(|choice| (*choice).to_owned()));
            if let Some(chosen) = chosen {
                put(state, member, name, &chosen);
            }
            response
        }
        Kind::Text if name == "data" => {
            let names = Toy::ALL.iter().map(|toy| toy.name().to_owned()).chain(["digits".to_owned()]);
            let (chosen, response) = choice_ui(ui, member, name, (before, short(before)), names);
            if let Some(chosen) = chosen {
                data(state, &chosen);
            }
            response
        }
        Kind::Number { range: Some(range) } | Kind::Whole { range: Some(range) } => {
            number_ui(ui, state, member, (field, *range), before)
        }
        _ => {
            let typed = state.unread.get(&(member, name)).map(|(text, _)| text.clone());
            let mut text = typed.unwrap_or_else(|| before.to_owned());
            let response = ui.add(TextEdit::singleline(&mut text).desired_width(VALUES - 6.0));
            if response.changed() {
                put(state, member, name, &text);
            }
            response
        }
    }
}

/// A list of names; the one that was chosen, if another was.
fn choice_ui(
    ui: &mut Ui,
    member: Member,
    name: &str,
    (before, face): (&str, String),
    choices: impl Iterator<Item = String>,
) -> (Option<String>, Response) {
    let mut chosen = before.to_owned();
    let list = ComboBox::from_id_salt((member, name)).selected_text(face).truncate().width(VALUES.min(ui.available_width()));
    let response = list
        .show_ui(ui, |ui| {
            for choice in choices {
                ui.selectable_value(&mut chosen, choice.clone(), choice);
            }
        })
        .response;
    ((chosen != before).then_some(chosen), response)
}

/// The list of methods, with what each is.
fn method_ui(ui: &mut Ui, state: &mut State, member: Member, before: &str) -> Response {
    let face = |about: &About| format!("{} · {}", about.name, about.title);
    let mut chosen = None;
    let list = ComboBox::from_id_salt((member, "method"))
        .selected_text(face(state.wanted(member).method.about()))
        .truncate()
        .height(420.0)
        .width(VALUES.min(ui.available_width()));
    let response = list
        .show_ui(ui, |ui| {
            for about in METHODS.iter().map(|entry| entry.about) {
                let line = ui.selectable_label(about.name == before, face(about)).on_hover_ui(|ui| {
                    ui.set_max_width(420.0);
                    ui.label(about.summary);
                    ui.monospace(about.formula);
                    ui.weak(about.source);
                });
                if line.clicked() && about.name != before {
                    chosen = Some(about.name);
                }
            }
        })
        .response;
    if let Some(name) = chosen {
        put(state, member, "method", name);
    }
    response
}

/// A slider where a part of the range is usual and the number lies in it, else a number that is dragged or typed.
fn number_ui(
    ui: &mut Ui,
    state: &mut State,
    member: Member,
    (field, (low, high)): (&Field, (f64, f64)),
    before: &str,
) -> Response {
    let mut number = before.parse::<f64>().unwrap_or(low);
    let whole = matches!(field.kind, Kind::Whole { .. });
    let response = match field.slider.filter(|slider| (slider.low..=slider.high).contains(&number)) {
        Some(range) => {
            let slider = Slider::new(&mut number, range.low..=range.high).logarithmic(range.logarithmic);
            let slider = slider.clamping(egui::SliderClamping::Never);
            ui.add(if whole { slider.integer() } else { slider.max_decimals(4).smart_aim(true) })
        }
        None => {
            let speed = if whole || !number.is_finite() { 1.0 } else { (number.abs() * 0.02).max(1e-5) };
            let drag = DragValue::new(&mut number).range(low..=high).speed(speed);
            ui.add(if whole { drag.max_decimals(0) } else { drag.max_decimals(6) })
        }
    };
    // No slider goes so far.
    let endless = high == f64::INFINITY && {
        let is_endless = number == high;
        let button = ui.selectable_label(is_endless, "∞");
        button.widget_info(|| {
            egui::WidgetInfo::selected(egui::Role::Button, true, is_endless, format!("{} infinite", field.label))
        });
        if button.clicked() {
            number = if is_endless { field.slider.map_or(low, |range| range.high) } else { high };
        }
        button.clicked()
    };
    if response.changed() || endless {
        let number = number.clamp(low, high);
        put(state, member, field.name, &if whole { number.round().to_string() } else { number.to_string() });
    }
    response
}

/// A long path by its end.
fn short(text: &str) -> String {
    let length = text.chars().count();
    if length <= 22 { text.to_owned() } else { format!("…{}", text.chars().skip(length - 21).collect::<String>()) }
}

/// Sets a value from text; one that cannot be read stays as it was typed, with the reason.
fn put(state: &mut State, member: Member, name: &'static str, text: &str) {
    match state.set(member, name, text) {
        Ok(()) => {
            state.unread.remove(&(member, name));
            if name == "method" {
                // What was typed for the parameters of another is gone with them.
                let settings = state.wanted(member);
                state.unread.retain(|(of, name), _| *of != member || settings.get(name).is_some());
            }
        }
        Err(error) => {
            state.unread.insert((member, name), (text.to_owned(), Door::Window.settings(&error)));
        }
    }
}

/// Other data bring their own recipe with them.
fn data(state: &mut State, name: &str) {
    let mut settings = Settings::default();
    if settings.set("data", name).is_ok() {
        let recipe = Settings::recipe(settings.data);
        state.form = Settings {
            seed: state.form.seed,
            device: state.form.device.clone(),
            threads: state.form.threads,
            method: state.form.method.clone(),
            ..recipe
        };
        state.edited();
    }
}
