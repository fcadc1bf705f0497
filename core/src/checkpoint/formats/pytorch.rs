//! PyTorch's pickles: what stands in them for storages and tensors.

use std::collections::HashMap;

use super::{SAVE_PLAIN, Unreadable, element::Element};
use crate::files::pickle::{Id, Node, Pickle, PickleError, Value};

/// Numbers outside the pickle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Storage<'p> {
    /// Its name in the file.
    pub(super) key: &'p str,
    /// What kind of numbers; `None` where only the tensor knows.
    pub(super) element: Option<Element>,
    /// How many bytes it has.
    pub(super) bytes: usize,
}

/// A tensor: a view of a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View<'p> {
    pub(super) storage: Storage<'p>,
    pub(super) element: Element,
    /// The first number.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// Numbers from one place of a dimension to the next.
    pub(super) strides: Vec<usize>,
}

/// What a call of PyTorch's functions, or a reference to something outside the pickle, stands for.
#[derive(Clone, Copy, Debug)]
enum Made<'p, 'a> {
    Storage(Storage<'p>),
    /// A tensor. Its sizes stay in its arguments: many tensors may share them.
    Tensor {
        storage: Storage<'p>,
        element: Element,
        arguments: Value<'p, 'a>,
    },
    /// What is passed over.
    Beside,
}

/// Why a pickle is no weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It wants a class or function that is not known.
    Foreign(String),
    /// It is no pickle, or a damaged one.
    Damaged(String),
}

impl From<PickleError> for Refusal {
    fn from(error: PickleError) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// What is wrong with a pickle that is whole, but not as PyTorch writes it.
fn damaged(what: &str) -> Refusal {
    Refusal::Damaged(format!("the pickle is damaged: {what}"))
}

impl Refusal {
    /// In words.
    pub(super) fn unreadable(self, torch_script: bool) -> Unreadable {
        let plain = || format!("{SAVE_PLAIN}; nothing of a file is run here");
        match self {
            Self::Foreign(_) if torch_script => Unreadable::new("a TorchScript program (`torch.jit.save`)", plain()),
            Self::Foreign(class) => Unreadable::new(
                format!("a PyTorch file with a `{class}`, which is no tensor, number, text, list or dictionary"),
                plain(),
            ),
            Self::Damaged(what) => {
                Unreadable::new(format!("a PyTorch file of which {what}"), "a whole one; copy or download it again")
            }
        }
    }
}

/// A pickle that calls nothing but what is known here, and its tensors.
pub(super) struct Pickled<'p, 'a> {
    pub(super) root: Value<'p, 'a>,
    made: HashMap<Id, Made<'p, 'a>>,
    /// How many bytes a number of a storage has, by the storage's name.
    sizes: HashMap<&'p str, usize>,
}

impl<'p, 'a> Pickled<'p, 'a> {
    /// Finds the tensors, and what is foreign: in all values, also in those that the whole does not hold.
    pub(super) fn of(pickle: &'p Pickle<'a>) -> Result<Self, Refusal> {
        let mut pickled = Self { root: pickle.root(), made: HashMap::new(), sizes: HashMap::new() };
        for value in pickle.values() {
            let made = if let Some(reference) = value.persistent() {
                let storage = storage(reference)?;
                pickled.sizes.entry(storage.key).or_insert(storage.element.map_or(1, Element::size));
                Made::Storage(storage)
            } else if let Some(arguments) = value.argument() {
                let (module, name) = value.callable().ok_or_else(|| damaged("a call of what is no function"))?;
                let name = format!("{module}.{name}");
                pickled.call(&name, arguments)?.ok_or(Refusal::Foreign(name))?
            } else {
                continue;
            };
            if !matches!(made, Made::Beside) {
                pickled.made.insert(value.id(), made);
            }
        }
        Ok(pickled)
    }

    /// What the call of `name` comes to, if the name is known.
    fn call(&self, name: &str, arguments: Value<'p, 'a>) -> Result<Option<Made<'p, 'a>>, Refusal> {
        let first = first(arguments).ok_or_else(|| damaged("a call without arguments"))?;
        Ok(Some(match (name, first.as_slice()) {
            ("torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2", _) => self.tensor(arguments, None)?,
            ("torch._utils._rebuild_tensor_v3", first) => self.tensor(arguments, first.get(6).copied())?,
            ("torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state", [data, ..]) => {
                self.made.get(&data.id()).copied().unwrap_or(Made::Beside)
            }
            ("torch._tensor._rebuild_from_type_v2", [function, _class, arguments, ..]) => match function.global() {
                Some(("torch._utils", name)) if name.starts_with("_rebuild_") => {
                    return self.call(&format!("torch._utils.{name}"), *arguments);
                }
                _ => return Ok(None),
            },
            _ if BESIDE_WEIGHTS.contains(&name) => Made::Beside,
            _ => return Ok(None),
        }))
    }

