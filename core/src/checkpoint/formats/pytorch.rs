//! PyTorch's pickles: what stands in them for storages and tensors.

use super::{SAVE_PLAIN, Unreadable, element::Element};
use crate::files::pickle::{Graph, Host, Node, PickleError, Place, load};

/// Numbers outside the pickle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Storage {
    /// Its name in the file.
    pub(super) key: String,
    /// What kind of numbers; `None` where only the tensor knows.
    pub(super) element: Option<Element>,
    /// How many bytes it has.
    pub(super) bytes: usize,
}

/// A tensor: a view of a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// Of what.
    pub(super) storage: Storage,
    /// What kind of numbers.
    pub(super) element: Element,
    /// The first number.
    pub(super) offset: usize,
    /// The sizes of its dimensions.
    pub(super) shape: Vec<usize>,
    /// Numbers from one place of a dimension to the next.
    pub(super) strides: Vec<usize>,
}

/// What PyTorch's pickles have made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// A storage.
    Storage(Storage),
    /// A tensor.
    Tensor(View),
}

/// A pickle and its storages.
pub(super) struct Pickled {
    /// The values.
    pub(super) graph: Graph<Made>,
    /// The whole.
    pub(super) root: Place,
    storages: Vec<Storage>,
}

impl Pickled {
    /// Reads the pickle at the beginning of `bytes`; also, how long it is.
    pub(super) fn of(bytes: &[u8]) -> Result<(Self, usize), PickleError> {
        let mut reader = Reader { storages: Vec::new() };
        let (graph, root, length) = load(bytes, &mut reader)?;
        Ok((Self { graph, root, storages: reader.storages }, length))
    }

    /// What is under `key` in the dictionary at `place`.
    pub(super) fn entry(&self, place: Place, key: &str) -> Option<Place> {
        let entries = self.graph.entries(place)?;
        entries.iter().rev().find(|(name, _)| self.graph.text(*name) == Some(key)).map(|(_, value)| *value)
    }

    /// How many bytes a number of the storage `key` has.
    pub(super) fn size_of(&self, key: &str) -> Option<usize> {
        let storage = self.storages.iter().find(|storage| storage.key == key)?;
        Some(storage.element.map_or(1, Element::size))
    }
}

/// Why a pickle is no weights, in words.
pub(super) fn unreadable(error: PickleError, torch_script: bool) -> Unreadable {
    match error {
        PickleError::Foreign(_) if torch_script => {
            Unreadable::new("a TorchScript program (`torch.jit.save`)", format!("{SAVE_PLAIN}; nothing of a file is run here"))
        }
        PickleError::Foreign(class) => Unreadable::new(
            format!("a PyTorch file with a `{class}`, which is no tensor, number, text, list or dictionary"),
            format!("{SAVE_PLAIN}; nothing of a file is run here"),
        ),
        PickleError::Damaged(_) => {
            Unreadable::new(format!("a PyTorch file of which {error}"), "a whole one; copy or download it again")
        }
    }
}

struct Reader {
    storages: Vec<Storage>,
}

impl Host for Reader {
    type Made = Made;

    /// `('storage', class, key, where it was, numbers)`, of old files with a view of it behind.
    fn outside(&mut self, graph: &Graph<Made>, reference: Place) -> Result<Node<Made>, PickleError> {
        let parts = graph.sequence(reference).unwrap_or_default();
        let [kind, class, key, _device, numbers, rest @ ..] = parts else {
            return Err(PickleError::Damaged("a reference to what is no storage".to_owned()));
        };
        let (Some("storage"), Node::Name(class), Some(key), Some(numbers)) =
            (graph.text(*kind), graph.at(*class), graph.text(*key), graph.count(*numbers))
        else {
            return Err(PickleError::Damaged("a reference to what is no storage".to_owned()));
        };
        if rest.first().is_some_and(|view| *graph.at(*view) != Node::None) {
            return Err(PickleError::Foreign("view of a storage (PyTorch before 0.4)".to_owned()));
        }
        let element = storage_element(class)?;
        let bytes = numbers.checked_mul(element.map_or(1, Element::size));
        let bytes = bytes.ok_or_else(|| PickleError::Damaged("a storage larger than memory".to_owned()))?;
        let storage = Storage { key: key.to_owned(), element, bytes };
        if !self.storages.contains(&storage) {
            self.storages.push(storage.clone());
        }
        Ok(Node::Made(Made::Storage(storage)))
    }

