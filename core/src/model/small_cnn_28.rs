//! The network of the TRADES code for MNIST (`models/small_cnn.py` there), without its dropout.

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

/// Four 3 x 3 convolutions without padding, with ReLU after each and 2 x 2 max pooling after every second; then three linear
/// layers with ReLU between. 312,202 parameters for 1 x 28 x 28 and 10 classes.
#[derive(Module, Debug)]
pub struct SmallCnn28 {
    /// The convolutions.
    pub feature_extractor: FeatureExtractor,
    /// The linear layers.
    pub classifier: ClassifierHead,
    /// The channels, height and width of a sample.
    pub image: [usize; 3],
}

/// The convolutions of [`SmallCnn28`].
#[derive(Module, Debug)]
pub struct FeatureExtractor {
    /// Pixels to 32 channels.
    pub conv1: Conv2d,
    /// 32 channels to 32.
    pub conv2: Conv2d,
    /// 32 channels to 64.
    pub conv3: Conv2d,
    /// 64 channels to 64.
    pub conv4: Conv2d,
}

/// The linear layers of [`SmallCnn28`].
#[derive(Module, Debug)]
pub struct ClassifierHead {
    /// Features to 200 numbers.
    pub fc1: Linear,
    /// 200 numbers to 200.
    pub fc2: Linear,
    /// 200 numbers to the logits.
    pub fc3: Linear,
}

impl SmallCnn28 {
    /// The smallest side that leaves a pixel: two convolutions and a pooling make 6 of 16, two more and another make 1 of 6.
    pub const LEAST_SIDE: usize = 16;

    /// A network for images with sides of at least [`SmallCnn28::LEAST_SIDE`], its weights 0.
    pub fn new(channels: usize, height: usize, width: usize, classes: usize, device: &Device) -> Self {
        let convolution =
            |inputs, outputs| Conv2dConfig::new([inputs, outputs], [3, 3]).with_initializer(Initializer::Zeros).init(device);
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).with_initializer(Initializer::Zeros).init(device);
        Self {
            feature_extractor: FeatureExtractor {
                conv1: convolution(channels, 32),
                conv2: convolution(32, 32),
                conv3: convolution(32, 64),
                conv4: convolution(64, 64),
            },
            classifier: ClassifierHead {
                fc1: linear(64 * remaining(height) * remaining(width), 200),
                fc2: linear(200, 200),
                fc3: linear(200, classes),
            },
            image: [channels, height, width],
        }
    }
}

/// How many pixels of a side are left after the convolutions and poolings.
fn remaining(side: usize) -> usize {
    let halved_without_border = |side: usize| side.saturating_sub(4) / 2;
    halved_without_border(halved_without_border(side))
}

impl SmallCnn28 {
    /// Writes the layers after signal `from`.
    pub(super) fn write(&self, program: &mut Program, from: usize) {
        let FeatureExtractor { conv1, conv2, conv3, conv4 } = &self.feature_extractor;
        let mut signal = from;
        for pair in [[conv1, conv2], [conv3, conv4]] {
            for conv in pair {
                signal = program.convolution(signal, conv, After { relu: true, ..After::default() });
            }
            signal = program.max_pool(signal);
        }
        let ClassifierHead { fc1, fc2, fc3 } = &self.classifier;
        signal = program.linear(signal, fc1, true);
        signal = program.linear(signal, fc2, true);
        program.linear(signal, fc3, false);
    }
}

impl Classifier for SmallCnn28 {
    fn logits(&self, samples: Tensor<2>) -> Tensor<2> {
        let FeatureExtractor { conv1, conv2, conv3, conv4 } = &self.feature_extractor;
        let maps = images(samples, self.image);
        let maps = halved(relu(conv2.forward(relu(conv1.forward(maps)))));
        let maps = halved(relu(conv4.forward(relu(conv3.forward(maps)))));

        let ClassifierHead { fc1, fc2, fc3 } = &self.classifier;
        fc3.forward(relu(fc2.forward(relu(fc1.forward(rows(maps))))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state_dict::{published, state_dict, trained_numbers};

    #[test]
    fn names_shapes_and_number_of_parameters_are_the_published_ones() {
        let network = SmallCnn28::new(1, 28, 28, 10, &Device::flex());
        assert_eq!(state_dict(&network), published("small-cnn-28"));
        assert_eq!(trained_numbers(&network), 312_202);
    }

    #[test]
    fn every_image_from_the_least_side_on_gets_one_logit_per_class() {
        let device = Device::flex();
        for [channels, height, width] in [[1, 28, 28], [3, 16, 16], [2, 16, 19]] {
            let network = SmallCnn28::new(channels, height, width, 3, &device);
            assert_eq!(network.logits(Tensor::ones([2, channels * height * width], &device)).dims(), [2, 3]);
        }
        assert_eq!(remaining(SmallCnn28::LEAST_SIDE), 1);
        assert_eq!(remaining(SmallCnn28::LEAST_SIDE - 1), 0);
    }
}
