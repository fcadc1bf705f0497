//! Links: what opens the program, here or in the page, in the situation that is shown.

use egui::{Id, Modal, ScrollArea, TextEdit, Ui};
use gairat::settings::fields;

use crate::window::{actions::links::address, model::State};
use crate::{
    link::{self, Link, Part, Theme},
    words::Door,
};

/// The way from the page of somebody else to the whole of it.
pub(crate) fn whole_ui(ui: &mut Ui, state: &State) {
    let link = Link { embed: false, ..state.link_of_now() };
    ui.hyperlink_to("gairat", format!("{}{}", address(), link::write(&link))).on_hover_text("Open the whole program");
}

/// The dialog in which a link is made, if it is open.
pub(crate) fn builder_ui(ui: &mut Ui, state: &mut State) {
    let Some(mut builder) = state.link_builder.take() else { return };
    let modal = Modal::new(Id::unique("link")).show(ui.ctx(), |ui| {
        let link = &mut builder.0;
        ui.set_width(ui.ctx().content_rect().width().min(520.0) - 24.0);
        ui.heading("Link for a class");
        ui.label("Opens with the settings as they are now. Choose what is hidden and what cannot be changed.");
        ScrollArea::vertical().max_height((ui.ctx().content_rect().height() - 320.0).max(140.0)).show(ui, |ui| {
            ui.checkbox(&mut link.embed, "Embed: the stage alone, for a frame in another page");
            ui.strong("Hide");
            ui.horizontal_wrapped(|ui| {
                for part in Part::ALL {
                    let mut hidden = link.hide.contains(&part);
                    if ui.add_enabled(!link.embed, egui::Checkbox::new(&mut hidden, part.name())).changed() {
                        if hidden {
                            link.hide.insert(part)
                        } else {
                            link.hide.remove(&part)
                        };
                    }
                }
            });
            ui.strong("Lock");
            ui.horizontal_wrapped(|ui| {
                let mut all = link.lock.len() == fields().len();
                if ui.checkbox(&mut all, "all settings").changed() {
                    link.lock = if all { fields().iter().map(|field| field.name).collect() } else { Default::default() };
                }
                // Those that the form shows, for the run or for its twin.
                let own = link.settings.clone();
                let twin = link.twin.clone().map(|method| gairat::settings::Settings { method, ..own.clone() });
                let shown =
                    fields().iter().filter(|field| [Some(&own), twin.as_ref()].into_iter().flatten().any(|of| field.applies(of)));
                for name in shown.map(|field| field.name).filter(|name| *name != link::OF_THE_MACHINE) {
                    let mut locked = link.lock.contains(name);
                    if ui.checkbox(&mut locked, Door::Window.setting(name)).changed() {
                        if locked {
                            link.lock.insert(name)
                        } else {
                            link.lock.remove(name)
                        };
                    }
                }
            });
            ui.strong("Colours");
            ui.horizontal(|ui| {
                ui.radio_value(&mut link.theme, None, "as they like");
                for theme in Theme::ALL {
                    ui.radio_value(&mut link.theme, Some(theme), theme.name());
                }
            });
            ui.strong("Begins with");
            ui.horizontal_wrapped(|ui| {
                ui.radio_value(&mut link.lesson, None, "the run");
                for lesson in 1..=link::LESSONS {
                    ui.radio_value(&mut link.lesson, Some(lesson), format!("lesson {lesson}"));
                }
            });
        });
        ui.separator();
        let mut text = format!("{}{}", address(), link::write(link));
        let label = ui.label("The link:");
        ui.add(TextEdit::multiline(&mut text).desired_rows(2).desired_width(f32::INFINITY)).labelled_by(label.id);
        if address().is_empty() {
            ui.weak("It goes behind the address of the page; `gairat --link` takes it as well.");
        }
        ui.horizontal(|ui| {
            if ui.button("Copy").clicked() {
                ui.ctx().copy_text(text);
                state.say("The link was copied.", false);
            }
            ui.button("Close").clicked()
        })
        .inner
    });
    if !(modal.inner || modal.should_close()) {
        state.link_builder = Some(builder);
    }
}
