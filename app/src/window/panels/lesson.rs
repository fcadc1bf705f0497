//! The reading card of a lesson: its words, whose terms light what they name; its question; and the way on.

use egui::{Align, Button, Layout, Link, Panel, RichText, ScrollArea, Sense, Stroke, Ui, WidgetInfo, vec2};

use super::{spotlight, table};
use crate::{
    lesson::{LESSONS, Mark, Panel as Shown, Piece, pieces},
    window::{
        actions::lessons,
        model::{
            State,
            lesson::{Lesson, Lit},
            views::Tab,
        },
        theme,
    },
};

/// The size of the text of a card.
const TEXT: f32 = 16.5;

/// What is pressed in a frame.
#[derive(Clone, Copy, Debug)]
enum Pressed {
    Answer(usize),
    Back,
    Forward,
    Leave,
}

/// The words of a card that name something: the one that is lit, and the one that is pressed.
#[derive(Default)]
struct Terms {
    lit: Option<Lit>,
    pressed: Option<Mark>,
}

/// The tab that shows what a word names, where that is not on the stage.
fn tab_of(mark: Mark) -> Option<Tab> {
    match mark {
        Mark::Kappa | Mark::Weight | Mark::Lambda | Mark::Axis | Mark::Cosine => Some(Tab::Weights),
        Mark::Steps => Some(Tab::Sample),
        Mark::Curves => Some(Tab::Curves),
        Mark::Boundary | Mark::Ball | Mark::Path | Mark::Cross => None,
        Mark::Pgd | Mark::Worst | Mark::Table | Mark::Stations => None,
    }
}

/// The card.
pub(crate) fn lesson_ui(ui: &mut Ui, state: &mut State) {
    let Some(lesson) = state.lesson.clone() else { return };
    let mut terms = Terms::default();
    let mut pressed = None;
    let margin = egui::Margin::symmetric(8, 6);
    Panel::bottom("lesson way").frame(egui::Frame::NONE.inner_margin(margin)).show(ui, |ui| {
        pressed = way_ui(ui, &lesson);
    });
    egui::Frame::NONE.inner_margin(margin).show(ui, |ui| {
        if title_ui(ui, &lesson) {
            pressed = Some(Pressed::Leave);
        }
        // Every step is read from its top.
        let place = (lesson.number, lesson.step);
        ScrollArea::vertical().id_salt(("lesson", place)).auto_shrink([false, false]).show(ui, |ui| {
            ui.set_max_width(ui.available_width() - 4.0);
            let step = lesson.now();
            // What was read before the answer makes room for the table.
            let results = lesson.plan().panels.contains(&Shown::Results);
            if !results || lesson.answer.is_none() {
                text_ui(ui, step.text, &mut terms);
            }
            if lesson.is_shown() || lesson.answer.is_some() {
                text_ui(ui, step.then, &mut terms);
                if let Some(place) = question_ui(ui, &lesson, &mut terms) {
                    pressed = Some(Pressed::Answer(place));
                }
            }
            if !lesson.is_shown() {
                waiting_ui(ui, state);
            }
            if results {
                results_ui(ui, state);
            }
        });
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
            (state.tab, kept.is_open) = (tab, false);
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
fn title_ui(ui: &mut Ui, lesson: &Lesson) -> bool {
    let mut leave = false;
    ui.horizontal(|ui| {
        let steps = lesson.plan().steps.len();
        ui.label(
            RichText::new(format!("Lesson {} of {} · step {} of {steps}", lesson.number + 1, LESSONS.len(), lesson.step + 1))
                .size(13.0)
                .weak(),
        );
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let response =
                ui.add(Button::new("✖").min_size(vec2(28.0, 28.0))).on_hover_text("The run goes on without the lesson");
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "Leave the lesson"));
            leave = response.clicked();
        });
    });
    ui.label(RichText::new(lesson.plan().title).size(21.0).strong());
    ui.add_space(4.0);
    leave
}

