//! A network's tensors under PyTorch's names and in PyTorch's layouts.
//!
//! The networks' fields have PyTorch's names, so a tensor's name is its path through the module, with three rules. The two outermost
//! components (`architecture` and the variant) are dropped. Layer i of the perceptron is entry 2 i of an `nn.Sequential`, whose odd entries
//! are ReLU. A linear layer's weight is stored as (out, in), while burn keeps (in, out).

use std::collections::{BTreeMap, BTreeSet};

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Device, Tensor, TensorData},
};

use serde::{Deserialize, Serialize};

use super::{Gradient, ModelError, ModelSpec, Network};
use crate::{
    dataset::SampleShape,
    device::{self, DeviceError},
};

/// One tensor on the host, in PyTorch's layout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedTensor {
    /// The sizes of its dimensions.
    pub shape: Vec<usize>,
    /// Its numbers, the last dimension running fastest.
    pub values: Vec<f32>,
}

/// Tensors by name, in the order of their names.
pub type Parameters = BTreeMap<String, NamedTensor>;

/// Why weights do not fit a network.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the weights do not fit the network: {}. Check the name of the network, and the class count and image size of the data.", first_few(.problems, "; "))]
pub struct WeightsError {
    /// Every missing, unknown or mis-shaped tensor, one sentence each.
    pub problems: Vec<String>,
}

/// As many of a list as a sentence bears.
pub(super) fn first_few(list: &[String], between: &str) -> String {
    const FEW: usize = 4;
    let shown = list[..list.len().min(FEW)].join(between);
    match list.len().saturating_sub(FEW) {
        0 => shown,
        more => format!("{shown}{between}and {more} more"),
    }
}

/// The path of burn's visitor to a tensor: (field name, kind of container).
type Path = Vec<(String, String)>;

/// PyTorch's name of the tensor at `path`.
fn pytorch_name(path: &Path) -> String {
    let names: Vec<&str> = path.iter().map(|(name, _)| name.as_str()).collect();
    match names.as_slice() {
        ["architecture", "Mlp", "layers", layer, leaf] => {
            let place = layer.parse().map_or_else(|_| (*layer).to_owned(), |layer: usize| (2 * layer).to_string());
            format!("{place}.{leaf}")
        }
        ["architecture", _variant, rest @ ..] => rest.join("."),
        others => others.join("."),
    }
}

/// Whether the tensor at `path` is a linear layer's weight, which PyTorch keeps transposed.
fn is_linear_weight(path: &Path) -> bool {
    path.last().is_some_and(|(name, container)| name == "weight" && container.ends_with(":Linear"))
}

/// Keeps the path while burn walks a module.
macro_rules! follow_path {
    () => {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.push((name.to_owned(), container.to_owned()));
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
    };
}

/// The number of learned parameters of `network`: weights and biases, without running statistics and normalisation.
pub fn parameter_count(network: &Network) -> usize {
    struct Count {
        path: Path,
        learned: usize,
    }
    impl ModuleVisitor for Count {
        follow_path!();

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let leaf = self.path.last().map_or("", |(name, _)| name.as_str());
            if matches!(leaf, "weight" | "bias") {
                self.learned += param.lazy_shape().num_elements();
            }
        }
    }
    let mut count = Count { path: Vec::new(), learned: 0 };
    network.visit(&mut count);
    count.learned
}

/// The names and PyTorch's shapes of all tensors of the network `spec` for samples of `shape` and `classes` classes. Allocates no tensor.
///
/// # Errors
/// [`ModelError`] if the network does not accept such samples.
pub(crate) fn tensor_shapes(
    spec: &ModelSpec,
    shape: SampleShape,
    classes: usize,
) -> Result<BTreeMap<String, Vec<usize>>, ModelError> {
    struct Collect {
        path: Path,
        shapes: BTreeMap<String, Vec<usize>>,
    }
    impl ModuleVisitor for Collect {
        follow_path!();

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let mut shape = param.lazy_shape().to_vec();
            if is_linear_weight(&self.path) {
                shape.reverse();
            }
            self.shapes.insert(pytorch_name(&self.path), shape);
        }
    }
    let mut collect = Collect { path: Vec::new(), shapes: BTreeMap::new() };
    Network { normalise: None, architecture: spec.build(shape, classes, &Device::flex())? }.visit(&mut collect);
    Ok(collect.shapes)
}

