//! Links: what opens the program, here or in the page, in the situation that is shown.

use egui::{Button, Checkbox, Color32, Id, Modal, Rect, ScrollArea, Sense, TextEdit, Ui, vec2};
use gairat::settings::{Settings, fields};

use crate::{
    link::{self, LONGEST_TASK, Link, Only, Part, Start, Theme},
    platform::address,
    window::model::{
        State,
        views::{LinkBuilder, Made},
    },
    words::Door,
};

/// A square of a QR code is so many pixels wide at most; more is not easier to read.
const SQUARE: f32 = 8.0;
/// Room for the code, in points.
const CODE: f32 = 460.0;

/// The way from the page of somebody else to the whole of it.
pub(crate) fn whole_ui(ui: &mut Ui, state: &State) {
    let link = Link { embed: false, ..state.link_of_now() };
    ui.hyperlink_to("gairat", format!("{}{}", address(), link::write(&link))).on_hover_text("Open the whole program");
}

/// The dialog in which a link is made, if it is open.
pub(crate) fn builder_ui(ui: &mut Ui, state: &mut State) {
    let Some(mut builder) = state.link_builder.take() else { return };
    let modal = Modal::new(Id::unique("link")).show(ui.ctx(), |ui| {
        let room = ui.ctx().content_rect().size();
        ui.set_width(room.x.min(540.0) - 24.0);
        ui.heading("Link for a class");
        if builder.made != Made::Code {
            // A code needs the room, and is shown to a room that chooses nothing.
            ui.label("Opens with the settings as they are now. Choose what else it says.");
            ScrollArea::vertical().max_height((room.y - 320.0).max(140.0)).show(ui, |ui| choices_ui(ui, &mut builder.link));
        }
        ui.separator();
        ui.horizontal(|ui| {
            for made in Made::ALL {
                ui.selectable_value(&mut builder.made, made, made.name());
            }
        });
        made_ui(ui, state, &mut builder)
    });
    if !(modal.inner || modal.should_close()) {
        state.link_builder = Some(builder);
    }
}

fn choices_ui(ui: &mut Ui, link: &mut Link) {
    ui.checkbox(&mut link.embed, "Embed: the stage alone, for a frame in another page");
    ui.checkbox(&mut link.projector, "Projector: large text, no settings");
    begin_ui(ui, link);
    ui.strong("Task");
    let edit = TextEdit::multiline(&mut link.task).desired_rows(2).char_limit(LONGEST_TASK).desired_width(f32::INFINITY);
    let edit = ui.add(edit.hint_text("What to do or to look for; stands above the stage"));
    edit.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Task"));
    parts_ui(ui, link);
    lock_ui(ui, link);
    ui.strong("Colours");
    ui.horizontal_wrapped(|ui| {
        ui.radio_value(&mut link.theme, None, "as they like");
        for theme in Theme::ALL {
            ui.radio_value(&mut link.theme, Some(theme), theme.name());
        }
    });
}

fn begin_ui(ui: &mut Ui, link: &mut Link) {
    ui.strong("Begins with");
    ui.horizontal_wrapped(|ui| {
        ui.radio_value(&mut link.lesson, None, "the run");
        for lesson in 1..=link::LESSONS {
            ui.radio_value(&mut link.lesson, Some(lesson), format!("lesson {lesson}"));
        }
    });
    ui.horizontal_wrapped(|ui| {
        let mut paused = link.start == Some(Start::Paused);
        if ui.checkbox(&mut paused, "paused").changed() {
            link.start = paused.then_some(Start::Paused);
        }
        let now = link.speed.unwrap_or(link::FIRST_SPEED);
        let name = |place: usize| format!("speed {}", link::speed_name(place));
        egui::ComboBox::from_id_salt("speed of the link").selected_text(name(now)).show_ui(ui, |ui| {
            for place in 0..link::SPEEDS.len() {
                let chosen = (place != link::FIRST_SPEED).then_some(place);
                ui.selectable_value(&mut link.speed, chosen, name(place));
            }
        });
        if let Some(row) = link.select {
            let mut kept = true;
            if ui.checkbox(&mut kept, format!("sample {row} selected")).changed() {
                link.select = None;
            }
        }
    });
}

/// What is hidden, or the only things that are shown.
fn parts_ui(ui: &mut Ui, link: &mut Link) {
    ui.horizontal_wrapped(|ui| {
        let mut only = link.show.is_some();
        let changed = ui.radio_value(&mut only, false, "Hide what is ticked").changed()
            | ui.radio_value(&mut only, true, "Show only what is ticked").changed();
        if changed {
            link.hide.clear();
            link.show = only.then(|| Only { parts: [Part::Bar, Part::Stage].into(), ..Only::default() });
        }
    });
    ui.horizontal_wrapped(|ui| {
        for part in Part::ALL {
            // A frame has its own bar, and shows nothing else but what is named.
            let waits = link.embed && link.show.is_none();
            let ticked = link.show.as_mut().map_or(&mut link.hide, |only| &mut only.parts);
            let mut on = ticked.contains(&part);
            if ui.add_enabled(!waits, Checkbox::new(&mut on, part.name())).changed() {
                if on {
                    ticked.insert(part)
                } else {
                    ticked.remove(&part)
                };
            }
        }
    });
    let settings = link.settings.clone();
    if let Some(only) = link.show.as_mut().filter(|only| !only.parts.contains(&Part::Settings)) {
        ui.label("Of the settings only these:");
        ui.horizontal_wrapped(|ui| {
            for field in fields().iter().filter(|field| field.applies(&settings) && !link::OF_THE_MACHINE.contains(&field.name)) {
                let mut on = only.settings.contains(field.name);
                if ui.checkbox(&mut on, Door::Window.setting(field.name)).changed() {
                    if on {
                        only.settings.insert(field.name)
                    } else {
                        only.settings.remove(field.name)
                    };
                }
            }
        });
    }
    if link.show.as_ref().is_some_and(|only| *only == Only::default()) {
        ui.colored_label(ui.visuals().warn_fg_color, "Tick something: a link that shows nothing shows all.");
    }
}

