//! Gradients of the network near the adversarial data of a step, for methods whose gradient needs more than that of the loss.

use burn::tensor::Tensor;

use crate::{
    loss::{self, Labels},
    model::{Classifier as _, Gradient, Network, RunningStatistics},
};

/// The greatest distance of a shifted input from x~, in pixel units.
const SHIFT: f64 = 1e-4;
/// The least distance from a side of the ball, as a share of its radius: the barrier is infinite at the side itself.
const LEAST_DISTANCE: f64 = 1e-3;

/// A step's network in training mode and its samples. No method changes the network or its running statistics.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The network before the step.
    pub network: &'a Network,
    /// x: N x D.
    pub natural: Tensor<2>,
    /// x~: N x D.
    pub adversarial: Tensor<2>,
    /// The labels.
    pub labels: &'a Labels,
    /// Radius of the ball.
    pub epsilon: f64,
}

impl Surroundings<'_> {
    /// The gradient of `Σ_i CE_i` with respect to x~: N x D.
    pub fn input_gradient(&self) -> Tensor<2> {
        let kept = RunningStatistics::of(self.network);
        let tracked = self.adversarial.clone().autodiff().require_grad();
        let losses = loss::cross_entropy(self.network.logits(tracked.clone()), self.labels);
        let mut gradients = losses.sum().backward();
        kept.restore(self.network);
        tracked.grad_remove(&mut gradients).map_or_else(|| self.adversarial.zeros_like(), Tensor::inner)
    }

    /// The gradient of `(1/N) Σ_i factor_i CE_i` at `images` (N x D) with respect to the parameters.
    pub fn parameter_gradient(&self, images: Tensor<2>, factors: Option<&Tensor<1>>) -> Gradient {
        let kept = RunningStatistics::of(self.network);
        let losses = loss::cross_entropy(self.network.logits(images.autodiff()), self.labels);
        let gradients = super::weighted(losses, factors).mean().backward();
        kept.restore(self.network);
        Gradient::of(self.network, &gradients)
    }

    /// `∇θ (1/N) Σ_i factor_i <∇x CE_i(x~_i), v_i>` for `direction` v (N x D), by central differences: two parameter gradients at
    /// `x~ ± t v`, with t such that no pixel moves by more than 1e-4: a kink of ReLU on the way would be counted in, and float32 has no room for less.
    pub fn mixed_product(&self, direction: Tensor<2>, factors: Option<&Tensor<1>>) -> Gradient {
        let most = direction.clone().abs().max().clamp_min(1e-20);
        let t = most.recip().mul_scalar(SHIFT);
        let shift = direction * t.clone().reshape([1, 1]);
        let ahead = self.parameter_gradient(self.adversarial.clone() + shift.clone(), factors);
        let behind = self.parameter_gradient(self.adversarial.clone() - shift, factors);
        let per = t.mul_scalar(2.0);
        ahead.zip(behind, |ahead, behind| (ahead - behind) / per.clone())
    }

    /// How far `x~ − x` is from the least and from the greatest value that ball and box leave it, each at least
    /// [`Self::least_distance`]: N x D each.
    pub fn distances_to_the_sides(&self) -> (Tensor<2>, Tensor<2>) {
        let moved = self.adversarial.clone() - self.natural.clone();
        let low = self.natural.clone().neg().clamp_min(-self.epsilon);
        let high = self.natural.clone().neg().add_scalar(1.0).clamp_max(self.epsilon);
        let least = self.least_distance();
        ((moved.clone() - low).clamp_min(least), (high - moved).clamp_min(least))
    }

    /// The distance from a side below which a pixel counts as on it.
    pub fn least_distance(&self) -> f64 {
        LEAST_DISTANCE * self.epsilon
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int, TensorData};

    use super::*;
    use crate::{
        dataset::SampleShape,
        model::{Initialisation, NamedTensor, Normalisation, Parameters, named_gradient, named_tensors},
        random::{Purpose, Stream},
    };

    fn network(hidden: &str, seed: u64) -> Network {
        let device = Device::flex().autodiff();
        let spec = format!("mlp:{hidden}").parse().unwrap();
        Network::new(&spec, SampleShape::Flat(INPUTS), CLASSES, &Normalisation::None, Initialisation::He, seed, &device).unwrap()
    }

    const INPUTS: usize = 4;
    const CLASSES: usize = 3;
    const SAMPLES: usize = 5;

    fn tensor(values: &[f64], columns: usize) -> Tensor<2> {
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        let rows = values.len() / columns;
        Tensor::from_data(TensorData::new(values, [rows, columns]), &Device::flex())
    }

    /// A perceptron with one hidden layer in float64.
    struct InF64 {
        parameters: Parameters,
    }

    impl InF64 {
        /// The layer `name` with one of its numbers moved by `by`, if it is in there.
        fn layer(&self, name: &str, input: &[f64], moved: (&str, usize, f64)) -> Vec<f64> {
            let number = |tensor: &str, values: &NamedTensor, index: usize| {
                f64::from(values.values[index]) + if moved.0 == tensor && moved.1 == index { moved.2 } else { 0.0 }
            };
            let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
            let (of_weight, of_bias) = (&self.parameters[&weight], &self.parameters[&bias]);
            (0..of_bias.values.len())
                .map(|o| {
                    let products = input.iter().enumerate().map(|(i, x)| x * number(&weight, of_weight, o * input.len() + i));
                    products.sum::<f64>() + number(&bias, of_bias, o)
                })
                .collect()
        }

        /// Cross-entropy of a sample.
        fn loss(&self, x: &[f64], label: usize, moved: (&str, usize, f64)) -> f64 {
            let hidden: Vec<f64> = self.layer("0", x, moved).into_iter().map(|h| h.max(0.0)).collect();
            let z = self.layer("2", &hidden, moved);
            let top = z.iter().copied().fold(f64::MIN, f64::max);
            z.iter().map(|z| (z - top).exp()).sum::<f64>().ln() + top - z[label]
        }
    }

    /// The derivative of `Σ factor_i <∇x CE_i, v_i> / N` by every parameter, by finite differences in float64, beside ours in float32. On a
    /// piecewise linear network both steps must stay within one piece, which they do for these samples: halving a step changes nothing.
    #[test]
    fn the_mixed_product_is_that_of_finite_differences_in_float64() {
        let network = network("6", 11);
        let parameters = pollster::block_on(named_tensors(&network)).unwrap();
        let host = InF64 { parameters: parameters.clone() };
        let mut stream = Stream::new(2, Purpose::Benchmark, 0, 0);
        let mut draw = |count: usize, scale: f64| (0..count).map(|_| scale * f64::from(stream.symmetric())).collect::<Vec<f64>>();
        let (x, v, factors) = (draw(SAMPLES * INPUTS, 1.0), draw(SAMPLES * INPUTS, 0.3), draw(SAMPLES, 1.0));
        let classes: Vec<i32> = (0..SAMPLES as i32).map(|i| i % CLASSES as i32).collect();
        let labels =
            Labels::new(Tensor::<1, Int>::from_data(TensorData::new(classes.clone(), [SAMPLES]), &Device::flex()), CLASSES);
        let around = Surroundings {
            network: &network,
            natural: tensor(&x, INPUTS),
            adversarial: tensor(&x, INPUTS),
            labels: &labels,
            epsilon: 0.1,
        };
        let ours = around.mixed_product(tensor(&v, INPUTS), Some(&tensor(&factors, SAMPLES).reshape([SAMPLES])));
        let ours = pollster::block_on(named_gradient(&network, &ours)).unwrap();
        // <∇x CE, v> of all samples with one parameter moved.
        let along = |moved: (&str, usize, f64), t: f64| {
            let of_sample = |i: usize| {
                let at =
                    |sign: f64| -> Vec<f64> { (0..INPUTS).map(|j| x[i * INPUTS + j] + sign * t * v[i * INPUTS + j]).collect() };
                let label = classes[i] as usize;
                factors[i] * (host.loss(&at(1.0), label, moved) - host.loss(&at(-1.0), label, moved)) / (2.0 * t)
            };
            (0..SAMPLES).map(of_sample).sum::<f64>() / SAMPLES as f64
        };
        let greatest = ours.values().flat_map(|tensor| &tensor.values).fold(0.0_f32, |most, value| most.max(value.abs()));
        assert!(greatest > 0.01);
        for (name, tensor) in &parameters {
            for index in 0..tensor.values.len() {
                let derivative = |h: f64, t: f64| (along((name, index, h), t) - along((name, index, -h), t)) / (2.0 * h);
                let expected = derivative(1e-4, 1e-4);
                assert!((expected - derivative(5e-5, 5e-5)).abs() < 1e-5, "{name} {index}: a step leaves its piece");
                let found = f64::from(ours[name].values[index]);
                // Losses of float32, divided by twice a shift of 1e-3.
                assert!((found - expected).abs() < 2e-3 * f64::from(greatest), "{name} {index}: {found} is not {expected}");
            }
        }
    }

    /// For a linear network z = W x + b: with s = p − e_y and J = diag(p) − p pᵀ, the derivative of <∇x CE, v> = vᵀ Wᵀ s by W is
    /// `s vᵀ + (J W v) xᵀ`, and by b `J W v`.
    #[test]
    fn the_mixed_product_of_a_linear_network_is_the_closed_form() {
        use crate::model::{Architecture, Mlp};
        let device = Device::flex().autodiff();
        let network = Network { normalise: None, architecture: Architecture::Mlp(Mlp::new(INPUTS, &[], CLASSES, &device)) };
        let network = crate::model::initialise(network, Initialisation::PyTorch, 5);
        let parameters = pollster::block_on(named_tensors(&network)).unwrap();
        let (w, b) = (&parameters["0.weight"].values, &parameters["0.bias"].values);
        let (x, v, label) = ([0.3, 0.8, 0.1, 0.6], [0.2, -0.1, 0.4, 0.05], 1);
        let labels = Labels::new(Tensor::<1, Int>::from_data(TensorData::new(vec![label], [1]), &Device::flex()), CLASSES);
        let around = Surroundings {
            network: &network,
            natural: tensor(&x, INPUTS),
            adversarial: tensor(&x, INPUTS),
            labels: &labels,
            epsilon: 0.1,
        };
        let ours = around.mixed_product(tensor(&v, INPUTS), None);
        let ours = pollster::block_on(named_gradient(&network, &ours)).unwrap();
        let row = |o: usize, with: &[f64]| (0..INPUTS).map(|i| f64::from(w[o * INPUTS + i]) * with[i]).sum::<f64>();
        let z: Vec<f64> = (0..CLASSES).map(|o| row(o, &x) + f64::from(b[o])).collect();
        let whole: f64 = z.iter().map(|z| z.exp()).sum();
        let p: Vec<f64> = z.iter().map(|z| z.exp() / whole).collect();
        let wv: Vec<f64> = (0..CLASSES).map(|o| row(o, &v)).collect();
        let mean: f64 = p.iter().zip(&wv).map(|(p, wv)| p * wv).sum();
        for o in 0..CLASSES {
            let s = p[o] - f64::from(u8::from(o == label as usize));
            let jwv = p[o] * (wv[o] - mean);
            let close =
                |found: f32, expected: f64| assert!((f64::from(found) - expected).abs() < 2e-4, "{found} is not {expected}");
            close(ours["0.bias"].values[o], jwv);
            (0..INPUTS).for_each(|i| close(ours["0.weight"].values[o * INPUTS + i], s * v[i] + jwv * x[i]));
        }
    }
}
