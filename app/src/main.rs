//! The command `gairat`: it reads what was asked for and starts the matching door. Nothing here knows mathematics.

mod command;
mod driver;
mod failure;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    match command::run(std::env::args_os()) {
        Ok(code) => code,
        Err(failure) => {
            // Standard output may be a pipe that JSON goes through.
            anstream::eprintln!("error: {}", failure.message());
            failure.code()
        }
    }
}
