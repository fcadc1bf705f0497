//! Every command, by its keys, by the palette and by itself.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;

use gairat::model::NamedTensor;

use super::{canned, wide, window};
use crate::{
    lesson::{LESSONS, Mark, pieces},
    window::{
        actions::{Action, files::open_path, lessons},
        model::{SPEEDS, stations::Station},
    },
};

#[test]
fn every_command_does_something_sensible_in_every_state_and_nothing_panics() {
    for select in [false, true] {
        for action in Action::all() {
            let mut window = wide();
            if select {
                window.state_mut().select(Some(canned::BROKEN));
                window.state_mut().runs[0].traced = Some(canned::traced(canned::BROKEN));
                window.step();
            }
            let ctx = window.ctx.clone();
            window.state_mut().act(action, &ctx);
            window.run_steps(3);
            // And once more, from where that led.
            window.state_mut().act(action, &ctx);
            window.run_steps(2);
        }
    }
}

#[test]
fn keys_play_step_and_set_the_speed() {
    let mut window = wide();
    window.key_press(Key::Space);
    window.run_steps(2);
    assert!(window.state().gate.playing());
    window.key_press(Key::Space);
    window.run_steps(2);
    assert!(!window.state().gate.playing());
    let speed = window.state().speed;
    window.key_press(Key::CloseBracket);
    window.run_steps(2);
    assert_eq!(window.state().speed, speed + 1);
    (0..20).for_each(|_| window.key_press(Key::CloseBracket));
    window.run_steps(2);
    assert_eq!(window.state().speed, SPEEDS.len() - 1);
    window.key_press(Key::Comma);
    window.run_steps(2);
    assert_eq!(window.state().attack_step, Some(0));
    window.key_press(Key::Comma);
    window.run_steps(2);
    assert_eq!(window.state().attack_step, Some(1));
    window.key_press(Key::L);
    window.run_steps(2);
    assert!(window.state().slow_motion.is_some());
    std::thread::sleep(std::time::Duration::from_millis(350));
    window.run_steps(2);
    assert!(window.state().attack_step >= Some(2), "it goes on by itself");
    window.key_press(Key::Escape);
    window.run_steps(2);
    assert_eq!(window.state().slow_motion, None);
}

#[test]
fn arrows_go_through_samples_and_through_the_attack() {
    let mut window = wide();
    window.key_press(Key::ArrowDown);
    window.run_steps(2);
    let first = window.state().selected.unwrap();
    window.key_press(Key::ArrowDown);
    window.run_steps(2);
    assert_ne!(window.state().selected, Some(first));
    window.key_press(Key::ArrowUp);
    window.run_steps(2);
    assert_eq!(window.state().selected, Some(first));
    window.state_mut().runs[0].traced = Some(canned::traced(first));
    for key in [Key::ArrowLeft, Key::ArrowLeft, Key::ArrowRight] {
        window.key_press(key);
        window.run_steps(2);
    }
    assert_eq!(window.state().scrub, 9, "from the last step two back and one forward");
    window.key_press(Key::Escape);
    window.run_steps(2);
    assert_eq!(window.state().selected, None);
}

#[test]
fn the_palette_finds_a_command_by_its_name_and_does_it() {
    let mut window = wide();
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.run_steps(3);
    window.get_by_label("Command").type_text("keys and");
    window.run_steps(3);
    window.key_press(Key::Enter);
    window.run_steps(3);
    assert!(window.state().help && window.state().palette.is_none());
    window.key_press(Key::Escape);
    window.run_steps(3);
    assert!(!window.state().help);
}

#[test]
fn the_palette_finds_a_setting_and_shows_it_wherever_it_is() {
    for (size, text, label) in [
        (egui::vec2(1280.0, 800.0), "weight decay", "weight decay"),
        (egui::vec2(900.0, 700.0), "lambda", "λ"),
        (egui::vec2(390.0, 800.0), "weight decay", "weight decay"),
    ] {
        let mut window = window(canned::state(), size);
        window.run_steps(3);
        window.key_press_modifiers(Modifiers::COMMAND, Key::K);
        window.run_steps(3);
        window.get_by_label("Command").type_text(text);
        window.run_steps(3);
        window.key_press(Key::Enter);
        window.run_steps(30);
        assert!(window.state().palette.is_none() && window.state().sought.is_none(), "{text} at {size}");
        let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, size);
        assert!(window.get_all_by_label(label).any(|found| screen.contains_rect(found.rect())), "{text} at {size}");
    }
}

