//! A network as a list of plain layers over one buffer of parameters, the form that our own kernels execute without the tensor library.

use burn::{
    module::{Param, ParamId},
    nn::{Linear, PaddingConfig2d, conv::Conv2d},
    tensor::Tensor,
};

use super::{
    BatchNorm2d,
    batch_norm::scale_and_shift,
    packed::{packed_layer, zeros},
};

/// The layers of a network, without parameters. Signal 0 holds the samples, signal `i` the result of layer `i - 1`, and the last signal the
/// logits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers {
    /// Channels, height and width of every signal. A row of numbers has one-pixel channels.
    pub signals: Vec<[usize; 3]>,
    /// The layers in order of computation; a layer reads only earlier signals.
    pub layers: Vec<Layer>,
}

/// One layer. Fields such as `weight` are offsets in the buffer of parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// `relu(x W + b)` of the whole signal as one row. W is inputs x outputs, as in burn, with rows and `b` padded by zeros to a multiple of
    /// [`Layers::SLOT`].
    Linear {
        /// The signal that is read.
        from: usize,
        /// Inputs x outputs.
        weight: usize,
        /// One number per output.
        bias: usize,
        /// Whether ReLU follows.
        relu: bool,
    },
    /// `relu(scale (x * W) + shift + add)`: a convolution with batch normalisation and a residual connection.
    Convolution {
        /// The signal that is read.
        from: usize,
        /// Side of the kernel, in pixels.
        kernel: usize,
        /// Pixels from one output to the next.
        stride: usize,
        /// Zeros on every side.
        padding: usize,
        /// Outputs x inputs x kernel x kernel.
        weight: usize,
        /// One factor per output channel.
        scale: Option<usize>,
        /// One number per output channel.
        shift: Option<usize>,
        /// The signal that is added.
        add: Option<usize>,
        /// Whether ReLU follows.
        relu: bool,
    },
    /// `relu(scale x + shift)`, per channel.
    Scale {
        /// The signal that is read.
        from: usize,
        /// One factor per channel.
        scale: usize,
        /// One number per channel.
        shift: usize,
        /// Whether ReLU follows.
        relu: bool,
    },
    /// The maximum of every 2 x 2 pixels, without an odd last row or column.
    MaxPool {
        /// The signal that is read.
        from: usize,
    },
    /// The mean of every channel.
    Mean {
        /// The signal that is read.
        from: usize,
    },
}

impl Layers {
    /// The padding of linear layers' rows: a GPU reads this many numbers at once.
    pub const SLOT: usize = 4;

    /// The number of values in a sample.
    pub fn inputs(&self) -> usize {
        self.signals[0].iter().product()
    }

    /// The number of logits.
    pub fn classes(&self) -> usize {
        self.signals[self.layers.len()].iter().product()
    }

    /// The number of weights of the layer at `index`, without biases.
    pub(crate) fn weights(&self, index: usize) -> usize {
        let len = |signal: usize| self.signals[signal].iter().product::<usize>();
        match self.layers[index] {
            Layer::Linear { from, .. } => len(from) * len(index + 1),
            Layer::Convolution { from, kernel, .. } => self.signals[from][0] * kernel * kernel * self.signals[index + 1][0],
            Layer::Scale { .. } | Layer::MaxPool { .. } | Layer::Mean { .. } => 0,
        }
    }

    /// The lengths of the learned parameters, in burn's visiting order: weights and then biases of every layer, given that linear layers have
    /// biases. `None` for networks with batch normalisation, whose training pass differs, and with convolutions without bias.
    pub fn trained(&self) -> Option<Vec<usize>> {
        let mut lengths = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            match *layer {
                Layer::Linear { .. } | Layer::Convolution { scale: None, shift: Some(_), .. } => {
                    lengths.extend([self.weights(index), self.signals[index + 1][0]]);
                }
                Layer::Convolution { .. } | Layer::Mean { .. } => return None,
                // A normalisation of the samples is no part of what is trained.
                Layer::Scale { from: 0, .. } | Layer::MaxPool { .. } => {}
                Layer::Scale { .. } => return None,
            }
        }
        Some(lengths)
    }

    /// Multiplications of a forward pass, per sample.
    pub fn multiplications(&self) -> usize {
        let pixels = |signal: &[usize; 3]| signal.iter().product::<usize>();
        self.layers
            .iter()
            .zip(&self.signals[1..])
            .map(|(layer, output)| match *layer {
                Layer::Linear { from, .. } => pixels(&self.signals[from]) * pixels(output),
                Layer::Convolution { from, kernel, .. } => self.signals[from][0] * kernel * kernel * pixels(output),
                Layer::Scale { .. } | Layer::MaxPool { .. } | Layer::Mean { .. } => pixels(output),
            })
            .sum()
    }

    /// The sizes from input to logits, if the network is a perceptron: consecutive linear layers with ReLU between them, and their parameters in
    /// that order.
    pub fn perceptron(&self) -> Option<Vec<usize>> {
        let sizes: Vec<usize> = self.signals.iter().map(|signal| signal.iter().product()).collect();
        let mut next = 0;
        for (index, layer) in self.layers.iter().enumerate() {
            let Layer::Linear { from, weight, bias, relu } = *layer else { return None };
            let last = index + 1 == self.layers.len();
            let row = sizes[index + 1].next_multiple_of(Self::SLOT);
            let expected_bias = next + sizes[index] * row;
            if from != index || weight != next || bias != expected_bias || relu == last {
                return None;
            }
            next = bias + row;
        }
        Some(sizes)
    }
}

