//! What goes between the window and the world around it: the one place where the window and the page differ.

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(not(target_arch = "wasm32"))]
mod disk;

#[cfg(target_arch = "wasm32")]
pub(crate) use browser::{BROWSE, DROP, Shelf, arrived, beside, browse, done, new_file, put, put_figures};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use disk::{BROWSE, DROP, Shelf, arrived, beside, browse, done, new_file, put, put_figures};
