//! Finds the weights in a saved object: at the top, or under a name beside an optimiser and other things.

use std::collections::{HashMap, HashSet};

use super::{
    Container, Unreadable,
    element::Element,
    pytorch::{Pickled, Storage, View, entries},
};
use crate::{
    files::pickle::{Id, Value},
    model::NamedTensor,
};

/// How deep dictionaries are looked into.
const DEEPEST: usize = 6;
/// How many dictionaries are looked into.
const MOST: usize = 10_000;
/// How many entries of dictionaries are looked at: dictionaries may share theirs.
const MOST_ENTRIES: usize = 1 << 22;
/// How long a name may be under which there are weights.
const LONGEST: usize = 256;
/// How many bytes the tensors may have together for each byte of the file. A file may give one storage several names, as tied layers do; a
/// file that gives it many asks for more memory than it is worth.
const REPEATED: u64 = 4;
/// How many bytes the tensors of a small file may have together.
const ALWAYS: u64 = 1 << 20;

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
struct Found<'p, 'a> {
    /// Its names from the top on.
    path: Vec<&'p str>,
    value: Value<'p, 'a>,
}

/// A view whose numbers are to be read.
pub(super) struct Piece<'a> {
    name: &'a str,
    view: &'a View<'a>,
    /// Whether no later piece is of the same storage.
    last: bool,
}

impl Piece<'_> {
    /// Whether this is the last piece of its storage, which can then be dropped.
    pub(super) fn is_last(&self) -> bool {
        self.last
    }

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
type Numbers<'a> = &'a mut dyn FnMut(&Storage<'_>, Piece<'_>) -> Result<Vec<f32>, Unreadable>;

