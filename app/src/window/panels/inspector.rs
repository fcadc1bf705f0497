//! The selected sample: what it is, what the attack makes of it, and every step of the attack.

use egui::{Align2, Color32, FontId, Rect, RichText, ScrollArea, Sense, Slider, Stroke, TextureOptions, Ui, pos2, vec2};
use gairat::{method::Axis, metrics::Beside, session::Traced};

use super::{
    controls::action_button,
    pictures::{perturbation, picture},
    table,
};
use crate::{
    pixels::{answer, magnified},
    window::{
        actions::Action,
        model::{Phase, Run, State, lesson::Lesson},
        theme,
    },
};

/// The inspector.
pub(crate) fn inspector_ui(ui: &mut Ui, state: &mut State) {
    ScrollArea::vertical().id_salt("inspector").auto_shrink([false, false]).show(ui, |ui| {
        // What is too long wraps: a panel that grows would push the stage aside.
        ui.set_max_width(ui.available_width());
        let Some(row) = state.selected else {
            ui.strong("Sample");
            ui.label(if state.large_targets {
                "Touch a sample to look into it."
            } else {
                "Click a sample to look into it, or go through them with the arrow keys."
            });
            ui.weak("Each point of the stage is a training sample; beside those that are drawn in full, some 250, a mark shows where the attack moved them.");
            let columns: Vec<_> = state.runs.iter().map(|run| (run.title(), table::of_summary(run))).collect();
            if columns.iter().any(|(_, cells)| !cells.is_empty()) {
                ui.separator();
                ui.strong("Results");
                table::table_ui(ui, "results", &columns);
            }
            for place in 0..state.runs.len() {
                summary_ui(ui, state, place);
            }
            return;
        };
        header_ui(ui, state, row);
        if state.lesson.as_ref().is_some_and(Lesson::hides_attack) {
            ui.label("What the attack makes of it is shown after your answer.");
            return;
        }
        let runs = state.runs.len();
        for place in 0..runs {
            if runs > 1 {
                ui.add_space(4.0);
                ui.strong(state.runs[place].title());
            }
            training_ui(ui, &state.runs[place], row);
        }
        ui.separator();
        if state.run().traced.as_ref().is_some_and(|traced| traced.row == row) {
            attack_ui(ui, state);
        } else if !state.run().answers() {
            ui.label(
                "The run has ended, so this sample cannot be attacked now. Start a new run (R), or open the saved one (Ctrl+O).",
            );
        } else {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label("attacking this sample…");
            });
        }
    });
}

/// What a run that is over comes to beside the table: its worst case, of which weights, and what is wrong with it, if something is.
/// Whether there is a sample to look into, or a result to read.
pub(crate) fn has_something(state: &State) -> bool {
    state.selected.is_some() || state.lesson.is_none() && state.runs.iter().any(|run| matches!(run.phase, Phase::Finished(_)))
}

fn summary_ui(ui: &mut Ui, state: &State, place: usize) {
    let run = &state.runs[place];
    let Phase::Finished(summary) = &run.phase else { return };
    ui.separator();
    ui.strong(format!("{} on {} test samples", run.title(), summary.samples));
    if let Some(sentence) = run.at_chance() {
        ui.colored_label(ui.visuals().error_fg_color, sentence);
    }
    let best = if summary.epoch == summary.epochs { "the last" } else { "the best" };
    ui.horizontal(|ui| {
        let worst = format!("{:.1} %", 100.0 * summary.robust);
        number(ui, "worst case", &worst, "Share of the test samples that withstand every attack");
    });
    ui.weak(format!("Weights of epoch {} of {}, {best}; {} alone broke most.", summary.epoch, summary.epochs, summary.strongest));
    for beside in Beside::ALL {
        let found = |wanted: &str| summary.beside(beside).find(|(name, _)| *name == wanted).map(|(_, score)| 100.0 * score);
        if let (Some(natural), Some(robust)) = (found("natural"), found("robust")) {
            ui.weak(format!("The {}: natural {natural:.1} %, worst case {robust:.1} %.", beside.label()));
        }
    }
}

fn header_ui(ui: &mut Ui, state: &mut State, row: u32) {
    let run = state.run();
    let label = run
        .place_of(row)
        .zip(run.dataset.as_ref())
        .map(|(place, dataset)| theme::class_name(dataset.train.labels[place] as usize, dataset.classes));
    ui.horizontal(|ui| {
        ui.strong(format!("Sample {row}"));
        if let Some(label) = label {
            ui.label(format!("class {label}"));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            action_button(ui, state, Action::Deselect, "✖", false);
            action_button(ui, state, Action::SelectNext, "⬇", false);
            action_button(ui, state, Action::SelectPrevious, "⬆", false);
        });
    });
}

/// What its last training step measured.
fn training_ui(ui: &mut Ui, run: &Run, row: u32) {
    let Some(seen) = run.seen(row) else {
        ui.weak("not trained on yet");
        return;
    };
    let measured = &seen.record.measured;
    let steps = run.settings.steps;
    ui.horizontal(|ui| {
        let dark = ui.visuals().dark_mode;
        let (text, colour) = if measured.broken {
            ("✖ broken in training", theme::adversarial(dark))
        } else {
            ("✔ withstood in training", theme::natural(dark))
        };
        ui.label(RichText::new(text).color(colour).strong());
    });
    egui::Grid::new(ui.next_auto_id()).num_columns(4).spacing([8.0, 3.0]).show(ui, |ui| {
        // K may have been changed since.
        let steps = steps.max(measured.kappa);
        number(
            ui,
            "κ in training",
            &format!("{} of {steps}", measured.kappa),
            "Attack steps before which it was classified correctly, in its last batch: how many of x⁰ … x^(K−1) were",
        );
        number(ui, "first hit", &format!("{}", measured.first_hit), "The first iterate that was misclassified; K if none was");
        ui.end_row();
        let omega =
            if run.is_reweighed { "How much it would count with the settings as they are" } else { "How much it counted" };
        number(ui, "ω", &format!("{:.4}", seen.record.omega), omega);
        number(ui, "loss", &format!("{:.4}", measured.loss), "Cross-entropy at x^(K), in nats");
        ui.end_row();
        number(
            ui,
            "margin x⁰",
            &format!("{:.3}", measured.margin_start),
            "z_y − the next greatest logit, where the attack started",
        );
        number(
            ui,
            "margin x^K",
            &format!("{:.3}", measured.margin_adversarial),
            "The same where it ended; below 0 is misclassified",
        );
        ui.end_row();
    });
    ui.horizontal_wrapped(|ui| {
        // What the method's weights depend on, where it does not stand above.
        let axis = run.settings.method.about().axis;
        let above = [Axis::KAPPA, Axis::FIRST_HIT, Axis::LOSS, Axis::LOGIT_MARGIN].contains(&axis);
        if let Some(at) = run.place_of(row).and_then(|place| run.on_axis(place)).filter(|_| !above) {
            number(ui, &axis.name.replace('_', " "), &format!("{at:.4}"), axis.label);
        }
        if let Some(objective) = seen.record.objective {
            number(ui, "minimised", &format!("{objective:.4}"), "What the method minimises of it, weight and factors included");
        }
    });
}

fn number(ui: &mut Ui, name: &str, value: &str, doc: &str) {
    ui.weak(name).on_hover_text(doc);
    let response = ui.label(RichText::new(value).monospace()).on_hover_text(doc);
    // For screen readers and tests: the number with its name.
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{name} {value}")));
}

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
fn attack_ui(ui: &mut Ui, state: &mut State) {
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