#[test]
fn keys_that_are_typed_into_a_field_do_nothing_else() {
    let mut window = wide();
    window.key_press_modifiers(Modifiers::COMMAND, Key::O);
    window.run_steps(3);
    window.get_by_label("Run folder, or settings.json:").focus();
    window.run_steps(2);
    window.key_press(Key::Space);
    window.key_press(Key::R);
    window.run_steps(2);
    assert!(!window.state().gate.playing());
    assert!(window.state().open.is_some());
}

#[test]
fn what_cannot_be_opened_is_named_and_nothing_else_changes() {
    let mut window = wide();
    let before = window.state().form.clone();
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.json");
    std::fs::write(&broken, "{\"epsilon\": 7}").unwrap();
    for path in [folder.path().join("missing"), broken, folder.path().to_owned()] {
        window.state_mut().notices.clear();
        open_path(window.state_mut(), &path);
        let notice = window.state().notices.first().expect("something is said").clone();
        assert!(notice.is_error && notice.text.contains(&path.display().to_string()), "{notice:?}");
    }
    assert_eq!(window.state().form, before);
}

#[test]
fn a_settings_file_that_is_opened_starts_a_run_with_them() {
    let mut window = wide();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.json");
    std::fs::write(&file, "{\"data\": \"circles\", \"epsilon\": 0.07}").unwrap();
    open_path(window.state_mut(), &file);
    assert_eq!(window.state().run().settings.epsilon, 0.07);
    assert_eq!(window.state().run().settings.data.to_string(), "circles");
}

/// Words of a card begin like this, before the first word that names something.
fn beginning(text: &'static str) -> &'static str {
    pieces(text)[0].text()
}

#[test]
fn every_lesson_asks_before_it_shows_and_leads_to_the_next() {
    let mut window = window(canned::state(), egui::vec2(1280.0, 800.0));
    lessons::begin(window.state_mut(), 0);
    for (number, lesson) in LESSONS.iter().enumerate() {
        for run in &mut window.state_mut().runs {
            canned::tell(run);
        }
        for (step, text) in lesson.steps.iter().enumerate() {
            // A canned run goes nowhere: what is waited for is taken as done.
            window.state_mut().lesson.as_mut().unwrap().want(&[]);
            window.run_steps(3);
            let at = window.state().lesson.as_ref().map(|lesson| (lesson.number, lesson.step));
            assert_eq!(at, Some((number, step)));
            window.get_by_label_contains(beginning(text.text));
            if let Some(question) = &text.question {
                assert!(window.query_by_label_contains(beginning(question.reveal)).is_none(), "the answer is not given away");
                window.get_by_label(question.answers[question.right]).click();
                window.run_steps(2);
                window.state_mut().lesson.as_mut().unwrap().want(&[]);
                window.run_steps(2);
                window.get_by_label_contains(beginning(question.reveal));
            }
            let last = step + 1 == lesson.steps.len();
            let on = match LESSONS.get(number + 1) {
                _ if !last => "Next".to_owned(),
                Some(next) => format!("Next: {}", next.title),
                None => "Done".to_owned(),
            };
            window.get_by_label(&on).click();
            window.run_steps(3);
        }
    }
    assert!(window.state().lesson.is_none());
}

#[test]
fn a_word_of_a_lesson_lights_what_it_names_under_the_pointer_and_with_the_keyboard() {
    let mut window = window(canned::state(), egui::vec2(1280.0, 800.0));
    lessons::begin(window.state_mut(), 2);
    canned::tell(&mut window.state_mut().runs[0]);
    window.state_mut().lesson.as_mut().unwrap().want(&[]);
    window.run_steps(3);
    let lit = |window: &egui_kittest::Harness<'_, crate::window::State>| {
        window.state().lesson.as_ref().unwrap().lit.map(|lit| lit.mark)
    };
    assert_eq!(lit(&window), None);
    window.get_by_label_contains("kappa: shows").hover();
    window.run_steps(3);
    assert_eq!(lit(&window), Some(Mark::Kappa));
    // Away from it, and on by the keyboard.
    window.get_by_label("Weights").hover();
    window.get_by_label_contains("weight: shows").focus();
    window.run_steps(3);
    assert_eq!(lit(&window), Some(Mark::Weight));
}