/// The weights in a pickle of a file of `size` bytes; `numbers` reads those of a storage.
pub(super) fn read(pickled: &Pickled<'_, '_>, size: usize, numbers: Numbers<'_>) -> Result<Container, Unreadable> {
    let mut search = Search { pickled, found: Vec::new(), seen: HashSet::new(), entries: 0 };
    search.look(pickled.root, &mut Vec::new());
    let found = search.found;
    let chosen = choose(&found)?;
    let mut container = Container {
        found_under: Some(chosen.path.join(".")).filter(|path| !path.is_empty()),
        beside: found.iter().filter(|other| other.value.id() != chosen.value.id()).map(|other| other.path.join(".")).collect(),
        ..Container::default()
    };
    let tensors: Vec<(&str, View<'_>)> = tensors(pickled, chosen.value)
        .into_iter()
        .filter(|(name, _)| !is_counter(name))
        .filter_map(|(name, tensor)| Some((name, pickled.view(tensor)?)))
        .collect();
    fits(&tensors, size)?;
    let mut uses: HashMap<&str, usize> = HashMap::new();
    tensors.iter().for_each(|(_, view)| *uses.entry(view.storage.key).or_default() += 1);
    for (name, view) in tensors {
        if let Element::Whole(_) = view.element {
            return Err(Unreadable::new(format!("`{name}` holds whole numbers"), "floats (`tensor.float()` in PyTorch)"));
        }
        if view.element != Element::F32 && !container.converted.contains(&view.element.name()) {
            container.converted.push(view.element.name());
        }
        let last = uses.get_mut(view.storage.key).is_none_or(|left| {
            *left -= 1;
            *left == 0
        });
        let values = numbers(&view.storage, Piece { name, view: &view, last })?;
        container.tensors.push((name.to_owned(), NamedTensor { shape: view.shape, values }));
    }
    Ok(container)
}

/// Refuses tensors, and storages, that have many more bytes than the file of `size` bytes that they come from: a storage under thousands of
/// names, or one that is packed a thousandfold.
fn fits(tensors: &[(&str, View<'_>)], size: usize) -> Result<(), Unreadable> {
    let most = (size as u64).saturating_mul(REPEATED).max(ALWAYS);
    let of_view = |view: &View<'_>| {
        let numbers = view.shape.iter().try_fold(1_u64, |count, size| count.checked_mul(*size as u64));
        numbers.and_then(|numbers| numbers.checked_mul(view.element.size() as u64)).unwrap_or(u64::MAX)
    };
    let storages: HashMap<&str, u64> = tensors.iter().map(|(_, view)| (view.storage.key, view.storage.bytes as u64)).collect();
    let wanted = tensors.iter().fold(0_u64, |sum, (_, view)| sum.saturating_add(of_view(view)));
    let claimed = storages.values().fold(0_u64, |sum, bytes| sum.saturating_add(*bytes));
    let wanted = wanted.max(claimed);
    if wanted <= most {
        return Ok(());
    }
    Err(Unreadable::new(
        format!(
            "a PyTorch file of {size} bytes whose {} tensors want {wanted}, from {} storages of {claimed} bytes",
            tensors.len(),
            storages.len()
        ),
        format!(
            "at most {most} bytes, {REPEATED} times the file: tensors with numbers of their own (`torch.save` of a `state_dict`)"
        ),
    ))
}

/// The tensors that a dictionary holds by name; of two of one name the later, in the place of the first.
fn tensors<'p, 'a>(pickled: &Pickled<'p, 'a>, value: Value<'p, 'a>) -> Vec<(&'p str, Value<'p, 'a>)> {
    let mut tensors: Vec<(&str, Value<'p, 'a>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (name, value) in entries(value).unwrap_or_default() {
        let (Some(name), Some(_)) = (name.text(), pickled.element(value)) else { continue };
        let place = *places.entry(name).or_insert(tensors.len());
        match tensors.get_mut(place) {
            Some(earlier) => earlier.1 = value,
            None => tensors.push((name, value)),
        }
    }
    tensors
}

/// Looks for dictionaries of tensors.
struct Search<'s, 'p, 'a> {
    pickled: &'s Pickled<'p, 'a>,
    found: Vec<Found<'p, 'a>>,
    /// The dictionaries that were looked into.
    seen: HashSet<Id>,
    /// How many entries were looked at.
    entries: usize,
}

impl<'p, 'a> Search<'_, 'p, 'a> {
    /// Looks from `value` on, which lies under `path`.
    fn look(&mut self, value: Value<'p, 'a>, path: &mut Vec<&'p str>) {
        if path.len() > DEEPEST || self.seen.len() >= MOST || self.entries >= MOST_ENTRIES || self.seen.contains(&value.id()) {
            return;
        }
        let Some(entries) = entries(value) else { return };
        self.seen.insert(value.id());
        self.entries += entries.len();
        let weights = |element: Element| !matches!(element, Element::Whole(_));
        if entries.iter().any(|(name, value)| name.text().is_some() && self.pickled.element(*value).is_some_and(weights)) {
            self.found.push(Found { path: path.clone(), value });
        }
        for (name, value) in entries {
            if let Some(name) = name.text().filter(|name| name.len() <= LONGEST) {
                path.push(name);
                self.look(value, path);
                path.pop();
            }
        }
    }
}

/// The dictionary that is the network's.
fn choose<'f, 'p, 'a>(found: &'f [Found<'p, 'a>]) -> Result<&'f Found<'p, 'a>, Unreadable> {
    let is_network = |found: &&Found<'p, 'a>| {
        !found.path.iter().map(|name| name.to_lowercase()).any(|name| NO_NETWORK.iter().any(|other| name.contains(other)))
    };
    // By the rank of the outermost name, then of the next.
    let rank = |found: &Found<'p, 'a>| -> Vec<usize> {
        found.path.iter().map(|name| WRAPPERS.iter().position(|known| known == name).unwrap_or(WRAPPERS.len())).collect()
    };
    let networks: Vec<&Found<'p, 'a>> = found.iter().filter(is_network).collect();
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
