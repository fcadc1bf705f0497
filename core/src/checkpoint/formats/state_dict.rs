//! Where the weights are in what `torch.save` was given: at the top, or under a name, beside an optimiser and other things.

use super::{
    Container, Unreadable,
    element::Element,
    pytorch::{Made, Pickled, Storage, View},
};
use crate::{
    files::pickle::{Node, Place},
    model::NamedTensor,
};

/// How deep dictionaries are looked into.
const DEEPEST: usize = 6;
/// How many dictionaries are looked into.
const MOST: usize = 10_000;
/// How many numbers all tensors may have together: eight times the largest network that is built here.
const LARGEST: u64 = 1 << 33;

/// Names under which training code keeps weights, the most wanted first: a network before its average over the epochs.
const WRAPPERS: [&str; 14] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "net_state_dict",
    "network_state_dict",
    "weights",
    "params",
    "classifier",
    "ema_state_dict",
    "ema",
    "unaveraged_model_state_dict",
];
/// What is found in the names of what is no network.
const NO_NETWORK: [&str; 7] = ["optim", "sched", "scaler", "momentum", "adam", "sgd", "amp"];

/// Whether a tensor is PyTorch's counter of batches or of averaged models, which nothing here needs.
pub(super) fn is_counter(name: &str) -> bool {
    name.ends_with("num_batches_tracked") || name.ends_with("n_averaged")
}

/// A dictionary of tensors.
struct Found {
    /// Its names from the top on.
    path: Vec<String>,
    place: Place,
}

/// A view whose numbers are to be read.
pub(super) struct Piece<'a> {
    name: &'a str,
    view: &'a View,
}

impl Piece<'_> {
    /// The numbers, of the bytes of the storage.
    pub(super) fn of(&self, bytes: &[u8]) -> Result<Vec<f32>, Unreadable> {
        let View { element, offset, shape, strides, .. } = self.view;
        let (size, count) = (element.size(), self.view.shape.iter().product::<usize>());
        if count == 0 {
            return Ok(Vec::new());
        }
        // The number that lies furthest must be there; a view may not repeat numbers, or a small file could ask for all memory.
        let last = shape
            .iter()
            .zip(strides)
            .try_fold(*offset, |last, (size, stride)| last.checked_add((size - 1).checked_mul(*stride)?));
        let there = bytes.len() / size;
        if last.is_none_or(|last| last >= there) || count > there {
            return Err(Unreadable::new(
                format!("`{}` {shape:?} wants more than the {there} numbers that are there", self.name),
                "a whole file; copy or download it again",
            ));
        }
        // Nearly all tensors lie in one piece, one row after the other.
        let mut in_one_piece = 1;
        let contiguous = shape.iter().zip(strides).rev().all(|(size, stride)| {
            let follows = *size == 1 || *stride == in_one_piece;
            in_one_piece *= size;
            follows
        });
        if contiguous {
            return Ok(element.values(&bytes[size * offset..size * (offset + count)]));
        }
        let mut values = Vec::with_capacity(count);
        let mut place = vec![0_usize; shape.len()];
        for _ in 0..count {
            let at = size * (offset + place.iter().zip(strides).map(|(at, stride)| at * stride).sum::<usize>());
            values.push(element.value(&bytes[at..at + size]));
            for axis in (0..shape.len()).rev() {
                place[axis] += 1;
                if place[axis] < shape[axis] {
                    break;
                }
                place[axis] = 0;
            }
        }
        Ok(values)
    }
}

