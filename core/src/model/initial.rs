//! Initial weights, drawn on the host so that they are the same on every device.

use std::{fmt, str::FromStr};

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Tensor, TensorData},
};

use super::Network;
use crate::random::{Purpose, Stream};

/// The distribution of initial weights and biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Initialisation {
    /// PyTorch's default: weights and biases of linear and convolution layers uniform in ±1/√fan_in.
    #[default]
    PyTorch,
    /// He et al. 2015: weights normal with variance 2/fan_in, biases 0.
    He,
}

impl FromStr for Initialisation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "pytorch" => Ok(Self::PyTorch),
            "he" => Ok(Self::He),
            _ => Err(format!("`{text}` is no initialisation: expected `pytorch` or `he`")),
        }
    }
}

impl fmt::Display for Initialisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PyTorch => "pytorch",
            Self::He => "he",
        })
    }
}

/// Draws the weights of linear and convolution layers; norm layers keep weight 1, bias 0, mean 0, variance 1.
pub fn initialise(network: Network, how: Initialisation, seed: u64) -> Network {
    network.map(&mut Draw { how, seed, index: 0, fan_in: 1, container: Vec::new() })
}

/// Walks the module and draws parameter after parameter, each from a stream of its own.
struct Draw {
    how: Initialisation,
    seed: u64,
    /// The index of the next parameter in the walk.
    index: u64,
    /// Numbers that one output of the layer last seen is computed from; a bias follows its weight.
    fan_in: usize,
    container: Vec<(String, String)>,
}

impl ModuleMapper for Draw {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.container.push((name.to_owned(), container.to_owned()));
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.container.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (name, container) = self.container.last().cloned().unwrap_or_default();
        let linear = container.ends_with(":Linear");
        if !linear && !container.ends_with(":Conv2d") {
            return param;
        }
        let shape = param.lazy_shape().to_vec();
        let mut stream = Stream::new(self.seed, Purpose::Weights, 0, self.index);
        self.index += 1;
        if name == "weight" {
            // burn keeps a linear weight as (in, out) and a convolution's as (out, in, height, width).
            self.fan_in = if linear { shape[0] } else { shape[1..].iter().product() };
        }
        let len: usize = shape.iter().product();
        let scale = 1.0 / self.fan_in as f32;
        let values: Vec<f32> = match (self.how, name.as_str()) {
            (Initialisation::PyTorch, _) => (0..len).map(|_| scale.sqrt() * stream.symmetric()).collect(),
            (Initialisation::He, "weight") => (0..len).map(|_| (2.0 * scale).sqrt() * stream.normal()).collect(),
            (Initialisation::He, _) => vec![0.0; len],
        };
        let device = param.lazy_device();
        let tracked = param.val().is_require_grad();
        param.map(|_| Tensor::from_data(TensorData::new(values, shape), &device).set_require_grad(tracked))
    }
}
