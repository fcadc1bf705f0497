//! What the panels say of a canned run, and what their controls do.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use egui::vec2;
use egui_kittest::{Harness, kittest::Queryable as _};
use gairat::{
    attack::Point,
    dataset::Source,
    metrics::Summary,
    session::{Event, Looked, Traced},
    settings::{MethodChoice, Settings},
};

use super::{canned, wide, window};
use crate::{
    live::Message,
    window::model::{
        Phase, Question, State,
        views::{Face, Order},
    },
};

#[test]
fn the_inspector_says_what_was_measured_in_words_and_numbers() {
    let mut window = wide();
    window.state_mut().select(Some(canned::BROKEN));
    window.run_steps(3);
    for label in [
        "Sample 11",
        "κ in training 4 of 10",
        "first hit 4",
        "ω 1.4500",
        "loss 0.7500",
        "margin, start 1.000",
        "margin, end -1.000",
    ] {
        window.get_by_label(label);
    }
    window.get_by_label_contains("broken in training");
    window.state_mut().runs[0].traced = Some(canned::traced(canned::BROKEN));
    window.state_mut().scrub = 3;
    window.run_steps(3);
    window.get_by_label_contains("correct, and still correct here");
    window.get_by_label("κ now 4 of 10: breaks at step 4");
    window.get_by_label("class A at this step 65.0 %");
    window.get_by_label("Attack step forward").click();
    window.run_steps(3);
    window.get_by_label_contains("wrong here: an adversarial example");
    window.get_by_label("class B at this step 70.0 %");
}

#[test]
fn the_other_panels_say_what_they_show() {
    let window = wide();
    window.get_by_label_contains("Stage of GAIRAT λ −1: 108 training points seen");
    window.get_by_label_contains("samples by kappa:");
    window.get_by_label_contains("Curves: after epoch 3 loss 0.2000, mean kappa 7.0000, robust 0.8000");
    window.get_by_label_contains("of adversarial samples below 0");
    window.get_by_label("Progress: 3 of 10 batches");
}

#[test]
fn a_value_that_may_change_reaches_the_run_and_one_that_may_not_asks() {
    let mut window = wide();
    let state = window.state_mut();
    state.form.set("lambda", "0.5").unwrap();
    state.form.lr = 0.01;
    state.edited();
    sleep(Duration::from_millis(250));
    window.run_steps(2);
    let settings = &window.state().run().settings;
    assert_eq!((settings.get("lambda").as_deref(), settings.lr), (Some("0.5"), 0.01));
    assert_eq!(window.state().question, None);

    window.state_mut().form.set("model", "mlp:8").unwrap();
    window.state_mut().edited();
    sleep(Duration::from_millis(250));
    window.run_steps(2);
    assert_eq!(window.state().question, Some(Question::NewRun));
    assert_eq!(window.state().run().settings.get("model").unwrap(), "auto");
    window.get_by_label("Take it back").click();
    window.run_steps(2);
    assert_eq!(window.state().form.get("model").unwrap(), "auto");
    assert_eq!(window.state().form.get("lambda").as_deref(), Some("0.5"), "what needs no new run stays");
    assert_eq!(window.state().question, None);
}

#[test]
fn a_new_run_is_started_when_that_is_the_answer() {
    let mut window = wide();
    window.state_mut().form.set("model", "mlp:8").unwrap();
    window.state_mut().edited();
    sleep(Duration::from_millis(250));
    window.run_steps(2);
    window.get_by_label("Start a new run").click();
    window.run_steps(2);
    assert_eq!(window.state().run().settings.get("model").unwrap(), "mlp:8");
    assert!(window.state().run().dataset.is_none(), "it has only begun");
}

#[test]
fn values_that_cannot_be_are_refused_with_the_words_of_the_settings() {
    let mut window = wide();
    window.state_mut().form.epsilon = 7.0;
    window.state_mut().edited();
    sleep(Duration::from_millis(250));
    window.run_steps(2);
    let notice = window.state().notices.last().unwrap();
    assert!(notice.text.contains("ε: 7 is out of range; expected 0 to 1"), "{notice:?}");
    assert_eq!(window.state().run().settings.epsilon, canned::settings().epsilon);
}

