//! The most similar network of the library, for tensors that fit none.

use std::collections::BTreeMap;

use super::{ModelSpec, Parameters, tensor_shapes};
use crate::dataset::SampleShape;

/// What tensors are held against, besides the Wide ResNet and the perceptron of their own sizes.
const NETWORKS: [ModelSpec; 7] = [
    ModelSpec::ResNet18,
    ModelSpec::PreActResNet18,
    ModelSpec::PreActResNet18Bn,
    ModelSpec::SmallCnn28,
    ModelSpec::SmallCnn32,
    ModelSpec::NetMnist,
    ModelSpec::WideResNet { depth: 34, width: 10, dropout: 0.0 },
];

/// The names and shapes of the tensors of `spec`, where it takes samples of `shape`.
pub(super) fn expected(spec: &ModelSpec, shape: SampleShape, weights: &Parameters) -> Option<BTreeMap<String, Vec<usize>>> {
    let classes = spec.last_layer(weights).unwrap_or(10).max(2);
    tensor_shapes(spec, shape, classes).ok()
}

/// The network of which most tensors are there by name and shape, how many of them, and how many it has.
pub(super) fn nearest(shape: SampleShape, weights: &Parameters) -> Option<(ModelSpec, usize, usize)> {
    let wide = weights.get("block1.layer.0.conv1.weight").and_then(|first| first.shape.first()).map(|outputs| {
        let blocks = (0..100).take_while(|block| weights.contains_key(&format!("block1.layer.{block}.conv1.weight"))).count();
        ModelSpec::WideResNet { depth: 6 * blocks + 4, width: outputs / 16, dropout: 0.0 }
    });
    let outputs = |layer: usize| weights.get(&format!("{}.weight", 2 * layer))?.shape.first().copied();
    let layers: Vec<usize> = (0..).map_while(outputs).collect();
    let perceptron = layers.split_last().map(|(_, hidden)| ModelSpec::Mlp(hidden.to_vec()));
    let scored = wide.into_iter().chain(perceptron).chain(NETWORKS).filter_map(|spec| {
        let expected = expected(&spec, shape, weights)?;
        let there = |(name, shape): &(&String, &Vec<usize>)| weights.get(*name).is_some_and(|tensor| tensor.shape == **shape);
        let shared = expected.iter().filter(there).count();
        Some((spec, shared, expected.len()))
    });
    let mut best: Option<(ModelSpec, usize, usize)> = None;
    for (spec, shared, all) in scored {
        // The first of equals; none that shares nothing.
        let leads = best.as_ref().is_none_or(|(_, most, of)| shared * of > most * all);
        if shared > 0 && leads {
            best = Some((spec, shared, all));
        }
    }
    best
}