    /// `(storage, offset, sizes, strides, ..)`.
    fn tensor(&self, arguments: Value<'p, 'a>, kind: Option<Value<'p, 'a>>) -> Result<Made<'p, 'a>, Refusal> {
        let storage = first(arguments).and_then(|first| self.made.get(&first.first()?.id()));
        let Some(Made::Storage(storage)) = storage else { return Err(no_tensor()) };
        let element = match (kind.and_then(Value::global), storage.element) {
            (Some((module, name)), _) => kind_element(&format!("{module}.{name}"))?,
            (None, Some(element)) => element,
            (None, None) => return Err(no_tensor()),
        };
        view(*storage, element, arguments).ok_or_else(no_tensor)?;
        Ok(Made::Tensor { storage: *storage, element, arguments })
    }

    /// The kind of numbers of a tensor, if `value` is one.
    pub(super) fn element(&self, value: Value<'p, 'a>) -> Option<Element> {
        if let Some(Made::Tensor { element, .. }) = self.made.get(&value.id()) { Some(*element) } else { None }
    }

    /// A tensor, if `value` is one.
    pub(super) fn view(&self, value: Value<'p, 'a>) -> Option<View<'p>> {
        let Some(Made::Tensor { storage, element, arguments }) = self.made.get(&value.id()) else { return None };
        view(*storage, *element, *arguments)
    }

    /// How many bytes a number of the storage `key` has.
    pub(super) fn size_of(&self, key: &str) -> Option<usize> {
        self.sizes.get(key).copied()
    }
}

/// The entries of a dictionary, ordered or not, if `value` is one.
pub(super) fn entries<'p, 'a>(value: Value<'p, 'a>) -> Option<Vec<(Value<'p, 'a>, Value<'p, 'a>)>> {
    match (value.node(), value.callable()) {
        (Node::Dict(_), _) | (_, Some(("collections", "defaultdict"))) => Some(value.pairs()),
        (_, Some(("collections", "OrderedDict"))) => {
            // Python 2 gave it a list of its entries, Python 3 fills it.
            let given = value.argument().and_then(Value::sequence).and_then(|mut arguments| arguments.next()?.sequence());
            let given = given.into_iter().flatten().filter_map(|pair| {
                let mut pair = pair.sequence()?;
                Some((pair.next()?, pair.next()?))
            });
            Some(given.chain(value.pairs()).collect())
        }
        _ => None,
    }
}

/// What a tensor is, of its arguments.
fn view<'p>(storage: Storage<'p>, element: Element, arguments: Value<'p, '_>) -> Option<View<'p>> {
    let first = first(arguments)?;
    let [_storage, offset, sizes, strides, ..] = first.as_slice() else { return None };
    let numbers = |value: Value<'p, '_>| -> Option<Vec<usize>> {
        let numbers = value.sequence()?;
        if numbers.len() > DIMENSIONS {
            return None;
        }
        numbers.map(count).collect()
    };
    let (offset, shape, strides) = (count(*offset)?, numbers(*sizes)?, numbers(*strides)?);
    (shape.len() == strides.len()).then_some(View { storage, element, offset, shape, strides })
}

/// The most dimensions that PyTorch gives a tensor.
const DIMENSIONS: usize = 64;
/// How many arguments of a call are looked at: those of `_rebuild_tensor_v3`.
const ARGUMENTS: usize = 8;

/// The first values of a list or tuple.
fn first<'p, 'a>(arguments: Value<'p, 'a>) -> Option<Vec<Value<'p, 'a>>> {
    Some(arguments.sequence()?.take(ARGUMENTS).collect())
}

/// A whole number that counts something.
fn count(value: Value<'_, '_>) -> Option<usize> {
    if let Node::Int(number) = value.node() { usize::try_from(*number).ok() } else { None }
}

fn no_tensor() -> Refusal {
    damaged("a tensor that is none")
}