/// What a run came to.
fn summary(at_chance: Option<&str>) -> Summary {
    let scores = [("natural", 0.99), ("pgd20", 0.9), ("cw20", 0.89), ("average_natural", 0.98), ("average_robust", 0.85)];
    Summary {
        last_at_chance: None,
        average_at_chance: None,
        robust: 0.88,
        strongest: "CW-20".to_owned(),
        samples: 24,
        epoch: 9,
        epochs: 10,
        kappa: vec![96],
        at_chance: at_chance.map(str::to_owned),
        scores: scores.map(|(name, share)| (name.to_owned(), share)).into(),
    }
}

#[test]
fn a_finished_run_says_every_score_it_has() {
    let mut window = wide();
    window.state_mut().runs[0].hear(Message::Event(Event::Summary(summary(None))));
    window.run_steps(2);
    let title = window.state().run().title();
    for said in ["natural 99.0 %", "PGD-20 90.0 %", "worst of the suite 88.0 %", "worst case 88.0 %"] {
        assert!(window.query_all_by_label(said).count() > 0, "{said}");
    }
    window.get_by_label(&format!("{title}: 89.0 % correct after CW-20, the least"));
    // Which weights these are, and what others came to.
    assert!(window.query_all_by_label_contains("Weights of epoch 9 of 10, the best").count() > 0);
    let averaged = "The averaged weights of the last epoch: natural 98.0 %, worst case 85.0 %.";
    assert!(window.query_all_by_label(averaged).count() > 0);
    assert_eq!(window.query_all_by_label_contains("chance level").count(), 0);
}

#[test]
fn a_run_that_ended_at_chance_level_says_so_as_an_error() {
    let sentence = "the network is at chance level: 50.0 % of the natural test samples are correct; try a lower learning rate";
    let mut window = wide();
    // As the session tells it: a warning, and then what the run came to.
    for event in [Event::Warning { message: sentence.to_owned() }, Event::Summary(summary(Some(sentence)))] {
        let told = window.state_mut().runs[0].hear(Message::Event(event));
        assert_eq!(told.as_deref(), Some(sentence));
    }
    window.state_mut().say(sentence, true);
    window.run_steps(2);
    window.get_by_label("✖ at chance level");
    // In the notice and in the inspector.
    assert_eq!(window.query_all_by_label(sentence).count(), 2);
}

#[test]
fn a_view_from_before_the_end_does_not_take_the_end_back_and_more_epochs_do() {
    let mut state = canned::state();
    let run = &mut state.runs[0];
    let data = run.dataset.clone().unwrap();
    run.hear(Message::Event(Event::Summary(summary(None))));
    run.see(canned::view(&data, &canned::settings()), Instant::now());
    assert!(matches!(run.phase, Phase::Finished(_)), "{:?}", run.phase);
    let mut more = canned::view(&data, &canned::settings());
    more.place.epochs = 12;
    run.see(more, Instant::now());
    assert_eq!(run.phase, Phase::Training);
}

#[test]
fn a_twin_shares_all_but_the_method_and_changes_reach_both() {
    let mut window = wide();
    window.get_by_label("Twin run").click();
    window.run_steps(2);
    let methods = |window: &Harness<'_, State>| -> Vec<&'static str> {
        window.state().runs.iter().map(|run| run.settings.method.name()).collect()
    };
    assert_eq!(methods(&window), ["gairat", "at"]);
    window.state_mut().form.epsilon = 0.06;
    window.state_mut().edited();
    sleep(Duration::from_millis(250));
    window.run_steps(2);
    for run in &window.state().runs {
        assert_eq!(run.settings.epsilon, 0.06);
    }
    assert_eq!(methods(&window), ["gairat", "at"]);
    assert_eq!(window.state().runs[1].settings.seed, window.state().runs[0].settings.seed);
}

