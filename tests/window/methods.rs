//! Every method in the window: its form, its weights, its twin, and what is said of it.

use std::{
    collections::BTreeSet,
    thread::sleep,
    time::{Duration, Instant},
};

use egui::vec2;
use egui_kittest::kittest::Queryable as _;
use gairat::{
    method::{Axis, METHODS},
    session::{Changed, Event},
    settings::{MethodChoice, Settings, fields},
};

use super::{canned, window};
use crate::{
    link,
    live::Message,
    window::model::{Member, State, moment::MomentKind},
};

/// The canned settings with a method.
fn settings_of(name: &str) -> Settings {
    canned::settings().with("method", name)
}

fn method(name: &str) -> MethodChoice {
    MethodChoice::of(name).unwrap()
}

/// Lets values come to rest, so that the runs are told.
fn rest(window: &mut egui_kittest::Harness<'_, State>) {
    sleep(Duration::from_millis(250));
    window.run_steps(3);
}

#[test]
fn the_form_shows_the_parameters_of_the_chosen_method_and_no_others() {
    for entry in METHODS {
        let settings = settings_of(entry.about.name);
        let mut window = window(canned::with(settings.clone(), None), vec2(1280.0, 800.0));
        window.run_steps(2);
        let shown = fields().iter().filter(|field| field.applies(&settings));
        let labels: BTreeSet<String> = shown.filter_map(|field| Some(settings.field(field.name)?.label.into_owned())).collect();
        for field in fields().iter().filter(|field| !field.methods.is_empty()) {
            let there = field.applies(&settings);
            let label = settings.field(field.name).map_or_else(|| field.label.to_string(), |field| field.label.into_owned());
            // Methods may give one name to two things.
            if there || !labels.contains(&label) {
                assert_eq!(window.query_all_by_label(&label).count() > 0, there, "{} {}", entry.about.name, field.name);
            }
        }
    }
}

#[test]
fn the_list_of_methods_changes_the_form() {
    let mut window = window(canned::state(), vec2(1280.0, 2000.0));
    window.run_steps(2);
    window.get_all_by_value("gairat · GAIRAT").next().unwrap().click();
    window.run_steps(3);
    window.get_by_label("trades · TRADES").click();
    window.run_steps(3);
    assert_eq!(window.state().form.method.name(), "trades");
    rest(&mut window);
    assert!(window.query_all_by_label("β").count() > 0);
    assert_eq!(window.query_all_by_label("λ").count(), 0);
    assert_eq!(window.state().run().settings.method.name(), "trades", "a method may change on the way");
}

#[test]
fn every_method_opens_as_a_run_and_its_weights_are_drawn_over_its_axis() {
    for entry in METHODS {
        let about = entry.about;
        for size in [vec2(1280.0, 800.0), vec2(400.0, 860.0)] {
            let mut window = window(canned::with(settings_of(about.name), None), size);
            window.run_steps(2);
            if size.x < 700.0 {
                window.get_all_by_label("Weights").last().unwrap().click();
                window.run_steps(3);
            }
            window.get_by_label_contains(&format!("Weights over {}", about.axis.label));
            window.get_by_label_contains(&format!("samples by {}:", about.axis.name.replace('_', " ")));
            assert_eq!(window.state().run().tally().spread.samples(), 108, "{}", about.name);
            if let Some(caveat) = about.caveats.first() {
                window.get_by_label(caveat);
            }
            if let Some(measure) = about.measure {
                assert!(window.query_all_by_label_contains(measure.doc).count() > 0, "{}", about.name);
            }
            if let Some((parameter, _)) = window.state().form.method.headline() {
                assert!(window.query_all_by_label(parameter.label).count() > 0, "{}", about.name);
            }
        }
    }
}

#[test]
fn a_share_of_samples_is_told_where_weights_share_something_out() {
    for entry in METHODS {
        let mut window = window(canned::with(settings_of(entry.about.name), None), vec2(1280.0, 800.0));
        window.run_steps(2);
        let share = if entry.about.omega_is_share { "50 %" } else { "-" };
        assert_eq!(window.query_all_by_label(&format!("{share} of the batch counts")).count(), 1, "{}", entry.about.name);
    }
}

#[test]
fn weights_are_drawn_whatever_was_measured() {
    let numbers = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -1e38, 0.0, 1e-38];
    for entry in METHODS {
        for (axis, omega) in numbers.into_iter().flat_map(|axis| numbers.map(|omega| (axis, omega))).step_by(8) {
            let mut state = canned::with(settings_of(entry.about.name), None);
            let settings = state.form.clone();
            let run = &mut state.runs[0];
            let data = run.dataset.clone().unwrap();
            let mut view = canned::view(&data, &settings);
            for seen in &mut view.seen {
                (seen.record.axis, seen.record.omega) = (Some(axis), omega);
                (seen.record.measured.loss, seen.record.measured.margin_adversarial) = (axis, axis);
            }
            run.see(view, Instant::now());
            state.selected = Some(canned::BROKEN);
            let mut window = window(state, vec2(1280.0, 800.0));
            window.run_steps(2);
            window.get_by_label_contains(&format!("Weights over {}", entry.about.axis.label));
        }
        // Nothing was seen, and nothing is there.
        let mut window = window(State::new(settings_of(entry.about.name), None, None, None), vec2(1280.0, 800.0));
        window.run_steps(2);
        window.get_by_label_contains(&format!("Weights over {}", entry.about.axis.label));
    }
}

