//! Many runs beside each other: methods × settings × seeds, and what they come to.
//!
//! [`Grid`] names the runs; whoever wants them trains them (`gairat compare` does, each in a run folder of its own). [`Table`] puts what they
//! came to together: the mean and the deviation over the seeds, and the paired difference to the first method.

mod grid;
mod statistics;
mod student;
mod table;

pub use grid::{Grid, GridError, Run, seeds, varied};
pub use statistics::{Difference, Spread};
pub use student::quantile;
pub use table::{Block, Column, Found, Row, Table};
