use super::*;
use gairat::{
    dataset::Source,
    method::{METHODS, Parameter, ParameterKind},
    settings::{Kind, fields},
};
use proptest::prelude::*;

#[test]
fn nothing_is_the_defaults_and_no_problem() {
    for text in ["", "#", "https://example.org/gairat/#", "#v=1"] {
        assert!(read(text).is_empty(), "{text}");
    }
    assert_eq!(write(&Link::default()), "#v=1");
}

#[test]
fn a_link_says_what_differs_and_nothing_else() {
    let settings = Settings::recipe(Source::Digits).with("lambda", "-2");
    let link = Link { settings, embed: true, hide: [Part::Curves, Part::Bar].into(), ..Link::default() };
    assert_eq!(write(&link), "#v=1&data=digits&lambda=-2&hide=bar,curves&embed=1");
    let preset = Link { preset: Some(Preset::Lambda), settings: Preset::Lambda.settings(), ..Link::default() };
    assert_eq!(write(&preset), "#v=1&preset=lambda");
}

#[test]
fn a_method_comes_before_its_parameters_in_whatever_order_they_stand() {
    for text in ["#method=mart&beta=3", "#beta=3&method=mart", "#beta=3&v=1&method=mart"] {
        let told = read(text);
        assert_eq!(told.problems, Vec::<String>::new(), "{text}");
        let settings = told.link.settings;
        assert_eq!((settings.method.name(), settings.get("beta").as_deref()), ("mart", Some("3")), "{text}");
    }
    // What another method was told stays only where it was changed, which the writer knows as well.
    let mut link = Link { preset: Some(Preset::Lambda), settings: Preset::Lambda.settings(), ..Link::default() };
    link.settings.set("method", "gair-fat").unwrap();
    link.settings.set("lambda", "2").unwrap();
    assert_eq!(read(&write(&link)).link, link);
}

#[test]
fn a_parameter_of_another_method_is_named_and_ignored() {
    let told = read("#method=at&lambda=-2&epsilon=0.07");
    assert_eq!(told.link.settings.epsilon, 0.07);
    assert_eq!(told.link.settings.method.name(), "at");
    assert_eq!(told.problems.len(), 1, "{:?}", told.problems);
    assert!(told.problems[0].contains("lambda, λ") && told.problems[0].contains("no such parameter"), "{:?}", told.problems);
}

#[test]
fn a_twin_has_a_method_and_parameters_of_its_own() {
    let told = read("#twin.beta=3&method=trades&twin=mart&beta=2");
    assert_eq!(told.problems, Vec::<String>::new());
    let twin = told.link.twin.clone().unwrap();
    assert_eq!((twin.name(), twin.parameters().number("beta")), ("mart", 3.0));
    assert_eq!(told.link.settings.get("beta").as_deref(), Some("2"));
    assert_eq!(write(&told.link), "#v=1&method=trades&beta=2&twin=mart&twin.beta=3");
    // The twin of a changed run has the defaults of its method.
    let twin = read("#method=trades&beta=2&twin=mart").link.twin.unwrap();
    assert_eq!(twin.parameters().number("beta"), 5.0);
}

#[test]
fn what_a_link_says_wrongly_of_a_twin_is_named_and_the_rest_holds() {
    for (text, named, there) in [
        ("#twin=nonsense", "nonsense", false),
        ("#twin.beta=3", "names no method", false),
        ("#twin=at&twin.beta=3", "no such parameter", true),
        ("#twin=mart&twin.epsilon=3", "no method has such a parameter", true),
        ("#twin=mart&twin.beta=-3", "out of range", true),
        // No step of four is left to tell samples apart.
        ("#steps=4&twin=ham&twin.drop-after=9", "twin", false),
    ] {
        let told = read(text);
        assert_eq!(told.problems.len(), 1, "{text}: {:?}", told.problems);
        assert!(told.problems[0].contains(named), "{text}: {:?}", told.problems);
        assert_eq!(told.link.twin.is_some(), there, "{text}");
    }
}

#[test]
fn what_cannot_be_used_is_named_and_the_rest_holds() {
    let told = read(
        "https://example.org/#v=7&epsilon=0.07&epsilon2=1&lambda=cow&steps=100000000&hide=curves,sky&lesson=9&embed=2&data=npz:/etc/passwd&lock=weather&device=Iris&threads=4",
    );
    assert_eq!(told.link.settings.epsilon, 0.07);
    assert_eq!(told.link.hide, [Part::Curves].into());
    for (place, named) in
        ["version", "data", "epsilon2", "lambda", "steps", "sky", "lesson", "embed", "weather", "Iris", "threads"]
            .iter()
            .enumerate()
    {
        assert!(told.problems.iter().any(|problem| problem.contains(named)), "{place} {named}: {:?}", told.problems);
    }
    assert_eq!(told.problems.len(), 11, "{:?}", told.problems);
}