/// A paragraph.
fn text_ui(ui: &mut Ui, text: &'static str, terms: &mut Terms) {
    if text.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 3.0);
        let pieces = pieces(text);
        // A sign that follows a term stays on its line.
        let signs = |words: &'static str| words.len() - words.trim_start_matches([',', ';', ':', '.']).len();
        for (place, piece) in pieces.iter().enumerate() {
            match *piece {
                Piece::Words(words) => {
                    let after_term = place > 0 && matches!(pieces[place - 1], Piece::Term(..));
                    let words = if after_term { &words[signs(words)..] } else { words };
                    ui.label(RichText::new(words).size(TEXT).line_height(Some(1.4 * TEXT)));
                }
                Piece::Term(words, mark) => {
                    let sign = match pieces.get(place + 1) {
                        Some(Piece::Words(next)) => &next[..signs(next)],
                        _ => "",
                    };
                    term_ui(ui, (words, sign), mark, terms);
                }
            }
        }
    });
    ui.add_space(8.0);
}

/// A word that lights what it names, under the pointer and with the keyboard; a finger gives it the keyboard.
fn term_ui(ui: &mut Ui, (words, sign): (&str, &str), mark: Mark, terms: &mut Terms) {
    let text = RichText::new(format!("{words}{sign}")).size(TEXT).line_height(Some(1.4 * TEXT));
    let response = ui.add(Link::new(text));
    // Close below the words; where they stand on two lines the colour has to do.
    if response.rect.height() < 2.0 * TEXT {
        let stroke = Stroke::new(1.2, theme::accent(ui.visuals().dark_mode));
        ui.painter().hline(response.rect.x_range(), response.rect.bottom() - spotlight::UNDER, stroke);
    }
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Link, true, format!("{words}: shows {}", mark.about())));
    if response.clicked() {
        response.request_focus();
        terms.pressed = Some(mark);
    }
    if response.hovered() || (response.has_focus() && terms.lit.is_none()) {
        terms.lit = Some(Lit { mark, from: response.rect, card: ui.clip_rect() });
    }
}

/// What is asked, and what is said when it was answered; the answer that is pressed.
fn question_ui(ui: &mut Ui, lesson: &Lesson, terms: &mut Terms) -> Option<usize> {
    let question = lesson.now().question.as_ref()?;
    let mut pressed = None;
    ui.label(RichText::new(question.question).size(TEXT).strong());
    ui.add_space(2.0);
    for (place, answer) in question.answers.iter().enumerate() {
        let mark = match (lesson.answer, place == question.right) {
            (None, _) => "",
            (Some(_), true) => "✔ ",
            (Some(_), false) => "✖ ",
        };
        let button =
            Button::new(RichText::new(format!("{mark}{answer}")).size(TEXT - 1.0)).selected(lesson.answer == Some(place));
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
        text_ui(ui, question.reveal, terms);
    }
    pressed
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

/// The table of attacks, once there is something in it.
fn results_ui(ui: &mut Ui, state: &State) {
    let judged = state.runs.iter().any(|run| run.judgements.under_way.is_some() || run.judgements.last().is_some());
    if !judged {
        return;
    }
    let columns: Vec<_> = state.runs.iter().map(|run| (run.title(), table::cells(run))).collect();
    if columns.iter().all(|(_, cells)| cells.is_empty()) {
        return;
    }
    let shown = ui.scope(|ui| table::table_ui(ui, "lesson results", &columns)).response;
    spotlight::show(ui, state, &[Mark::Table], shown.rect.expand(4.0));
}

/// Back, and on: to the next step, or to the next lesson.
fn way_ui(ui: &mut Ui, lesson: &Lesson) -> Option<Pressed> {
    let mut pressed = None;
    ui.horizontal(|ui| {
        let high = 36.0;
        if lesson.step > 0 && ui.add(Button::new(RichText::new("Back").size(15.0)).min_size(vec2(64.0, high))).clicked() {
            pressed = Some(Pressed::Back);
        }
        let text = match (lesson.is_last_step(), lesson.next()) {
            (false, _) => "Next".to_owned(),
            (true, Some(next)) => format!("Next: {}", LESSONS[next].title),
            (true, None) => "Done".to_owned(),
        };
        let dark = ui.visuals().dark_mode;
        let may = lesson.may_go_on();
        let mut words = RichText::new(text).size(15.0).strong();
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
