//! The settings as one form, made from the table of settings: their words, their ranges, their groups. A method's parameters stand below
//! it, and those of the twin's method below them.

use egui::{Align, CollapsingHeader, ComboBox, DragValue, Layout, Response, RichText, ScrollArea, Slider, TextEdit, Ui, vec2};
use gairat::{
    dataset::Toy,
    method::{About, METHODS},
    settings::{Field, Group, Kind, Settings, fields, may_change},
};

use super::{changes::Member, state::State};
use crate::words::Door;

/// Room for the name of a setting, in points.
const NAMES: f32 = 88.0;
/// Room for a value at most.
const VALUES: f32 = 146.0;

/// All settings.
pub(crate) fn form_ui(ui: &mut Ui, state: &mut State) {
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        let mut group = None;
        for field in fields() {
            if group == Some(field.group) {
                continue;
            }
            group = Some(field.group);
            group_ui(ui, state, field.group);
        }
        if let Err(error) = state.form.checked() {
            ui.colored_label(ui.visuals().error_fg_color, Door::Window.settings(&error));
        }
        for warning in state.form.warnings() {
            ui.colored_label(ui.visuals().warn_fg_color, warning);
        }
    });
}

fn group_ui(ui: &mut Ui, state: &mut State, group: Group) {
    ui.add_space(4.0);
    ui.strong(group.to_string());
    let shown = fields().iter().filter(|field| field.group == group && field.applies(&state.form));
    let (usual, more): (Vec<&Field>, Vec<&Field>) = shown.partition(|field| field.usual);
    for field in usual {
        field_ui(ui, state, Member::Main, field.name);
    }
    if group == Group::Method {
        twin_ui(ui, state);
    }
    if !more.is_empty() {
        ui.collapsing(format!("more {}", group.to_string().to_lowercase()), |ui| {
            for field in more {
                field_ui(ui, state, Member::Main, field.name);
            }
        });
    }
}

/// The method of the twin and its parameters: open while there is one.
fn twin_ui(ui: &mut Ui, state: &mut State) {
    let fields_ui = |ui: &mut Ui, state: &mut State| {
        let twin = state.wanted(Member::Twin);
        let own = fields().iter().filter(|field| field.name == "method" || !field.methods.is_empty());
        for field in own.filter(|field| field.applies(&twin)) {
            field_ui(ui, state, Member::Twin, field.name);
        }
    };
    if state.has_twin() {
        ui.weak("Its twin, which shares all else");
        fields_ui(ui, state);
    } else {
        let title = state.twin_method().title();
        CollapsingHeader::new(format!("twin: {title}")).id_salt("twin").show(ui, |ui| {
            fields_ui(ui, state);
            ui.weak("Twin, on top, trains it beside the run.");
        });
    }
}

fn field_ui(ui: &mut Ui, state: &mut State, member: Member, name: &'static str) {
    let settings = state.wanted(member);
    let Some(field) = settings.field(name) else { return };
    let before = settings.get(name).unwrap_or_default();
    let running = state.runs.get(member.place()).and_then(|run| run.settings.get(name));
    ui.horizontal(|ui| {
        ui.spacing_mut().slider_width = 92.0;
        // One that the run's method does not have comes with the method.
        let waits = running.is_some_and(|running| before != running) && !may_change(name);
        let face = RichText::new(if waits { format!("{} •", field.label) } else { field.label.to_string() });
        let face = if waits { face.color(ui.visuals().warn_fg_color) } else { face };
        let labelled = ui.allocate_ui_with_layout(vec2(NAMES, 20.0), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(NAMES);
            ui.label(face)
        });
        let labelled = labelled.inner;
        name_for_readers(&labelled, member, &field);
        let about = settings.method.about();
        let labelled = labelled.on_hover_ui(|ui| help_ui(ui, &field, about));
        let applies = applies(&field, state, member) && !state.link.lock.contains(name);
        let edited = ui.add_enabled_ui(applies, |ui| value_ui(ui, state, member, &field, &before)).inner;
        edited.labelled_by(labelled.id).on_hover_ui(|ui| help_ui(ui, &field, about));
    });
    if let Some((_, problem)) = state.unread.get(&(member, name)) {
        ui.colored_label(ui.visuals().error_fg_color, problem);
    }
}

/// Two settings of one name are told apart.
pub(super) fn name_for_readers(label: &Response, member: Member, field: &Field) {
    if member == Member::Twin {
        label.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("twin {}", field.label)));
    }
}

/// Whether a setting means something where the others are as they are.
fn applies(field: &Field, state: &State, member: Member) -> bool {
    let has_effect = |member| state.wanted(member).without_effect(field.name).is_none();
    // One field for both.
    if field.name == "burn_in" { state.members().chain([member]).any(has_effect) } else { has_effect(member) }
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
    if response.changed() {
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