/// A learned tensor, flat, in burn's order.
#[derive(Clone, Debug)]
pub(crate) struct Learned {
    /// The parameter's name within burn.
    pub(crate) id: ParamId,
    pub(crate) numbers: Tensor<1>,
}

impl Learned {
    fn of<const D: usize>(parameter: &Param<Tensor<D>>) -> Self {
        let value = parameter.val();
        let len = value.shape().num_elements();
        Self { id: parameter.id, numbers: value.reshape([len]) }
    }

    fn len(&self) -> usize {
        self.numbers.dims()[0]
    }
}

/// The factor and the addend of each channel.
#[derive(Clone, Debug, Default)]
#[expect(clippy::large_enum_variant, reason = "a network has some dozens of them")]
pub(crate) enum Channels {
    #[default]
    None,
    /// A constant factor and addend.
    Fixed([Tensor<1>; 2]),
    /// A learned addend.
    Bias(Learned),
    Norm(Norm),
}

/// Batch normalisation with its learned tensors.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    pub(crate) learned: [Learned; 2],
    pub(crate) running: [Tensor<1>; 2],
}

/// The tensors of a layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tensors {
    /// Of a product.
    pub(crate) weight: Option<Learned>,
    /// What follows.
    pub(crate) channels: Channels,
}

/// The layers and the parameters of a network, built layer by layer. Every method that adds a layer returns the index of its signal.
#[derive(Clone, Debug)]
pub struct Program {
    /// The layers.
    pub layers: Layers,
    /// Of every layer.
    tensors: Vec<Tensors>,
    len: usize,
}

/// The operations after a convolution.
#[derive(Clone, Copy, Debug, Default)]
pub struct After<'a> {
    /// Batch normalisation with its running statistics.
    pub norm: Option<&'a BatchNorm2d>,
    /// A signal to add.
    pub add: Option<usize>,
    /// Whether ReLU follows.
    pub relu: bool,
}

impl Program {
    /// The identity program for samples of these channels, rows and columns.
    pub fn new(sample: [usize; 3]) -> Self {
        Self { layers: Layers { signals: vec![sample], layers: Vec::new() }, tensors: Vec::new(), len: 0 }
    }

    /// All parameters in one buffer, at the offsets in [`Layer`]. Costs a few copies on the device.
    ///
    /// A GPU reads the rows of a linear layer four at a time. Zeros after an incomplete last row keep it from reading past the buffer.
    pub fn parameters(&self) -> Tensor<1> {
        let mut parameters = Vec::new();
        for (layer, tensors) in self.layers.layers.iter().zip(&self.tensors) {
            let weight = tensors.weight.as_ref().map(|weight| weight.numbers.clone());
            let bias = match &tensors.channels {
                Channels::None => [None, None],
                Channels::Bias(bias) => [None, Some(bias.numbers.clone())],
                Channels::Fixed([scale, shift]) => match layer {
                    Layer::Linear { .. } => [None, Some(shift.clone())],
                    _ => [Some(scale.clone()), Some(shift.clone())],
                },
                Channels::Norm(norm) => {
                    let [gamma, beta] = norm.learned.each_ref().map(|learned| learned.numbers.clone());
                    let [mean, variance] = norm.running.clone();
                    let (scale, shift) = scale_and_shift(gamma, beta, mean, variance);
                    [Some(scale), Some(shift)]
                }
            };
            let (Layer::Linear { from, .. }, Some(weight)) = (layer, &weight) else {
                parameters.extend(weight.into_iter().chain(bias.into_iter().flatten()));
                continue;
            };
            let inputs: usize = self.layers.signals[*from].iter().product();
            let sizes = [inputs, weight.dims()[0] / inputs];
            parameters.extend(packed_layer(weight.clone(), bias.into_iter().flatten().next(), sizes));
        }
        parameters.extend(parameters.last().and_then(|last| zeros(self.layers.zeros_behind(), last)));
        Tensor::cat(parameters, 0)
    }

    /// The tensors of every layer, as the network keeps them.
    pub(crate) fn tensors(&self) -> &[Tensors] {
        &self.tensors
    }

    /// Its learned tensors, in the order of the layers.
    pub(crate) fn learned(&self) -> impl Iterator<Item = &Learned> {
        self.tensors.iter().flat_map(|tensors| {
            let of_channels: &[Learned] = match &tensors.channels {
                Channels::None | Channels::Fixed(_) => &[],
                Channels::Bias(bias) => std::slice::from_ref(bias),
                Channels::Norm(norm) => &norm.learned,
            };
            tensors.weight.iter().chain(of_channels)
        })
    }

