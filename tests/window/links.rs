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
        let mut window = opened(&format!("#hide={}", hidden.name()), 1280.0);
        window.state_mut().inspector_drawer = true;
        window.run_steps(2);
        for (part, label) in names {
            let there = window.query_all_by_label(label).count() > 0;
            // The judge stands where the inspector does, and goes with it.
            let hides = part == hidden || (part, hidden) == (Part::Judge, Part::Inspector);
            assert_eq!(there, !hides, "{label} where {} is hidden", hidden.name());
        }
    }
}

#[test]
fn the_stage_has_the_room_of_an_inspector_without_a_sample() {
    let mut window = opened("", 1280.0);
    let inspector = "Each point of the stage is a training sample";
    assert_eq!(window.query_all_by_label_contains(inspector).count(), 0);
    window.get_by_label("click a sample to look into it");
    let ctx = window.ctx.clone();
    window.state_mut().act(Action::InspectorDrawer, &ctx);
    window.run_steps(2);
    assert_eq!(window.query_all_by_label_contains(inspector).count(), 1);
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
fn where_the_stage_is_hidden_the_panels_below_it_take_its_place() {
    let window = opened("#hide=stage", 1280.0);
    assert_eq!(window.query_all_by_label_contains("Stage of ").count(), 0);
    let weights = window.get_all_by_label("Weights").next().unwrap().rect();
    assert!(weights.min.y < 200.0, "{weights:?}");
    assert_eq!(opened("#hide=weights", 1280.0).query_all_by_label_contains("Stage of ").count(), 1);
}

#[test]
fn a_link_that_names_parts_and_settings_shows_them_alone() {
    let window = opened("#method=gairat&show=stage,weights,lambda", 1280.0);
    for there in ["Weights", "λ"] {
        assert!(window.query_all_by_label(there).count() > 0, "{there}");
    }
    for hidden in ["ε", "Twin run", "Curves", "Margins", "Sample", "Judge"] {
        assert_eq!(window.query_all_by_label(hidden).count(), 0, "{hidden}");
    }
}

#[test]
fn a_task_stands_above_the_stage_and_can_be_folded() {
    let mut window = opened("#task=Which%20points%20count%20most%3F", 1280.0);
    let there = |window: &egui_kittest::Harness<'static, crate::window::State>| {
        window.query_all_by_label("Which points count most?").count() > 0
    };
    assert!(there(&window));
    window.get_by_label("Task").click();
    window.run_steps(30);
    assert!(!there(&window));
}

#[test]
fn a_selection_that_a_link_names_is_made_and_one_that_cannot_be_is_told() {
    for (row, made) in [(canned::BROKEN, true), (4_000_000, false)] {
        let mut state = canned::state();
        state.to_select = Some(row);
        let mut window = window(state, vec2(1280.0, 800.0));
        window.run_steps(3);
        assert_eq!(window.state().selected, made.then_some(row));
        let told = window.state().notices.iter().any(|notice| notice.text.contains("4000000 is not one of"));
        assert_eq!(told, !made);
        assert_eq!(window.state().link_of_now().select, made.then_some(row));
    }
}

#[test]
fn a_room_has_large_text_and_no_settings_and_leaves_it_again() {
    let mut window = wide();
    let ctx = window.ctx.clone();
    let size = |ctx: &egui::Context| egui::TextStyle::Body.resolve(&ctx.global_style()).size;
    let before = size(&ctx);
    window.state_mut().act(Action::Projector, &ctx);
    window.run_steps(3);
    assert_eq!(size(&ctx), 18.0);
    assert_eq!(window.query_all_by_label("ε").count(), 0);
    assert!(window.query_all_by_label("Play or pause").count() > 0);
    window.get_by_label("Projector").click();
    window.run_steps(3);
    assert!((size(&ctx) - before).abs() < 1e-4);
    assert!(window.query_all_by_label("ε").count() > 0);
}

#[test]
fn a_phone_reads_the_code_as_it_is_drawn() {
    for (scale, theme) in [(1.0, egui::Theme::Dark), (2.0, egui::Theme::Light)] {
        let render = egui_kittest::wgpu::create_render_state(
            egui_kittest::wgpu::default_wgpu_setup(),
            eframe::egui_wgpu::RendererOptions::PREDICTABLE,
        );
        crate::platform::drawing::install(&render);
        let mut state = canned::state();
        state.theme = theme.into();
        let mut builder = crate::window::actions::links::builder(&state);
        builder.address = "https://school.example/gairat/".to_owned();
        builder.made = crate::window::model::views::Made::Code;
        builder.link.task = "Which of the points that lie near the boundary count more than the others, and why?".to_owned();
        let expected = format!("https://school.example/gairat/{}", link::write(&builder.link));
        state.link_builder = Some(builder);
        let mut window = egui_kittest::Harness::builder()
            .with_size(vec2(1280.0, 800.0))
            .with_pixels_per_point(scale)
            .with_theme(theme)
            .with_context_setup(crate::window::theme::install)
            .renderer(egui_kittest::wgpu::WgpuTestRenderer::from_render_state(render))
            .build_ui_state(|ui, state| crate::window::frame(ui, state, std::time::Instant::now()), state);
        window.run_steps(4);
        let picture = window.render().unwrap();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let grey = |x: usize, y: usize| picture.get_pixel(x as u32, y as u32).0[1];
        let mut seen = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
        let grids = seen.detect_grids();
        assert_eq!(grids.len(), 1, "there is one code at {scale}");
        assert_eq!(grids[0].decode().unwrap().1, expected);
    }
}

#[test]
fn a_frame_is_made_where_the_page_is_known() {
    let mut window = wide();
    let ctx = window.ctx.clone();
    window.state_mut().act(Action::BuildLink, &ctx);
    window.run_steps(3);
    window.get_by_label("Frame").click();
    window.run_steps(3);
    assert!(window.get_by_label("Copy").accesskit_node().is_disabled());
    window.state_mut().link_builder.as_mut().unwrap().address = "https://school.example/gairat/".to_owned();
    window.run_steps(3);
    window.get_by_label("Copy").click();
    window.step();
    let copied = window.output().platform_output.commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let copied = copied.unwrap();
    assert!(copied.starts_with("<iframe src=\"https://school.example/gairat/#v=1") && copied.contains("embed=1"), "{copied}");
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
