//! Python pickles, read without running anything.
//!
//! A pickle is a program that may call any function of Python. This reader calls nothing: it keeps each call as a record of the function and
//! its arguments ([`Node::Object`]), and its users look for the few records that they know. It reads all opcodes of the protocols 0 to 5
//! (`Lib/pickletools.py` in Python's source) except the extension registry and buffers outside of the pickle.
//!
//! The readers of pickles among the crates build their own kind of tree in which the references that PyTorch keeps to its storages have
//! no place (`serde-pickle`), or read tensors from a file on a disk alone, which a page has not (`pytorch-reader`).

mod literals;
mod numpy;
mod reader;
#[cfg(test)]
mod tests;

pub(crate) use reader::{PickleError, read};

use std::borrow::Cow;

/// A value's place among the values of a pickle.
pub(crate) type Id = usize;

/// What a value is. Values refer to each other by their place, because Python's may share parts and even contain themselves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node<'a> {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number of at most 64 bits.
    Int(i64),
    /// A greater whole number: two's complement, little-endian, as short as possible.
    LongInt(Cow<'a, [u8]>),
    /// A float.
    Float(f64),
    /// `bytes`, `bytearray`, or a `str` of Python 2.
    Bytes(Cow<'a, [u8]>),
    /// Text.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Id>),
    /// A tuple.
    Tuple(Vec<Id>),
    /// A set or frozen set.
    Set(Vec<Id>),
    /// A dictionary, in the order of the file.
    Dict(Vec<(Id, Id)>),
    /// The name of a function or class.
    Global {
        module: Cow<'a, str>,
        /// Its name in the module.
        name: Cow<'a, str>,
    },
    /// What a call would give: the call, and what was to be done to the result.
    Object {
        /// What was to be called.
        callable: Id,
        /// With which arguments: a tuple in all files that Python writes.
        arguments: Id,
        /// Arguments by name: a dictionary.
        named: Option<Id>,
        /// What was to be given to `__setstate__`.
        state: Option<Id>,
        /// What was to be appended or added.
        items: Vec<Id>,
        /// What was to be set by key.
        pairs: Vec<(Id, Id)>,
    },
    /// Something outside of the pickle, by its name there.
    Persistent(Id),
}

/// The values of a pickle.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pickle<'a> {
    nodes: Vec<Node<'a>>,
    root: Id,
    length: usize,
}

impl<'a> Pickle<'a> {
    /// The value that the pickle is of.
    pub(crate) fn root(&self) -> Value<'_, 'a> {
        self.value(self.root)
    }

    /// How many bytes the pickle has: another one, or something else, may follow in its file.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// All values, also those that the root does not hold; what a tuple or a call is made of comes before it.
    pub(crate) fn values(&self) -> impl Iterator<Item = Value<'_, 'a>> {
        (0..self.nodes.len()).map(|id| self.value(id))
    }

    fn value(&self, id: Id) -> Value<'_, 'a> {
        Value { pickle: self, id }
    }
}

/// A value of a pickle. Cheap to copy; to follow values without end is up to the reader, since they may contain themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'p, 'a> {
    pickle: &'p Pickle<'a>,
    id: Id,
}

impl<'p, 'a> Value<'p, 'a> {
    pub(crate) fn node(self) -> &'p Node<'a> {
        &self.pickle.nodes[self.id]
    }

    /// Its place in the pickle: the same for the same object of Python.
    pub(crate) fn id(self) -> Id {
        self.id
    }

    fn at(self, id: Id) -> Self {
        Self { id, ..self }
    }

    /// A whole number, or a bool as 0 or 1.
    pub(crate) fn int(self) -> Option<i64> {
        match *self.node() {
            Node::Int(number) => Some(number),
            Node::Bool(truth) => Some(i64::from(truth)),
            _ => None,
        }
    }

    /// Text, or the `str` of Python 2 where it is UTF-8.
    pub(crate) fn text(self) -> Option<&'p str> {
        match self.node() {
            Node::Text(text) => Some(text),
            Node::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// Bytes; also where Python 3 wrote them as text for a protocol that has none: `_codecs.encode(text, 'latin1')`.
    pub(crate) fn bytes(self) -> Option<Cow<'p, [u8]>> {
        match self.node() {
            Node::Bytes(bytes) => Some(Cow::Borrowed(bytes.as_ref())),
            Node::Object { .. } => {
                let (module, name) = self.callable()?;
                let arguments = self.arguments();
                match ((module, name), arguments.as_slice()) {
                    (("_codecs", "encode"), [text, ..]) => text
                        .text()?
                        .chars()
                        .map(|character| u8::try_from(u32::from(character)).ok())
                        .collect::<Option<_>>()
                        .map(Cow::Owned),
                    (("__builtin__" | "builtins", "bytes" | "bytearray"), []) => Some(Cow::Borrowed(&[])),
                    (("__builtin__" | "builtins", "bytes" | "bytearray"), [bytes]) => bytes.at(bytes.id).direct_bytes(),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn direct_bytes(self) -> Option<Cow<'p, [u8]>> {
        if let Node::Bytes(bytes) = self.node() { Some(Cow::Borrowed(bytes.as_ref())) } else { None }
    }

    /// The elements of a list or tuple, where it is one.
    pub(crate) fn sequence(self) -> Option<impl ExactSizeIterator<Item = Self>> {
        match self.node() {
            Node::List(ids) | Node::Tuple(ids) => Some(ids.iter().map(move |&id| self.at(id))),
            _ => None,
        }
    }

    /// The elements of a list, tuple or set, or what was appended to an object; none of anything else.
    pub(crate) fn elements(self) -> Vec<Self> {
        match self.node() {
            Node::List(ids) | Node::Tuple(ids) | Node::Set(ids) | Node::Object { items: ids, .. } => {
                ids.iter().map(|&id| self.at(id)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The keys and values of a dictionary, or of an object that was filled like one (`OrderedDict`); none of anything else.
    pub(crate) fn pairs(self) -> Vec<(Self, Self)> {
        match self.node() {
            Node::Dict(pairs) | Node::Object { pairs, .. } => {
                pairs.iter().map(|&(key, value)| (self.at(key), self.at(value))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The value of this key, whether it is text or the bytes of that text; the last one where there are several.
    pub(crate) fn get(self, key: &str) -> Option<Self> {
        self.pairs().into_iter().rev().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The module and name of a function or class.
    pub(crate) fn global(self) -> Option<(&'p str, &'p str)> {
        if let Node::Global { module, name } = self.node() { Some((module, name)) } else { None }
    }

    /// The module and name of what an object was made by.
    pub(crate) fn callable(self) -> Option<(&'p str, &'p str)> {
        if let Node::Object { callable, .. } = self.node() { self.at(*callable).global() } else { None }
    }

    /// What an object was made of.
    pub(crate) fn arguments(self) -> Vec<Self> {
        self.argument().map(Self::elements).unwrap_or_default()
    }

    /// What an object was made of, as one value: a tuple in all files that Python writes.
    pub(crate) fn argument(self) -> Option<Self> {
        if let Node::Object { arguments, .. } = self.node() { Some(self.at(*arguments)) } else { None }
    }

    /// What an object was to be set to.
    pub(crate) fn state(self) -> Option<Self> {
        if let Node::Object { state: Some(state), .. } = self.node() { Some(self.at(*state)) } else { None }
    }

    /// The name of something outside of the pickle.
    pub(crate) fn persistent(self) -> Option<Self> {
        if let Node::Persistent(id) = self.node() { Some(self.at(*id)) } else { None }
    }
}