    /// Whether the network is frozen, with parameters outside the autodiff graph.
    pub fn is_frozen(&self) -> bool {
        self.tensors.iter().all(|tensors| {
            let of_channels = match &tensors.channels {
                Channels::None => None,
                Channels::Fixed([scale, _]) => Some(scale),
                Channels::Bias(bias) => Some(&bias.numbers),
                Channels::Norm(norm) => Some(&norm.learned[0].numbers),
            };
            let weight = tensors.weight.as_ref().map(|weight| &weight.numbers);
            weight.into_iter().chain(of_channels).all(|numbers| !numbers.device().is_autodiff())
        })
    }

    /// Adds a linear layer.
    pub fn linear(&mut self, from: usize, linear: &Linear, relu: bool) -> usize {
        let [inputs, outputs] = linear.weight.val().dims();
        let row = outputs.next_multiple_of(Layers::SLOT);
        let channels = match &linear.bias {
            Some(bias) => Channels::Bias(Learned::of(bias)),
            None => {
                let device = linear.weight.val().device();
                Channels::Fixed([1.0, 0.0].map(|number| Tensor::full([outputs], number, &device)))
            }
        };
        let layer = Layer::Linear { from, weight: self.room(inputs * row), bias: self.room(row), relu };
        self.layer(layer, [outputs, 1, 1], Tensors { weight: Some(Learned::of(&linear.weight)), channels })
    }

    /// Adds a convolution and the operations after it. Supports a square kernel, equal stride and padding on every side, no groups and no
    /// dilation.
    pub fn convolution(&mut self, from: usize, conv: &Conv2d, after: After<'_>) -> usize {
        let weight = Learned::of(&conv.weight);
        let [outputs, _, kernel, _] = conv.weight.val().dims();
        let stride = conv.stride[0];
        let padding = match &conv.padding {
            PaddingConfig2d::Valid => 0,
            PaddingConfig2d::Same => kernel / 2,
            PaddingConfig2d::Explicit(top, ..) => *top,
        };
        let [_, height, width] = self.layers.signals[from];
        let side = |length: usize| (length + 2 * padding - kernel) / stride + 1;
        let channels = match (after.norm, &conv.bias) {
            (Some(norm), Some(bias)) => {
                let (scale, shift) = norm.scale_and_shift();
                Channels::Fixed([scale.clone(), shift + bias.val() * scale])
            }
            (Some(norm), None) => Channels::Norm(Norm::of(norm)),
            (None, Some(bias)) => Channels::Bias(Learned::of(bias)),
            (None, None) => Channels::None,
        };
        let numbers = self.room(weight.len());
        let scale = matches!(channels, Channels::Fixed(_) | Channels::Norm(_)).then(|| self.room(outputs));
        let shift = (!matches!(channels, Channels::None)).then(|| self.room(outputs));
        let After { add, relu, .. } = after;
        let layer = Layer::Convolution { from, kernel, stride, padding, weight: numbers, scale, shift, add, relu };
        self.layer(layer, [outputs, side(height), side(width)], Tensors { weight: Some(weight), channels })
    }

    /// Adds batch normalisation.
    pub fn norm(&mut self, from: usize, norm: &BatchNorm2d, relu: bool) -> usize {
        self.each_channel(from, Channels::Norm(Norm::of(norm)), relu)
    }

    /// Adds `relu(scale x + shift)` per channel, with constants.
    pub fn scale(&mut self, from: usize, (scale, shift): (Tensor<1>, Tensor<1>), relu: bool) -> usize {
        self.each_channel(from, Channels::Fixed([scale, shift]), relu)
    }

    fn each_channel(&mut self, from: usize, channels: Channels, relu: bool) -> usize {
        let signal = self.layers.signals[from];
        let layer = Layer::Scale { from, scale: self.room(signal[0]), shift: self.room(signal[0]), relu };
        self.layer(layer, signal, Tensors { weight: None, channels })
    }

    /// Adds 2 x 2 max pooling.
    pub fn max_pool(&mut self, from: usize) -> usize {
        let [channels, height, width] = self.layers.signals[from];
        self.layer(Layer::MaxPool { from }, [channels, height / 2, width / 2], Tensors::default())
    }

    /// Adds the mean of every channel.
    pub fn mean(&mut self, from: usize) -> usize {
        let [channels, ..] = self.layers.signals[from];
        self.layer(Layer::Mean { from }, [channels, 1, 1], Tensors::default())
    }

    fn layer(&mut self, layer: Layer, signal: [usize; 3], tensors: Tensors) -> usize {
        self.layers.layers.push(layer);
        self.layers.signals.push(signal);
        self.tensors.push(tensors);
        self.layers.layers.len()
    }

    /// Reserves numbers, and returns their offset.
    fn room(&mut self, numbers: usize) -> usize {
        let index = self.len;
        self.len += numbers;
        index
    }
}

impl Norm {
    fn of(norm: &BatchNorm2d) -> Self {
        Self {
            learned: [&norm.weight, &norm.bias].map(Learned::of),
            running: [norm.running_mean.value(), norm.running_var.value()],
        }
    }
}
