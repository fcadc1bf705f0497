//! Wide ResNets (Zagoruyko and Komodakis 2016), as in the GAIRAT code (`models/wrn_madry.py` there, whose WRN-32-10 is the main
//! network of the GAIRAT paper).
#![expect(non_snake_case, reason = "burn names a tensor after its field, and PyTorch's checkpoints say convShortcut")]

use burn::{
    module::Module,
    nn::{Initializer, Linear, LinearConfig, conv::Conv2d},
    tensor::{Device, Tensor, activation::relu},
};

use super::{
    After, BatchNorm2d, Classifier, Program,
    dropout::{Dropout, DropoutKey},
    feature_map::{averaged, images},
    residual::{convolution_1x1, convolution_3x3},
};

/// A convolution, three groups of pre-activation blocks (the last two halve the size and double the channels), batch
/// normalisation and ReLU, the mean of every channel and a linear layer. 46,160,474 parameters for WRN-32-10, 3 x 32 x 32 and 10
/// classes.
///
/// Dropout draws its masks from a key that the trainer sets before each training pass: [`WideResNet::set_dropout_key`].
#[derive(Module, Debug)]
pub struct WideResNet {
    /// Pixels to 16 channels.
    pub conv1: Conv2d,
    /// 16 times the widening factor channels at full size.
    pub block1: WideGroup,
    /// 32 times the widening factor channels at half the size.
    pub block2: WideGroup,
    /// 64 times the widening factor channels at a quarter of the size.
    pub block3: WideGroup,
    /// After the last group.
    pub bn1: BatchNorm2d,
    /// The channels' means to the logits.
    pub fc: Linear,
    /// The channels, height and width of a sample.
    pub image: [usize; 3],
    #[module(skip)]
    dropout_key: DropoutKey,
}

/// The blocks of one size in a [`WideResNet`].
#[derive(Module, Debug)]
pub struct WideGroup {
    /// The blocks; the first one changes the channels and the size.
    pub layer: Vec<WideBlock>,
}

/// A block of a [`WideResNet`]: with `a = relu(bn1(x))`, `conv2(dropout(relu(bn2(conv1(a))))) + around`, where `around` is `x`,
/// or `convShortcut(a)` where there is a shortcut.
#[derive(Module, Debug)]
pub struct WideBlock {
    /// Before `conv1` and the shortcut.
    pub bn1: BatchNorm2d,
    /// Changes the channels and the size, where the block does.
    pub conv1: Conv2d,
    /// Before `conv2`.
    pub bn2: BatchNorm2d,
    /// Between the ReLU after `bn2` and `conv2`.
    pub dropout: Dropout,
    /// Keeps the channels and the size.
    pub conv2: Conv2d,
    /// The way around a block that changes the channels; `None` is the identity.
    pub convShortcut: Option<Conv2d>,
}

