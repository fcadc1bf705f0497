//! A frozen network as a list of plain layers over one buffer of numbers: what an attack needs that runs as a whole, without the
//! tensor library between its layers.

use burn::{
    nn::{Linear, PaddingConfig2d, conv::Conv2d},
    tensor::{Tensor, TensorData},
};

use super::BatchNorm2d;

/// The layers of a network, without its numbers. Signal 0 is the samples, signal `i` the result of layer `i - 1`; the last one is
/// the logits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers {
    /// Channels, height and width of every signal; a row of numbers is so many channels of one pixel.
    pub signals: Vec<[usize; 3]>,
    /// In the order in which they are computed: a layer reads earlier signals only.
    pub layers: Vec<Layer>,
}

/// One layer. Numbers such as `weight` are places in the buffer of parameters where what they name begins.
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

    /// How many weights the layer at `place` has, its biases not counted.
    pub(crate) fn weights(&self, place: usize) -> usize {
        let len = |signal: usize| self.signals[signal].iter().product::<usize>();
        match self.layers[place] {
            Layer::Linear { from, .. } => len(from) * len(place + 1),
            Layer::Convolution { from, kernel, .. } => self.signals[from][0] * kernel * kernel * self.signals[place + 1][0],
            Layer::Scale { .. } | Layer::MaxPool { .. } | Layer::Mean { .. } => 0,
        }
    }

    /// The lengths of the parameters that are trained, in the order in which burn walks the network: of every layer the weights and
    /// then the biases (a linear layer is taken to have some). `None` where the network trains otherwise than it answers, with batch
    /// normalisation, or has a convolution without bias.
    pub fn trained(&self) -> Option<Vec<usize>> {
        let mut lengths = Vec::new();
        for (place, layer) in self.layers.iter().enumerate() {
            match *layer {
                Layer::Linear { .. } | Layer::Convolution { scale: None, shift: Some(_), .. } => {
                    lengths.extend([self.weights(place), self.signals[place + 1][0]]);
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
        for (place, layer) in self.layers.iter().enumerate() {
            let Layer::Linear { from, weight, bias, relu } = *layer else { return None };
            let last = place + 1 == self.layers.len();
            let row = sizes[place + 1].next_multiple_of(Self::SLOT);
            let expected_bias = next + sizes[place] * row;
            if from != place || weight != next || bias != expected_bias || relu == last {
                return None;
            }
            next = bias + row;
        }
        Some(sizes)
    }
}

/// A network's layers and its numbers. It is written layer by layer; every method gives the number of the signal it made.
#[derive(Clone, Debug)]
pub struct Program {
    /// The layers.
    pub layers: Layers,
    parameters: Vec<Tensor<1>>,
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
        Self { layers: Layers { signals: vec![sample], layers: Vec::new() }, parameters: Vec::new(), len: 0 }
    }

    /// All numbers in one buffer, as the places in [`Layer`] count them. A few copies on the device.
    ///
    /// A GPU reads the rows of a linear layer four at a time. Where the last layer's are no multiple of four, zeros follow, so that
    /// nothing behind the buffer is read.
    pub fn parameters(&self) -> Tensor<1> {
        let mut parameters = self.parameters.clone();
        if let (Some(Layer::Linear { from, .. }), Some(last)) = (self.layers.layers.last(), parameters.last()) {
            let inputs: usize = self.layers.signals[*from].iter().product();
            if !inputs.is_multiple_of(Layers::SLOT) {
                let zeros = Layers::SLOT * self.layers.classes().next_multiple_of(Layers::SLOT);
                parameters.push(Tensor::from_data(TensorData::new(vec![0.0_f32; zeros], [zeros]), &last.device()));
            }
        }
        Tensor::cat(parameters, 0)
    }

    /// Whether the network was frozen: then its numbers are outside the autodiff graph.
    pub fn is_frozen(&self) -> bool {
        self.parameters.iter().all(|numbers| !numbers.device().is_autodiff())
    }

    /// Adds a linear layer.
    pub fn linear(&mut self, from: usize, linear: &Linear, relu: bool) -> usize {
        let weight = linear.weight.val();
        let outputs = weight.dims()[1];
        let bias = match &linear.bias {
            Some(bias) => bias.val(),
            None => Tensor::zeros([outputs], &weight.device()),
        };
        let row = outputs.next_multiple_of(Layers::SLOT);
        let weight = if row == outputs { weight } else { wider(weight, row) };
        let layer = Layer::Linear { from, weight: self.push(weight), bias: self.push(bias), relu };
        self.fill_up(row - outputs);
        self.layer(layer, [outputs, 1, 1])
    }

    /// Adds a convolution and what follows it. Its kernel is square, its stride and padding the same on every side, and it has neither
    /// groups nor dilation; others cannot be written.
    pub fn convolution(&mut self, from: usize, conv: &Conv2d, after: After<'_>) -> usize {
        let weight = conv.weight.val();
        let [outputs, _, kernel, _] = weight.dims();
        let stride = conv.stride[0];
        let padding = match &conv.padding {
            PaddingConfig2d::Valid => 0,
            PaddingConfig2d::Same => kernel / 2,
            PaddingConfig2d::Explicit(top, ..) => *top,
        };
        let [_, height, width] = self.layers.signals[from];
        let side = |length: usize| (length + 2 * padding - kernel) / stride + 1;
        let bias = conv.bias.as_ref().map(burn::module::Param::val);
        let (scale, shift) = match (after.norm.map(BatchNorm2d::scale_and_shift), bias) {
            (Some((scale, shift)), Some(bias)) => (Some(scale.clone()), Some(shift + bias * scale)),
            (Some((scale, shift)), None) => (Some(scale), Some(shift)),
            (None, bias) => (None, bias),
        };
        let weight = self.push(weight);
        let scale = scale.map(|scale| self.push(scale));
        let shift = shift.map(|shift| self.push(shift));
        let After { add, relu, .. } = after;
        let layer = Layer::Convolution { from, kernel, stride, padding, weight, scale, shift, add, relu };
        self.layer(layer, [outputs, side(height), side(width)])
    }

    /// Adds `relu(scale x + shift)` per channel.
    pub fn scale(&mut self, from: usize, (scale, shift): (Tensor<1>, Tensor<1>), relu: bool) -> usize {
        let layer = Layer::Scale { from, scale: self.push(scale), shift: self.push(shift), relu };
        self.layer(layer, self.layers.signals[from])
    }

    /// Adds 2 x 2 max pooling.
    pub fn max_pool(&mut self, from: usize) -> usize {
        let [channels, height, width] = self.layers.signals[from];
        self.layer(Layer::MaxPool { from }, [channels, height / 2, width / 2])
    }

    /// Adds the mean of every channel.
    pub fn mean(&mut self, from: usize) -> usize {
        let [channels, ..] = self.layers.signals[from];
        self.layer(Layer::Mean { from }, [channels, 1, 1])
    }

    fn layer(&mut self, layer: Layer, signal: [usize; 3]) -> usize {
        self.layers.layers.push(layer);
        self.layers.signals.push(signal);
        self.layers.layers.len()
    }

    /// Adds so many zeros to the buffer.
    fn fill_up(&mut self, zeros: usize) {
        if let (1.., Some(numbers)) = (zeros, self.parameters.last()) {
            let zeros = Tensor::<1>::from_data(TensorData::new(vec![0.0_f32; zeros], [zeros]), &numbers.device());
            self.push(zeros);
        }
    }

    fn push<const D: usize>(&mut self, numbers: Tensor<D>) -> usize {
        let (place, len) = (self.len, numbers.shape().num_elements());
        self.parameters.push(numbers.reshape([len]));
        self.len += len;
        place
    }
}

/// Rows filled up with zeros to this length: a product with a part of the identity, which is one dispatch where writing the two
/// parts into one tensor would be three.
fn wider(weight: Tensor<2>, row: usize) -> Tensor<2> {
    let outputs = weight.dims()[1];
    let identity: Vec<f32> = (0..outputs * row).map(|place| f32::from(u8::from(place / row == place % row))).collect();
    let identity = Tensor::from_data(TensorData::new(identity, [outputs, row]), &weight.device());
    weight.matmul(identity)
}
