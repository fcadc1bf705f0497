//! The SmallCNN of the GAIRAT code (`models/small_cnn.py` there).

use burn::{
    module::Module,
    nn::{
        Initializer, Linear, LinearConfig, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
    },
    tensor::{Device, Tensor, activation::relu},
};

use super::{
    After, BatchNorm2d, Classifier, Program,
    feature_map::{halved, images, rows},
};

/// Three blocks of two padded 3 x 3 convolutions, each with batch normalisation and ReLU, and 2 x 2 max pooling after each block;
/// then two linear layers with ReLU between. 1,639,282 parameters for 3 x 32 x 32 and 10 classes.
#[derive(Module, Debug)]
pub struct SmallCnn32 {
    /// Pixels to 64 channels.
    pub block1_conv1: Conv2d,
    /// 64 channels to 64.
    pub block1_conv2: Conv2d,
    /// After `block1_conv1`.
    pub batchnorm1_1: BatchNorm2d,
    /// After `block1_conv2`.
    pub batchnorm1_2: BatchNorm2d,
    /// 64 channels to 128.
    pub block2_conv1: Conv2d,
    /// 128 channels to 128.
    pub block2_conv2: Conv2d,
    /// After `block2_conv1`.
    pub batchnorm2_1: BatchNorm2d,
    /// After `block2_conv2`.
    pub batchnorm2_2: BatchNorm2d,
    /// 128 channels to 196.
    pub block3_conv1: Conv2d,
    /// 196 channels to 196.
    pub block3_conv2: Conv2d,
    /// After `block3_conv1`.
    pub batchnorm3_1: BatchNorm2d,
    /// After `block3_conv2`.
    pub batchnorm3_2: BatchNorm2d,
    /// Features to 256 numbers.
    pub fc1: Linear,
    /// 256 numbers to the logits.
    pub fc2: Linear,
    /// The channels, height and width of a sample.
    pub image: [usize; 3],
}

impl SmallCnn32 {
    /// The smallest side that leaves a pixel after three poolings.
    pub const LEAST_SIDE: usize = 8;

    /// A network for images with sides of at least [`SmallCnn32::LEAST_SIDE`], its weights 0.
    pub fn new(channels: usize, height: usize, width: usize, classes: usize, device: &Device) -> Self {
        let convolution = |inputs, outputs| {
            Conv2dConfig::new([inputs, outputs], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_initializer(Initializer::Zeros)
                .init(device)
        };
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).with_initializer(Initializer::Zeros).init(device);
        Self {
            block1_conv1: convolution(channels, 64),
            block1_conv2: convolution(64, 64),
            batchnorm1_1: BatchNorm2d::new(64, device),
            batchnorm1_2: BatchNorm2d::new(64, device),
            block2_conv1: convolution(64, 128),
            block2_conv2: convolution(128, 128),
            batchnorm2_1: BatchNorm2d::new(128, device),
            batchnorm2_2: BatchNorm2d::new(128, device),
            block3_conv1: convolution(128, 196),
            block3_conv2: convolution(196, 196),
            batchnorm3_1: BatchNorm2d::new(196, device),
            batchnorm3_2: BatchNorm2d::new(196, device),
            // Each pooling halves a side and rounds down, which together is a division by 8 that rounds down.
            fc1: linear(196 * (height / 8) * (width / 8), 256),
            fc2: linear(256, classes),
            image: [channels, height, width],
        }
    }
}

impl SmallCnn32 {
    /// Writes the layers after signal `from`.
    pub(super) fn write(&self, program: &mut Program, from: usize) {
        let blocks = [
            [(&self.block1_conv1, &self.batchnorm1_1), (&self.block1_conv2, &self.batchnorm1_2)],
            [(&self.block2_conv1, &self.batchnorm2_1), (&self.block2_conv2, &self.batchnorm2_2)],
            [(&self.block3_conv1, &self.batchnorm3_1), (&self.block3_conv2, &self.batchnorm3_2)],
        ];
        let mut signal = from;
        for block in blocks {
            for (conv, norm) in block {
                signal = program.convolution(signal, conv, After { norm: Some(norm), add: None, relu: true });
            }
            signal = program.max_pool(signal);
        }
        signal = program.linear(signal, &self.fc1, true);
        program.linear(signal, &self.fc2, false);
    }
}

impl Classifier for SmallCnn32 {
    fn logits(&self, samples: Tensor<2>) -> Tensor<2> {
        let step = |conv: &Conv2d, norm: &BatchNorm2d, maps| relu(norm.forward(conv.forward(maps)));
        let maps = images(samples, self.image);
        let maps = step(&self.block1_conv1, &self.batchnorm1_1, maps);
        let maps = halved(step(&self.block1_conv2, &self.batchnorm1_2, maps));
        let maps = step(&self.block2_conv1, &self.batchnorm2_1, maps);
        let maps = halved(step(&self.block2_conv2, &self.batchnorm2_2, maps));
        let maps = step(&self.block3_conv1, &self.batchnorm3_1, maps);
        let maps = halved(step(&self.block3_conv2, &self.batchnorm3_2, maps));
        self.fc2.forward(relu(self.fc1.forward(rows(maps))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state_dict::{published, state_dict, trained_numbers};

    #[test]
    fn names_shapes_and_number_of_parameters_are_the_published_ones() {
        let network = SmallCnn32::new(3, 32, 32, 10, &Device::flex());
        assert_eq!(state_dict(&network), published("small-cnn-32"));
        assert_eq!(trained_numbers(&network), 1_639_282);
    }

    #[test]
    fn every_image_from_the_least_side_on_gets_one_logit_per_class() {
        let device = Device::flex();
        for [channels, height, width] in [[3, 8, 8], [1, 15, 17]] {
            let network = SmallCnn32::new(channels, height, width, 3, &device);
            assert_eq!(network.logits(Tensor::ones([2, channels * height * width], &device)).dims(), [2, 3]);
        }
    }
}
