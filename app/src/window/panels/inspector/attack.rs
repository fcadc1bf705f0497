//! The attack on the selected sample, against the network as it is: its steps, its pictures, and what the network answers.

use egui::{Align2, Color32, FontId, Rect, RichText, Sense, Slider, Stroke, TextureOptions, Ui, pos2, vec2};
use gairat::session::Traced;

use crate::{
    pixels::{answer, magnified},
    window::{
        actions::Action,
        model::{State, lesson::Lesson},
        panels::{
            controls::action_button,
            pictures::{perturbation, picture},
        },
        theme,
    },
};

/// The verdict before and after, in words and a glyph.
fn verdict(traced: &Traced, step: usize) -> (&'static str, &'static str) {
    let label = traced.label as usize;
    match (traced.natural_class() == label, traced.class_at(step) == label) {
        (true, true) => ("✔", "correct, and still correct here"),
        (true, false) => ("✖", "correct before, wrong here: an adversarial example"),
        (false, false) => ("○", "wrong even before the attack"),
        (false, true) => ("↺", "wrong before, correct here"),
    }
}

/// The attack against the network as it is now, step by step.
pub(super) fn attack_ui(ui: &mut Ui, state: &mut State) {
    let Some(traced) = state.run().traced.clone() else { return };
    let Some(dataset) = state.run().dataset.clone() else { return };
    let last = traced.points.len().saturating_sub(1);
    let step = state.scrub_in(traced.points.len());
    ui.horizontal(|ui| {
        let whose = if state.has_twin() {
            format!("The attack on {} as it is", state.run().title())
        } else {
            "The attack on the network as it is".to_owned()
        };
        ui.strong(whose);
    });
    if dataset.shape.len() == 2 {
        let text = |numbers: &[f32]| format!("({:.3}, {:.3})", numbers[0], numbers[1]);
        ui.horizontal(|ui| {
            ui.weak("x");
            ui.monospace(text(&traced.natural));
            ui.weak("now");
            ui.monospace(text(&traced.points[step].position));
        });
    } else {
        pictures_ui(ui, &traced, step, (dataset.shape.picture(), dataset.classes), state.run().settings.epsilon as f32);
    }
    ui.horizontal(|ui| {
        let playing = state.scrub_since.is_some();
        action_button(ui, state, Action::PlayAttack, if playing { "⏸" } else { "▶" }, false);
        action_button(ui, state, Action::ScrubBack, "◀", false);
        let mut at = step;
        ui.spacing_mut().slider_width = 118.0;
        let slider = ui.add(Slider::new(&mut at, 0..=last).show_value(false));
        slider.widget_info(|| egui::WidgetInfo::slider(true, step as f64, "Attack step"));
        if slider.changed() {
            (state.scrub, state.scrub_since) = (at, None);
        }
        action_button(ui, state, Action::ScrubForward, "▶|", false);
        ui.monospace(format!("{step:>2}/{last}"));
    });
    let (glyph, words) = verdict(&traced, step);
    ui.label(RichText::new(format!("{glyph} {words}")).strong());
    let response = ui.label(format!("κ now {} of {last}: {}", traced.kappa, breaks(&traced)));
    response.on_hover_text("κ against the network as it rests now. The number above is of the moment when its batch was trained on: the network has moved since.");
    steps_ui(ui, state, &traced, step, STEPS);
    answers_ui(ui, &traced, step, dataset.classes);
}

/// The attack on the selected sample alone, as large as there is room: for a room that looks on.
pub(crate) fn steps_panel_ui(ui: &mut Ui, state: &mut State) {
    ui.strong("The attack on this point, step by step");
    if state.lesson.as_ref().is_some_and(Lesson::hides_attack) {
        ui.label("What the attack makes of it is shown after your answer.");
        return;
    }
    let Some(traced) = state.run().traced.clone() else {
        ui.label("attacking this sample…");
        return;
    };
    let (step, last) = (state.scrub_in(traced.points.len()), traced.points.len().saturating_sub(1));
    ui.label(format!("κ now {} of {last}: {}", traced.kappa, breaks(&traced)));
    let below = ui.text_style_height(&egui::TextStyle::Body) + 2.0 * ui.spacing().item_spacing.y;
    let height = (ui.available_height() - below).clamp(60.0, 300.0);
    steps_ui(ui, state, &traced, step, height);
}

