//! Links: what they hide and lock, and how one is made.

use egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::{canned, wide, window};
use crate::{
    link::{self, Link, Part},
    window::actions::Action,
};

/// A window that was opened with this link.
fn opened(text: &str, width: f32) -> egui_kittest::Harness<'static, crate::window::State> {
    let mut state = canned::state();
    state.link = Link { settings: state.form.clone(), ..link::read(text).link };
    let mut window = window(state, vec2(width, 800.0));
    window.run_steps(3);
    window
}

#[test]
fn parts_that_a_link_hides_are_not_there_and_the_others_are() {
    let names = [
        (Part::Bar, "Twin run"),
        (Part::Settings, "burn in"),
        (Part::Inspector, "Sample"),
        (Part::Judge, "Judge"),
        (Part::Weights, "Weights"),
        (Part::Curves, "Curves"),
        (Part::Margins, "Margins"),
    ];
    for (hidden, _) in names {
        let window = opened(&format!("#hide={}", hidden.name()), 1280.0);
        for (part, label) in names {
            let there = window.query_all_by_label(label).count() > 0;
            // The judge stands where the inspector does, and goes with it.
            let hides = part == hidden || (part, hidden) == (Part::Judge, Part::Inspector);
            assert_eq!(there, !hides, "{label} where {} is hidden", hidden.name());
        }
    }
}

#[test]
fn a_narrow_window_has_no_tab_for_what_is_hidden() {
    let window = opened("#hide=settings,inspector", 390.0);
    assert_eq!(window.query_all_by_label("Settings").count(), 0);
    assert!(window.query_all_by_label("Curves").count() > 0);
}

#[test]
fn a_narrow_window_whose_tabs_are_all_hidden_shows_the_stage_alone() {
    let window = opened("#hide=settings,inspector,weights,curves,margins", 390.0);
    for hidden in ["Settings", "Sample", "Weights", "Curves", "Margins", "ε"] {
        assert_eq!(window.query_all_by_label(hidden).count(), 0, "{hidden}");
    }
}

#[test]
fn what_a_link_locks_cannot_be_changed() {
    let window = opened("#lock=epsilon", 1280.0);
    let slider = |name: &str| window.query_all_by_label(name).any(|node| node.accesskit_node().is_disabled());
    assert!(slider("ε"));
    assert!(!slider("λ"));
}

#[test]
fn an_embedded_window_is_the_stage_and_its_buttons() {
    let window = opened("#embed=1", 640.0);
    for there in ["Play or pause", "One batch", "gairat"] {
        assert!(window.query_all_by_label(there).count() > 0, "{there}");
    }
    for hidden in ["All commands…", "ε", "Curves", "Margins"] {
        assert_eq!(window.query_all_by_label(hidden).count(), 0, "{hidden}");
    }
}

#[test]
fn a_link_is_made_by_ticking_and_says_what_was_ticked() {
    let mut window = wide();
    let ctx = window.ctx.clone();
    window.state_mut().act(Action::BuildLink, &ctx);
    window.run_steps(3);
    window.get_by_label("curves").click();
    window.get_by_label("all settings").click();
    window.get_by_label("lesson 2").click();
    window.run_steps(3);
    window.get_by_label("Copy").click();
    window.step();
    let copied = window.output().platform_output.commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let read = link::read(&copied.unwrap());
    assert_eq!(read.problems, Vec::<String>::new());
    assert_eq!((read.link.hide, read.link.lesson), ([Part::Curves].into(), Some(2)));
    assert!(read.link.lock.contains("epsilon"));
    // The device belongs to the machine, not to the situation.
    let form = window.state().form.clone();
    assert_eq!(read.link.settings, gairat::settings::Settings { device: read.link.settings.device.clone(), threads: 0, ..form });
    window.key_press(Key::Escape);
    window.run_steps(3);
    assert!(window.state().link_builder.is_none());
}

#[test]
fn the_link_of_a_window_is_copied_by_its_keys() {
    let mut window = wide();
    window.key_press_modifiers(Modifiers::COMMAND, Key::L);
    window.step();
    let copied = window
        .output()
        .platform_output
        .commands
        .iter()
        .any(|command| matches!(command, egui::OutputCommand::CopyText(text) if text.starts_with("#v=1")));
    assert!(copied || window.state().notices.iter().any(|notice| notice.text.starts_with("Copied: #v=1")));
}
