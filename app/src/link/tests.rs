use super::*;
use gairat::weight::Method;
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
    let settings = Settings { lambda: -2.0, method: Method::At, ..Settings::recipe(Source::Digits) };
    let link = Link { settings, embed: true, hide: [Part::Curves, Part::Bar].into(), ..Link::default() };
    let method = if Settings::default().method == Method::At { "" } else { "&method=at" };
    assert_eq!(
        write(&link),
        format!("#v=1&data=digits{method}&lambda=-2.0&hide=bar,curves&embed=1")
            .replace("-2.0", &link.settings.get("lambda").unwrap())
    );
    let preset = Link { preset: Some(Preset::Lambda), settings: Preset::Lambda.settings(), ..Link::default() };
    assert_eq!(write(&preset), "#v=1&preset=lambda");
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

/// Links of all sorts.
fn links() -> impl Strategy<Value = Link> {
    let data = prop::sample::select(vec!["moons", "circles", "spirals", "digits"]);
    let preset = prop::option::of(prop::sample::select(Preset::ALL.to_vec()));
    let numbers = (0.0..0.3_f64, 1..30_u32, -4.0..4.0_f64, any::<u64>(), 0.001..1.0_f64);
    let parts = prop::collection::btree_set(prop::sample::select(Part::ALL.to_vec()), 0..7);
    let fields: Vec<&'static str> = FIELDS.iter().map(|field| field.name).collect();
    let lock = prop::collection::btree_set(prop::sample::select(fields), 0..40);
    let device = prop::sample::select(DEVICES.to_vec());
    let rest = (any::<bool>(), prop::option::of(prop::sample::select(Theme::ALL.to_vec())), prop::option::of(1..=4_u8));
    (data, preset, numbers, parts, lock, device, rest).prop_map(
        |(data, preset, (epsilon, steps, lambda, seed, lr), hide, lock, device, (embed, theme, lesson))| {
            let source: Option<Source> = data.parse().ok();
            let begun = match (preset, source) {
                (Some(preset), _) => preset.settings(),
                (None, Some(source)) => Settings::recipe(source),
                (None, None) => Settings::default(),
            };
            let settings = Settings { epsilon, steps, lambda, seed, lr, device: device.to_owned(), ..begun };
            Link { preset, settings, hide, lock, embed, theme, lesson }
        },
    )
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