#[test]
fn points_are_as_large_as_their_weight_beside_the_mean_whatever_that_is() {
    for factor in [0.01, 1.0, 40.0] {
        let mut state = canned::state();
        let settings = state.form.clone();
        let run = &mut state.runs[0];
        let data = run.dataset.clone().unwrap();
        let mut view = canned::view(&data, &settings);
        view.seen.iter_mut().for_each(|seen| seen.record.omega *= factor);
        run.see(view, Instant::now());
        let relative: Vec<f32> = run.all_seen().map(|seen| run.relative(seen.record.omega)).collect();
        assert!((relative.iter().sum::<f32>() / relative.len() as f32 - 1.0).abs() < 1e-4, "{factor}");
    }
}

#[test]
fn a_new_method_has_no_samples_on_its_axis_until_it_has_weighed_them() {
    let mut state = canned::state();
    let run = &mut state.runs[0];
    let data = run.dataset.clone().unwrap();
    assert_eq!(run.on_axis(0), Some(run.all_seen().next().unwrap().record.measured.kappa as f32));
    let changed = |name: &str, from: &str, to: &str| Changed { name: name.to_owned(), from: from.to_owned(), to: to.to_owned() };
    let changes = vec![changed("method", "gairat", "mail-at"), changed("lambda", "-1", "-"), changed("gamma", "-", "10")];
    run.hear(Message::Event(Event::Changed { epoch: 4, step: 0, changes }));
    assert_eq!(run.settings.method.name(), "mail-at");
    let told: Vec<&str> =
        run.moments.iter().filter(|mark| mark.kind == MomentKind::Changed).map(|mark| mark.text.as_str()).collect();
    assert_eq!(told, ["method gairat to mail-at"]);
    assert_eq!(run.on_axis(0), None);
    let settings = run.settings.clone();
    let axis = settings.method.about().axis;
    assert_ne!(axis, Axis::KAPPA);
    run.see(canned::view(&data, &settings), Instant::now());
    assert_eq!(run.on_axis(0), run.all_seen().next().unwrap().record.axis);
}

#[test]
fn a_change_of_the_method_leaves_what_was_not_changed() {
    let mut state = canned::with(settings_of("trades"), None);
    let run = &mut state.runs[0];
    // Both have a β, and the other's default is 5.
    let changes = vec![Changed { name: "method".to_owned(), from: "trades".to_owned(), to: "mart".to_owned() }];
    run.hear(Message::Event(Event::Changed { epoch: 4, step: 0, changes }));
    assert_eq!((run.settings.method.name(), run.settings.get("beta").as_deref()), ("mart", Some("6")));
}

#[test]
fn samples_of_burn_in_stand_on_no_axis_of_weights() {
    let mut state = canned::with(settings_of("mail-at"), None);
    let settings = state.form.clone();
    let run = &mut state.runs[0];
    let data = run.dataset.clone().unwrap();
    let weighed = canned::view(&data, &settings);
    let mut of_burn_in = weighed.clone();
    of_burn_in.weighs = false;
    of_burn_in.seen.iter_mut().for_each(|seen| seen.record.axis = None);
    run.see(of_burn_in.clone(), Instant::now());
    assert_eq!((run.tally().spread.samples(), run.on_axis(0)), (0, None));
    assert_eq!(run.weights_in_words(), "burn-in, epochs 1 to 2: every weight is 1");
    // Whether a sample was weighed its record says, not the moment at which it is seen.
    of_burn_in.weighs = true;
    run.see(of_burn_in, Instant::now());
    assert_eq!(run.tally().spread.samples(), 0);
    run.see(weighed, Instant::now());
    assert_eq!(run.tally().spread.samples(), 108);
}

#[test]
fn the_line_at_the_bottom_says_what_weights_follow_without_knowing_methods() {
    for (settings, said) in [
        (settings_of("gairat"), "GAIRAT λ −1"),
        (settings_of("gairat").with("lambda_schedule", "linear"), "GAIRAT λ −1, now λ "),
        (settings_of("gairat").with("weighting", "discrete"), "GAIRAT"),
        (settings_of("gair-fat"), "GAIR-FAT τ 6, now τ 3"),
        (settings_of("at"), "AT"),
        (settings_of("trades"), "TRADES β 6"),
    ] {
        let state = canned::with(settings, None);
        let words = state.run().weights_in_words();
        assert!(words.starts_with(said), "{words}");
        assert_eq!(words.contains("now"), said.contains("now"), "{words}");
    }
}

