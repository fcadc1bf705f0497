//! The other network of the TRADES code for MNIST (`models/net_mnist.py` there), that of PyTorch's MNIST example, without its dropout.

use burn::{
    module::Module,
    nn::{
        Initializer, Linear, LinearConfig,
        conv::{Conv2d, Conv2dConfig},
    },
    tensor::{Device, Tensor, activation::relu},
};

use super::{
    After, Classifier, Program,
    feature_map::{halved, images, rows},
};

/// Two 5 x 5 convolutions without padding, with 2 x 2 max pooling and ReLU after each; then two linear layers with ReLU between. 21,840
/// parameters for 1 x 28 x 28 and 10 classes.
#[derive(Module, Debug)]
pub struct NetMnist {
    /// Pixels to 10 channels.
    pub conv1: Conv2d,
    /// 10 channels to 20.
    pub conv2: Conv2d,
    /// Features to 50 numbers.
    pub fc1: Linear,
    /// 50 numbers to the logits.
    pub fc2: Linear,
    /// The channels, height and width of a sample.
    pub image: [usize; 3],
}

impl NetMnist {
    /// The smallest side that leaves a pixel: a convolution and a pooling make 6 of 16, and another pair 1 of 6.
    pub const LEAST_SIDE: usize = 16;

    /// A network for images with sides of at least [`NetMnist::LEAST_SIDE`], its weights 0.
    pub fn new(channels: usize, height: usize, width: usize, classes: usize, device: &Device) -> Self {
        let convolution =
            |inputs, outputs| Conv2dConfig::new([inputs, outputs], [5, 5]).with_initializer(Initializer::Zeros).init(device);
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).with_initializer(Initializer::Zeros).init(device);
        Self {
            conv1: convolution(channels, 10),
            conv2: convolution(10, 20),
            fc1: linear(20 * remaining(height) * remaining(width), 50),
            fc2: linear(50, classes),
            image: [channels, height, width],
        }
    }
}

/// How many pixels of a side are left after the convolutions and poolings.
fn remaining(side: usize) -> usize {
    let halved_without_border = |side: usize| side.saturating_sub(4) / 2;
    halved_without_border(halved_without_border(side))
}

impl NetMnist {
    /// Writes the layers after signal `from`. ReLU comes before the pooling, which gives the same: the largest number stays the largest.
    pub(super) fn write(&self, program: &mut Program, from: usize) {
        let mut signal = from;
        for conv in [&self.conv1, &self.conv2] {
            signal = program.convolution(signal, conv, After { relu: true, ..After::default() });
            signal = program.max_pool(signal);
        }
        signal = program.linear(signal, &self.fc1, true);
        program.linear(signal, &self.fc2, false);
    }
}

impl Classifier for NetMnist {
    fn logits(&self, samples: Tensor<2>) -> Tensor<2> {
        let maps = relu(halved(self.conv1.forward(images(samples, self.image))));
        let maps = relu(halved(self.conv2.forward(maps)));
        self.fc2.forward(relu(self.fc1.forward(rows(maps))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state_dict::{published, state_dict, trained_numbers};

    #[test]
    fn names_shapes_and_number_of_parameters_are_the_published_ones() {
        let network = NetMnist::new(1, 28, 28, 10, &Device::flex());
        assert_eq!(state_dict(&network), published("net-mnist"));
        assert_eq!(trained_numbers(&network), 21_840);
    }

    #[test]
    fn every_image_from_the_least_side_on_gets_one_logit_per_class() {
        let device = Device::flex();
        for [channels, height, width] in [[1, 28, 28], [3, 16, 16], [2, 16, 19]] {
            let network = NetMnist::new(channels, height, width, 3, &device);
            assert_eq!(network.logits(Tensor::ones([2, channels * height * width], &device)).dims(), [2, 3]);
        }
        assert_eq!(remaining(NetMnist::LEAST_SIDE), 1);
        assert_eq!(remaining(NetMnist::LEAST_SIDE - 1), 0);
    }
}