#[test]
fn a_lesson_in_a_narrow_window_is_a_sheet_with_the_panels_behind_it() {
    let mut window = window(canned::state(), egui::vec2(390.0, 844.0));
    lessons::begin(window.state_mut(), 1);
    canned::tell(&mut window.state_mut().runs[0]);
    window.state_mut().lesson.as_mut().unwrap().want(&[]);
    window.run_steps(3);
    window.get_by_label_contains(beginning(LESSONS[1].steps[0].text));
    window.get_all_by_label("Weights").last().unwrap().click();
    window.run_steps(3);
    window.get_by_label_contains("samples by kappa:");
    window.get_by_label("Lesson").click();
    window.run_steps(3);
    window.get_by_label_contains(beginning(LESSONS[1].steps[0].text));
}

#[test]
fn somebody_who_asks_for_nothing_is_offered_the_tour() {
    for size in [egui::vec2(1280.0, 800.0), egui::vec2(390.0, 844.0)] {
        is_offered_the_tour(size);
    }
}

fn is_offered_the_tour(size: egui::Vec2) {
    let mut state = canned::state();
    state.link = crate::link::first().link;
    let mut window = window(state, size);
    window.run_steps(3);
    window.get_by_label("▶ Start the 4-minute tour").click();
    window.run_steps(3);
    assert_eq!(window.state().lesson.as_ref().map(|lesson| lesson.number), Some(0));
    window.key_press(Key::Escape);
    window.run_steps(3);
    window.get_by_label("Not now").click();
    window.run_steps(3);
    assert!(window.query_by_label_contains("4-minute tour").is_none());
    // Who asks for something knows the way.
    let window = wide();
    assert!(window.query_by_label_contains("4-minute tour").is_none());
}

#[test]
fn the_stations_of_a_step_are_lit_in_turn() {
    let mut window = wide();
    let steps = window.state().run().settings.steps;
    let lit = |window: &egui_kittest::Harness<'_, crate::window::State>| window.state().station();
    for _ in 0..=steps {
        window.key_press(Key::Comma);
        window.run_steps(1);
        assert_eq!(lit(&window), Some(Station::Attack));
    }
    for station in [Station::Kappa, Station::Weight, Station::Update, Station::Attack] {
        window.key_press(Key::Comma);
        window.run_steps(2);
        assert_eq!(lit(&window), Some(station));
        window.get_by_label(&format!("station {}, now", station.name()));
    }
}

#[test]
fn a_drawing_is_undone_and_redone_by_keys() {
    let mut window = wide();
    window.key_press(Key::D);
    window.run_steps(2);
    let points = |window: &egui_kittest::Harness<'_, crate::window::State>| {
        window.state().drawing.as_ref().map(|drawing| drawing.points().len())
    };
    assert_eq!(points(&window), Some(120));
    let ctx = window.ctx.clone();
    window.state_mut().act(Action::ClearPoints, &ctx);
    assert_eq!(points(&window), Some(0));
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.run_steps(2);
    assert_eq!(points(&window), Some(120));
    window.key_press_modifiers(Modifiers::COMMAND, Key::Y);
    window.run_steps(2);
    assert_eq!(points(&window), Some(0));
}

