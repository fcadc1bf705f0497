//! `report.html`: what a run or a comparison came to, in one file that needs no other. No script; what is drawn is drawn with SVG, in the
//! reader's own light or dark.

mod comparison;
pub(crate) mod figures;
pub(crate) mod intervals;
mod page;
pub(crate) mod raster;
mod run;

pub(crate) use comparison::{Shown, of_comparison};
pub(crate) use run::write_of_run;

use std::path::Path;

use crate::{failure::Failure, figure, svg::Ink};

/// Writes what a run leaves besides its numbers when it is over: the report, and figures of what it recorded.
///
/// # Errors
/// A folder without a run, or with files that cannot be read or written.
pub(crate) fn conclude(folder: &Path) -> Result<(), Failure> {
    write_of_run(folder)?;
    let subject = figures::subject(folder)?;
    figures::write(&folder.join(figure::FOLDER), &figure::all(&[subject], Ink::Paper)).map(drop)
}

pub(crate) const FILE: &str = "report.html";
