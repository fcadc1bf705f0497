//! Batch normalisation with PyTorch's bookkeeping and PyTorch's names.
//!
//! burn has such a layer. This one exists because burn keeps the biased variance of a batch in its running variance, where
//! PyTorch keeps the unbiased one (n / (n - 1) times as large), and because burn calls the parameters gamma and beta: a
//! checkpoint could be exchanged with PyTorch, but it would not go on training in the same way.

use burn::{
    module::{Flag, Module, Param, RunningState},
    nn::Initializer,
    tensor::{
        Device, Tensor,
        module::{batch_norm, batch_norm_train},
    },
};

/// Added to the variance before its root is taken; PyTorch's default.
pub(crate) const EPSILON: f64 = 1e-5;
/// The share of the newest batch in the running statistics; PyTorch's default.
pub(crate) const MOMENTUM: f64 = 0.1;

/// `weight * (x - mean) / sqrt(variance + 1e-5) + bias`, per channel (Ioffe and Szegedy 2015), as PyTorch's `nn.BatchNorm2d`.
///
/// It normalises with the statistics of the batch, and updates the running ones, where the input is on an autodiff device and
/// the layer is in training mode; everywhere else with the running statistics. [`Module::valid`] takes it out of training mode:
/// so an attack on a `valid()` copy sees, and leaves, the running statistics as they are, although its input has gradients.
///
/// As with every running state of burn, a `clone()` shares the running statistics with its original; `valid()` copies them.
#[derive(Module, Debug)]
pub struct BatchNorm2d {
    /// The scale of each channel, 1 at first.
    pub weight: Param<Tensor<1>>,
    /// The shift of each channel, 0 at first.
    pub bias: Param<Tensor<1>>,
    /// The running mean of each channel, 0 at first.
    pub running_mean: RunningState<Tensor<1>>,
    /// The running unbiased variance of each channel, 1 at first.
    pub running_var: RunningState<Tensor<1>>,
    /// Whether the layer takes part in training; see the type.
    pub training: Param<Flag>,
}

impl BatchNorm2d {
    /// A layer for feature maps of so many channels.
    pub fn new(channels: usize, device: &Device) -> Self {
        Self {
            weight: Initializer::Ones.init([channels], device),
            bias: Initializer::Zeros.init([channels], device),
            running_mean: RunningState::new(Tensor::zeros([channels], device)),
            running_var: RunningState::new(Tensor::ones([channels], device)),
            training: Param::from_bool(true),
        }
    }

    /// Normalises feature maps (N x C x H x W).
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        // The same question as in burn's own layer: the device says whether a backward pass is possible at all, the flag
        // whether this layer takes part in it.
        if input.device().is_autodiff() && self.training.is_enabled() {
            self.forward_train(input)
        } else {
            let (mean, variance) = (self.running_mean.value(), self.running_var.value());
            batch_norm(input, self.weight.val(), self.bias.val(), mean, variance, EPSILON)
        }
    }

    /// What the layer is in evaluation mode: a factor and a number to add, per channel.
    pub fn scale_and_shift(&self) -> (Tensor<1>, Tensor<1>) {
        scale_and_shift(self.weight.val(), self.bias.val(), self.running_mean.value(), self.running_var.value())
    }

    /// Normalises with the statistics of the batch and lets the running statistics follow.
    fn forward_train(&self, input: Tensor<4>) -> Tensor<4> {
        let [samples, _, height, width] = input.dims();
        let per_channel = samples * height * width;
        // A single number per channel has no unbiased variance; its biased one, 0, does no harm where a NaN would stay.
        let unbiased = if per_channel > 1 { per_channel as f64 / (per_channel - 1) as f64 } else { 1.0 };

        let normalised = batch_norm_train(input, self.weight.val(), self.bias.val(), EPSILON);
        follow(&self.running_mean, normalised.mean, 1.0);
        follow(&self.running_var, normalised.variance, unbiased);
        normalised.output
    }
}

/// A factor and a number to add that come to `weight * (x - mean) / sqrt(variance + 1e-5) + bias`.
pub(super) fn scale_and_shift(
    weight: Tensor<1>,
    bias: Tensor<1>,
    mean: Tensor<1>,
    variance: Tensor<1>,
) -> (Tensor<1>, Tensor<1>) {
    let scale = weight / (variance + EPSILON).sqrt();
    (scale.clone(), bias - mean * scale)
}

