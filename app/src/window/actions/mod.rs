//! Everything that can be done: the list, and what each does to the [`State`](super::model::State).

mod act;
pub(crate) mod files;
pub(crate) mod judging;
pub(crate) mod keys;
pub(crate) mod lessons;
pub(crate) mod links;
mod list;
pub(crate) mod projector;

pub(crate) use list::{Action, Menu};
