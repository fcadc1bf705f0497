//! Recognises the naming scheme and the network of a file's tensors. One file per family of networks, and [`LAYOUTS`], the list.

mod attacker;
mod linear_layers;
mod net_mnist;
mod normalisation;
mod preact_resnet;
mod prefixes;
mod resnet;
mod small_cnn;
mod torchvision;
mod wide_resnet;

use crate::model::{ModelSpec, NamedTensor, Normalisation, Parameters};

use super::formats::{Container, Unreadable};

/// What tensors are called, and their shapes, in the order of the file.
pub(super) struct Names<'a>(Vec<(&'a str, &'a [usize])>);

impl<'a> Names<'a> {
    fn shape(&self, name: &str) -> Option<&'a [usize]> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, shape)| *shape)
    }

    /// Whether there is a tensor of this name.
    fn has(&self, name: &str) -> bool {
        self.shape(name).is_some()
    }

    /// The same names, if the first of them all is what the network is made of.
    fn as_they_are(&self, title: &'static str, networks: Vec<ModelSpec>) -> Fit {
        self.renamed(title, networks, |name| Some(name.to_owned()))
    }

    /// Other names; `None` for tensors that the network does not use.
    fn renamed(&self, title: &'static str, networks: Vec<ModelSpec>, name: impl Fn(&str) -> Option<String>) -> Fit {
        Fit { title, networks, names: self.0.iter().map(|(other, _)| name(other)).collect() }
    }
}

/// What a layout makes of names.
pub(super) struct Fit {
    /// Whose names they are.
    title: &'static str,
    /// The networks that they may be of: names and shapes alone do not always tell two apart.
    networks: Vec<ModelSpec>,
    /// The names here, one for each tensor; `None` for tensors that the network does not use.
    names: Vec<Option<String>>,
}

/// A family of networks under names of its own.
struct Layout {
    /// What these names are here, if they are of this family. It looks for the family's marks alone: whether every tensor fits, the network
    /// says that takes them.
    fit: fn(&Names<'_>) -> Option<Fit>,
}

/// The families; the first that fits is it.
const LAYOUTS: [&Layout; 7] = [
    &resnet::LAYOUT,
    &torchvision::LAYOUT,
    &preact_resnet::LAYOUT,
    &wide_resnet::LAYOUT,
    &small_cnn::LAYOUT,
    &net_mnist::LAYOUT,
    &linear_layers::LAYOUT,
];

/// What was found in the names of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Found {
    /// Tensors in the names here, the normalisation among them.
    pub(super) tensors: Parameters,
    /// Whose names they had; `None` where no family fits.
    pub(super) title: Option<&'static str>,
    /// The networks that it may be.
    pub(super) networks: Vec<ModelSpec>,
    /// What stood before every name, the outermost first.
    pub(super) prefixes: Vec<String>,
    /// What the network does not use: the first part of the names, and how many there are.
    pub(super) unused: Vec<(String, usize)>,
    /// How many tensors of an attacker are copies of the network's.
    pub(super) copies: usize,
    /// The normalisation inside the network.
    pub(super) normalisation: Option<Normalisation>,
}

/// Gives tensors the names that they have here.
///
/// # Errors
/// [`Unreadable`] where two tensors get one name, or the network normalises in two ways.
pub(super) fn named(container: &Container) -> Result<Found, Unreadable> {
    let mut tensors: Vec<(&str, &NamedTensor)> = container.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let normalisation = normalisation::take(&mut tensors)?;
    let copies = attacker::take_copies(&mut tensors);
    let list: Vec<(&str, &[usize])> = tensors.iter().map(|(name, tensor)| (*name, tensor.shape.as_slice())).collect();
    let (stripped, fit) = prefixes::stripped(&list, |names| LAYOUTS.iter().find_map(|layout| (layout.fit)(names)));
    let mut found = Found { prefixes: stripped.prefixes, copies, ..Found::default() };
    let names = match fit {
        Some(fit) => {
            found.title = Some(fit.title);
            found.networks = fit.networks;
            fit.names
        }
        None => stripped.names.iter().map(|name| Some((*name).to_owned())).collect(),
    };
    for ((name, (whole, tensor)), stripped) in names.into_iter().zip(tensors).zip(stripped.names) {
        match name {
            Some(name) => {
                if found.tensors.insert(name.clone(), tensor.clone()).is_some() {
                    return Err(Unreadable {
                        found: format!("two tensors that are both `{name}` here, one of them `{whole}`"),
                        expected: "the weights of one network".to_owned(),
                    });
                }
            }
            None => {
                let part = stripped.split('.').next().unwrap_or_default();
                match found.unused.iter_mut().find(|(other, _)| other == part) {
                    Some((_, count)) => *count += 1,
                    None => found.unused.push((part.to_owned(), 1)),
                }
            }
        }
    }
    if let Some(Normalisation::MeanStd { mean, std }) = &normalisation {
        for (name, values) in [("normalise.mean", mean), ("normalise.std", std)] {
            found.tensors.insert(name.to_owned(), NamedTensor { shape: vec![values.len()], values: values.clone() });
        }
    }
    found.normalisation = normalisation;
    Ok(found)
}

#[cfg(test)]
mod tests;
