//! The kernels against their twins, and the twins against formulas written down a second time in f64.

use burn::tensor::{Device, Int, Tensor, TensorData};
use gairat::{
    attack::{
        CountSettings, LossKind, StepSettings, count,
        loss_gradient_and_count::{FIRST_HIT, KAPPA, LossGradientAndCount, MARGIN, RECORD, loss_gradient_and_count},
        pgd_step::pgd_step,
        step,
    },
    device,
    random::{Purpose, Stream},
};
use proptest::prelude::*;

use crate::adapter::adapter;

fn upload(values: &[f32], shape: [usize; 2], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    pollster::block_on(device::read(tensor)).unwrap()
}

/// A batch of logits with what the kernel is known to be sensitive to: equal logits, one far ahead, all of them huge.
#[derive(Debug, Clone)]
struct Case {
    classes: usize,
    logits: Vec<f32>,
    reference: Vec<f32>,
    labels: Vec<i32>,
    before: Vec<f32>,
    settings: CountSettings,
}

fn case(samples: usize, classes: usize, scale: f32, kind: LossKind, seed: u64) -> Case {
    let mut stream = Stream::new(seed, Purpose::Benchmark, 0, 0);
    let never = 10;
    let mut case = Case {
        classes,
        logits: Vec::new(),
        reference: Vec::new(),
        labels: Vec::new(),
        before: Vec::new(),
        settings: CountSettings { kind, step: 4, never },
    };
    for sample in 0..samples {
        let label = stream.below(classes);
        let mut row: Vec<f32> = (0..classes).map(|_| scale * stream.normal()).collect();
        match sample % 4 {
            // A tie for the first place, one of the two being the label.
            1 => {
                let highest = row.iter().copied().fold(f32::MIN, f32::max) + scale;
                row[label] = highest;
                row[stream.below(classes)] = highest;
            }
            2 => row[label] += 20.0 * scale,
            3 if sample % 8 == 3 => row = vec![row[0]; classes],
            _ => {}
        }
        case.reference.extend((0..classes).map(|class| row[class] + 0.1 * scale * stream.normal()));
        case.logits.extend(row);
        case.labels.push(label as i32);
        let hit = if stream.below(2) == 0 { never as f32 } else { stream.below(4) as f32 };
        case.before.extend([stream.normal(), stream.normal(), stream.below(5) as f32, hit]);
    }
    case
}

fn twin(case: &Case) -> LossGradientAndCount {
    loss_gradient_and_count(&case.logits, &case.labels, &case.reference, &case.before, case.classes, case.settings)
}

/// Losses, records and, through the backward pass, the gradient, on `device`.
fn on_device(case: &Case, device: &Device) -> LossGradientAndCount {
    let samples = case.labels.len();
    let shape = [samples, case.classes];
    let labels = Tensor::<1, Int>::from_data(TensorData::new(case.labels.clone(), [samples]), device);
    let logits = upload(&case.logits, shape, device).autodiff().require_grad();
    let counted = count(
        logits.clone(),
        labels,
        upload(&case.reference, shape, device),
        upload(&case.before, [samples, RECORD], device),
        case.settings,
    );
    let gradients = counted.losses.clone().backward();
    LossGradientAndCount {
        losses: read(counted.losses.inner()),
        gradient: read(logits.grad(&gradients).unwrap()),
        records: read(counted.records),
    }
}