fn lock_ui(ui: &mut Ui, link: &mut Link) {
    ui.strong("Lock");
    ui.horizontal_wrapped(|ui| {
        let mut all = link.lock.len() == fields().len();
        if ui.checkbox(&mut all, "all settings").changed() {
            link.lock = if all { fields().iter().map(|field| field.name).collect() } else { Default::default() };
        }
        // Those that the form shows, for the run or for its twin.
        let own = link.settings.clone();
        let twin = link.twin.clone().map(|method| Settings { method, ..own.clone() });
        let shown = fields().iter().filter(|field| [Some(&own), twin.as_ref()].into_iter().flatten().any(|of| field.applies(of)));
        for name in shown.map(|field| field.name).filter(|name| !link::OF_THE_MACHINE.contains(name)) {
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
}

/// The link as it is taken away; whether the dialog is closed.
fn made_ui(ui: &mut Ui, state: &mut State, builder: &mut LinkBuilder) -> bool {
    let known = !address().is_empty();
    if !known {
        ui.horizontal(|ui| {
            let label = ui.label("Address of the page:");
            let edit = TextEdit::singleline(&mut builder.address).hint_text("https://… where web/dist lies");
            ui.add(edit.desired_width(f32::INFINITY)).labelled_by(label.id);
        });
    }
    let page = builder.address.trim().split('#').next().unwrap_or_default();
    let link = match builder.made {
        Made::Frame => Link { embed: true, ..builder.link.clone() },
        Made::Link | Made::Code => builder.link.clone(),
    };
    let whole = format!("{page}{}", link::write(&link));
    let text = match builder.made {
        Made::Frame => link::frame(&whole),
        Made::Link | Made::Code => whole,
    };
    let waits = page.is_empty() && builder.made != Made::Link;
    if waits {
        ui.weak("A frame and a code need to know where the page is.");
    } else if builder.made == Made::Code {
        code_ui(ui, &text);
    } else {
        let label = ui.label(if builder.made == Made::Link { "The link:" } else { "HTML for the other page:" });
        ui.add(TextEdit::multiline(&mut text.as_str()).desired_rows(2).desired_width(f32::INFINITY)).labelled_by(label.id);
    }
    if page.is_empty() && builder.made == Made::Link {
        ui.weak("It goes behind the address of the page; `gairat --link` takes it as well.");
    }
    ui.horizontal(|ui| {
        if ui.add_enabled(!waits, Button::new("Copy")).clicked() {
            ui.ctx().copy_text(text);
            state.say(if builder.made == Made::Frame { "The frame was copied." } else { "The link was copied." }, false);
        }
        ui.button("Close").clicked()
    })
    .inner
}

/// The link as a code: black on white in any theme, each square as many whole pixels wide as there is room for.
fn code_ui(ui: &mut Ui, text: &str) {
    let squares = match link::squares(text) {
        Ok(squares) => squares,
        Err(problem) => {
            ui.colored_label(ui.visuals().error_fg_color, problem);
            return;
        }
    };
    let pixel = 1.0 / ui.ctx().pixels_per_point();
    let room = CODE.min(ui.available_width()).min(ui.ctx().content_rect().height() - 220.0).max(160.0);
    let width = (room / pixel / squares.side as f32).floor().clamp(1.0, SQUARE / pixel);
    let side = width * pixel * squares.side as f32;
    let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "QR code of the link"));
    let corner = (rect.min.to_vec2() / pixel).round() * pixel;
    let rect = Rect::from_min_size(corner.to_pos2(), vec2(side, side));
    ui.painter().rect_filled(rect, 0.0, Color32::WHITE);
    let at = |place: usize| place as f32 * width * pixel;
    for (row, line) in squares.black.chunks_exact(squares.side).enumerate() {
        // Neighbours are drawn at once: no seams between them, and a third of the shapes.
        let mut column = 0;
        for same in line.chunk_by(|a, b| a == b) {
            if same[0] {
                let from = rect.min + vec2(at(column), at(row));
                let size = vec2(at(same.len()), at(1));
                ui.painter().rect_filled(Rect::from_min_size(from, size), 0.0, Color32::BLACK);
            }
            column += same.len();
        }
    }
    if width < 3.0 {
        ui.weak("The link is long and its squares are small: hold the phone close, or say less in the link.");
    }
}