    fn call(&mut self, graph: &Graph<Made>, name: &str, arguments: &[Place]) -> Result<Option<Node<Made>>, PickleError> {
        Ok(Some(match (name, arguments) {
            ("torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2", arguments) => tensor(graph, arguments, None)?,
            ("torch._utils._rebuild_tensor_v3", arguments) => tensor(graph, arguments, arguments.get(6).copied())?,
            ("torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state", [data, ..]) => {
                graph.at(*data).clone()
            }
            ("torch._tensor._rebuild_from_type_v2", [function, _class, arguments, ..]) => {
                match (graph.at(*function), graph.sequence(*arguments)) {
                    (Node::Name(name), Some(arguments)) if name.starts_with("torch._utils._rebuild_") => {
                        return self.call(graph, &name.clone(), arguments);
                    }
                    _ => return Ok(None),
                }
            }
            _ if BESIDE_WEIGHTS.contains(&name) => Node::Other(name.to_owned()),
            _ => return Ok(None),
        }))
    }
}

/// What training code keeps beside weights and this reader passes over: numbers of NumPy, settings, names of devices, of kinds of numbers
/// and of files.
const BESIDE_WEIGHTS: [&str; 16] = [
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.dtype",
    "numpy.dtypes.Float64DType",
    "_codecs.encode",
    "argparse.Namespace",
    "torch.Size",
    "torch.device",
    "pathlib.PosixPath",
    "pathlib.WindowsPath",
    "pathlib._local.PosixPath",
    "pathlib._local.WindowsPath",
    "datetime.datetime",
    "collections.Counter",
];

/// `(storage, offset, sizes, strides, ..)`.
fn tensor(graph: &Graph<Made>, arguments: &[Place], kind: Option<Place>) -> Result<Node<Made>, PickleError> {
    let damaged = || PickleError::Damaged("a tensor that is none".to_owned());
    let [storage, offset, sizes, strides, ..] = arguments else { return Err(damaged()) };
    let Node::Made(Made::Storage(storage)) = graph.at(*storage) else { return Err(damaged()) };
    let numbers =
        |place: Place| -> Option<Vec<usize>> { graph.sequence(place)?.iter().map(|&place| graph.count(place)).collect() };
    let (offset, shape, strides) = graph
        .count(*offset)
        .zip(numbers(*sizes))
        .zip(numbers(*strides))
        .map(|((offset, shape), strides)| (offset, shape, strides))
        .ok_or_else(damaged)?;
    let element = match (kind.map(|kind| graph.at(kind)), storage.element) {
        (Some(Node::Name(name)), _) => kind_element(name)?,
        (_, Some(element)) => element,
        _ => return Err(damaged()),
    };
    if shape.len() != strides.len() {
        return Err(damaged());
    }
    Ok(Node::Made(Made::Tensor(View { storage: storage.clone(), element, offset, shape, strides })))
}

/// What `torch.FloatStorage` and its like hold; `None` where the storage is but bytes.
fn storage_element(class: &str) -> Result<Option<Element>, PickleError> {
    Ok(Some(match class {
        "torch.FloatStorage" => Element::F32,
        "torch.DoubleStorage" => Element::F64,
        "torch.HalfStorage" => Element::F16,
        "torch.BFloat16Storage" => Element::BF16,
        "torch.LongStorage" => Element::Whole(8),
        "torch.IntStorage" => Element::Whole(4),
        "torch.ShortStorage" => Element::Whole(2),
        "torch.CharStorage" | "torch.ByteStorage" | "torch.BoolStorage" => Element::Whole(1),
        "torch.storage.UntypedStorage" | "torch.UntypedStorage" => return Ok(None),
        _ => return Err(PickleError::Foreign(class.to_owned())),
    }))
}

/// What `torch.float32` and its like are.
fn kind_element(name: &str) -> Result<Element, PickleError> {
    Ok(match name {
        "torch.float32" => Element::F32,
        "torch.float64" => Element::F64,
        "torch.float16" => Element::F16,
        "torch.bfloat16" => Element::BF16,
        "torch.int64" | "torch.uint64" => Element::Whole(8),
        "torch.int32" | "torch.uint32" => Element::Whole(4),
        "torch.int16" | "torch.uint16" => Element::Whole(2),
        "torch.int8" | "torch.uint8" | "torch.bool" => Element::Whole(1),
        _ => return Err(PickleError::Foreign(name.to_owned())),
    })
}
