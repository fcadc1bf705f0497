//! The reading card of a lesson: its words, whose terms light what they name; its question; and the way on.

use egui::{Align, Button, Color32, FontId, Layout, Mesh, Panel, Rect, RichText, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use super::{
    paragraph::{Terms, paragraph_ui},
    spotlight, table,
};
use crate::{
    lesson::{LESSONS, Mark, Panel as Shown},
    window::{
        actions::lessons,
        model::{Run, State, lesson::Lesson, views::Tab},
        theme,
    },
};

/// The size of the text of a card, at least; for a room it grows with all other text.
const TEXT: f32 = 16.5;
const BESIDE_BODY: f32 = 1.15;
/// What else is written in a card, beside that.
const SMALL: f32 = 0.8;
const TITLE: f32 = 1.27;
const BUTTON: f32 = 0.91;

/// What is pressed in a frame.
#[derive(Clone, Copy, Debug)]
enum Pressed {
    Answer(usize),
    Back,
    Forward,
    Leave,
}

/// The tab that shows what a word names, where that is not on the stage.
fn tab_of(mark: Mark) -> Option<Tab> {
    match mark.panel()? {
        Shown::Sample => Some(Tab::Sample),
        Shown::Weights => Some(Tab::Weights),
        Shown::Curves => Some(Tab::Curves),
        Shown::Margins => Some(Tab::Margins),
        // It stands in the card.
        Shown::Results => None,
    }
}

/// The card.
pub(crate) fn lesson_ui(ui: &mut Ui, state: &mut State) {
    let Some(lesson) = state.lesson.clone() else { return };
    let body = egui::TextStyle::Body.resolve(ui.style()).size;
    let mut terms = Terms { size: TEXT.max(BESIDE_BODY * body), ..Terms::default() };
    let mut pressed = None;
    let margin = egui::Margin::symmetric(8, 6);
    Panel::bottom("lesson way").frame(egui::Frame::NONE.inner_margin(margin)).show(ui, |ui| {
        pressed = way_ui(ui, &lesson, terms.size);
    });
    egui::Frame::NONE.inner_margin(margin).show(ui, |ui| {
        if title_ui(ui, &lesson, terms.size) {
            pressed = Some(Pressed::Leave);
        }
        // Every step is read from its top.
        let place = (lesson.number, lesson.step);
        let read = ScrollArea::vertical().id_salt(("lesson", place)).auto_shrink([false, false]).show(ui, |ui| {
            ui.set_max_width(ui.available_width() - 4.0);
            let step = lesson.now();
            // What was read before the answer makes room for the table, and for what a room reads then in large letters.
            let results = lesson.plan().panels.contains(&Shown::Results);
            // A room has the table below the stage.
            let room = state.link.projector && ui.ctx().content_rect().width() >= theme::NARROW;
            let beside = results && !room;
            if !(beside || room) || lesson.answer.is_none() {
                paragraph_ui(ui, step.text, &mut terms);
            }
            if lesson.is_shown() || lesson.answer.is_some() {
                paragraph_ui(ui, step.then, &mut terms);
                if let Some(place) = question_ui(ui, &lesson, &mut terms) {
                    pressed = Some(Pressed::Answer(place));
                }
            }
            if !lesson.is_shown() {
                waiting_ui(ui, state);
            }
            if beside {
                results_ui(ui, state);
            }
        });
        if read.content_size.y - read.state.clamped_offset().y > read.inner_rect.height() + 6.0 {
            more_ui(ui, read.inner_rect);
        }
    });
    if let Some(kept) = &mut state.lesson {
        if kept.lit != terms.lit {
            // What was drawn before the card follows in the next frame.
            ui.ctx().request_repaint();
        }
        kept.lit = terms.lit;
        // Where there is one thing at a time, the panel that a word names takes the place of the card.
        let narrow = ui.ctx().content_rect().width() < theme::NARROW;
        if let Some(tab) = terms.pressed.filter(|_| narrow).and_then(tab_of) {
            (state.tab, kept.is_open, state.shows_tab) = (tab, false, 2);
        }
    }
    match pressed {
        Some(Pressed::Answer(place)) => lessons::answer(state, place),
        Some(Pressed::Back) => lessons::back(state),
        Some(Pressed::Forward) => lessons::forward(state),
        Some(Pressed::Leave) => lessons::leave(state),
        None => {}
    }
}

/// Which lesson and which step; whether it is left.
fn title_ui(ui: &mut Ui, lesson: &Lesson, size: f32) -> bool {
    let mut leave = false;
    ui.horizontal(|ui| {
        let steps = lesson.plan().steps.len();
        ui.label(
            RichText::new(format!("Lesson {} of {} · step {} of {steps}", lesson.number + 1, LESSONS.len(), lesson.step + 1))
                .size(SMALL * size)
                .weak(),
        );
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let response =
                ui.add(Button::new("✖").min_size(vec2(28.0, 28.0))).on_hover_text("The run goes on without the lesson");
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "Leave the lesson"));
            leave = response.clicked();
        });
    });
    ui.label(RichText::new(lesson.plan().title).size(TITLE * size).strong());
    ui.add_space(4.0);
    leave
}

