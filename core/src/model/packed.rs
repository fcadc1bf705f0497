//! The numbers of a perceptron one behind the other, as its kernels read them: [`Program::parameters`](super::Program::parameters),
//! and back to the tensors of the network.

use std::sync::Arc;

use burn::{
    module::{Module as _, ModuleMapper, Param},
    tensor::{Tensor, TensorData},
};

use super::{Layer, Layers, Network};

impl Layers {
    /// The lengths of a linear layer's rows, as burn keeps them and filled up with zeros to whole slots.
    pub(super) fn row(outputs: usize) -> [usize; 2] {
        [outputs, outputs.next_multiple_of(Self::SLOT)]
    }

    /// How many zeros stand behind all numbers: where the samples fill no whole slots, so that nothing behind the buffer is read.
    pub(crate) fn zeros_behind(&self) -> usize {
        let Some(Layer::Linear { from, .. }) = self.layers.last() else { return 0 };
        let inputs: usize = self.signals[*from].iter().product();
        if inputs.is_multiple_of(Self::SLOT) { 0 } else { Self::SLOT * Self::row(self.classes())[1] }
    }

    /// Of every linear layer its inputs, its outputs, and where its weights and biases begin.
    fn linear(&self) -> impl Iterator<Item = ([usize; 2], [usize; 2])> {
        self.layers.iter().zip(&self.signals[1..]).filter_map(|(layer, output)| match *layer {
            Layer::Linear { from, weight, bias, .. } => {
                let sizes = [&self.signals[from], output].map(|signal| signal.iter().product());
                Some((sizes, [weight, bias]))
            }
            _ => None,
        })
    }

    /// Tensors of a perceptron, flat, in the order in which burn walks it: as one.
    pub(crate) fn pack(&self, tensors: &[Tensor<1>]) -> Tensor<1> {
        let mut parts = Vec::new();
        for (([inputs, outputs], _), pair) in self.linear().zip(tensors.chunks_exact(2)) {
            parts.extend(packed_layer(pair[0].clone(), Some(pair[1].clone()), [inputs, outputs]));
        }
        parts.extend(parts.last().and_then(|last| zeros(self.zeros_behind(), last)));
        Tensor::cat(parts, 0)
    }

    /// The same of plain numbers, which stand one behind the other in that order.
    pub(crate) fn packed(&self, mut numbers: &[f32]) -> Vec<f32> {
        let mut packed = Vec::new();
        for ([inputs, outputs], _) in self.linear() {
            let [_, row] = Self::row(outputs);
            // The rows of the weights, and the biases.
            for _ in 0..=inputs {
                let (of_row, rest) = numbers.split_at(outputs);
                packed.extend_from_slice(of_row);
                packed.resize(packed.len() + row - outputs, 0.0);
                numbers = rest;
            }
        }
        packed.resize(packed.len() + self.zeros_behind(), 0.0);
        packed
    }

    pub(crate) fn unpack(&self, packed: &Tensor<1>) -> Vec<Tensor<1>> {
        (0..2 * self.layers.len()).filter_map(|place| self.unpack_one(packed, place)).collect()
    }

    fn unpack_one(&self, packed: &Tensor<1>, place: usize) -> Option<Tensor<1>> {
        let ([inputs, outputs], begins) = self.linear().nth(place / 2)?;
        let begin = begins[place % 2];
        let rows = if place.is_multiple_of(2) { inputs } else { 1 };
        let [_, row] = Self::row(outputs);
        let whole = packed.clone().narrow(0, begin, rows * row);
        let numbers = if row == outputs {
            whole
        } else {
            whole.reshape([rows, row]).slice([0..rows, 0..outputs]).reshape([rows * outputs])
        };
        Some(numbers)
    }
}

/// Weights and biases of a linear layer with so many inputs and outputs, one behind the other, their rows filled up with zeros.
pub(super) fn packed_layer(weight: Tensor<1>, bias: Option<Tensor<1>>, [inputs, outputs]: [usize; 2]) -> Vec<Tensor<1>> {
    let [_, row] = Layers::row(outputs);
    let filler = zeros(row - outputs, &weight);
    let weight = if row == outputs { weight } else { wider(weight.reshape([inputs, outputs]), row) };
    [Some(weight), bias, filler].into_iter().flatten().collect()
}

/// So many zeros where `beside` is; `None` for none.
pub(super) fn zeros(count: usize, beside: &Tensor<1>) -> Option<Tensor<1>> {
    (count > 0).then(|| Tensor::from_data(TensorData::new(vec![0.0_f32; count], [count]), &beside.device()))
}

/// Rows filled up with zeros to this length: a product with a part of the identity, which is one dispatch where writing the two
/// parts into one tensor would be three.
fn wider(weight: Tensor<2>, row: usize) -> Tensor<1> {
    let [inputs, outputs] = weight.dims();
    let identity: Vec<f32> = (0..outputs * row).map(|index| f32::from(u8::from(index / row == index % row))).collect();
    let identity = Tensor::from_data(TensorData::new(identity, [outputs, row]), &weight.device());
    weight.matmul(identity).reshape([inputs * row])
}

/// The perceptron with these numbers for its own. They become tensors on first use: most steps of a training are followed by
/// another one that does not.
pub(crate) fn with_packed(network: Network, layers: &Arc<Layers>, packed: &Tensor<1>) -> Network {
    struct Replace<'a> {
        layers: &'a Arc<Layers>,
        packed: &'a Tensor<1>,
        place: usize,
    }
    impl ModuleMapper for Replace<'_> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (layers, packed, place) = (self.layers.clone(), self.packed.clone(), self.place);
            self.place += 1;
            if place >= 2 * layers.layers.len() {
                return param;
            }
            let (device, shape) = (param.lazy_device(), param.lazy_shape());
            let sizes = shape.clone();
            let numbers = move |device: &burn::tensor::Device, tracked: bool| {
                let numbers = layers.unpack_one(&packed, place).unwrap_or_else(|| packed.zeros_like());
                let numbers = numbers.reshape::<D, _>(sizes);
                let numbers = if device.is_autodiff() { numbers.autodiff() } else { numbers };
                numbers.set_require_grad(tracked)
            };
            Param::uninitialized(param.id, numbers, device, true, shape)
        }
    }
    network.map(&mut Replace { layers, packed, place: 0 })
}