/// What reads the numbers of a piece of a storage.
type Numbers<'a> = &'a mut dyn FnMut(&Storage, Piece<'_>) -> Result<Vec<f32>, Unreadable>;

/// The weights in a pickle; `numbers` reads those of a storage.
pub(super) fn read(pickled: &Pickled, numbers: Numbers<'_>) -> Result<Container, Unreadable> {
    let mut found = Vec::new();
    look(pickled, pickled.root, &mut Vec::new(), &mut found, &mut 0);
    let chosen = choose(&found)?;
    let mut container = Container {
        found_under: Some(chosen.path.join(".")).filter(|path| !path.is_empty()),
        beside: found.iter().filter(|other| other.place != chosen.place).map(|other| other.path.join(".")).collect(),
        ..Container::default()
    };
    let mut total = 0_u64;
    for (name, view) in tensors(pickled, chosen.place) {
        if is_counter(name) {
            continue;
        }
        if let Element::Whole(_) = view.element {
            return Err(Unreadable::new(format!("`{name}` holds whole numbers"), "floats (`tensor.float()` in PyTorch)"));
        }
        let count = view.shape.iter().try_fold(1_usize, |count, size| count.checked_mul(*size)).unwrap_or(usize::MAX);
        total = total.saturating_add(count as u64);
        if total > LARGEST {
            return Err(Unreadable::new(format!("`{name}` {:?}", view.shape), "tensors that fit into memory"));
        }
        if view.element != Element::F32 && !container.converted.contains(&view.element.name()) {
            container.converted.push(view.element.name());
        }
        let values = numbers(&view.storage, Piece { name, view })?;
        container.tensors.push((name.to_owned(), NamedTensor { shape: view.shape.clone(), values }));
    }
    Ok(container)
}

/// The tensors that a dictionary holds by name; of two of one name the later.
fn tensors(pickled: &Pickled, place: Place) -> Vec<(&str, &View)> {
    let mut tensors: Vec<(&str, &View)> = Vec::new();
    for (name, value) in pickled.graph.entries(place).unwrap_or_default() {
        if let (Some(name), Node::Made(Made::Tensor(view))) = (pickled.graph.text(*name), pickled.graph.at(*value)) {
            tensors.push((name, view));
        }
    }
    tensors
}

/// Finds the dictionaries of tensors from `place` on.
fn look(pickled: &Pickled, place: Place, path: &mut Vec<String>, found: &mut Vec<Found>, looked: &mut usize) {
    *looked += 1;
    if path.len() > DEEPEST || *looked > MOST {
        return;
    }
    let holds = tensors(pickled, place).iter().any(|(_, view)| !matches!(view.element, Element::Whole(_)));
    if holds && !found.iter().any(|other| other.place == place) {
        found.push(Found { path: path.clone(), place });
    }
    for (name, value) in pickled.graph.entries(place).unwrap_or_default() {
        if let (Some(name), Node::Dict(_)) = (pickled.graph.text(*name), pickled.graph.at(*value)) {
            path.push(name.to_owned());
            look(pickled, *value, path, found, looked);
            path.pop();
        }
    }
}

/// The dictionary that is the network's.
fn choose(found: &[Found]) -> Result<&Found, Unreadable> {
    let is_network = |found: &&Found| {
        let lower = |name: &String| name.to_lowercase();
        !found.path.iter().map(lower).any(|name| NO_NETWORK.iter().any(|other| name.contains(other)))
    };
    // By the rank of the outermost name, then of the next.
    let rank = |found: &Found| -> Vec<usize> {
        found.path.iter().map(|name| WRAPPERS.iter().position(|known| known == name).unwrap_or(WRAPPERS.len())).collect()
    };
    let networks: Vec<&Found> = found.iter().filter(is_network).collect();
    let best = networks.iter().map(|found| rank(found)).min();
    let mut best = networks.iter().filter(|found| Some(rank(found)) == best);
    match (best.next(), best.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => {
            let names: Vec<String> = networks.iter().map(|found| format!("`{}`", found.path.join("."))).collect();
            Err(Unreadable::new(
                format!("a PyTorch file with weights under {}", names.join(", ")),
                "those of one network, at the top or under `state_dict` or `model`",
            ))
        }
        (None, _) => Err(Unreadable::new(
            "a PyTorch file (a zip archive or pickle that `torch.save` wrote) without weights",
            super::SAVE_PLAIN,
        )),
    }
}
