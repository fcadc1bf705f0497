//! `gairat completions` and `gairat man`: what a package installs beside the program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgMatches, Command, builder::EnumValueParser, value_parser};
use clap_complete::Shell;

use super::{definition, examples::examples};
use crate::failure::Failure;

/// The name of the program.
const NAME: &str = "gairat";

pub(super) fn completions_definition() -> Command {
    Command::new("completions")
        .about("Print the completions of a shell")
        .after_help(examples(&[
            ("For bash, until the shell ends: source what this prints", "completions bash"),
            ("For fish, for good: write this to ~/.config/fish/completions/gairat.fish", "completions fish"),
        ]))
        .arg(Arg::new("shell").value_name("SHELL").required(true).value_parser(EnumValueParser::<Shell>::new()).help("The shell"))
}

pub(super) fn man_definition() -> Command {
    Command::new("man")
        .about("Write the man pages into a new folder, one page a command")
        .after_help(examples(&[("Then `man -l man/gairat-train.1` shows one", "man man")]))
        .arg(
            Arg::new("dir")
                .value_name("DIR")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("The folder to make; it must not exist yet"),
        )
}

pub(super) fn completions(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    if let Some(shell) = matches.get_one::<Shell>("shell") {
        let mut script = Vec::new();
        clap_complete::generate(*shell, &mut definition(), NAME, &mut script);
        crate::terminal::say_part!("{}", String::from_utf8_lossy(&script));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn man(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let Some(dir) = matches.get_one::<PathBuf>("dir") else { return Ok(ExitCode::FAILURE) };
    super::must_be_new_as("DIR", dir)?;
    write_pages(dir).map_err(|cause| Failure::Work(format!("{}: the man pages cannot be written: {cause}", dir.display())))?;
    crate::terminal::say!("written   {}", dir.display());
    Ok(ExitCode::SUCCESS)
}

fn write_pages(dir: &Path) -> std::io::Result<()> {
    fs::create_dir(dir)?;
    clap_mangen::generate_to(definition().name(NAME), dir)
}
