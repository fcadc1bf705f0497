//! What holds for every method of the list, and what tests of single ones begin with.

mod closed_forms;

use burn::tensor::{Device, Int, TensorData};

use super::*;
use crate::{attack::Adversarial, settings::Settings};

/// After burn-in.
const CLOCK: Clock = Clock { epoch: 2, epochs: 2, burn_in: 0 };

fn tensor(rows: &[&[f32]]) -> Tensor<2> {
    let flat: Vec<f32> = rows.iter().flat_map(|row| row.iter().copied()).collect();
    Tensor::from_data(TensorData::new(flat, [rows.len(), rows[0].len()]), &Device::flex())
}

fn labels(classes: usize, of: &[i32]) -> Labels {
    Labels::new(Tensor::<1, Int>::from_data(TensorData::new(of.to_vec(), [of.len()]), &Device::flex()), classes)
}

/// Samples with these (kappa, first hit).
fn found(counts: &[(f32, f32)]) -> Adversarial {
    let records: Vec<Vec<f32>> = counts.iter().map(|&(kappa, first_hit)| vec![0.0, 0.0, kappa, first_hit]).collect();
    let records = tensor(&records.iter().map(Vec::as_slice).collect::<Vec<_>>());
    Adversarial { images: records.clone(), at_start: records.clone(), on_path: records }
}

fn numbers(tensor: Tensor<1>) -> Vec<f64> {
    tensor.into_data().iter::<f32>().map(f64::from).collect()
}

/// What a method makes of a batch with these logits: weights, natural and adversarial term.
struct Answer {
    omega: Option<Vec<f64>>,
    axis: Option<Vec<f64>>,
    natural: Option<Vec<f64>>,
    adversarial: Vec<f64>,
    /// The gradients of the mean loss with respect to the logits, natural and adversarial.
    slopes: [Vec<f64>; 2],
}

fn ask(settings: &Settings, natural: &[&[f32]], adversarial: &[&[f32]], of: &[i32], counts: &[(f32, f32)]) -> Answer {
    let method = settings.method.build();
    let labels = labels(natural[0].len(), of);
    let (z, z_adversarial) = (tensor(natural).autodiff().require_grad(), tensor(adversarial).autodiff().require_grad());
    let outputs = Outputs { natural: Some(z.clone()), adversarial: z_adversarial.clone(), second: None, labels: labels.clone() };
    let evidence = Evidence::new(&found(counts), settings.steps, labels, Some(z.clone()), z_adversarial.clone());
    let weights = method.weigh(&evidence, CLOCK, &mut Memory::default());
    let loss = method.loss(&outputs, weights.as_ref().map(|weights| &weights.omega));
    let gradients = loss.per_sample().mean().backward();
    let slope = |tensor: &Tensor<2>| {
        tensor.grad(&gradients).map_or_else(Vec::new, |slope| slope.into_data().iter::<f32>().map(f64::from).collect())
    };
    Answer {
        axis: weights.as_ref().map(|weights| numbers(weights.axis.clone())),
        omega: weights.map(|weights| numbers(weights.omega)),
        natural: loss.natural.map(|term| numbers(term.inner())),
        adversarial: numbers(loss.adversarial.inner()),
        slopes: [slope(&z), slope(&z_adversarial)],
    }
}

/// The example of the closed forms: q = (.6, .3, .1), a = (.2, .5, .3), y = 0.
fn example(method: &str, changes: &[(&str, &str)]) -> Answer {
    let mut settings = Settings::default().with("method", method);
    for (name, text) in changes {
        settings.set(name, text).unwrap();
    }
    let logs = |p: [f32; 3]| p.map(f32::ln);
    ask(&settings, &[&logs([0.6, 0.3, 0.1])], &[&logs([0.2, 0.5, 0.3])], &[0], &[(3.0, 3.0)])
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 5e-6 * expected.abs().max(1e-2), "{found} is not {expected}");
}

#[test]
fn a_choice_that_takes_more_passes_says_so() {
    let passes = |method: &str, name: &str, choice: &str| {
        Settings::default().with("method", method).with(name, choice).method.build().passes().in_all(10)
    };
    for (method, name, usual, more) in [
        ("gair-trades", "weighted", "kl", "rst"),
        ("dro", "implicit", "none", "barrier"),
        ("vir-at", "form", "intended", "shipped"),
        ("mail-at", "margin", "adversarial", "natural"),
        ("hard-instance", "measure", "p_adversarial", "p_natural"),
    ] {
        assert!(passes(method, name, more) > passes(method, name, usual), "{method}");
    }
}

