//! `report.html`: what a run or a comparison came to, in one file that needs no other. No script; what is drawn is drawn with SVG, in the
//! reader's own light or dark.

mod comparison;
mod page;
mod run;
mod samples;

pub(crate) use comparison::{Shown, of_comparison};
pub(crate) use run::write_of_run;

/// The file's name.
pub(crate) const FILE: &str = "report.html";
