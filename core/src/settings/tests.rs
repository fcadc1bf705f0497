use super::*;
use crate::attack::LossKind;

#[test]
fn every_setting_survives_text_and_json() {
    let mut settings = Settings::recipe(Source::Digits);
    settings.set("epsilon", "8/255").unwrap();
    settings.set("lambda", "inf").unwrap();
    settings.set("model", "mlp:32").unwrap();
    let json = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
    for field in fields().iter().filter(|field| field.applies(&settings)) {
        let text = settings.get(field.name).unwrap();
        let mut other = Settings::default();
        other.set(field.name, &text).unwrap();
        assert_eq!(other.get(field.name).unwrap(), text, "{}", field.name);
        assert!(!field.doc.trim().is_empty());
    }
}

#[test]
fn fractions_and_decimals_mean_the_same() {
    let mut settings = Settings::default();
    settings.set("epsilon", "8/255").unwrap();
    assert_eq!(settings.epsilon, 8.0 / 255.0);
    settings.set("epsilon", "0.031").unwrap();
    assert_eq!(settings.epsilon, 0.031);
}

#[test]
fn a_wrong_value_is_named_with_what_is_allowed_and_changes_nothing() {
    let mut settings = Settings::default();
    for (name, text, expected) in [
        ("epsilon", "3", "epsilon: 3 is out of range; expected 0 to 1"),
        ("epsilon", "a", "epsilon: `a` is no number (a fraction like 8/255 is fine); expected 0 to 1"),
        ("epsilon", "0/0", "epsilon: `0/0` divides by 0; expected 0 to 1"),
        ("steps", "0", "steps: 0 is out of range; expected 1 to 1000"),
        ("batch", "1.5", "batch: `1.5` is no whole number (0 or more); expected 1 to 65536"),
        ("step_sise", "1", "there is no setting `step_sise`; did you mean `step_size`?"),
        ("zzz", "1", "there is no setting `zzz`"),
    ] {
        let before = settings.clone();
        assert_eq!(settings.set(name, text).unwrap_err().to_string(), expected);
        assert_eq!(settings, before);
    }
}

#[test]
fn values_that_do_not_go_together_are_refused() {
    let refused = |pairs: &[(&str, &str)]| {
        let mut settings = Settings::default();
        for (name, value) in pairs {
            settings.set(name, value).unwrap();
        }
        settings.checked().unwrap_err().to_string()
    };
    assert!(refused(&[("loss", "kl"), ("random_start", "false")]).contains("zero gradient"));
    assert!(refused(&[("method", "trades"), ("random_start", "false")]).contains("zero at the natural image"));
    assert!(refused(&[("method", "ham"), ("drop_after", "10")]).starts_with("drop_after"));
    assert!(refused(&[("lambda_schedule", "linear"), ("lambda_max", "inf")]).contains("finite"));
    assert!(refused(&[("step_size", "0")]).starts_with("step_size"));
    assert!(Settings::default().checked().is_ok());
}

#[test]
fn a_burn_in_that_leaves_no_weights_is_warned_of() {
    let settings = Settings { burn_in: 60, epochs: 60, ..Settings::default() };
    assert!(settings.warnings()[0].contains("burn-in"));
    assert!(Settings::default().warnings().is_empty());
}

#[test]
fn a_parameter_without_effect_is_warned_of() {
    for (method, parameter, value, choice, one) in [
        ("dro", "barrier", "0.3", "implicit", "barrier"),
        ("dro", "curvature", "5", "implicit", "fast-bat"),
        ("gairat", "lambda_max", "2", "lambda_schedule", "linear"),
        ("vir-at", "beta", "3", "form", "shipped"),
    ] {
        let mut settings = Settings::default();
        settings.set("method", method).unwrap();
        settings.set(parameter, value).unwrap();
        let said = settings.warnings();
        assert!(said.len() == 1 && said[0].contains("no effect") && said[0].contains(one), "{said:?}");
        settings.set(choice, one).unwrap();
        assert!(settings.warnings().is_empty());
    }
}

