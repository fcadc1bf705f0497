//! What differs between the systems that the program runs on, below everything else: both sides have the same names, and whoever uses
//! them does not know which it is.
//!
//! | | native | web |
//! | --- | --- | --- |
//! | `rest` | threads sleep | a page gives way to what else it has to do |
//! | `outside` | a disk | files come by upload and go by download |
//! | `drawing` | pipelines on the GPU that runs share | shapes, which WebGL draws in every browser |
//! | `Claim` | the lock file of a run is enough | the browser's locks, and its storage |

mod files;
#[cfg(feature = "window")]
mod mark;
#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod web;

pub(crate) use files::RUNS;
#[cfg(feature = "window")]
pub(crate) use files::{known_data, list};
#[cfg(feature = "window")]
pub(crate) use mark::{Kind, StageMark};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use web::*;
