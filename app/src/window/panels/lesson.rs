//! The lesson's panel: the words of a step, its question, and the way on.

use egui::{RichText, Ui};

use crate::window::model::{
    State,
    lesson::{LESSONS, revealed, scene},
};

/// The panel.
pub(crate) fn lesson_ui(ui: &mut Ui, state: &mut State) {
    let Some(mut lesson) = state.lesson.clone() else { return };
    let steps = LESSONS[lesson.number].steps.len();
    let mut leave = false;
    ui.horizontal_wrapped(|ui| {
        ui.strong(format!("Lesson {}: {}", lesson.number + 1, LESSONS[lesson.number].title));
        ui.weak(format!("{} of {steps}", lesson.step + 1));
    });
    ui.label(lesson.text().text);
    if let Some(question) = &lesson.text().question {
        ui.label(RichText::new(question.question).strong());
        ui.horizontal_wrapped(|ui| {
            for (place, answer) in question.answers.iter().enumerate() {
                let chosen = lesson.answer == Some(place);
                let mark = match (lesson.answer, place == question.right) {
                    (None, _) => "",
                    (Some(_), true) => "✔ ",
                    (Some(_), false) => "✖ ",
                };
                // Framed like what it is: something to press.
                let button = egui::Button::new(format!("{mark}{answer}")).selected(chosen);
                let button = ui.add_enabled(lesson.answer.is_none(), button);
                if button.clicked() {
                    lesson.answer = Some(place);
                    lesson.wanted = revealed(lesson.number, lesson.step);
                }
            }
        });
        if lesson.answer.is_some() {
            ui.label(question.reveal);
        }
    }
    ui.horizontal(|ui| {
        if lesson.step > 0 && ui.button("Back").clicked() {
            lesson.step -= 1;
            (lesson.answer, lesson.wanted) = (None, scene(lesson.number, lesson.step));
        }
        let may_go_on = lesson.text().question.is_none() || lesson.answer.is_some();
        if lesson.step + 1 < steps {
            if ui.add_enabled(may_go_on, egui::Button::new("Next")).clicked() {
                lesson.step += 1;
                (lesson.answer, lesson.wanted) = (None, scene(lesson.number, lesson.step));
            }
        } else if ui.button("Done").clicked() {
            leave = true;
        }
        if ui.button("Leave the lesson").clicked() {
            leave = true;
        }
        if !lesson.wanted.is_empty() && !state.run().is_at_work() {
            ui.label("The run has ended before there was something to show: start the lesson again from the menu.");
        } else if !lesson.wanted.is_empty() {
            ui.spinner();
            ui.weak("training until there is something to show…");
        }
    });
    state.lesson = (!leave).then_some(lesson);
}