/// What is asked, and what is said when it was answered; the answer that is pressed.
fn question_ui(ui: &mut Ui, lesson: &Lesson, terms: &mut Terms) -> Option<usize> {
    let question = lesson.now().question.as_ref()?;
    let mut pressed = None;
    // What is said then is seen at once, below the question.
    let (id, said) = (ui.scope_id().with("said"), lesson.answer.is_some() && lesson.is_shown());
    let before = ui.data_mut(|data| std::mem::replace(data.get_temp_mut_or(id, said), said));
    if said && !before {
        ui.scroll_to_cursor(Some(Align::TOP));
    }
    ui.label(RichText::new(question.question).size(terms.size).strong());
    ui.add_space(2.0);
    for (place, answer) in question.answers.iter().enumerate() {
        let mark = match (lesson.answer, place == question.right) {
            (None, _) => "",
            (Some(_), true) => "✔ ",
            (Some(_), false) => "✖ ",
        };
        let button =
            Button::new(RichText::new(format!("{mark}{answer}")).size(terms.size - 1.0)).selected(lesson.answer == Some(place));
        // An answer that was given is read, and not pressed again.
        let open = lesson.answer.is_none();
        let sense = if open { Sense::click() } else { Sense::hover() };
        let button = button.wrap().min_size(vec2(ui.available_width(), 34.0)).sense(sense);
        if ui.add(button).clicked() && open {
            pressed = Some(place);
        }
    }
    ui.add_space(8.0);
    if lesson.answer.is_some() && lesson.is_shown() {
        paragraph_ui(ui, question.reveal, terms);
    }
    pressed
}

/// Says that there is more below what is seen of a card.
fn more_ui(ui: &Ui, seen: Rect) {
    let dark = ui.visuals().dark_mode;
    let galley = ui.painter().layout_no_wrap(
        "▼ more below".to_owned(),
        FontId::proportional(egui::TextStyle::Body.resolve(ui.style()).size.max(13.0)),
        theme::ground(dark),
    );
    let frame = Rect::from_min_size(seen.right_bottom() - galley.size() - vec2(20.0, 5.0), galley.size() + vec2(12.0, 4.0));
    // A line of the text is not cut in two, but fades.
    let ground = ui.visuals().window_fill;
    let solid = seen.with_min_y(frame.top() - 2.0);
    let fading = seen.with_min_y(solid.top() - 1.5 * frame.height()).with_max_y(solid.top());
    let mut shade = Mesh::default();
    for (corner, colour) in [
        (fading.left_top(), Color32::TRANSPARENT),
        (fading.right_top(), Color32::TRANSPARENT),
        (fading.right_bottom(), ground),
        (fading.left_bottom(), ground),
    ] {
        shade.colored_vertex(corner, colour);
    }
    shade.add_triangle(0, 1, 2);
    shade.add_triangle(0, 2, 3);
    ui.painter().add(shade);
    ui.painter().rect_filled(solid, 0.0, ground);
    ui.painter().rect_filled(frame, 8.0, theme::accent(dark));
    ui.painter().galley(frame.min + vec2(6.0, 2.0), galley, theme::ground(dark));
}

/// What is being waited for.
fn waiting_ui(ui: &mut Ui, state: &State) {
    ui.horizontal_wrapped(|ui| {
        if state.runs.iter().any(|run| run.judgements.under_way.is_some()) {
            ui.spinner();
            ui.label(RichText::new("the attacks are at work…").size(14.0));
        } else if state.run().answers() {
            ui.spinner();
            ui.label(RichText::new("training until there is something to show…").size(14.0));
        } else {
            ui.label("The run has ended before there was something to show: begin the lesson again from the menu.");
        }
    });
    ui.add_space(8.0);
}

/// Whether there is something in the table of attacks.
pub(crate) fn has_results(state: &State) -> bool {
    let judged = |run: &Run| run.judgements.under_way.is_some() || run.judgements.last().is_some();
    state.runs.iter().any(judged) && state.runs.iter().any(|run| !table::cells(run).is_empty())
}

/// The table of attacks, once there is something in it.
pub(crate) fn results_ui(ui: &mut Ui, state: &State) {
    if !has_results(state) {
        return;
    }
    let columns: Vec<_> = state.runs.iter().map(|run| (run.title(), table::cells(run))).collect();
    let shown = ui.scope(|ui| table::table_ui(ui, "lesson results", &columns)).response;
    spotlight::show(ui, state, &[Mark::Table], shown.rect.expand(4.0));
}

/// Back, and on: to the next step, or to the next lesson.
fn way_ui(ui: &mut Ui, lesson: &Lesson, size: f32) -> Option<Pressed> {
    let mut pressed = None;
    ui.horizontal(|ui| {
        let high = 36.0;
        if lesson.step > 0 && ui.add(Button::new(RichText::new("Back").size(BUTTON * size)).min_size(vec2(64.0, high))).clicked()
        {
            pressed = Some(Pressed::Back);
        }
        let text = match (lesson.is_last_step(), lesson.next()) {
            _ if lesson.asks() => "Answer to go on".to_owned(),
            (false, _) => "Next".to_owned(),
            (true, Some(next)) => format!("Next: {}", LESSONS[next].title),
            (true, None) => "Done".to_owned(),
        };
        let dark = ui.visuals().dark_mode;
        let may = lesson.may_go_on();
        let mut words = RichText::new(text).size(BUTTON * size).strong();
        if may {
            words = words.color(theme::ground(dark));
        }
        let mut button = Button::new(words).wrap().min_size(vec2(ui.available_width(), high));
        if may {
            button = button.fill(theme::accent(dark));
        }
        if ui.add_enabled(may, button).clicked() {
            pressed = Some(Pressed::Forward);
        }
    });
    pressed
}