#[test]
fn a_situation_has_a_selection_a_speed_a_start_a_task_and_the_parts_that_it_shows() {
    let told = read("#select=117&speed=full&start=paused&task=What%20moves%3F&show=stage,weights,lambda&projector=1");
    assert_eq!(told.problems, Vec::<String>::new());
    let link = &told.link;
    assert_eq!((link.select, link.speed, link.start), (Some(117), Some(SPEEDS.len() - 1), Some(Start::Paused)));
    assert_eq!((link.task.as_str(), link.projector), ("What moves?", true));
    let only = link.show.clone().unwrap();
    assert_eq!(only, Only { parts: [Part::Stage, Part::Weights].into(), settings: ["lambda"].into() });
    let unprojected = Link { projector: false, ..link.clone() };
    for part in Part::ALL {
        // One setting is shown where settings are.
        let shown = matches!(part, Part::Stage | Part::Weights | Part::Settings);
        assert_eq!(unprojected.shows(part), shown, "{part:?}");
        assert_eq!(link.shows(part), shown && part != Part::Settings, "{part:?} for a room");
    }
    assert!(link.shows_setting("lambda") && !link.shows_setting("epsilon"));
    assert_eq!(write(link), "#v=1&select=117&speed=full&start=paused&task=What%20moves?&show=stage,weights,lambda&projector=1");
}

#[test]
fn a_frame_shows_the_stage_and_what_its_link_names() {
    let shown = |text: &str| -> Vec<Part> { Part::ALL.into_iter().filter(|part| read(text).link.shows(*part)).collect() };
    assert_eq!(shown("#embed=1"), [Part::Stage]);
    assert_eq!(shown("#embed=1&show=stage,weights"), [Part::Stage, Part::Weights]);
}

#[test]
fn what_a_situation_says_wrongly_is_named_with_what_was_expected() {
    for (text, named) in [
        ("#select=-1", "whole number from 0"),
        ("#select=99999999999", "whole number from 0"),
        ("#speed=7", "1, 4, 15, 30, 60, 120, 400, full"),
        ("#start=soon", "playing, paused"),
        ("#show=stage,sky", "`sky` is not known"),
        ("#show=", "all is shown"),
        ("#projector=yes", "not 0 or 1"),
    ] {
        let told = read(text);
        assert_eq!(told.problems.len(), 1, "{text}: {:?}", told.problems);
        assert!(told.problems[0].contains(named), "{text}: {:?}", told.problems);
    }
    assert_eq!(read("#show=stage,sky").link.show, Some(Only { parts: [Part::Stage].into(), ..Only::default() }));
    let long = read(&format!("#task={}", "x".repeat(LONGEST_TASK + 1)));
    assert_eq!(long.link.task.len(), LONGEST_TASK);
    assert!(long.problems[0].contains("501 characters"), "{:?}", long.problems);
    // Signs that turn text around could make it say what it does not.
    assert_eq!(
        read("#task=a%E2%80%AEb%07c%0Ad").link.task,
        "abc
d"
    );
}

#[test]
fn settings_that_do_not_go_together_are_all_ignored() {
    let told = read("#data=circles&step_size=0&epsilon=0.1");
    assert_eq!(told.link.settings, Settings::recipe("circles".parse().unwrap()));
    assert_eq!(told.problems.len(), 1);
}

#[test]
fn a_link_that_is_too_long_is_not_read() {
    let told = read(&format!("#data=circles&{}", "x".repeat(LONGEST)));
    assert_eq!(told.link, Link::default());
    assert_eq!(told.problems.len(), 1);
}

/// A value that a parameter may have: `part` goes over what a slider goes over, or over the choices.
fn value_of(parameter: &Parameter, part: f64) -> String {
    match parameter.kind {
        ParameterKind::Number { slider: (low, high), .. } => (low + part * (high - low)).to_string(),
        ParameterKind::Whole { default, .. } => ((f64::from(default) * 2.0 * part) as u32).to_string(),
        ParameterKind::Choice { choices, .. } => {
            choices[((choices.len() as f64 * part) as usize).min(choices.len() - 1)].to_owned()
        }
    }
}

/// Any method with any values.
fn methods() -> impl Strategy<Value = MethodChoice> {
    let parts = prop::collection::vec(prop::option::of(0.0..1.0_f64), 8);
    (prop::sample::select(METHODS.to_vec()), parts).prop_map(|(entry, parts)| {
        let mut settings = Settings::default().with("method", entry.about.name);
        for (parameter, part) in entry.about.parameters.iter().zip(parts) {
            if let Some(part) = part {
                settings = settings.with(parameter.name, &value_of(parameter, part));
            }
        }
        settings.method
    })
}

