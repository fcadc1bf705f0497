//! SOVR: one-versus-the-rest for the samples with the smallest margins.

use std::sync::Arc;

use burn::tensor::{Int, Tensor};

use super::{About, Axis, Clock, Entry, Evidence, Loss, Memory, Method, Outputs, Parameter, Passes, Side, Weights};
use crate::loss;

pub(super) const ENTRY: Entry =
    Entry::new(&ABOUT, |parameters| Arc::new(Sovr { share: parameters.number("share"), factor: parameters.number("factor") }));

const ABOUT: About = About {
    name: "sovr",
    title: "SOVR",
    summary: "The samples with the smallest logit margins are trained on a loss that asks of every class by itself.",
    formula: "(1/n) Σ CE(f(x~), y), but factor × OVR for the share with the smallest margin; OVR = log(1 + e^(−z_y)) + Σ_(c≠y) log(1 + e^(z_c))",
    source: "Kanai et al., One-vs-the-Rest Loss to Focus on Important Samples in Adversarial Training, ICML 2023",
    caveats: &["No code was found: the share and the factor are not those of the paper's experiments."],
    parameters: &[
        Parameter::number(
            ("share", "share"),
            0.4,
            (0.0, 1.0),
            (0.0, 1.0),
            "Share of a batch, those with the smallest margins, that has the one-versus-the-rest loss (0.4 could not be checked).",
        ),
        Parameter::number(
            ("factor", "factor"),
            1.0,
            (0.0, 1000.0),
            (0.0, 4.0),
            "Factor of the one-versus-the-rest loss (1 could not be checked).",
        ),
    ],
    axis: Axis::LOGIT_MARGIN,
    omega_is_share: false,
    burns_in: true,
    passes: Passes::PLAIN,
    measure: None,
};

#[derive(Debug)]
struct Sovr {
    share: f64,
    factor: f64,
}

/// How many numbers are smaller, or as small and earlier: N ranks from 0.
fn rank(numbers: Tensor<1>) -> Tensor<1> {
    let samples = numbers.dims()[0];
    let device = numbers.device();
    let row = numbers.clone().reshape([1, samples]).expand([samples, samples]);
    let column = numbers.reshape([samples, 1]).expand([samples, samples]);
    let index = Tensor::<1, Int>::arange(0..samples as i64, &device);
    let earlier = index
        .clone()
        .reshape([1, samples])
        .expand([samples, samples])
        .lower(index.reshape([samples, 1]).expand([samples, samples]));
    let before = row.clone().lower(column.clone()).bool_or(row.equal(column).bool_and(earlier));
    before.float().sum_dim(1).reshape([samples])
}

/// How many of `samples` are `share` of them, rounded up: 3 of 30 for 0.1, though in float64 0.1 · 30 is more than 3.
fn selected(share: f64, samples: usize) -> f64 {
    let exact = share * samples as f64;
    let whole = exact.round();
    if (exact - whole).abs() <= 1e-12 * whole { whole } else { exact.ceil() }
}

impl Method for Sovr {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    /// 1 for the samples that have the one-versus-the-rest loss.
    fn weigh(&self, evidence: &Evidence, _clock: Clock, _memory: &mut Memory) -> Option<Weights> {
        let margin = loss::logit_margin(evidence.logits(Side::Adversarial), &evidence.labels);
        let selected = selected(self.share, margin.dims()[0]);
        Some(Weights { omega: rank(margin.clone()).lower_elem(selected).float(), axis: margin })
    }

    fn loss(&self, outputs: &Outputs, omega: Option<&Tensor<1>>) -> Loss {
        let plain = outputs.adversarial_cross_entropy();
        let Some(selected) = omega else { return Loss::adversarial(plain) };
        let rest = loss::one_vs_rest(outputs.adversarial.clone(), &outputs.labels).mul_scalar(self.factor);
        Loss::adversarial(plain * selected.clone().neg().add_scalar(1.0) + rest * selected.clone())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn a_share_that_is_a_whole_number_of_samples_is_that_number() {
        for (share, samples, expected) in
            [(0.1, 30, 3.0), (0.4, 128, 52.0), (0.7, 10, 7.0), (0.07, 100, 7.0), (0.0, 9, 0.0), (1.0, 9, 9.0), (1e-6, 9, 1.0)]
        {
            assert_eq!(selected(share, samples), expected, "{share} of {samples}");
        }
    }

    #[test]
    fn ranks_are_those_of_a_stable_sort() {
        let numbers = Tensor::<1>::from_data(TensorData::new(vec![2.0_f32, -1.0, 2.0, 0.5], [4]), &Device::flex());
        assert_eq!(rank(numbers).into_data().iter::<f32>().collect::<Vec<_>>(), [2.0, 0.0, 3.0, 1.0]);
    }
}