/// GAIRAT's discrete rule knows no λ, and GAIR-TRADES' `rst` has a rule of its own, which knows it.
#[test]
fn a_parameter_counts_where_any_of_its_conditions_holds() {
    let with = |method: &str, changes: &[(&str, &str)]| {
        changes.iter().fold(Settings::default().with("method", method), |settings, (name, text)| settings.with(name, text))
    };
    let discrete = with("gairat", &[("weighting", "discrete"), ("lambda", "2")]);
    let said = discrete.warnings();
    assert_eq!(
        said,
        ["lambda has no effect: it counts with weighting tanh or sigmoid or with lambda inf alone, and weighting is discrete"]
    );
    assert_eq!(discrete.without_effect("lambda").as_ref(), said.first());
    assert_eq!((discrete.method.title().as_str(), discrete.method.headline()), ("GAIRAT", None));
    // What counts with a parameter that does not count does not count.
    let linear = with("gairat", &[("weighting", "discrete"), ("lambda_schedule", "linear"), ("lambda_max", "1")]);
    assert_eq!(linear.warnings().len(), 2);
    assert!(linear.without_effect("lambda_max").unwrap().ends_with("lambda-schedule is linear and has no effect itself"));
    // An infinite λ lets all count alike, whatever the rule.
    let off = with("gairat", &[("weighting", "discrete"), ("lambda", "inf")]);
    assert_eq!((off.without_effect("lambda"), off.warnings().len()), (None, 1));
    for weighting in ["tanh", "sigmoid", "discrete"] {
        let rst = with("gair-trades", &[("weighted", "rst"), ("weighting", weighting), ("lambda", "3")]);
        assert_eq!(rst.without_effect("lambda"), None);
        let why = rst.without_effect("weighting").unwrap();
        assert_eq!(why, "weighting has no effect: it counts with weighted kl or natural alone, and weighted is rst");
        assert_eq!(rst.warnings(), if weighting == "tanh" { vec![] } else { vec![why] });
        assert_eq!(rst.method.build().scheduled(rst.checked().unwrap().clock(80)), [("lambda", 3.0)]);
    }
    let usual = with("gair-trades", &[("weighted", "rst")]).warnings();
    assert!(usual.len() == 1 && usual[0].contains("lambda 3") && usual[0].contains("lambda is -1"), "{usual:?}");
    for constant in ["alpha", "gamma", "floor"] {
        let shipped = with("vir-at", &[("form", "shipped"), (constant, "2")]);
        assert!(shipped.warnings()[0].starts_with(&format!("{constant} has no effect")));
    }
}

#[test]
fn burn_in_has_no_effect_where_nothing_is_weighed_or_the_weight_is_part_of_the_loss() {
    for entry in crate::method::METHODS {
        let settings = Settings::default().with("method", entry.about.name);
        let why = settings.without_effect("burn_in");
        assert_eq!(why.is_none(), entry.about.burns_in, "{}", entry.about.name);
        assert!(why.is_none_or(|why| why.contains("weighs no samples") != entry.about.weighs()), "{}", entry.about.name);
    }
    assert_eq!(Settings::default().without_effect("points"), None);
    assert!(Settings::recipe(Source::Digits).without_effect("points").unwrap().contains("digits"));
}

#[test]
fn every_condition_names_a_parameter_that_some_method_has_beside_it_and_values_that_it_takes() {
    for entry in crate::method::METHODS {
        for parameter in entry.about.parameters.iter().filter(|parameter| !parameter.only_with.is_empty()) {
            let settings = Settings::default().with("method", entry.about.name);
            let mut there = 0;
            for (name, values) in parameter.only_with {
                if settings.get(name).is_some() {
                    there += 1;
                    values.iter().for_each(|value| settings.clone().set(name, value).unwrap());
                }
            }
            assert!(there > 0, "{} {} can never count", entry.about.name, parameter.name);
        }
    }
}

#[test]
fn a_method_that_is_nearly_named_is_suggested() {
    for (given, meant) in [
        ("tradess", Some("trades")),
        ("mial-at", Some("mail-at")),
        ("GAIR_FAT", Some("gair-fat")),
        ("hardinstance", Some("hard-instance")),
        ("backpropagation", None),
    ] {
        let said = MethodChoice::of(given).unwrap_err();
        let like = meant.map(|meant| format!("`{given}` is no method; did you mean `{meant}`?"));
        assert!(said.starts_with(&like.unwrap_or(format!("`{given}` is no method (there are `at`"))), "{said}");
        assert_eq!(said.contains("did you mean"), meant.is_some());
    }
}