/// Ways to begin: a selection, a speed, playing or not, and a task.
fn beginnings() -> impl Strategy<Value = (Option<u32>, Option<usize>, Option<Start>, String)> {
    let start = prop::option::of(prop::sample::select(Start::ALL.to_vec()));
    let task = prop_oneof![Just(String::new()), "[a-zA-Zα-ω?&=#%+,. ]{0,30}".prop_map(|task| task.trim().to_owned())];
    (prop::option::of(any::<u32>()), prop::option::of(0..SPEEDS.len()), start, task)
}

/// The only things that are shown.
fn only() -> impl Strategy<Value = Only> {
    let parts = prop::collection::btree_set(prop::sample::select(Part::ALL.to_vec()), 1..5);
    // A name that both have is the part's.
    let is_part = |name: &str| Part::ALL.into_iter().any(|part| part.name() == name);
    let names: Vec<&'static str> = fields().iter().map(|field| field.name).filter(|name| !is_part(name)).collect();
    (parts, prop::collection::btree_set(prop::sample::select(names), 0..4)).prop_map(|(parts, settings)| Only { parts, settings })
}

/// Links of all sorts.
fn links() -> impl Strategy<Value = Link> {
    let data = prop::sample::select(vec!["moons", "circles", "spirals", "digits"]);
    let preset = prop::option::of(prop::sample::select(Preset::ALL.to_vec()));
    let numbers = (0.0..0.3_f64, 1..30_u32, any::<u64>(), 0.001..1.0_f64);
    let parts = prop::collection::btree_set(prop::sample::select(Part::ALL.to_vec()), 0..7);
    let names: Vec<&'static str> = fields().iter().map(|field| field.name).collect();
    let lock = prop::collection::btree_set(prop::sample::select(names), 0..40);
    let device = prop::sample::select(DEVICES.to_vec());
    let rest = (
        any::<[bool; 2]>(),
        prop::option::of(prop::sample::select(Theme::ALL.to_vec())),
        prop::option::of(1..=LESSONS),
        beginnings(),
        prop::option::of(only()),
    );
    let method = (methods(), prop::option::of(methods()));
    let links = (data, preset, numbers, parts, lock, device, rest, method).prop_map(
        |(data, preset, (epsilon, steps, seed, lr), hide, lock, device, rest, (method, twin))| {
            let ([embed, projector], theme, lesson, (select, speed, start, task), show) = rest;
            let source: Option<Source> = data.parse().ok();
            let begun = match (preset, source) {
                (Some(preset), _) => preset.settings(),
                (None, Some(source)) => Settings::recipe(source),
                (None, None) => Settings::default(),
            };
            let settings = Settings { epsilon, steps, seed, lr, method, device: device.to_owned(), ..begun };
            let begun = Link { preset, settings, twin, select, speed, start, task, ..Link::default() };
            Link { show, hide, lock, embed, projector, theme, lesson, ..begun }
        },
    );
    links.prop_filter("settings that go together", |link| {
        let twin = link.twin.clone().map(|method| Settings { method, ..link.settings.clone() });
        link.settings.checked().is_ok() && twin.is_none_or(|settings| settings.checked().is_ok())
    })
}

#[test]
fn every_parameter_that_is_a_number_has_a_slider_within_its_range() {
    for entry in METHODS {
        let settings = Settings::default().with("method", entry.about.name);
        for parameter in entry.about.parameters {
            let field = settings.field(parameter.name).unwrap();
            if let (Kind::Number { range: Some((low, high)) }, Some(slider)) = (&field.kind, field.slider) {
                assert!(*low <= slider.low && slider.low < slider.high && slider.high <= *high, "{}", parameter.name);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_link_round_trips(link in links()) {
        let text = write(&link);
        prop_assert!(text.len() < 2000, "{}", text);
        let told = read(&text);
        prop_assert_eq!(&told.problems, &Vec::<String>::new(), "{}", text);
        prop_assert_eq!(told.link, link);
    }

    #[test]
    fn a_mutated_link_gives_settings_that_can_be_trained_with(
        link in links(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<char>(), 0..3_u8), 1..12),
    ) {
        let mut text: Vec<char> = write(&link).chars().collect();
        for (place, new, how) in cuts {
            let place = place.index(text.len().max(1)).min(text.len().saturating_sub(1));
            match how {
                0 if !text.is_empty() => { text.remove(place); }
                1 => text.insert(place, new),
                _ if !text.is_empty() => text[place] = new,
                _ => {}
            }
        }
        let told = read(&text.into_iter().collect::<String>());
        prop_assert!(told.link.settings.checked().is_ok());
    }

    #[test]
    fn any_text_is_a_link_or_named_as_none(text in any::<String>()) {
        let told = read(&text);
        prop_assert!(told.link.settings.checked().is_ok());
        // What came of it can be written, and read again.
        prop_assert_eq!(read(&write(&told.link)).link, told.link);
    }
}