/// At which step it breaks, in words.
fn breaks(traced: &Traced) -> String {
    let last = traced.points.len().saturating_sub(1);
    if traced.first_hit as usize >= last {
        if traced.broken { format!("breaks at the last step, {last}") } else { "never breaks".to_owned() }
    } else if traced.first_hit == 0 {
        "broken where the attack starts".to_owned()
    } else {
        format!("breaks at step {}", traced.first_hit)
    }
}

/// The height of the picture of the attack's steps.
const STEPS: f32 = 98.0;

/// Margin and loss over the steps, in so much height.
fn steps_ui(ui: &mut Ui, state: &mut State, traced: &Traced, step: usize, height: f32) {
    let dark = ui.visuals().dark_mode;
    let font = FontId::proportional((0.78 * ui.text_style_height(&egui::TextStyle::Body)).clamp(11.0, 16.0));
    // The lowest part is for the axis.
    let axis = 1.3 * font.size;
    let size = vec2(ui.available_width(), height);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let here = &traced.points[step];
    let about = format!("Margin {:.2} and loss {:.2} at attack step {step}", here.margin, here.loss);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &about));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 3.0, theme::ground(dark));
    let inner = rect.with_max_y(rect.bottom() - axis).shrink2(vec2(8.0, 10.0));
    let last = traced.points.len().saturating_sub(1).max(1) as f32;
    let x = |step: usize| inner.left() + inner.width() * step as f32 / last;
    let curve = |value: &dyn Fn(usize) -> f32, colour: Color32, zero: bool| {
        let values: Vec<f32> = (0..traced.points.len()).map(value).collect();
        let low = values.iter().copied().fold(if zero { 0.0 } else { f32::MAX }, f32::min);
        let high = values.iter().copied().fold(if zero { 0.0 } else { f32::MIN }, f32::max).max(low + 1e-6);
        let y = |value: f32| inner.bottom() - inner.height() * (value - low) / (high - low);
        let points: Vec<_> = values.iter().enumerate().map(|(step, &value)| pos2(x(step), y(value))).collect();
        if zero {
            painter.hline(inner.x_range(), y(0.0), Stroke::new(1.0, ui.visuals().weak_text_color().gamma_multiply(0.6)));
        }
        painter.add(egui::Shape::line(points.clone(), Stroke::new(1.8, colour)));
        painter.circle_filled(points[step], 3.5, colour);
        if zero {
            // On the side of the line where there is room, and above what goes through it.
            let galley = painter.layout_no_wrap("margin 0".to_owned(), font.clone(), ui.visuals().weak_text_color());
            let low = y(0.0) - galley.size().y < rect.top();
            let align = if low { Align2::RIGHT_TOP } else { Align2::RIGHT_BOTTOM };
            let place = align.anchor_size(pos2(inner.right(), y(0.0)), galley.size());
            painter.rect_filled(place, 2.0, theme::ground(dark).gamma_multiply(0.8));
            painter.galley(place.min, galley, ui.visuals().weak_text_color());
        }
    };
    for (at, align, text) in [
        (inner.left(), Align2::LEFT_BOTTOM, "0".to_owned()),
        (inner.center().x, Align2::CENTER_BOTTOM, "attack step".to_owned()),
        (inner.right(), Align2::RIGHT_BOTTOM, format!("{last}")),
    ] {
        painter.text(pos2(at, rect.bottom() - 1.0), align, text, font.clone(), ui.visuals().weak_text_color());
    }
    curve(&|step| traced.points[step].margin, theme::natural(dark), true);
    curve(&|step| traced.points[step].loss, theme::adversarial(dark), false);
    // The step at which it breaks.
    if let Some(first) = (0..traced.points.len()).find(|&step| traced.class_at(step) != traced.label as usize) {
        let stroke = Stroke::new(1.2, ui.visuals().text_color());
        painter.extend(egui::Shape::dashed_line(
            &[pos2(x(first), rect.top()), pos2(x(first), inner.bottom() + 4.0)],
            stroke,
            3.0,
            3.0,
        ));
    }
    if let Some(at) = response.interact_pointer_pos() {
        let part = ((at.x - inner.left()) / inner.width()).clamp(0.0, 1.0);
        (state.scrub, state.scrub_since) = ((part * last).round() as usize, None);
    }
    ui.horizontal(|ui| {
        ui.colored_label(theme::natural(dark), format!("margin {:.2}", here.margin));
        ui.colored_label(theme::adversarial(dark), format!("loss {:.2}", here.loss));
        ui.weak("¦ breaks");
    });
}