#[test]
fn a_method_brings_its_own_parameters_and_keeps_what_was_changed_of_shared_ones() {
    let mut settings = Settings::default();
    settings.set("lambda", "-2").unwrap();
    settings.set("method", "gair-fat").unwrap();
    assert_eq!((settings.get("lambda").as_deref(), settings.get("tau").as_deref()), (Some("-2"), Some("6")));
    settings.set("method", "mart").unwrap();
    assert_eq!((settings.get("lambda"), settings.get("beta").as_deref()), (None, Some("5")));
    settings.set("method", "trades").unwrap();
    assert_eq!(settings.get("beta").as_deref(), Some("6"), "a default does not travel");
    let refused = settings.set("lambda", "0").unwrap_err().to_string();
    assert!(refused.contains("lambda: trades has no such parameter") && refused.contains("gairat"), "{refused}");
    let refused = settings.set("beta", "-1").unwrap_err().to_string();
    assert_eq!(refused, "beta: -1 is out of range; expected 0 to 1000");
    let refused = settings.set("method", "tradess").unwrap_err().to_string();
    assert!(refused.contains("`tradess` is no method") && refused.contains("`mail-at`"), "{refused}");
}

#[test]
fn settings_of_an_old_run_are_read_whatever_its_method() {
    let old = r#"{"data": "moons", "lambda": -1, "weighting": "tanh", "lambda_schedule": "fixed", "lambda_max": 3, "method": "at", "loss": "ce"}"#;
    let settings: Settings = serde_json::from_str(old).unwrap();
    assert_eq!(settings.method.name(), "at");
    let old = old.replace(r#""at""#, r#""gairat""#).replace("-1", "-2.5");
    let settings: Settings = serde_json::from_str(&old).unwrap();
    assert_eq!(settings.get("lambda").as_deref(), Some("-2.5"));
}

#[test]
fn every_parameter_of_every_method_is_a_setting_with_words() {
    for entry in crate::method::METHODS {
        let settings = Settings::default().with("method", entry.about.name);
        for parameter in entry.about.parameters {
            let field = settings.field(parameter.name).unwrap();
            assert!(field.doc.ends_with(['.', ')']) && !field.label.is_empty(), "{}", parameter.name);
            let text = settings.get(parameter.name).unwrap();
            let mut again = settings.clone();
            again.set(parameter.name, &text).unwrap();
            assert_eq!(again, settings);
        }
        settings.checked().unwrap();
    }
    let mut names: Vec<&str> = fields().iter().map(|field| field.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), fields().len(), "no parameter has the name of another setting");
}

#[test]
fn no_change_of_method_leaves_a_value_that_the_next_one_does_not_take() {
    use crate::method::{METHODS, ParameterKind};
    for from in METHODS {
        let mut extreme = Settings::default().with("method", from.about.name);
        for parameter in from.about.parameters {
            match parameter.kind {
                ParameterKind::Number { range: (_, high), .. } => extreme.set(parameter.name, &high.to_string()).unwrap(),
                ParameterKind::Whole { range: (_, high), .. } => extreme.set(parameter.name, &high.to_string()).unwrap(),
                ParameterKind::Choice { choices, .. } => extreme.set(parameter.name, choices[choices.len() - 1]).unwrap(),
            }
        }
        for to in METHODS {
            let mut settings = extreme.clone();
            settings.set("method", to.about.name).unwrap();
            let json = serde_json::to_string(&settings).unwrap();
            assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings, "{} to {}", from.about.name, to.about.name);
        }
    }
    // Both call it β, and mean different things.
    let mut settings = Settings::default().with("method", "trades").with("beta", "8");
    settings.set("method", "average").unwrap();
    assert_eq!(settings.get("beta").as_deref(), Some("0.5"));
}

#[test]
fn a_value_that_was_put_in_past_the_checks_is_refused_before_a_run() {
    let mut settings = Settings::default().with("method", "average");
    settings.method.put("beta", ParameterValue::Number(7.0));
    assert_eq!(settings.checked().unwrap_err().to_string(), "beta: 7 is out of range; expected 0 to 1");
}

#[test]
fn an_old_run_of_plain_training_goes_on_with_the_attack_of_the_method_that_it_gets() {
    let old = r#"{"data": "moons", "lambda": -1, "lambda_schedule": "fixed", "method": "at", "loss": "ce"}"#;
    let settings: Settings = serde_json::from_str(old).unwrap();
    assert_eq!(settings.loss, ClimbedLoss(None));
    let asked = r#"{"data": "moons", "method": "trades", "loss": "ce"}"#;
    assert_eq!(serde_json::from_str::<Settings>(asked).unwrap().loss, ClimbedLoss(Some(LossKind::CrossEntropy)));
}
