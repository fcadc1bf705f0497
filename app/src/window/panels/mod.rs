//! What stands around the stage. Panels read the state and ask for actions; none knows another, and [`layout`](super::layout) says where
//! they stand.

mod axis;
pub(crate) mod bar;
pub(super) mod controls;
pub(super) mod curves;
mod drive;
pub(super) mod files;
pub(super) mod form;
pub(super) mod grid;
pub(super) mod headline;
pub(super) mod help;
pub(super) mod inspector;
pub(super) mod judge;
pub(super) mod lesson;
pub(super) mod links;
pub(super) mod margins;
mod measure;
pub(super) mod palette;
mod paragraph;
mod pictures;
pub(super) mod saved;
mod setting;
pub(super) mod short_bar;
pub(super) mod spotlight;
pub(super) mod table;
pub(super) mod task;
pub(super) mod weight_numbers;
pub(super) mod weighting;
