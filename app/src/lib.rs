//! The doors to the library `gairat`: how it is asked for and how it is shown. Nothing here knows mathematics.
#![recursion_limit = "256"]

#[cfg(not(target_arch = "wasm32"))]
mod animation;
#[cfg(not(target_arch = "wasm32"))]
mod command;
#[cfg(all(not(target_arch = "wasm32"), feature = "window"))]
mod desktop;
#[cfg(not(target_arch = "wasm32"))]
mod driver;
mod failure;
mod figure;
#[cfg(feature = "window")]
mod first;
#[cfg(feature = "window")]
mod lesson;
#[cfg(feature = "window")]
mod link;
#[cfg(feature = "window")]
mod live;
#[cfg(target_arch = "wasm32")]
mod page;
mod palette;
mod pixels;
mod platform;
#[cfg(not(target_arch = "wasm32"))]
mod report;
mod run_folders;
mod svg;
#[cfg(not(target_arch = "wasm32"))]
mod terminal;
#[cfg(all(not(target_arch = "wasm32"), feature = "window"))]
mod threads;
#[cfg(feature = "window")]
mod window;
mod words;

// Where runs live: in threads here, in the worker of the page there.
#[cfg(target_arch = "wasm32")]
use page as host;
#[cfg(all(not(target_arch = "wasm32"), feature = "window"))]
use threads as host;

/// Does what the arguments ask for; what goes wrong is told on standard error.
#[cfg(not(target_arch = "wasm32"))]
pub fn main(args: impl IntoIterator<Item = std::ffi::OsString>) -> std::process::ExitCode {
    match command::run(args) {
        Ok(code) => code,
        Err(failure) => {
            // Standard output may be a pipe that JSON goes through.
            crate::terminal::tell!("error: {}", failure.message(words::Door::Terminal));
            failure.code()
        }
    }
}
