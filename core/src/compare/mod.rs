//! Comparisons of many runs: methods × settings × seeds, and their results.
//!
//! [`Grid`] lists the runs. The caller trains them, as `gairat compare` does in one run folder each. [`Table`] summarises the results: mean and
//! deviation over the seeds, and the paired difference to the first method.

mod grid;
mod statistics;
mod student;
mod table;

pub use grid::{Grid, GridError, Run, seeds, varied};
pub use statistics::{Difference, Spread};
pub use student::quantile;
pub use table::{Block, Column, Found, Row, Table};