/// For every choice: one attack for each craft, a reference for each that climbs the divergence, and natural samples where they are asked for.
#[test]
fn the_passes_of_every_choice_are_those_that_it_takes() {
    for settings in all_variants() {
        let method = settings.method.build();
        let (passes, crafts) = (method.passes(), method.crafts(CLOCK));
        let references = crafts.iter().filter(|craft| craft.loss == LossKind::Kl).count();
        assert_eq!((passes.attacks, passes.references), (crafts.len() as u32, references as u32), "{}", settings.method.title());
        assert_eq!(passes.stops_early, crafts.iter().any(|craft| craft.patience.is_some()), "{}", settings.method.title());
        assert!(
            passes.forward as usize >= crafts.len() + usize::from(method.needs_natural(CLOCK)),
            "{}",
            settings.method.title()
        );
    }
}

#[test]
fn a_cost_says_what_is_at_most_and_what_goes_to_the_input() {
    let cost = |changes: &[(&str, &str)]| {
        let settings = changes.iter().fold(Settings::default(), |settings, (name, text)| settings.with(name, text));
        settings.method.build().passes().to_string()
    };
    for method in ["fat", "gair-fat"] {
        assert_eq!(
            cost(&[("method", method)]),
            "attack at most K × (forward + backward); update forward + backward to the parameters"
        );
    }
    assert_eq!(
        cost(&[("method", "dro"), ("implicit", "barrier")]),
        "attack K × (forward + backward); update 3 forward + 3 backward to the parameters + (forward + backward) to the input"
    );
}

#[test]
fn what_a_method_schedules_is_all_of_it_and_only_what_counts() {
    let scheduled = |changes: &[(&str, &str)]| {
        let settings = changes.iter().fold(Settings::default(), |settings, (name, text)| settings.with(name, text));
        settings.method.build().scheduled(CLOCK)
    };
    assert_eq!(scheduled(&[("method", "gair-fat")]), [("tau", 6.0), ("lambda", 0.0)]);
    assert_eq!(scheduled(&[("method", "gair-fat"), ("weighting", "discrete")]), [("tau", 6.0)]);
    assert_eq!(scheduled(&[("method", "gairat"), ("weighting", "discrete"), ("lambda", "2")]), []);
    assert_eq!(scheduled(&[("method", "fat")]), [("tau", 2.0)]);
    assert_eq!(scheduled(&[("method", "mart")]), []);
}

/// q_y = .6 at the natural sample, a_y = .2 at the adversarial one.
#[test]
fn the_axis_of_confidence_says_of_which_sample_it_is() {
    for (method, measure, sample, at) in [
        ("mart", None, "natural", 0.6),
        ("cow", None, "natural", 0.6),
        ("arow", None, "adversarial", 0.2),
        ("hard-instance", Some("p_adversarial"), "adversarial", 0.2),
        ("hard-instance", Some("p_natural"), "adversarial", 0.2),
    ] {
        let changes: Vec<(&str, &str)> = measure.map(|measure| ("measure", measure)).into_iter().collect();
        close(example(method, &changes).axis.unwrap()[0], at);
        let label = entry(method).unwrap().about.axis.label;
        assert_eq!(label, format!("probability of the label, {sample} sample"));
    }
}

/// All methods, with each value of each choice.
fn all_variants() -> Vec<Settings> {
    let mut variants = Vec::new();
    for entry in METHODS {
        let settings = Settings::default().with("method", entry.about.name);
        for parameter in entry.about.parameters {
            if let ParameterKind::Choice { choices, .. } = parameter.kind {
                variants.extend(choices.iter().map(|choice| settings.clone().with(parameter.name, choice)));
            }
        }
        variants.push(settings);
    }
    variants
}

