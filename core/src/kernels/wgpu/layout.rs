//! Where a network's numbers lie on a GPU: what is trained first, each tensor as the network keeps it, then what is not; the running
//! statistics of batch normalisation apart.

use crate::model::{Channels, Layer, Program};

/// The places of all layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Of every layer where its weights begin.
    pub(super) weights: Vec<usize>,
    /// Of every layer what follows per channel.
    pub(super) channels: Vec<Places>,
    /// Channels of all batch normalisations.
    pub(super) norms: usize,
    /// Where the factors of batch normalisation begin, and its addends.
    pub(super) norm: [usize; 2],
    /// Numbers that are trained.
    pub(super) trained: usize,
    pub(super) numbers: usize,
}

/// What follows a layer's sum per channel, and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Places {
    None,
    /// A factor and an addend among the parameters.
    Fixed([usize; 2]),
    /// An addend among the parameters.
    Bias(usize),
    /// The first channel among those of all batch normalisations.
    Norm(usize),
}

impl Layout {
    pub(super) fn of(program: &Program) -> Self {
        let layers = &program.layers;
        let outputs = |index: usize| layers.signals[index + 1][0];
        let (mut weights, mut channels) = (Vec::new(), Vec::new());
        let (mut next, mut norms) = (0, 0);
        let mut room = |numbers: usize| {
            next += numbers;
            next - numbers
        };
        for (index, tensors) in program.tensors().iter().enumerate() {
            weights.push(if tensors.weight.is_some() { room(layers.weights(index)) } else { 0 });
            channels.push(match &tensors.channels {
                Channels::None | Channels::Fixed(_) => Places::None,
                Channels::Bias(_) => Places::Bias(room(outputs(index))),
                Channels::Norm(_) => {
                    norms += outputs(index);
                    Places::Norm(norms - outputs(index))
                }
            });
        }
        let norm = [room(norms), room(norms)];
        let trained = room(0);
        for (index, tensors) in program.tensors().iter().enumerate() {
            if let Channels::Fixed(_) = tensors.channels {
                channels[index] = Places::Fixed([room(outputs(index)), room(outputs(index))]);
            }
        }
        Self { weights, channels, norms, norm, trained, numbers: next }
    }

    /// Where the learned tensors of a program begin, in the order of [`Program::learned`].
    pub(super) fn learned(&self, program: &Program) -> Vec<usize> {
        let mut places = Vec::new();
        for (index, tensors) in program.tensors().iter().enumerate() {
            if tensors.weight.is_some() {
                places.push(self.weights[index]);
            }
            match self.channels[index] {
                Places::Bias(place) => places.push(place),
                Places::Norm(first) => places.extend(self.norm.map(|begin| begin + first)),
                Places::None | Places::Fixed(_) => {}
            }
        }
        places
    }
}

/// From one weight of a layer to that of the next input, output and tap.
pub(super) fn strides(layer: &Layer, inputs: usize, outputs: usize, taps: usize) -> [usize; 3] {
    match layer {
        Layer::Linear { .. } => [outputs, 1, 0],
        _ => [taps, inputs * taps, 1],
    }
}