/// Reads all tensors of `network` back to the host.
///
/// # Errors
/// [`DeviceError::Lost`] when the device no longer answers.
pub async fn named_tensors(network: &Network) -> Result<Parameters, DeviceError> {
    struct Collect {
        path: Path,
        tensors: Vec<(String, bool, Vec<usize>, Tensor<1>)>,
    }
    impl ModuleVisitor for Collect {
        follow_path!();

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val();
            let shape = tensor.dims().to_vec();
            let len: usize = shape.iter().product();
            self.tensors.push((pytorch_name(&self.path), is_linear_weight(&self.path), shape, tensor.reshape([len])));
        }
    }
    let mut collect = Collect { path: Vec::new(), tensors: Vec::new() };
    // `valid` leaves the autodiff graph and settles batch norm's running statistics.
    network.valid().visit(&mut collect);
    read_named(collect.tensors).await
}

/// Reads a gradient of `network`'s learned tensors back to the host, by their names and in their layouts.
///
/// # Errors
/// [`DeviceError::Lost`] when the device no longer answers.
pub async fn named_gradient(network: &Network, gradient: &Gradient) -> Result<Parameters, DeviceError> {
    struct Collect {
        path: Path,
        rest: std::vec::IntoIter<Tensor<1>>,
        tensors: Vec<(String, bool, Vec<usize>, Tensor<1>)>,
    }
    impl ModuleVisitor for Collect {
        follow_path!();

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val();
            if !value.is_require_grad() {
                return;
            }
            if let Some(tensor) = self.rest.next() {
                self.tensors.push((pytorch_name(&self.path), is_linear_weight(&self.path), value.dims().to_vec(), tensor));
            }
        }
    }
    let mut collect = Collect { path: Vec::new(), rest: gradient.tensors.clone().into_iter(), tensors: Vec::new() };
    network.visit(&mut collect);
    read_named(collect.tensors).await
}

/// Tensors with their names, whether they are kept transposed, and their shapes, on the host.
async fn read_named(tensors: Vec<(String, bool, Vec<usize>, Tensor<1>)>) -> Result<Parameters, DeviceError> {
    let mut parameters = Parameters::new();
    for (name, turn, mut shape, tensor) in tensors {
        let mut values = device::read(tensor).await?;
        if turn {
            values = transposed(&values, shape[1]);
            shape.reverse();
        }
        parameters.insert(name, NamedTensor { shape, values });
    }
    Ok(parameters)
}

/// Replaces the tensors of a network by `parameters`, on its device.
///
/// Names may have the prefix `module.` (of `nn.DataParallel`). Ignores `num_batches_tracked`.
///
/// # Errors
/// [`WeightsError`] lists every tensor that is missing, unknown or of another shape. The network is then lost; running statistics that it
/// shares with a copy (burn's `clone`) may have changed in part.
pub fn with_tensors(network: Network, parameters: &Parameters) -> Result<Network, WeightsError> {
    struct Place<'a> {
        path: Path,
        given: BTreeMap<&'a str, &'a NamedTensor>,
        used: BTreeSet<String>,
        problems: Vec<String>,
    }
    impl ModuleMapper for Place<'_> {
        follow_path!();

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let name = pytorch_name(&self.path);
            let turn = is_linear_weight(&self.path);
            let mut shape = param.lazy_shape().to_vec();
            if turn {
                shape.reverse();
            }
            let Some(given) = self.given.get(name.as_str()) else {
                self.problems.push(format!("`{name}` {shape:?} is missing"));
                return param;
            };
            self.used.insert(name.clone());
            if given.shape != shape {
                self.problems.push(format!("`{name}` is {:?}, expected {shape:?}", given.shape));
                return param;
            }
            if let Some(wrong) = given.values.iter().find(|value| !value.is_finite()) {
                self.problems.push(format!("`{name}` holds {wrong}, which is no finite number"));
                return param;
            }
            let values = if turn { transposed(&given.values, shape[1]) } else { given.values.clone() };
            param.map(|old| {
                let tracked = old.is_require_grad();
                Tensor::from_data(TensorData::new(values, old.dims()), &old.device()).set_require_grad(tracked)
            })
        }
    }
    let given = parameters
        .iter()
        .map(|(name, tensor)| (name.strip_prefix("module.").unwrap_or(name), tensor))
        .filter(|(name, _)| !name.ends_with("num_batches_tracked"))
        .collect();
    let mut place = Place { path: Vec::new(), given, used: BTreeSet::new(), problems: Vec::new() };
    let filled = network.map(&mut place);
    for (name, tensor) in &place.given {
        if !place.used.contains(*name) {
            place.problems.push(format!("`{name}` {:?} is unknown", tensor.shape));
        }
    }
    if place.problems.is_empty() { Ok(filled) } else { Err(WeightsError { problems: place.problems }) }
}

/// The transposed of a matrix with `columns` columns.
///
/// On the host: a network must compute with the same layout after loading as before saving, because products over a
/// transposed view take another path through the CPU backend and round differently.
fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| matrix.iter().skip(column).step_by(columns).copied()).collect()
}