/// Compares with the twin. Counts and margins are exact: they are made of comparisons and one subtraction.
///
/// Losses and gradients go through exp and log. WGSL allows exp(x) an error of 3 + 2|x| units in the last place, and |x| reaches the
/// spread of the row's logits, so a loss may differ by 1e-5 relative or by that many units of the terms it is made of; an
/// entry of the gradient is compared with the greatest of its row, because that is what its errors scale with. Numbers too small for
/// f32's normal range may be flushed to 0, and a loss or the gradient at the label is a sum of up to as many as there are classes.
fn assert_like_twin(case: &Case, found: &LossGradientAndCount, expected: &LossGradientAndCount) {
    for (sample, row) in case.logits.chunks(case.classes).enumerate() {
        let at = sample * RECORD;
        for part in [MARGIN, KAPPA, FIRST_HIT] {
            assert_eq!(found.records[at + part], expected.records[at + part], "sample {sample}, part {part}");
        }
        let spread = row.iter().copied().fold(f32::MIN, f32::max) - row.iter().copied().fold(f32::MAX, f32::min);
        let exp_error = (3.0 + 2.0 * spread.min(88.0)) * f32::EPSILON;
        let flushed = case.classes as f32 * f32::MIN_POSITIVE;
        let loss = expected.losses[sample];
        // The divergence sums terms of both signs: its error scales with the logits, not with the sum.
        let terms = if case.settings.kind == LossKind::Kl { spread.max(1.0) } else { loss.abs() };
        assert!(
            (found.losses[sample] - loss).abs() <= (1e-5 + exp_error) * terms + flushed,
            "sample {sample}: loss {} is not {loss}",
            found.losses[sample]
        );
        let gradient = sample * case.classes..(sample + 1) * case.classes;
        let greatest = expected.gradient[gradient.clone()].iter().fold(0.0_f32, |most, g| most.max(g.abs()));
        let allowed = if case.settings.kind == LossKind::Kl { (1e-5 + exp_error) * 1.0 } else { (1e-5 + exp_error) * greatest };
        for (found, expected) in found.gradient[gradient.clone()].iter().zip(&expected.gradient[gradient]) {
            assert!(
                (found - expected).abs() <= allowed + flushed,
                "sample {sample}: gradient {found} is not {expected} within {allowed}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_count_kernel_is_like_its_twin(
        samples in 1_usize..=1000, classes in 2_usize..=1000, scale in prop_oneof![Just(0.0_f32), 0.01_f32..30.0, Just(500.0)],
        kind in prop_oneof![Just(LossKind::CrossEntropy), Just(LossKind::CwMargin), Just(LossKind::Kl)], seed: u64,
    ) {
        // Neither both large: that is a test of patience.
        let classes = if samples > 100 { 2 + classes % 40 } else { classes };
        let case = case(samples, classes, scale, kind, seed);
        let expected = twin(&case);
        prop_assert_eq!(&on_device(&case, &Device::flex()), &expected, "the CPU backend runs the twin");
        if let Some(adapter) = adapter() {
            assert_like_twin(&case, &on_device(&case, &adapter.device), &expected);
        }
    }

    #[test]
    fn the_step_kernel_is_its_twin_to_the_last_bit(samples in 1_usize..=40, width in 1_usize..=300, seed: u64) {
        let mut stream = Stream::new(seed, Purpose::Benchmark, 0, 0);
        let settings = StepSettings { step_size: 0.02 + 0.1 * stream.uniform(), epsilon: 0.1 * stream.uniform(), low: 0.0, high: 1.0 };
        let len = samples * width;
        let natural: Vec<f32> = (0..len).map(|i| match i % 5 { 0 => 0.0, 1 => 1.0, _ => stream.uniform() }).collect();
        // Inside the ball, on its border, and x itself.
        let iterate: Vec<f32> = natural.iter().enumerate().map(|(i, &x)| match i % 4 {
            0 => x,
            1 => x + settings.epsilon,
            2 => x - settings.epsilon,
            _ => x + settings.epsilon * stream.symmetric(),
        }).collect();
        let gradient: Vec<f32> = (0..len).map(|i| match i % 6 { 0 => 0.0, 1 => -0.0, 2 => 1e-30, _ => stream.normal() }).collect();
        let mut expected = vec![0.0; len];
        pgd_step(&iterate, &natural, &gradient, &mut expected, settings);
        for device in crate::adapter::devices() {
            let tensor = |values: &[f32]| upload(values, [samples, width], &device.device);
            let found = read(step(tensor(&iterate), tensor(&natural), tensor(&gradient), settings));
            prop_assert_eq!(&found, &expected, "{}", device.name);
        }
        for ((&x, &out), &gradient) in natural.iter().zip(&expected).zip(&gradient) {
            prop_assert!((out - x).abs() <= settings.epsilon + 1e-6 && (0.0..=1.0).contains(&out) && (gradient != 0.0 || out.is_finite()));
        }
    }

    #[test]
    fn the_twin_is_the_formula(samples in 1_usize..=20, classes in 2_usize..=30, scale in 0.0_f32..10.0, seed: u64) {
        for kind in LossKind::ALL {
            let case = case(samples, classes, scale, kind, seed);
            let found = twin(&case);
            for sample in 0..samples {
                let row = |values: &[f32]| -> Vec<f64> { values[sample * classes..(sample + 1) * classes].iter().map(|&v| v.into()).collect() };
                let (logits, reference) = (row(&case.logits), row(&case.reference));
                let label = case.labels[sample] as usize;
                let loss = |logits: &[f64]| loss_in_f64(kind, logits, &reference, label);
                let near = |found: f32, expected: f64, scale: f64| (f64::from(found) - expected).abs() <= 2e-5 * scale;
                prop_assert!(near(found.losses[sample], loss(&logits), 1.0 + f64::from(scale) * 10.0));
                // Central differences; the margin has kinks where logits tie, and there is no derivative to compare with.
                let tied = (0..classes).any(|c| (0..c).any(|d| (logits[c] - logits[d]).abs() < 1e-4));
                if kind == LossKind::CwMargin && tied {
                    continue;
                }
                for class in 0..classes {
                    let moved = |by: f64| { let mut moved = logits.clone(); moved[class] += by; loss(&moved) };
                    let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                    prop_assert!(near(found.gradient[sample * classes + class], slope, 1.0), "{kind}: {} is not {slope}", found.gradient[sample * classes + class]);
                }
            }
        }
    }
}

fn loss_in_f64(kind: LossKind, logits: &[f64], reference: &[f64], label: usize) -> f64 {
    let log_softmax = |z: &[f64]| -> Vec<f64> {
        let highest = z.iter().copied().fold(f64::MIN, f64::max);
        let log_sum = highest + z.iter().map(|z| (z - highest).exp()).sum::<f64>().ln();
        z.iter().map(|z| z - log_sum).collect()
    };
    match kind {
        LossKind::CrossEntropy => -log_softmax(logits)[label],
        LossKind::CwMargin => {
            let other = logits.iter().enumerate().filter(|&(c, _)| c != label).map(|(_, &z)| z).fold(f64::MIN, f64::max);
            other - logits[label]
        }
        LossKind::Kl => {
            let (goal, now) = (log_softmax(reference), log_softmax(logits));
            goal.iter().zip(&now).map(|(goal, now)| goal.exp() * (goal - now)).sum()
        }
    }
}

#[test]
fn logits_of_ten_thousand_give_finite_losses_and_gradients() {
    for kind in LossKind::ALL {
        for row in [[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [1e4, 1e4, 1e4]] {
            for label in 0..3 {
                let case = Case {
                    classes: 3,
                    logits: row.to_vec(),
                    reference: vec![-1e4, 0.0, 1e4],
                    labels: vec![label],
                    before: vec![0.0, 0.0, 0.0, 10.0],
                    settings: CountSettings { kind, step: 0, never: 10 },
                };
                let expected = twin(&case);
                assert!(
                    expected.losses[0].is_finite() && expected.gradient.iter().all(|g| g.is_finite()),
                    "{kind} {row:?} {label}"
                );
                if let Some(adapter) = adapter() {
                    assert_like_twin(&case, &on_device(&case, &adapter.device), &expected);
                }
            }
        }
    }
}

#[test]
fn a_saturated_sample_still_has_a_gradient_at_its_label() {
    // softmax(z)_y rounds to 1 in f32: p - 1 would be 0.
    let case = Case {
        classes: 2,
        logits: vec![40.0, 0.0],
        reference: vec![0.0, 0.0],
        labels: vec![0],
        before: vec![0.0, 0.0, 0.0, 10.0],
        settings: CountSettings { kind: LossKind::CrossEntropy, step: 0, never: 10 },
    };
    let gradient = twin(&case).gradient;
    assert!(gradient[0] < 0.0 && gradient[0] == -gradient[1]);
    assert!((f64::from(gradient[1]) - (-40.0_f64).exp()).abs() < 1e-5 * (-40.0_f64).exp());
}

#[test]
fn the_divergence_from_itself_has_no_gradient() {
    let case = Case {
        classes: 3,
        logits: vec![0.3, -1.7, 2.9],
        reference: vec![0.3, -1.7, 2.9],
        labels: vec![1],
        before: vec![0.0, 0.0, 0.0, 10.0],
        settings: CountSettings { kind: LossKind::Kl, step: 0, never: 10 },
    };
    for device in crate::adapter::devices() {
        let found = on_device(&case, &device.device);
        assert_eq!((found.losses[0], found.gradient), (0.0, vec![0.0; 3]), "{}", device.name);
    }
}

/// Predictions on a scripted path (1: correct): what is counted.
#[test]
fn kappa_counts_correct_predictions_and_first_hit_is_the_first_wrong_one() {
    let k = 5;
    for (path, kappa, first_hit) in [
        ([1, 1, 0, 0, 0], 2.0, 2.0),
        ([1, 0, 1, 0, 0], 2.0, 1.0),
        ([1, 1, 1, 1, 1], 5.0, 5.0),
        ([0, 0, 0, 0, 0], 0.0, 0.0),
        ([0, 1, 1, 1, 1], 4.0, 0.0),
    ] {
        let mut records = vec![0.0, 0.0, 0.0, k as f32];
        for (step, &correct) in path.iter().enumerate() {
            let logits = if correct == 1 { [0.0, 1.0] } else { [1.0, 0.0] };
            let settings = CountSettings { kind: LossKind::CrossEntropy, step: step as u32, never: k };
            records = loss_gradient_and_count(&logits, &[1], &logits, &records, 2, settings).records;
        }
        assert_eq!((records[KAPPA], records[FIRST_HIT]), (kappa, first_hit), "{path:?}");
    }
}

#[test]
fn a_tie_goes_to_the_lowest_class() {
    for (label, correct) in [(0, 1.0), (1, 0.0), (2, 0.0)] {
        let logits = [3.0, 3.0, 3.0];
        let settings = CountSettings { kind: LossKind::CrossEntropy, step: 0, never: 1 };
        let found = loss_gradient_and_count(&logits, &[label], &logits, &[0.0, 0.0, 0.0, 1.0], 3, settings);
        assert_eq!((found.records[KAPPA], found.records[MARGIN]), (correct, 0.0), "label {label}");
    }
}

#[test]
fn normalised_weights_are_the_twins_at_every_size() {
    let Some(gpu) = adapter() else { return };
    let mut stream = Stream::new(2, Purpose::Benchmark, 0, 0);
    for samples in [1, 2, 255, 256, 257, 3000] {
        for scale in [1.0, 100.0, 2000.0] {
            let logs: Vec<f32> = (0..samples).map(|_| -scale * stream.uniform()).collect();
            let on_gpu = Tensor::<1>::from_data(TensorData::new(logs.clone(), [samples]), &gpu.device);
            let found = read(gairat::weight::normalise(on_gpu));
            let mean = found.iter().sum::<f32>() / samples as f32;
            assert!((mean - 1.0).abs() < 1e-5, "{samples}: {mean}");
            for (found, expected) in found.iter().zip(gairat::weight::normalised(&logs)) {
                assert!((found - expected).abs() <= 1e-5 * expected + 1e-30, "{samples}: {found} is not {expected}");
            }
        }
    }
}
