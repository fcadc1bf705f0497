//! Everything that can be done: the list, and what each does to the [`State`](super::model::State).

mod act;
pub(super) mod files;
pub(super) mod judging;
pub(super) mod lessons;
pub(super) mod links;
mod list;

pub(super) use list::{Action, Menu};