/// Class probabilities before the attack and at this step.
fn answers_ui(ui: &mut Ui, traced: &Traced, step: usize, classes: usize) {
    let dark = ui.visuals().dark_mode;
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        ui.add_sized([30.0, 16.0], egui::Label::new(""));
        ui.add_sized([104.0, 16.0], egui::Label::new(RichText::new("natural").weak()));
        ui.add_sized([104.0, 16.0], egui::Label::new(RichText::new(format!("at step {step}")).weak()));
    });
    let (Some(before), Some(after)) = (traced.probabilities.first(), traced.probabilities.get(step + 1)) else { return };
    for class in 0..classes {
        ui.horizontal(|ui| {
            let name = theme::class_name(class, classes);
            let text = if class == traced.label as usize {
                RichText::new(format!("{name} ✔")).strong()
            } else {
                RichText::new(name.clone())
            };
            ui.add_sized([30.0, 15.0], egui::Label::new(text));
            for (place, probability) in [("before", before[class]), ("at this step", after[class])] {
                let (rect, response) = ui.allocate_exact_size(vec2(104.0, 14.0), Sense::hover());
                ui.painter().rect_filled(rect, 2.0, theme::ground(dark));
                let bar = Rect::from_min_size(rect.min, vec2(rect.width() * probability, rect.height()));
                ui.painter().rect_filled(bar, 2.0, theme::class(class, dark).gamma_multiply(if dark { 0.5 } else { 0.6 }));
                let percent = format!("{:.1} %", 100.0 * probability);
                let at = rect.right_center() - vec2(4.0, 0.0);
                ui.painter().text(at, Align2::RIGHT_CENTER, &percent, FontId::proportional(11.0), ui.visuals().text_color());
                response.widget_info(|| {
                    egui::WidgetInfo::labeled(egui::Role::Label, true, format!("class {name} {place} {percent}"))
                });
            }
        });
    }
}

/// Original + perturbation = adversarial, with what the network answers to both, and by how much the perturbation is magnified.
fn pictures_ui(ui: &mut Ui, traced: &Traced, step: usize, (shape, classes): ((usize, usize, usize), usize), epsilon: f32) {
    const SIGN: f32 = 16.0;
    let side = ((ui.available_width() - 2.0 * SIGN) / 3.0).clamp(24.0, 96.0);
    let at = &traced.points[step].position;
    let dark = ui.visuals().dark_mode;
    let answer = |place: usize, class: usize| {
        let sure = traced.probabilities.get(place).and_then(|probabilities| probabilities.get(class));
        answer(class as u32, sure.copied().unwrap_or_default(), classes)
    };
    let (before, after) = (answer(0, traced.natural_class()), answer(step + 1, traced.class_at(step)));
    let faces = [
        ("original", before.as_str(), picture(&traced.natural, shape)),
        ("perturbation", "", perturbation(&traced.natural, at, shape, epsilon, dark)),
        ("adversarial", after.as_str(), picture(at, shape)),
    ];
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        for (place, (name, says, image)) in faces.into_iter().enumerate() {
            if place > 0 {
                let (sign, _) = ui.allocate_exact_size(vec2(SIGN, side), Sense::hover());
                let face = if place == 1 { "+" } else { "=" };
                let font = FontId::proportional(17.0);
                ui.painter().text(sign.center(), Align2::CENTER_CENTER, face, font, ui.visuals().text_color());
            }
            ui.vertical(|ui| {
                ui.set_width(side);
                let texture = ui.ctx().load_texture(format!("inspector {name}"), image, TextureOptions::NEAREST);
                let response = ui.image((texture.id(), vec2(side, side)));
                let label = if says.is_empty() { name.to_owned() } else { format!("{name}, the network says {says}") };
                response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &label));
                ui.weak(name);
            });
        }
    });
    let text = RichText::new(format!("{before} → {after}")).strong();
    let wrong = traced.class_at(step) != traced.label as usize;
    let response = ui.label(if wrong { text.color(theme::adversarial(dark)) } else { text });
    response.on_hover_text(
        "What the network answers to the original, and to the image at this step, with the probability that it gives",
    );
    ui.add(egui::Label::new(RichText::new(format!("perturbation {}", magnified(epsilon))).weak()).wrap());
}
