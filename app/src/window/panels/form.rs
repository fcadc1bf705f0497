//! The settings as one form, made from the table of settings: their words, their ranges, their groups. A method's parameters stand below
//! it, and those of the twin's method below them.

use egui::{Align, CollapsingHeader, Layout, RichText, ScrollArea, Ui, vec2};
use gairat::settings::{Field, Group, fields, may_change};

use super::setting::{help_ui, name_for_readers, value_ui};
use crate::{
    link::Part,
    window::model::{Member, State},
    words::Door,
};

/// Room for the name of a setting, in points.
const NAMES: f32 = 88.0;

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
    // Where a link names settings, these stand alone.
    let named = state.link.show.as_ref().is_some_and(|only| !only.parts.contains(&Part::Settings));
    let shown = |field: &&Field| field.group == group && field.applies(&state.form) && state.link.shows_setting(field.name);
    let (usual, more): (Vec<&Field>, Vec<&Field>) = fields().iter().filter(shown).partition(|field| field.usual || named);
    if usual.is_empty() && more.is_empty() {
        return;
    }
    ui.add_space(4.0);
    ui.strong(group.to_string());
    for field in usual {
        field_ui(ui, state, Member::Main, field.name);
    }
    if group == Group::Method && (!named || state.has_twin()) {
        twin_ui(ui, state);
    }
    if !more.is_empty() {
        let title = format!("more {}", group.to_string().to_lowercase());
        let sought = more.iter().any(|field| state.sought == Some(field.name));
        CollapsingHeader::new(title).open(sought.then_some(true)).show(ui, |ui| {
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
        let shown: Vec<&Field> = own.filter(|field| field.applies(&twin) && state.link.shows_setting(field.name)).collect();
        for field in shown {
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
        if member == Member::Main && state.sought == Some(field.name) {
            edited.scroll_to_me(Some(Align::Center));
            edited.request_focus();
            // A header that opens takes some frames to show it.
            if ui.is_visible() && ui.clip_rect().contains(edited.rect.center()) {
                state.sought = None;
            }
        }
        edited.labelled_by(labelled.id).on_hover_ui(|ui| help_ui(ui, &field, about));
    });
    if let Some((_, problem)) = state.unread.get(&(member, name)) {
        ui.colored_label(ui.visuals().error_fg_color, problem);
    }
}

/// Whether a setting means something where the others are as they are.
fn applies(field: &Field, state: &State, member: Member) -> bool {
    let has_effect = |member| state.wanted(member).without_effect(field.name).is_none();
    // One field for both.
    if field.name == "burn_in" { state.members().chain([member]).any(has_effect) } else { has_effect(member) }
}