/// Steps until the files are written, which happens beside the window; gives what is said.
fn after_export(window: &mut egui_kittest::Harness<'_, crate::window::State>) -> (bool, String) {
    let before = window.state().notices.len();
    let ctx = window.ctx.clone();
    window.state_mut().act(Action::ExportFigures, &ctx);
    for _ in 0..600 {
        window.step();
        if let Some(notice) = window.state().notices.get(before) {
            return (notice.is_error, notice.text.clone());
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("nothing was said of the figures");
}

#[test]
fn figures_are_written_beside_the_run_and_nothing_is_overwritten() {
    let mut window = wide();
    let (is_error, text) = after_export(&mut window);
    assert!(is_error && text.contains("/nowhere/run"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    window.state_mut().runs[0].folder = Some(folder.path().to_owned());
    for place in ["figures", "figures-2"] {
        let (is_error, text) = after_export(&mut window);
        assert!(!is_error && text.contains(place), "{text}");
        for name in ["accuracy", "loss", "mean-kappa", "effective", "kappa", "weights", "margins", "stage"] {
            for kind in ["svg", "png", "csv"] {
                assert!(folder.path().join(place).join(format!("{name}.{kind}")).is_file(), "{name}.{kind}");
            }
        }
    }
    let csv = std::fs::read_to_string(folder.path().join("figures/accuracy.csv")).unwrap();
    assert!(csv.contains("PGD-20,3,0.875"), "{csv}");
    let stage = std::fs::read_to_string(folder.path().join("figures/stage.csv")).unwrap();
    assert_eq!(stage.lines().count(), 1 + window.state().run().dataset.as_ref().unwrap().train.len());
}

#[test]
fn weights_alone_start_a_run_on_data_that_they_take_or_say_what_they_take() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, inputs: usize, classes: usize| {
        let tensor = |shape: &[usize]| NamedTensor { shape: shape.to_vec(), values: vec![0.01; shape.iter().product()] };
        let tensors = [
            ("module.0.weight", tensor(&[8, inputs])),
            ("module.0.bias", tensor(&[8])),
            ("module.2.weight", tensor(&[classes, 8])),
            ("module.2.bias", tensor(&[classes])),
        ];
        let path = folder.path().join(name);
        let tensors = tensors.map(|(name, tensor)| (name.to_owned(), tensor)).into();
        gairat::checkpoint::write_weights(&path, &tensors, "{}").unwrap();
        path
    };
    for (inputs, classes, data) in [(2, 2, "moons"), (64, 10, "digits"), (2, 3, "three-blobs")] {
        let mut window = wide();
        let path = file(data, inputs, classes);
        let path_kept = path.with_extension("safetensors");
        std::fs::rename(path, &path_kept).unwrap();
        open_path(window.state_mut(), &path_kept);
        let form = &window.state().form;
        assert_eq!((form.data.to_string().as_str(), form.model.to_string().as_str()), (data, "mlp:8"));
        assert_eq!(form.weights.0.as_deref(), Some(path_kept.as_path()));
    }
    let mut window = wide();
    let path = file("other.safetensors", 17, 5);
    open_path(window.state_mut(), &path);
    let notice = window.state().notices.last().unwrap();
    assert!(
        notice.is_error && notice.text.contains("prefix `module.` taken off") && notice.text.contains("17"),
        "{}",
        notice.text
    );
    std::fs::write(&path, b"<!DOCTYPE html>").unwrap();
    open_path(window.state_mut(), &path);
    assert!(window.state().notices.last().unwrap().text.contains("web page"));
}

#[test]
fn a_word_that_names_a_figure_brings_it_into_the_sight_of_a_narrow_window() {
    let mut window = window(canned::state(), egui::vec2(390.0, 844.0));
    lessons::begin(window.state_mut(), 3);
    window.state_mut().runs.iter_mut().for_each(canned::tell);
    let lesson = window.state_mut().lesson.as_mut().unwrap();
    lesson.go_to(1);
    lesson.want(&[]);
    window.run_steps(3);
    window.get_by_label_contains("PGD-20: shows").focus();
    window.run_steps(4);
    let card = window.get_by_label_contains("Under PGD-20").rect();
    for title in ["GAIRAT λ −1: PGD-20", "AT: PGD-20"] {
        let figure = window.get_all_by_label_contains(title).next().unwrap().rect();
        assert!(figure.top() > 0.0 && figure.bottom() < card.top(), "{title}: {figure:?} above {card:?}");
    }
}