#[test]
fn any_two_methods_stand_beside_each_other_each_with_its_own_parameters() {
    let mut twin = canned::settings().with("method", "mart");
    twin.set("beta", "3").unwrap();
    let mut window = window(canned::with(settings_of("trades").with("beta", "2"), Some(twin.method)), vec2(1280.0, 1600.0));
    window.run_steps(3);
    let beta = |window: &egui_kittest::Harness<'_, State>| -> Vec<Option<String>> {
        window.state().runs.iter().map(|run| run.settings.get("beta")).collect()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(beta(&window), [some("2"), some("3")]);
    window.get_by_label_contains("Stage of MART β 3");
    // The form has both, told apart; the settings that both share are there once.
    for label in ["twin method", "twin β", "method", "ε"] {
        assert!(window.query_all_by_label(label).count() > 0, "{label}");
    }
    window.state_mut().set(Member::Twin, "beta", "4").unwrap();
    rest(&mut window);
    assert_eq!(beta(&window), [some("2"), some("4")]);
    window.state_mut().set(Member::Main, "beta", "1").unwrap();
    window.state_mut().set(Member::Main, "epsilon", "0.06").unwrap();
    rest(&mut window);
    assert_eq!(beta(&window), [some("1"), some("4")]);
    assert!(window.state().runs.iter().all(|run| run.settings.epsilon == 0.06));
    // The weights of either can be looked at.
    window.state_mut().weights.member = Member::Twin;
    window.run_steps(2);
    window.get_by_label_contains("Weights over probability of the label");
    // The same method with other parameters is a twin as well.
    window.state_mut().set(Member::Twin, "method", "trades").unwrap();
    window.state_mut().set(Member::Twin, "beta", "9").unwrap();
    rest(&mut window);
    let names: Vec<&str> = window.state().runs.iter().map(|run| run.settings.method.name()).collect();
    assert_eq!((names, beta(&window)), (vec!["trades", "trades"], vec![some("1"), some("9")]));
}

#[test]
fn a_parameter_that_is_refused_for_one_run_changes_neither() {
    let mut window = window(canned::with(settings_of("at"), Some(method("ham"))), vec2(1280.0, 800.0));
    window.run_steps(2);
    window.state_mut().set(Member::Main, "steps", "2").unwrap();
    rest(&mut window);
    assert!(window.state().runs.iter().all(|run| run.settings.steps == 10), "three steps must be left to tell samples apart");
    assert!(window.state().notices.iter().any(|notice| notice.is_error && notice.text.contains("drop after")));
}

#[test]
fn the_twin_that_nobody_chose_is_another_method_than_that_of_the_run() {
    for (name, other) in [("gairat", "at"), ("at", "gairat"), ("mart", "gairat")] {
        let state = canned::with(settings_of(name), None);
        assert_eq!(state.twin_method().name(), other);
    }
    // It was chosen when there was a twin, and the run has its method now.
    let mut window = window(canned::with(settings_of("gairat"), None), vec2(1280.0, 800.0));
    let ctx = window.ctx.clone();
    let twin = crate::window::actions::Action::Twin;
    window.state_mut().act(twin, &ctx);
    window.state_mut().act(twin, &ctx);
    window.state_mut().set(Member::Main, "method", "at").unwrap();
    window.state_mut().act(twin, &ctx);
    let names: Vec<&str> = window.state().runs.iter().map(|run| run.settings.method.name()).collect();
    assert_eq!(names, ["at", "gairat"]);
}

#[test]
fn the_link_of_a_window_has_its_method_and_its_twin_and_opens_both() {
    let mut twin = canned::settings().with("method", "dro");
    twin.set("r", "2.5").unwrap();
    let settings = settings_of("mail-at").with("gamma", "4");
    let state = canned::with(settings, Some(twin.method.clone()));
    let text = link::write(&state.link_of_now());
    assert!(text.contains("method=mail-at") && text.contains("gamma=4") && text.contains("twin=dro&twin.r=2.5"), "{text}");
    let read = link::read(&text);
    assert_eq!(read.problems, Vec::<String>::new());
    let opened = State::new(read.link.settings, None, None, read.link.twin);
    let of = |state: &State| -> Vec<MethodChoice> { state.runs.iter().map(|run| run.settings.method.clone()).collect() };
    assert_eq!(of(&opened), of(&state));
    assert_eq!(link::write(&opened.link_of_now()), text);
    // Without a twin there is none in the link.
    assert!(!link::write(&canned::state().link_of_now()).contains("twin"));
}

#[test]
fn what_is_taken_back_is_the_method_with_its_parameters() {
    let mut window = window(canned::with(settings_of("trades").with("beta", "5"), None), vec2(1280.0, 800.0));
    window.run_steps(2);
    window.state_mut().runs[0].hear(Message::Failed("it is over".to_owned()));
    let before = window.state().form.clone();
    window.state_mut().set(Member::Main, "method", "mart").unwrap();
    rest(&mut window);
    assert!(window.state().question.is_some(), "a run that is over takes no other method");
    window.state_mut().take_back();
    assert_eq!(window.state().form, before);
}