#[test]
fn weights_losses_and_gradients_are_finite_for_huge_logits_and_for_one_sample() {
    let extremes: [&[f32]; 6] =
        [&[1e4, -1e4, 0.0], &[-1e4, 1e4, 0.0], &[0.0, 0.0, 0.0], &[1e4, 1e4, 1e4], &[-1e4, -1e4, -1e4], &[1e-30, 0.0, -1e-30]];
    for settings in all_variants() {
        let name = settings.method.name();
        for natural in extremes {
            let mut batches: Vec<Vec<&[f32]>> = extremes.iter().map(|adversarial| vec![*adversarial]).collect();
            batches.push(extremes.to_vec());
            for adversarial in batches {
                let count = adversarial.len();
                let natural = vec![natural; count];
                let counts: Vec<(f32, f32)> = (0..count).map(|i| (2.0 * i as f32, i as f32)).collect();
                let answer = ask(&settings, &natural, &adversarial, &vec![0; count], &counts);
                let all = (answer
                    .omega
                    .iter()
                    .chain(&answer.axis)
                    .chain(&answer.natural)
                    .chain([&answer.adversarial])
                    .chain(&answer.slopes))
                .flatten();
                assert!(
                    all.clone().all(|number| number.is_finite()),
                    "{name}: {natural:?} {adversarial:?} {:?}",
                    all.collect::<Vec<_>>()
                );
                assert!(answer.omega.iter().flatten().all(|omega| *omega >= 0.0), "{name}: {:?}", answer.omega);
            }
        }
    }
}

/// Where a method says that its weight is a function of one number, ω of a batch is that function, up to one factor for the batch.
#[test]
fn curves_are_the_weights() {
    let logs = |p: [f32; 3]| p.map(f32::ln);
    let adversarial = [logs([0.2, 0.5, 0.3]), logs([0.6, 0.3, 0.1]), logs([0.34, 0.33, 0.33]), logs([0.05, 0.05, 0.9])];
    let natural = [logs([0.7, 0.2, 0.1]), logs([0.9, 0.05, 0.05]), logs([0.4, 0.5, 0.1]), logs([0.1, 0.1, 0.8])];
    let rows = |rows: &'static [[f32; 3]]| rows.iter().map(<[f32; 3]>::as_slice).collect::<Vec<_>>();
    let (natural, adversarial) = (rows(Box::leak(Box::new(natural))), rows(Box::leak(Box::new(adversarial))));
    let mut with_curves = 0;
    for settings in all_variants() {
        let answer = ask(&settings, &natural, &adversarial, &[0; 4], &[(2.0, 2.0), (7.0, 5.0), (4.0, 3.0), (0.0, 0.0)]);
        let (Some(omega), Some(axis)) = (answer.omega, answer.axis) else { continue };
        let method = settings.method.build();
        let curve: Option<Vec<f64>> = axis.iter().map(|&at| method.curve(at, settings.steps, CLOCK)).collect();
        let Some(curve) = curve else { continue };
        with_curves += 1;
        let factor = omega.iter().sum::<f64>() / curve.iter().sum::<f64>();
        for (omega, curve) in omega.iter().zip(&curve) {
            assert!(
                (omega - factor * curve).abs() < 2e-4 * factor * curve + 1e-6,
                "{}: {omega} is not {factor} x {curve}",
                settings.method.title()
            );
        }
    }
    assert!(with_curves > 15);
}

#[test]
fn the_divergence_has_no_gradient_at_the_natural_sample_and_its_attack_starts_from_noise() {
    let logits: [&[f32]; 1] = [&[0.3, -0.2, 0.9]];
    let same = tensor(&logits).autodiff().require_grad();
    let gradients = loss::divergence(tensor(&logits), same.clone()).sum().backward();
    let slope: Vec<f32> = same.grad(&gradients).unwrap().into_data().iter::<f32>().collect();
    assert!(slope.iter().all(|slope| slope.abs() < 1e-7), "{slope:?}");
    for entry in METHODS {
        let plan = Settings::default().with("method", entry.about.name).checked().unwrap();
        for attack in plan.attacks(1) {
            assert!(attack.loss != LossKind::Kl || attack.start == Some(Noise::Gaussian), "{}", entry.about.name);
        }
    }
}

#[test]
fn what_is_said_of_a_method_is_said() {
    let mut names = Vec::new();
    for Entry { about, .. } in METHODS {
        for text in [about.summary, about.formula, about.source, about.title] {
            assert!(text.len() > 1 && text.trim() == text, "{}: {text}", about.name);
        }
        for sentence in about.caveats.iter().chain([&about.summary]) {
            assert!(sentence.ends_with('.'), "{}: {sentence}", about.name);
        }
        assert!(about.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
        names.push(about.name);
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), METHODS.len());
}
