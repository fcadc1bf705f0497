//! The doors to the library `gairat`: how it is asked for and how it is shown. Nothing here knows mathematics.
#![recursion_limit = "256"]

mod command;
mod driver;
mod failure;
#[cfg(feature = "window")]
mod live;
mod run_folders;
mod terminal;
#[cfg(feature = "window")]
mod window;

use std::{ffi::OsString, process::ExitCode};

/// Does what the arguments ask for; what goes wrong is told on standard error.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match command::run(args) {
        Ok(code) => code,
        Err(failure) => {
            // Standard output may be a pipe that JSON goes through.
            anstream::eprintln!("error: {}", failure.message());
            failure.code()
        }
    }
}
