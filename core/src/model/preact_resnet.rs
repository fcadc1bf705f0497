//! PreAct-ResNet-18 in the variant that the GAIRAT authors train: no batch normalisation and no ReLU after the last block.

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

/// A convolution, four layers of two pre-activation blocks (the last three halve the size and double the channels), the mean of
/// every channel and a linear layer (He et al. 2016b, less the last normalisation). 11,171,146 parameters for 3 x 32 x 32 and 10
/// classes.
#[derive(Module, Debug)]
pub struct PreActResNet18 {
    /// Pixels to 64 channels.
    pub conv1: Conv2d,
    /// 64 channels at full size.
    pub layer1: Vec<PreActBlock>,
    /// 128 channels at half the size.
    pub layer2: Vec<PreActBlock>,
    /// 256 channels at a quarter of the size.
    pub layer3: Vec<PreActBlock>,
    /// 512 channels at an eighth of the size.
    pub layer4: Vec<PreActBlock>,
    /// 512 means to the logits.
    pub linear: Linear,
    /// The channels, height and width of a sample.
    pub image: [usize; 3],
}

/// A block of [`PreActResNet18`]: with `a = relu(bn1(x))`, `conv2(relu(bn2(conv1(a)))) + around`, where `around` is `x`, or
/// `shortcut(a)` where there is a shortcut.
#[derive(Module, Debug)]
pub struct PreActBlock {
    /// Before `conv1` and the shortcut.
    pub bn1: BatchNorm2d,
    /// Changes the channels and the size, where the block does.
    pub conv1: Conv2d,
    /// Before `conv2`.
    pub bn2: BatchNorm2d,
    /// Keeps the channels and the size.
    pub conv2: Conv2d,
    /// The way around a block that changes the channels or the size; `None` is the identity. An array of one, because burn names
    /// its place 0, as PyTorch does with that of the `nn.Sequential` that this is there.
    pub shortcut: Option<[Conv2d; 1]>,
}

impl PreActBlock {
    fn new([inputs, outputs]: [usize; 2], stride: usize, device: &Device) -> Self {
        let shortcut = || [convolution_1x1([inputs, outputs], stride, device)];
        Self {
            bn1: BatchNorm2d::new(inputs, device),
            conv1: convolution_3x3([inputs, outputs], stride, device),
            bn2: BatchNorm2d::new(outputs, device),
            conv2: convolution_3x3([outputs, outputs], 1, device),
            shortcut: (stride != 1 || inputs != outputs).then(shortcut),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let activated = relu(self.bn1.forward(input.clone()));
        let around = match &self.shortcut {
            Some([conv]) => conv.forward(activated.clone()),
            None => input,
        };
        let signal = relu(self.bn2.forward(self.conv1.forward(activated)));
        self.conv2.forward(signal) + around
    }

    fn write(&self, program: &mut Program, from: usize) -> usize {
        let activated = program.norm(from, &self.bn1, true);
        let around = match &self.shortcut {
            Some([conv]) => program.convolution(activated, conv, After::default()),
            None => from,
        };
        let signal = program.convolution(activated, &self.conv1, After { norm: Some(&self.bn2), add: None, relu: true });
        program.convolution(signal, &self.conv2, After { norm: None, add: Some(around), relu: false })
    }
}

impl PreActResNet18 {
    /// A network for images of any size, its weights 0.
    pub fn new(channels: usize, height: usize, width: usize, classes: usize, device: &Device) -> Self {
        let layer = |inputs, outputs, stride| {
            vec![PreActBlock::new([inputs, outputs], stride, device), PreActBlock::new([outputs, outputs], 1, device)]
        };
        Self {
            conv1: convolution_3x3([channels, 64], 1, device),
            layer1: layer(64, 64, 1),
            layer2: layer(64, 128, 2),
            layer3: layer(128, 256, 2),
            layer4: layer(256, 512, 2),
            linear: LinearConfig::new(512, classes).with_initializer(Initializer::Zeros).init(device),
            image: [channels, height, width],
        }
    }
}

impl PreActResNet18 {
    /// Writes the layers after signal `from`.
    pub(super) fn write(&self, program: &mut Program, from: usize) {
        let mut signal = program.convolution(from, &self.conv1, After::default());
        for block in [&self.layer1, &self.layer2, &self.layer3, &self.layer4].into_iter().flatten() {
            signal = block.write(program, signal);
        }
        signal = program.mean(signal);
        program.linear(signal, &self.linear, false);
    }
}

impl Classifier for PreActResNet18 {
    fn logits(&self, samples: Tensor<2>) -> Tensor<2> {
        let mut maps = self.conv1.forward(images(samples, self.image));
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
        let network = PreActResNet18::new(3, 32, 32, 10, &Device::flex());
        assert_eq!(state_dict(&network), published("preact-resnet18"));
        assert_eq!(trained_numbers(&network), 11_171_146);
    }

    #[test]
    fn images_of_any_size_get_one_logit_per_class() {
        let device = Device::flex();
        for [channels, height, width] in [[3, 4, 6], [1, 1, 5]] {
            let network = PreActResNet18::new(channels, height, width, 3, &device);
            assert_eq!(network.logits(Tensor::ones([2, channels * height * width], &device)).dims(), [2, 3]);
        }
    }

    #[test]
    fn what_comes_around_a_block_is_the_input_or_the_shortcut_of_the_activated_input() {
        let device = Device::flex();
        let input = || Tensor::<4>::from_data(TensorData::new(vec![-1.0_f32, 2.0], [1, 1, 1, 2]), &device);
        let output = |block: &PreActBlock| block.forward(input()).into_data().iter::<f32>().collect::<Vec<_>>();
        assert_eq!(output(&PreActBlock::new([1, 1], 1, &device)), [-1.0, 2.0]);

        let mut widening = PreActBlock::new([1, 2], 1, &device);
        if let Some([conv]) = &mut widening.shortcut {
            conv.weight = Param::from_tensor(Tensor::from_data(TensorData::new(vec![1.0_f32, -1.0], [2, 1, 1, 1]), &device));
        }
        // The first normalisation divides by sqrt(1 + 1e-5).
        let expected = [0.0, 2.0, 0.0, -2.0];
        assert!(output(&widening).iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 2e-5));
    }
}
