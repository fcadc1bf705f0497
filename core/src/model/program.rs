//! A frozen network as a list of plain layers over one buffer of numbers: what an attack needs that runs as a whole, without the
//! tensor library between its layers.

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

/// The layers of a network, without its numbers. Signal 0 is the samples, signal `i` the result of layer `i - 1`; the last one is
/// the logits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers {
    /// Channels, height and width of every signal; a row of numbers is so many channels of one pixel.
    pub signals: Vec<[usize; 3]>,
    /// In the order in which they are computed: a layer reads earlier signals only.
    pub layers: Vec<Layer>,
}

/// One layer. Numbers such as `weight` are indices in the buffer of parameters where what they name begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// `relu(x W + b)` of the whole signal as one row; W is inputs x outputs, as burn keeps it, but that rows and `b` are filled up
    /// with zeros to a multiple of [`Layers::SLOT`].
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
    /// `relu(scale (x * W) + shift + add)`: a convolution and what follows it, batch normalisation and the way around a block.
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
    /// The largest of every 2 x 2 pixels; an odd last row or column is left out.
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
    /// Rows of linear layers have a multiple of this length: a GPU reads so many numbers at once.
    pub const SLOT: usize = 4;

    /// How many numbers a sample has.
    pub fn inputs(&self) -> usize {
        self.signals[0].iter().product()
    }

    /// How many logits there are.
    pub fn classes(&self) -> usize {
        self.signals[self.layers.len()].iter().product()
    }

    /// How many weights the layer at `index` has, its biases not counted.
    pub(crate) fn weights(&self, index: usize) -> usize {
        let len = |signal: usize| self.signals[signal].iter().product::<usize>();
        match self.layers[index] {
            Layer::Linear { from, .. } => len(from) * len(index + 1),
            Layer::Convolution { from, kernel, .. } => self.signals[from][0] * kernel * kernel * self.signals[index + 1][0],
            Layer::Scale { .. } | Layer::MaxPool { .. } | Layer::Mean { .. } => 0,
        }
    }

    /// The lengths of the parameters that are trained, in the order in which burn walks the network: of every layer the weights and
    /// then the biases (a linear layer is taken to have some). `None` where the network trains otherwise than it answers, with batch
    /// normalisation, or has a convolution without bias.
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

    /// Multiplications of one pass forwards, per sample.
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

    /// The sizes of a perceptron, from the input to the logits, if that is what this is: linear layers one after the other with
    /// ReLU between them, their parameters in that order.
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

/// A tensor that is trained, flat, in burn's order.
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

/// What multiplies and what is added per channel.
#[derive(Clone, Debug, Default)]
#[expect(clippy::large_enum_variant, reason = "a network has some dozens of them")]
pub(crate) enum Channels {
    #[default]
    None,
    /// A factor and an addend that are not trained.
    Fixed([Tensor<1>; 2]),
    /// An addend that is trained.
    Bias(Learned),
    Norm(Norm),
}

/// Batch normalisation as it is trained.
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

/// A network's layers and its numbers. It is written layer by layer; every method gives the number of the signal it made.
#[derive(Clone, Debug)]
pub struct Program {
    /// The layers.
    pub layers: Layers,
    /// Of every layer.
    tensors: Vec<Tensors>,
    len: usize,
}

/// What follows a convolution.
#[derive(Clone, Copy, Debug, Default)]
pub struct After<'a> {
    /// Batch normalisation with its running statistics.
    pub norm: Option<&'a BatchNorm2d>,
    /// The signal that is added then.
    pub add: Option<usize>,
    /// Whether ReLU comes last.
    pub relu: bool,
}

impl Program {
    /// A program for samples of so many channels, rows and columns that gives them back as they are.
    pub fn new(sample: [usize; 3]) -> Self {
        Self { layers: Layers { signals: vec![sample], layers: Vec::new() }, tensors: Vec::new(), len: 0 }
    }

    /// All numbers in one buffer, as the indices in [`Layer`] count them. A few copies on the device.
    ///
    /// A GPU reads the rows of a linear layer four at a time. Where the last layer's are no multiple of four, zeros follow, so that
    /// nothing behind the buffer is read.
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

    /// Whether the network was frozen: then its numbers are outside the autodiff graph.
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

    /// Adds a convolution and what follows it. Its kernel is square, its stride and padding the same on every side, and it has neither
    /// groups nor dilation; others cannot be written.
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

    /// Adds `relu(scale x + shift)` per channel, of numbers that are not trained.
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

    /// Where so many numbers begin.
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
