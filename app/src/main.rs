//! The command `gairat`.

use std::process::ExitCode;

fn main() -> ExitCode {
    gairat_app::main(std::env::args_os())
}
