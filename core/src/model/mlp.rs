//! The multilayer perceptron: linear layers with ReLU between them.

use burn::{
    module::Module,
    nn::{Initializer, Linear, LinearConfig},
    tensor::{Device, Tensor, activation::relu},
};

use super::{Classifier, Program};

/// `Linear, ReLU, Linear, ReLU, ..., Linear`, which is PyTorch's `nn.Sequential` of the same; any number of hidden layers.
#[derive(Module, Debug)]
pub struct Mlp {
    /// The linear layers, from the input to the logits.
    pub layers: Vec<Linear>,
}

impl Mlp {
    /// A perceptron, its weights not yet drawn, with `inputs` numbers in, the given hidden widths (possibly none) and `classes` logits out; all sizes positive.
    pub fn new(inputs: usize, hidden: &[usize], classes: usize, device: &Device) -> Self {
        let sizes: Vec<usize> = [inputs].into_iter().chain(hidden.iter().copied()).chain([classes]).collect();
        Self {
            layers: sizes
                .windows(2)
                .map(|pair| LinearConfig::new(pair[0], pair[1]).with_initializer(Initializer::Zeros).init(device))
                .collect(),
        }
    }
}

impl Mlp {
    /// How many numbers a sample has.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.weight.dims()[0])
    }

    /// Writes the layers after signal `from`.
    pub(super) fn write(&self, program: &mut Program, from: usize) {
        let mut signal = from;
        for (depth, layer) in self.layers.iter().enumerate() {
            signal = program.linear(signal, layer, depth + 1 < self.layers.len());
        }
    }
}

impl Classifier for Mlp {
    fn logits(&self, samples: Tensor<2>) -> Tensor<2> {
        let mut signal = samples;
        for (depth, layer) in self.layers.iter().enumerate() {
            signal = layer.forward(if depth == 0 { signal } else { relu(signal) });
        }
        signal
    }

    fn program(&self) -> Option<Program> {
        let mut program = Program::new([self.inputs(), 1, 1]);
        self.write(&mut program, 0);
        Some(program)
    }
}
