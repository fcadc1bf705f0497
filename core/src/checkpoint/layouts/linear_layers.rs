//! Perceptrons: linear layers one after the other, whatever they are called and whatever stands between them that has no numbers.

use std::cmp::Ordering;

use super::{Fit, Layout, Names};
use crate::model::ModelSpec;

/// `0.weight`, `2.weight`, .. of an `nn.Sequential`; also `1.`, `4.`, .. where other layers lie between, and `fc1.`, `fc2.`, .. of a class.
pub(super) const LAYOUT: Layout = Layout { fit };

fn fit(names: &Names<'_>) -> Option<Fit> {
    let mut layers: Vec<&str> = Vec::new();
    for (name, shape) in &names.0 {
        let (layer, leaf) = name.split_once('.')?;
        let is = matches!((leaf, shape.len()), ("weight", 2) | ("bias", 1));
        if !is {
            return None;
        }
        if !layers.contains(&layer) {
            layers.push(layer);
        }
    }
    let weight = |layer: &str| names.shape(&format!("{layer}.weight"));
    let chained = |layers: &[&str]| {
        let whole = layers.iter().all(|layer| {
            let rows = weight(layer).map(|shape| shape[0]);
            rows.is_some() && names.shape(&format!("{layer}.bias")).map(|shape| shape[0]) == rows
        });
        whole && layers.windows(2).all(|pair| weight(pair[0]).map(|shape| shape[0]) == weight(pair[1]).map(|shape| shape[1]))
    };
    // By their numbers, or in the order of the file, in which PyTorch keeps the order of the class.
    let in_file = layers.clone();
    layers.sort_by(|one, other| by_number(one, other));
    let layers = [layers, in_file].into_iter().find(|layers| !layers.is_empty() && chained(layers))?;
    let hidden = layers[..layers.len() - 1].iter().filter_map(|layer| weight(layer)).map(|shape| shape[0]).collect();
    let sequential = layers.iter().all(|layer| layer.parse::<usize>().is_ok());
    let title = if sequential { "an `nn.Sequential` of linear layers" } else { "linear layers one after the other" };
    Some(names.renamed(title, vec![ModelSpec::Mlp(hidden)], |name| {
        let (layer, leaf) = name.split_once('.')?;
        let place = layers.iter().position(|other| *other == layer)?;
        Some(format!("{}.{leaf}", 2 * place))
    }))
}

/// `fc10` behind `fc9`.
fn by_number(one: &str, other: &str) -> Ordering {
    let parts = |name: &str| {
        let text = name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        let number = name[text.len()..].parse::<u64>().unwrap_or_default();
        (text, number)
    };
    parts(one).cmp(&parts(other))
}
