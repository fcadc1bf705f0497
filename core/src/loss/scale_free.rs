//! Losses that do not change when all logits are multiplied by a number. They attack networks that hide their gradient by large or small
//! logits.

use burn::tensor::{Int, Tensor};

use super::{Labels, cross_entropy, flat, largest_other, of_label};

/// Keeps a quotient finite (AutoAttack's).
const TINY: f64 = 1e-12;
const LEAST: f32 = -3.0e38;

/// The difference of logits ratio, `-(z_y - max_(c≠y) z_c) / (z_(1) - z_(3) + 1e-12)` with logits in descending order; needs three
/// classes (Croce and Hein, AutoAttack).
pub fn difference_of_logits_ratio(logits: Tensor<2>, labels: &Labels) -> Tensor<1> {
    let ranks = ranks::<3>(&logits);
    let margin = of_label(logits.clone(), labels) - largest_other(logits.clone(), labels);
    margin.neg() / (at(&logits, &ranks[0]) - at(&logits, &ranks[2])).add_scalar(TINY)
}

/// The same towards a class t, `-(z_y - z_t) / (z_(1) - (z_(3) + z_(4))/2 + 1e-12)`; needs four classes.
pub fn targeted_difference_of_logits_ratio(logits: Tensor<2>, labels: &Labels, targets: &Labels) -> Tensor<1> {
    let ranks = ranks::<4>(&logits);
    let margin = of_label(logits.clone(), labels) - of_label(logits.clone(), targets);
    let between = (at(&logits, &ranks[2]) + at(&logits, &ranks[3])).mul_scalar(0.5);
    margin.neg() / (at(&logits, &ranks[0]) - between).add_scalar(TINY)
}

/// `CE(z / (z_(1) - z_(2) + 1e-12), y)`, the divisor without gradient (MIFPE).
pub fn scale_free_cross_entropy(logits: Tensor<2>, labels: &Labels) -> Tensor<1> {
    let untracked = logits.clone().inner();
    let [first, second] = ranks::<2>(&untracked);
    let gap = (at(&untracked, &first) - at(&untracked, &second)).add_scalar(TINY);
    let samples = gap.dims()[0];
    let factor = gap.recip().reshape([samples, 1]);
    cross_entropy(logits * Tensor::from_inner(factor), labels)
}

/// Where the largest logits of every row stand, in descending order (of equals the first before the others): N x C each, 1 at its place,
/// else 0. (The tensor library sorts on the host, which would wait for the device.)
fn ranks<const R: usize>(logits: &Tensor<2>) -> [Tensor<2>; R] {
    let mut left = logits.clone().inner();
    let [samples, classes] = left.dims();
    let all = Tensor::<1, Int>::arange(0..classes as i64, &left.device()).reshape([1, classes]).expand([samples, classes]);
    std::array::from_fn(|_| {
        let here = left.clone().argmax(1).expand([samples, classes]).equal(all.clone());
        left = left.clone().mask_fill(here.clone(), LEAST);
        here.float()
    })
}

/// The numbers of `logits` at the places of one rank: N.
fn at(logits: &Tensor<2>, rank: &Tensor<2>) -> Tensor<1> {
    let rank = if logits.is_autodiff() { Tensor::from_inner(rank.clone()) } else { rank.clone() };
    flat((logits.clone() * rank).sum_dim(1))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn logits(scale: f32) -> Tensor<2> {
        let z = [3.0, 1.0, 0.5, -2.0].map(|z| z * scale);
        Tensor::from_data(TensorData::new(z.repeat(4), [4, 4]), &Device::flex())
    }

    fn labels(classes: [i32; 4]) -> Labels {
        Labels::new(Tensor::from_data(TensorData::new(classes.to_vec(), [4]), &Device::flex()), 4)
    }

    fn assert_near(found: Tensor<1>, expected: &[f32]) {
        let found: Vec<f32> = found.into_data().iter::<f32>().collect();
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 2e-6, "{found} is not {expected}");
        }
    }

    #[test]
    fn the_ratios_are_those_of_the_closed_forms_at_every_scale() {
        for scale in [0.01, 1.0, 10.0] {
            assert_near(difference_of_logits_ratio(logits(scale), &labels([0, 1, 2, 3])), &[-0.8, 0.8, 1.0, 2.0]);
            let targeted = targeted_difference_of_logits_ratio(logits(scale), &labels([0; 4]), &labels([1; 4]));
            assert_near(targeted, &[-0.533_333; 4]);
            assert_near(scale_free_cross_entropy(logits(scale), &labels([0; 4])), &[0.551_854; 4]);
        }
    }

    #[test]
    fn the_gradient_of_the_ratio_is_the_slope_of_its_values() {
        let z = [0.3_f32, -1.2, 2.0, 0.9];
        let value = |z: [f32; 4], label: i32| {
            let z = Tensor::<2>::from_data(TensorData::new(z.to_vec(), [1, 4]), &Device::flex());
            let label = Labels::new(Tensor::from_data(TensorData::new(vec![label], [1]), &Device::flex()), 4);
            (z, label)
        };
        for label in 0..4 {
            let (logits, labels) = value(z, label);
            let tracked = logits.autodiff().require_grad();
            let loss = difference_of_logits_ratio(tracked.clone(), &labels);
            let gradient: Vec<f32> = tracked.grad(&loss.backward()).unwrap().into_data().iter::<f32>().collect();
            for class in 0..4 {
                let step = |h: f32| {
                    let mut z = z;
                    z[class] += h;
                    let (logits, labels) = value(z, label);
                    difference_of_logits_ratio(logits, &labels).into_data().iter::<f32>().next().unwrap()
                };
                let slope = (step(1e-2) - step(-1e-2)) / 2e-2;
                assert!((slope - gradient[class]).abs() < 2e-3, "{label} {class}: {slope} {}", gradient[class]);
            }
        }
    }

    #[test]
    fn saturated_logits_keep_a_gradient() {
        let tracked = logits(10_000.0).autodiff().require_grad();
        let loss = scale_free_cross_entropy(tracked.clone(), &labels([0; 4]));
        let gradient: Vec<f32> = tracked.grad(&loss.backward()).unwrap().into_data().iter::<f32>().collect();
        assert!(gradient.iter().all(|slope| slope.is_finite()) && gradient[0] < 0.0);
    }
}