/// `('storage', class, key, where it was, numbers)`, of old files with a view of it behind.
fn storage<'p>(reference: Value<'p, '_>) -> Result<Storage<'p>, Refusal> {
    let no_storage = || damaged("a reference to what is no storage");
    let parts = first(reference).unwrap_or_default();
    let [kind, class, key, _device, numbers, rest @ ..] = parts.as_slice() else { return Err(no_storage()) };
    let (Some("storage"), Some((module, class)), Some(key), Some(numbers)) =
        (kind.text(), class.global(), key.text(), count(*numbers))
    else {
        return Err(no_storage());
    };
    if rest.first().is_some_and(|view| *view.node() != Node::None) {
        return Err(Refusal::Foreign("view of a storage (PyTorch before 0.4)".to_owned()));
    }
    let element = storage_element(&format!("{module}.{class}"))?;
    let bytes = numbers.checked_mul(element.map_or(1, Element::size));
    Ok(Storage { key, element, bytes: bytes.ok_or_else(|| damaged("a storage larger than memory"))? })
}

/// What training code keeps around and beside weights and this reader passes over: dictionaries and sets, numbers of NumPy, settings, names
/// of devices, of kinds of numbers and of files.
const BESIDE_WEIGHTS: [&str; 20] = [
    "collections.OrderedDict",
    "collections.defaultdict",
    "builtins.set",
    "__builtin__.set",
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

/// What `torch.FloatStorage` and its like hold; `None` where the storage is but bytes.
fn storage_element(class: &str) -> Result<Option<Element>, Refusal> {
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
        _ => return Err(Refusal::Foreign(class.to_owned())),
    }))
}

/// What `torch.float32` and its like are.
fn kind_element(name: &str) -> Result<Element, Refusal> {
    Ok(match name {
        "torch.float32" => Element::F32,
        "torch.float64" => Element::F64,
        "torch.float16" => Element::F16,
        "torch.bfloat16" => Element::BF16,
        "torch.int64" | "torch.uint64" => Element::Whole(8),
        "torch.int32" | "torch.uint32" => Element::Whole(4),
        "torch.int16" | "torch.uint16" => Element::Whole(2),
        "torch.int8" | "torch.uint8" | "torch.bool" => Element::Whole(1),
        _ => return Err(Refusal::Foreign(name.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::{Pickled, Refusal};
    use crate::files::pickle::read;

    #[test]
    fn what_is_to_be_called_is_named_and_not_called() {
        for (bytes, name) in [
            (b"cos\nsystem\n(Vtouch here\ntR.".as_slice(), "os.system"),
            (b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.", "posix.system"),
            (b"\x80\x02c__main__\nResNet\n)\x81}b.", "__main__.ResNet"),
            (b"(i__main__\nResNet\n.", "__main__.ResNet"),
            // It is thrown away, called with what would be passed over, or lies in a list in a call that is passed over.
            (b"\x80\x02cposix\nsystem\nX\x04\0\0\0true\x85R0}.", "posix.system"),
            (b"\x80\x02cposix\nsystem\nctorch\nSize\n)R\x85R.", "posix.system"),
            (b"\x80\x02ctorch\nSize\n](cposix\nsystem\n)Re\x85R.", "posix.system"),
            (b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(cposix\nsystem\nN)tR.", "torch._tensor._rebuild_from_type_v2"),
        ] {
            let pickle = read(bytes).unwrap();
            assert_eq!(Pickled::of(&pickle).err(), Some(Refusal::Foreign(name.to_owned())));
        }
    }

    #[test]
    fn a_call_of_no_function_or_with_no_arguments_is_damage() {
        for bytes in [b"\x80\x02K\x01)R.".as_slice(), b"\x80\x02ctorch\nSize\nK\x01R.", b"\x80\x02K\x01Q."] {
            let pickle = read(bytes).unwrap();
            assert!(matches!(Pickled::of(&pickle).err(), Some(Refusal::Damaged(_))));
        }
    }

    #[test]
    fn parameters_within_parameters_and_values_that_hold_themselves_come_to_an_end() {
        // 100 000 calls around one another, and a list that is its own arguments.
        let wrapped = [b"N".as_slice(), &b"\x85q\x000ctorch._utils\n_rebuild_parameter\nh\0R".repeat(100_000), b"."].concat();
        for bytes in [wrapped.as_slice(), b"\x80\x02ctorch._utils\n_rebuild_parameter\n]q\x00h\x00aR."] {
            let pickle = read(bytes).unwrap();
            let pickled = Pickled::of(&pickle).unwrap();
            assert_eq!(pickled.view(pickled.root), None);
        }
    }
}