#[test]
fn a_narrow_window_has_everything_in_tabs_and_a_middle_one_in_drawers() {
    let mut narrow = window(canned::state(), vec2(400.0, 860.0));
    narrow.run_steps(3);
    for (tab, shown) in [
        ("Weights", "samples by kappa:"),
        ("Curves", "Curves: after epoch 3"),
        ("Margins", "of adversarial samples below 0"),
        ("Settings", "more data"),
        ("Sample", "Touch a sample"),
    ] {
        narrow.get_all_by_label(tab).last().unwrap().click();
        narrow.run_steps(3);
        narrow.get_by_label_contains(shown);
    }
    let mut middle = window(canned::state(), vec2(900.0, 700.0));
    middle.run_steps(3);
    assert!(middle.query_by_label_contains("more data").is_none());
    middle.get_by_label("Settings").click();
    middle.run_steps(3);
    middle.get_by_label_contains("more data");
}

#[test]
fn an_error_of_a_run_is_said_and_stays_until_it_is_closed() {
    let mut window = wide();
    let told = window.state_mut().runs[0].hear(Message::Failed("epoch 3: the loss is no number".to_owned()));
    window.state_mut().say(told.unwrap(), true);
    window.run_steps(2);
    window.get_by_label("epoch 3: the loss is no number");
    window.get_by_label("stopped by an error");
    window.get_by_label("Close").click();
    window.run_steps(2);
    assert!(window.state().notices.is_empty());
}

#[test]
fn a_twin_that_knows_its_images_first_is_not_drawn_as_points() {
    for first in [0, 1] {
        let settings = Settings::recipe(Source::Digits);
        let mut state = State::new(settings, None, None, Some(MethodChoice::of("at").unwrap()));
        state.gate.play(false);
        canned::tell(&mut state.runs[first]);
        let mut window = window(state, vec2(1280.0, 800.0));
        window.run_steps(3);
        assert!(!window.state().is_plane(), "run {first}");
    }
}

#[test]
fn images_say_what_they_are_taken_for_and_by_how_much_a_difference_is_magnified() {
    let mut window = window(canned::with(Settings::recipe(Source::Digits), None), vec2(1280.0, 800.0));
    let data = window.state().runs[0].dataset.clone().unwrap();
    let (row, label) = (data.train.rows[0], data.train.labels[0]);
    let other = (label + 1) % 10;
    let natural = data.train.pixels[..64].to_vec();
    let sure = |of: u32, part: f32| (0..10).map(|class| if class == of { part } else { 0.0 }).collect::<Vec<f32>>();
    let point = Point { margin: -0.2, loss: 1.5, position: natural.iter().map(|pixel| (pixel - 0.1).max(0.0)).collect() };
    let state = window.state_mut();
    state.grid.order = Order::Row;
    state.grid.face = Face::Perturbation;
    state.select(Some(row));
    let (confidences, adversarial) = ([0.61, 0.49], point.position.clone());
    let looked = Looked { row, adversarial, natural_class: label, adversarial_class: other, confidences };
    state.runs[0].looked.insert(row, looked);
    state.runs[0].traced = Some(Traced {
        row,
        label,
        natural,
        points: vec![point],
        probabilities: vec![sure(label, 0.61), sure(other, 0.49)],
        margin: 1.0,
        kappa: 0,
        first_hit: 0,
        broken: true,
    });
    window.run_steps(4);
    window.get_by_label_contains(&format!("{label}→{other} κ"));
    window.get_by_label(&format!("{label} (61%) → {other} (49%)"));
    window.get_by_label(&format!("original, the network says {label} (61%)"));
    window.get_by_label(&format!("adversarial, the network says {other} (49%)"));
    window.get_by_label("perturbation magnified × 5.0: blue −0.1, grey 0, red +0.1");
    window.get_by_label("· magnified × 5.0: blue −0.1, grey 0, red +0.1");
}