impl WideBlock {
    fn new([inputs, outputs]: [usize; 2], stride: usize, dropout: Dropout, device: &Device) -> Self {
        Self {
            bn1: BatchNorm2d::new(inputs, device),
            conv1: convolution_3x3([inputs, outputs], stride, device),
            bn2: BatchNorm2d::new(outputs, device),
            dropout,
            conv2: convolution_3x3([outputs, outputs], 1, device),
            // Only the channels decide, as in the published code: no group changes the size and keeps the channels.
            convShortcut: (inputs != outputs).then(|| convolution_1x1([inputs, outputs], stride, device)),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let activated = relu(self.bn1.forward(input.clone()));
        let around = match &self.convShortcut {
            Some(conv) => conv.forward(activated.clone()),
            None => input,
        };
        let signal = relu(self.bn2.forward(self.conv1.forward(activated)));
        self.conv2.forward(self.dropout.forward(signal)) + around
    }

    /// Writes the block as it is in evaluation mode: dropout is the identity there.
    fn write(&self, program: &mut Program, from: usize) -> usize {
        let activated = program.norm(from, &self.bn1, true);
        let around = match &self.convShortcut {
            Some(conv) => program.convolution(activated, conv, After::default()),
            None => from,
        };
        let signal = program.convolution(activated, &self.conv1, After { norm: Some(&self.bn2), add: None, relu: true });
        program.convolution(signal, &self.conv2, After { norm: None, add: Some(around), relu: false })
    }
}

impl WideResNet {
    /// A network without dropout for images of any size, its weights 0.
    ///
    /// `depth` and `widen_factor` are the numbers of the name WRN-depth-factor, in the ranges of
    /// [`ModelSpec::WideResNet`](super::ModelSpec::WideResNet).
    pub fn new(
        channels: usize,
        height: usize,
        width: usize,
        classes: usize,
        depth: usize,
        widen_factor: usize,
        device: &Device,
    ) -> Self {
        // Two convolutions per block and three groups, besides 4 layers (Zagoruyko and Komodakis: WRN-34 has 5 blocks per group)
        // or besides 2 (the GAIRAT code, which calls the very same network WRN-32). Rounding down serves both ways of counting.
        let blocks = depth.saturating_sub(2) / 6;
        let dropout_key = DropoutKey::default();
        let group = |index: usize, [inputs, outputs]: [usize; 2], stride: usize| WideGroup {
            layer: (0..blocks)
                .map(|block| {
                    let dropout = Dropout::new(0.0, (index * blocks + block) as u64, dropout_key.clone());
                    let (inputs, stride) = if block == 0 { (inputs, stride) } else { (outputs, 1) };
                    WideBlock::new([inputs, outputs], stride, dropout, device)
                })
                .collect(),
        };
        let [narrow, middle, wide] = [16, 32, 64].map(|channels| channels * widen_factor);
        Self {
            conv1: convolution_3x3([channels, 16], 1, device),
            block1: group(0, [16, narrow], 1),
            block2: group(1, [narrow, middle], 2),
            block3: group(2, [middle, wide], 2),
            bn1: BatchNorm2d::new(wide, device),
            fc: LinearConfig::new(wide, classes).with_initializer(Initializer::Zeros).init(device),
            image: [channels, height, width],
            dropout_key,
        }
    }

    /// The same network with dropout of this rate, from [0, 1), in every block.
    #[must_use]
    pub fn with_dropout(mut self, rate: f64) -> Self {
        for group in [&mut self.block1, &mut self.block2, &mut self.block3] {
            for block in &mut group.layer {
                block.dropout.rate = rate;
            }
        }
        self
    }

    /// Sets what the dropout masks of the training passes to come are drawn from, here and in every clone of this network. Passes
    /// under one key drop the same numbers; without dropout the key is without effect.
    pub fn set_dropout_key(&self, seed: u64, step: u64) {
        self.dropout_key.set(seed, step);
    }
}

impl WideResNet {
    /// Whether training passes use dropout.
    pub(super) fn drops(&self) -> bool {
        let mut blocks = [&self.block1, &self.block2, &self.block3].into_iter().flat_map(|group| &group.layer);
        blocks.any(|block| block.dropout.rate > 0.0)
    }

    /// Writes the layers after signal `from`.
    pub(super) fn write(&self, program: &mut Program, from: usize) {
        let mut signal = program.convolution(from, &self.conv1, After::default());
        for block in [&self.block1, &self.block2, &self.block3].into_iter().flat_map(|group| &group.layer) {
            signal = block.write(program, signal);
        }
        signal = program.norm(signal, &self.bn1, true);
        signal = program.mean(signal);
        program.linear(signal, &self.fc, false);
    }
}

impl Classifier for WideResNet {
    fn logits(&self, samples: Tensor<2>) -> Tensor<2> {
        let mut maps = self.conv1.forward(images(samples, self.image));
        for block in [&self.block1, &self.block2, &self.block3].into_iter().flat_map(|group| &group.layer) {
            maps = block.forward(maps);
        }
        self.fc.forward(averaged(relu(self.bn1.forward(maps))))
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        module::{ModuleMapper, Param},
        tensor::TensorData,
    };

    use super::*;
    use crate::{
        model::state_dict::{published, state_dict, trained_numbers},
        random::{Purpose, Stream},
    };

    #[test]
    fn names_shapes_and_number_of_parameters_are_the_published_ones() {
        let network = WideResNet::new(3, 32, 32, 10, 32, 10, &Device::flex());
        assert_eq!(state_dict(&network), published("wrn-32-10"));
        assert_eq!(trained_numbers(&network), 46_160_474);
    }

