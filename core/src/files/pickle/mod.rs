//! Python pickles, read without running anything.
//!
//! A pickle is a program for a stack machine that may name any function of Python and have it called. The machine here builds plain
//! values and knows no functions at all: what a pickle wants to have called is kept as a name with its arguments, and the reader of a
//! format says which names it knows ([`Host`]). So nothing of a file is ever run.
//!
//! The readers of pickles among the crates build their own kind of tree in which the references that PyTorch keeps to its storages have
//! no place (`serde-pickle`), or read tensors from a file on a disk alone, which a page has not (`pytorch-reader`).

mod machine;

use std::fmt;

pub(crate) use machine::load;

/// A value of a pickle: its place in the [`Graph`].
pub(crate) type Place = usize;

/// Values, of which some hold others. One value may be held many times, so it is a graph and no tree; a hostile one may even hold itself.
#[derive(Debug)]
pub(crate) struct Graph<T> {
    nodes: Vec<Node<T>>,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node<T> {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number that fits.
    Int(i64),
    /// A whole number that does not fit: its bytes, the lowest first.
    Long(Vec<u8>),
    /// A number.
    Float(f64),
    /// Text; of Python 2 also bytes that are text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list or a set.
    List(Vec<Place>),
    /// A tuple.
    Tuple(Vec<Place>),
    /// A dictionary, in the order in which it was filled.
    Dict(Vec<(Place, Place)>),
    /// A class or function that is only named: `module.name`.
    Name(String),
    /// What the host made of a call or of a reference to something outside the pickle.
    Made(T),
    /// An instance of a class whose content is of no interest: the class.
    Other(String),
}

/// What a reader of a format knows.
pub(crate) trait Host {
    /// What it makes.
    type Made: Clone + fmt::Debug;

    /// What stands for something outside the pickle.
    fn outside(&mut self, graph: &Graph<Self::Made>, reference: Place) -> Result<Node<Self::Made>, PickleError>;

    /// What the call of `name` with `arguments` comes to, if the host knows the name.
    fn call(
        &mut self,
        graph: &Graph<Self::Made>,
        name: &str,
        arguments: &[Place],
    ) -> Result<Option<Node<Self::Made>>, PickleError>;
}

/// Why a pickle could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PickleError {
    /// It wants a class or function that is not known.
    #[error("it holds a `{0}`")]
    Foreign(String),
    /// It is no pickle, or a damaged one.
    #[error("the pickle is damaged: {0}")]
    Damaged(String),
}

impl<T> Graph<T> {
    /// The value at `place`.
    pub(crate) fn at(&self, place: Place) -> &Node<T> {
        self.nodes.get(place).unwrap_or(&Node::None)
    }

    /// The text at `place`, if it is one.
    pub(crate) fn text(&self, place: Place) -> Option<&str> {
        match self.at(place) {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number at `place`, if it is a whole one that counts something.
    pub(crate) fn count(&self, place: Place) -> Option<usize> {
        match self.at(place) {
            Node::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The values of the list or tuple at `place`, if it is one.
    pub(crate) fn sequence(&self, place: Place) -> Option<&[Place]> {
        match self.at(place) {
            Node::List(values) | Node::Tuple(values) => Some(values),
            _ => None,
        }
    }

    /// The entries of the dictionary at `place`, if it is one.
    pub(crate) fn entries(&self, place: Place) -> Option<&[(Place, Place)]> {
        match self.at(place) {
            Node::Dict(entries) => Some(entries),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
