//! ResNet-18 for small images, as in the GAIRAT code (`models/resnet.py` there).

use burn::{
    module::Module,
    nn::{Initializer, Linear, LinearConfig, conv::Conv2d},
    tensor::{Device, Tensor, activation::relu},
};

use super::{
    After, BatchNorm2d, Classifier, Program,
    feature_map::{averaged, images},
    residual::{convolution_1x1, convolution_3x3},
};

/// A convolution, four layers of two residual blocks (the last three halve the size and double the channels), the mean of every
/// channel and a linear layer (He et al. 2016). 11,173,962 parameters for 3 x 32 x 32 and 10 classes.
#[derive(Module, Debug)]
pub struct ResNet18 {
    /// Pixels to 64 channels.
    pub conv1: Conv2d,
    /// After `conv1`.
    pub bn1: BatchNorm2d,
    /// 64 channels at full size.
    pub layer1: Vec<BasicBlock>,
    /// 128 channels at half the size.
    pub layer2: Vec<BasicBlock>,
    /// 256 channels at a quarter of the size.
    pub layer3: Vec<BasicBlock>,
    /// 512 channels at an eighth of the size.
    pub layer4: Vec<BasicBlock>,
    /// 512 means to the logits.
    pub linear: Linear,
    /// The channels, height and width of a sample.
    pub image: [usize; 3],
}

/// A block of [`ResNet18`]: `relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x))`.
#[derive(Module, Debug)]
pub struct BasicBlock {
    /// Changes the channels and the size, where the block does.
    pub conv1: Conv2d,
    /// After `conv1`.
    pub bn1: BatchNorm2d,
    /// Keeps the channels and the size.
    pub conv2: Conv2d,
    /// After `conv2`.
    pub bn2: BatchNorm2d,
    /// The way around a block that changes the channels or the size; `None` is the identity. A tuple, because burn names its
    /// places 0 and 1, as PyTorch does with those of the `nn.Sequential` that this is there.
    pub shortcut: Option<(Conv2d, BatchNorm2d)>,
}

impl BasicBlock {
    fn new([inputs, outputs]: [usize; 2], stride: usize, device: &Device) -> Self {
        let shortcut = || (convolution_1x1([inputs, outputs], stride, device), BatchNorm2d::new(outputs, device));
        Self {
            conv1: convolution_3x3([inputs, outputs], stride, device),
            bn1: BatchNorm2d::new(outputs, device),
            conv2: convolution_3x3([outputs, outputs], 1, device),
            bn2: BatchNorm2d::new(outputs, device),
            shortcut: (stride != 1 || inputs != outputs).then(shortcut),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let signal = relu(self.bn1.forward(self.conv1.forward(input.clone())));
        let signal = self.bn2.forward(self.conv2.forward(signal));
        let around = match &self.shortcut {
            Some((conv, norm)) => norm.forward(conv.forward(input)),
            None => input,
        };
        relu(signal + around)
    }

    fn write(&self, program: &mut Program, from: usize) -> usize {
        let signal = program.convolution(from, &self.conv1, After { norm: Some(&self.bn1), add: None, relu: true });
        let around = match &self.shortcut {
            Some((conv, norm)) => program.convolution(from, conv, After { norm: Some(norm), add: None, relu: false }),
            None => from,
        };
        program.convolution(signal, &self.conv2, After { norm: Some(&self.bn2), add: Some(around), relu: true })
    }
}

impl ResNet18 {
    /// A network for images of any size, its weights 0.
    pub fn new(channels: usize, height: usize, width: usize, classes: usize, device: &Device) -> Self {
        let layer = |inputs, outputs, stride| {
            vec![BasicBlock::new([inputs, outputs], stride, device), BasicBlock::new([outputs, outputs], 1, device)]
        };
        Self {
            conv1: convolution_3x3([channels, 64], 1, device),
            bn1: BatchNorm2d::new(64, device),
            layer1: layer(64, 64, 1),
            layer2: layer(64, 128, 2),
            layer3: layer(128, 256, 2),
            layer4: layer(256, 512, 2),
            linear: LinearConfig::new(512, classes).with_initializer(Initializer::Zeros).init(device),
            image: [channels, height, width],
        }
    }
}

impl ResNet18 {
    /// Writes the layers after signal `from`.
    pub(super) fn write(&self, program: &mut Program, from: usize) {
        let mut signal = program.convolution(from, &self.conv1, After { norm: Some(&self.bn1), add: None, relu: true });
        for block in [&self.layer1, &self.layer2, &self.layer3, &self.layer4].into_iter().flatten() {
            signal = block.write(program, signal);
        }
        signal = program.mean(signal);
        program.linear(signal, &self.linear, false);
    }
}

impl Classifier for ResNet18 {
    fn logits(&self, samples: Tensor<2>) -> Tensor<2> {
        let mut maps = relu(self.bn1.forward(self.conv1.forward(images(samples, self.image))));
        for block in [&self.layer1, &self.layer2, &self.layer3, &self.layer4].into_iter().flatten() {
            maps = block.forward(maps);
        }
        self.linear.forward(averaged(maps))
    }
}

#[cfg(test)]
mod tests {
    use burn::{module::Param, tensor::TensorData};

    use super::*;
    use crate::model::state_dict::{published, state_dict, trained_numbers};

    #[test]
    fn names_shapes_and_number_of_parameters_are_the_published_ones() {
        let network = ResNet18::new(3, 32, 32, 10, &Device::flex());
        assert_eq!(state_dict(&network), published("resnet18"));
        assert_eq!(trained_numbers(&network), 11_173_962);
    }

    #[test]
    fn images_of_any_size_get_one_logit_per_class() {
        let device = Device::flex();
        for [channels, height, width] in [[3, 4, 6], [1, 1, 5]] {
            let network = ResNet18::new(channels, height, width, 3, &device);
            assert_eq!(network.logits(Tensor::ones([2, channels * height * width], &device)).dims(), [2, 3]);
        }
    }

    #[test]
    fn a_block_whose_convolutions_are_0_passes_on_what_comes_around_it_through_relu() {
        let device = Device::flex();
        let input = || Tensor::<4>::from_data(TensorData::new(vec![-1.0_f32, 2.0], [1, 1, 1, 2]), &device);
        let output = |block: &BasicBlock| block.forward(input()).into_data().iter::<f32>().collect::<Vec<_>>();
        assert_eq!(output(&BasicBlock::new([1, 1], 1, &device)), [0.0, 2.0]);

        let mut widening = BasicBlock::new([1, 2], 1, &device);
        if let Some((conv, _)) = &mut widening.shortcut {
            conv.weight = Param::from_tensor(Tensor::from_data(TensorData::new(vec![1.0_f32, -1.0], [2, 1, 1, 1]), &device));
        }
        // The shortcut's own normalisation divides by sqrt(1 + 1e-5).
        let expected = [0.0, 2.0, 1.0, 0.0];
        assert!(output(&widening).iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 2e-5));
    }
}