    #[test]
    fn wrn_34_is_the_other_name_of_wrn_32() {
        let network = |depth| state_dict(&WideResNet::new(3, 32, 32, 10, depth, 1, &Device::flex()));
        assert_eq!(network(34), network(32));
        assert_ne!(network(28), network(32));
    }

    #[test]
    fn images_of_any_size_get_one_logit_per_class() {
        let device = Device::flex();
        for [channels, height, width] in [[3, 8, 8], [1, 1, 5]] {
            let network = WideResNet::new(channels, height, width, 3, 10, 2, &device);
            assert_eq!(network.logits(Tensor::ones([2, channels * height * width], &device)).dims(), [2, 3]);
        }
    }

    #[test]
    fn what_comes_around_a_block_is_the_input_or_the_shortcut_of_the_activated_input() {
        let device = Device::flex();
        let input = || Tensor::<4>::from_data(TensorData::new(vec![-1.0_f32, 2.0], [1, 1, 1, 2]), &device);
        let output = |block: &WideBlock| block.forward(input()).into_data().iter::<f32>().collect::<Vec<_>>();
        let dropout = || Dropout::new(0.0, 0, DropoutKey::default());
        assert_eq!(output(&WideBlock::new([1, 1], 1, dropout(), &device)), [-1.0, 2.0]);

        let mut widening = WideBlock::new([1, 2], 1, dropout(), &device);
        if let Some(conv) = &mut widening.convShortcut {
            conv.weight = Param::from_tensor(Tensor::from_data(TensorData::new(vec![1.0_f32, -1.0], [2, 1, 1, 1]), &device));
        }
        // The first normalisation divides by sqrt(1 + 1e-5).
        let expected = [0.0, 2.0, 0.0, -2.0];
        assert!(output(&widening).iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 2e-5));
    }

    /// Gives convolutions and linear layers weights, so that a dropped number shows in the logits.
    struct Fill {
        tensors: u64,
    }

    impl ModuleMapper for Fill {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if D < 2 {
                return param;
            }
            self.tensors += 1;
            let mut stream = Stream::new(0, Purpose::Weights, 0, self.tensors);
            param.map(|weight| {
                let shape = weight.dims();
                let numbers: Vec<f32> = (0..shape.iter().product::<usize>()).map(|_| 0.2 * stream.normal()).collect();
                Tensor::from_data(TensorData::new(numbers, shape), &weight.device())
            })
        }
    }

    fn filled(device: &Device) -> WideResNet {
        WideResNet::new(1, 8, 8, 3, 10, 1, device).map(&mut Fill { tensors: 0 })
    }

    fn logits(network: &WideResNet, device: &Device) -> Vec<f32> {
        let mut stream = Stream::new(0, Purpose::Points, 0, 0);
        let pixels: Vec<f32> = (0..2 * 64).map(|_| stream.uniform()).collect();
        network.logits(Tensor::from_data(TensorData::new(pixels, [2, 64]), device)).into_data().iter::<f32>().collect()
    }

    fn largest_difference(one: &[f32], other: &[f32]) -> f32 {
        one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn the_key_decides_what_a_training_pass_drops() {
        let device = Device::flex().autodiff();
        let network = filled(&device).with_dropout(0.5);
        let pass = |seed, step| {
            network.set_dropout_key(seed, step);
            logits(&network, &device)
        };
        let first = pass(1, 1);
        assert!(largest_difference(&first, &pass(1, 1)) < 1e-6);
        assert!(largest_difference(&first, &pass(1, 2)) > 1e-3);
        assert!(largest_difference(&first, &pass(2, 1)) > 1e-3);
        assert!(largest_difference(&first, &logits(&network.clone().with_dropout(0.0), &device)) > 1e-3);
    }

    #[test]
    fn dropout_changes_nothing_outside_training() {
        let device = Device::flex().autodiff();
        let network = filled(&device);
        let without = logits(&network.valid(), &Device::flex());
        let with = network.with_dropout(0.5).valid();
        assert_eq!(logits(&with, &Device::flex()), without);
        // The attack: a valid copy under an input on an autodiff device. Rounding is relative to the largest logit.
        let largest = without.iter().fold(1.0, |largest: f32, logit| largest.max(logit.abs()));
        assert!(largest_difference(&logits(&with, &device), &without) < 1e-5 * largest);
    }
}