/// Moves a running statistic towards `factor` times that of the newest batch.
fn follow(running: &RunningState<Tensor<1>>, newest: Tensor<1>, factor: f64) {
    let kept = running.value().mul_scalar(1.0 - MOMENTUM);
    running.update((kept + newest.detach().mul_scalar(MOMENTUM * factor)).detach());
    // burn would take up the update at the next training pass only. Taking it up here keeps `value()` and every visitor (a
    // checkpoint, a moving average of the weights) from seeing statistics that are one step old.
    running.value_sync();
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;
    use crate::model::state_dict::state_dict;

    /// Two samples of two channels of 1 x 2 pixels. The first channel is 1, 2, 3, 6: mean 3, variance 14/4 biased and 14/3
    /// unbiased. The second is -1, 1, -1, 1: mean 0, variance 1 biased and 4/3 unbiased.
    const PIXELS: [f32; 8] = [1.0, 2.0, -1.0, 1.0, 3.0, 6.0, -1.0, 1.0];

    fn batch(device: &Device) -> Tensor<4> {
        Tensor::from_data(TensorData::new(PIXELS.to_vec(), [2, 2, 1, 2]), device)
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().iter::<f32>().collect()
    }

    fn assert_close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        // The statistics are sums of few numbers of size 1: a handful of f32 roundings.
        assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-5), "{found:?} is not {expected:?}");
    }

    #[test]
    fn running_statistics_follow_the_mean_and_the_unbiased_variance() {
        let device = Device::flex().autodiff();
        let norm = BatchNorm2d::new(2, &device);
        norm.forward(batch(&device));
        assert_close(&values(norm.running_mean.value()), &[0.1 * 3.0, 0.0]);
        assert_close(&values(norm.running_var.value()), &[0.9 + 0.1 * 14.0 / 3.0, 0.9 + 0.1 * 4.0 / 3.0]);
        norm.forward(batch(&device));
        assert_close(&values(norm.running_mean.value()), &[0.9 * 0.3 + 0.3, 0.0]);
        // 0.9 (0.9 + 0.1 v) + 0.1 v = 0.81 + 0.19 v.
        assert_close(&values(norm.valid().running_var.value()), &[0.81 + 0.19 * 14.0 / 3.0, 0.81 + 0.19 * 4.0 / 3.0]);
    }

    #[test]
    fn training_normalises_with_the_biased_variance_of_the_batch() {
        let device = Device::flex().autodiff();
        let found = values(BatchNorm2d::new(2, &device).forward(batch(&device)));
        let (first, second) = ((3.5_f32 + 1e-5).sqrt(), (1.0_f32 + 1e-5).sqrt());
        let expected = [-2.0 / first, -1.0 / first, -1.0 / second, 1.0 / second, 0.0, 3.0 / first, -1.0 / second, 1.0 / second];
        assert_close(&found, &expected);
    }

    #[test]
    fn a_single_number_per_channel_leaves_the_running_variance_finite() {
        let device = Device::flex().autodiff();
        let norm = BatchNorm2d::new(1, &device);
        let output = norm.forward(Tensor::from_data(TensorData::new(vec![4.0_f32], [1, 1, 1, 1]), &device));
        assert_close(&values(output), &[0.0]);
        assert_close(&values(norm.running_mean.value()), &[0.4]);
        assert_close(&values(norm.running_var.value()), &[0.9]);
    }

    #[test]
    fn a_plain_device_uses_the_running_statistics_and_leaves_them() {
        let device = Device::flex();
        let norm = BatchNorm2d::new(2, &device);
        let found = values(norm.forward(batch(&device)));
        assert_close(&found, &PIXELS.map(|pixel| pixel / (1.0_f32 + 1e-5).sqrt()));
        assert_close(&values(norm.running_mean.value()), &[0.0, 0.0]);
        assert_close(&values(norm.running_var.value()), &[1.0, 1.0]);
    }

    #[test]
    fn an_attack_on_a_valid_copy_gets_its_gradient_and_leaves_the_statistics() {
        let device = Device::flex().autodiff();
        let norm = BatchNorm2d::new(2, &device);
        let copy = norm.valid();
        let attacked = batch(&Device::flex()).autodiff().require_grad();
        let gradients = copy.forward(attacked.clone()).sum().backward();
        let gradient = attacked.grad(&gradients).expect("the input asked for its gradient");
        assert_close(&values(gradient), &[1.0 / (1.0_f32 + 1e-5).sqrt(); 8]);
        for layer in [&norm, &copy] {
            assert_close(&values(layer.running_mean.value()), &[0.0, 0.0]);
            assert_close(&values(layer.running_var.value()), &[1.0, 1.0]);
        }
    }

    #[test]
    fn the_tensors_have_pytorchs_names() {
        let names: Vec<String> = state_dict(&BatchNorm2d::new(3, &Device::flex())).into_keys().collect();
        assert_eq!(names, ["bias", "running_mean", "running_var", "weight"]);
    }
}
