//! The doors to the library `gairat`: how it is asked for and how it is shown. Nothing here knows mathematics.
#![recursion_limit = "256"]

#[cfg(not(target_arch = "wasm32"))]
mod animation;
#[cfg(not(target_arch = "wasm32"))]
mod command;
#[cfg(not(target_arch = "wasm32"))]
mod driver;
mod failure;
mod figure;
#[cfg(feature = "window")]
mod link;
#[cfg(feature = "window")]
mod live;
#[cfg(target_arch = "wasm32")]
mod page;
mod palette;
mod pixels;
#[cfg(not(target_arch = "wasm32"))]
mod report;
mod run_folders;
mod svg;
#[cfg(not(target_arch = "wasm32"))]
mod terminal;
#[cfg(feature = "window")]
mod window;
mod words;

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
