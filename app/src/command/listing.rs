//! A command that tells what the program knows of a kind: all in short, one in full, as JSON for programs, and as a page of the documentation.

use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};

use super::{examples::examples, json_arg, markdown};
use crate::failure::Failure;

pub(super) struct Listing<T: 'static> {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// What stands for one of them in the help, and what it says there.
    pub(super) one: (&'static str, &'static str),
    /// How it is called.
    pub(super) examples: &'static [(&'static str, &'static str)],
    pub(super) all: fn() -> Vec<&'static T>,
    /// The one of that name.
    pub(super) named: fn(&str) -> Result<&'static T, Failure>,
    /// Prints all in short.
    pub(super) list: fn(Vec<&T>),
    /// Prints one in full.
    pub(super) describe: fn(&T),
    /// One for programs.
    pub(super) json: fn(&T) -> serde_json::Value,
    /// The page of the documentation.
    pub(super) page: fn() -> String,
}

impl<T> Listing<T> {
    pub(super) fn definition(&self) -> Command {
        Command::new(self.name)
            .about(self.about)
            .after_help(examples(self.examples))
            .arg(Arg::new("name").value_name(self.one.0).help(self.one.1))
            .arg(json_arg())
            .arg(markdown::arg())
    }

    pub(super) fn run(&self, matches: &ArgMatches) -> Result<ExitCode, Failure> {
        let one = matches.get_one::<String>("name").map(|name| (self.named)(name)).transpose()?;
        let chosen = || one.map_or_else(self.all, |one| vec![one]);
        if matches.get_flag("markdown") {
            crate::terminal::say_part!("{}", (self.page)());
        } else if matches.get_flag("json") {
            for about in chosen() {
                crate::terminal::say!("{}", (self.json)(about));
            }
        } else if let Some(one) = one {
            (self.describe)(one);
        } else {
            (self.list)(chosen());
        }
        Ok(ExitCode::SUCCESS)
    }
}
