//! A window as narrow as a phone.

use egui::{Rect, vec2};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};

use gairat::settings::MethodChoice;

use super::{canned, window};
use crate::window::{State, actions::Action};

fn phone(twin: bool) -> Harness<'static, State> {
    let twin = twin.then(|| MethodChoice::of("at").unwrap());
    let state = canned::with(canned::settings(), twin);
    let mut window = window(state, vec2(390.0, 844.0));
    window.run_steps(4);
    window
}

fn stages(window: &Harness<'static, State>) -> Vec<Rect> {
    window.query_all_by_label_contains("Stage of ").map(|node| node.rect()).collect()
}

#[test]
fn all_that_can_be_pressed_is_as_large_as_a_finger_needs_it() {
    use egui::accesskit::Role;
    let mut window = phone(true);
    for tab in ["Sample", "Judge", "Weights", "Curves", "Margins", "Settings"] {
        window.query_all_by_label(tab).next().unwrap().click();
        window.run_steps(3);
        let pressed = [Role::Button, Role::CheckBox, Role::RadioButton, Role::ComboBox, Role::Slider];
        let small: Vec<String> = window
            .query_all(egui_kittest::kittest::By::new().predicate(move |node| pressed.contains(&node.role())))
            .filter(|node| node.rect().height() < 43.9)
            .map(|node| format!("{:?} {:?}", node.accesskit_node().label(), node.rect()))
            .collect();
        assert_eq!(small, Vec::<String>::new(), "on {tab}");
    }
}

#[test]
fn the_bar_is_one_row() {
    let window = phone(true);
    let rows: Vec<f32> = [Action::PlayOrPause, Action::OneBatch, Action::AttackStep, Action::Twin]
        .iter()
        .map(|action| action.name())
        .filter_map(|name| window.query_all_by_label(name).next().map(|node| node.rect().center().y))
        .collect();
    assert!(rows.len() == 4, "{rows:?}");
    assert!(rows.iter().all(|y| (y - rows[0]).abs() < 1.0), "{rows:?}");
}

#[test]
fn twins_are_stacked_and_equally_large_and_both_are_seen() {
    let window = phone(true);
    let [a, b] = stages(&window)[..] else { panic!("there are two stages") };
    assert!((a.height() - b.height()).abs() < 1.0 && (a.width() - b.width()).abs() < 1.0, "{a:?} {b:?}");
    assert!(a.max.y <= b.min.y && b.max.y <= 844.0, "{a:?} {b:?}");
    assert!(a.width() > 360.0 && a.height() > 200.0, "{a:?}");
}

#[test]
fn one_finger_scrolls_and_two_move_the_stage() {
    use egui::{Event, Modifiers, PointerButton, TouchDeviceId, TouchId, TouchPhase, pos2};
    let touch = |id: u64, phase, pos| Event::Touch { device_id: TouchDeviceId(0), id: TouchId(id), phase, pos, force: None };
    let mut window = phone(false);
    let stage = stages(&window)[0];
    let at = stage.center();
    // One finger, as a browser tells it: a touch, and the pointer with it.
    window.event(touch(0, TouchPhase::Start, at));
    window.event(Event::PointerButton { pos: at, button: PointerButton::Primary, pressed: true, modifiers: Modifiers::NONE });
    window.step();
    for step in 1..10 {
        let now = at - vec2(0.0, 12.0 * step as f32);
        window.event(touch(0, TouchPhase::Move, now));
        window.event(Event::PointerMoved(now));
        window.step();
    }
    assert!(stages(&window)[0].min.y < stage.min.y - 40.0, "the column was scrolled: {:?} was {stage:?}", stages(&window)[0]);
    assert!(window.state().stage.is_whole(), "the stage stayed");
    let end = at - vec2(0.0, 108.0);
    window.event(touch(0, TouchPhase::End, end));
    window.event(Event::PointerButton { pos: end, button: PointerButton::Primary, pressed: false, modifiers: Modifiers::NONE });
    window.run_steps(40);

    // Two fingers move apart and to the right.
    let before = stages(&window)[0];
    let at = before.center();
    let (a, b) = (at - vec2(40.0, 0.0), at + vec2(40.0, 0.0));
    window.event(touch(1, TouchPhase::Start, a));
    window.event(Event::PointerButton { pos: a, button: PointerButton::Primary, pressed: true, modifiers: Modifiers::NONE });
    window.event(touch(2, TouchPhase::Start, b));
    window.step();
    for step in 1..8 {
        window.event(touch(1, TouchPhase::Move, a + vec2(2.0 * step as f32, 0.0)));
        window.event(Event::PointerMoved(a + vec2(2.0 * step as f32, 0.0)));
        window.event(touch(2, TouchPhase::Move, b + vec2(10.0 * step as f32, 0.0)));
        window.step();
    }
    assert!(window.state().stage.zoom > 1.2, "{}", window.state().stage.zoom);
    assert!(window.state().stage.middle[0] < 0.5, "{:?}", window.state().stage.middle);
    assert_eq!(stages(&window)[0].min.y, before.min.y, "nothing was scrolled");
    let lost = pos2(0.0, 0.0);
    for finger in [1, 2] {
        window.event(touch(finger, TouchPhase::End, lost));
    }
    window.event(Event::PointerButton { pos: lost, button: PointerButton::Primary, pressed: false, modifiers: Modifiers::NONE });
    window.run_steps(3);
    // And there is a way back, at the top of the column, which is scrolled away here.
    window.get_by_label(Action::ResetView.name()).click_accesskit();
    window.run_steps(3);
    assert!(window.state().stage.is_whole());
}

#[test]
fn what_the_marks_mean_stands_below_the_stage() {
    let window = phone(false);
    for told in ["class A", "class B", "broken", "withstood", "larger: greater ω"] {
        assert!(window.query_all_by_label(told).count() > 0, "{told}");
    }
}
