//! `gairat report`: writes `report.html` into the folders of runs.

use std::{path::PathBuf, process::ExitCode};

use clap::{Arg, ArgMatches, Command, value_parser};

use super::examples::examples;
use crate::{failure::Failure, report};

pub(super) fn definition() -> Command {
    Command::new("report")
        .about("Write report.html into the folders of runs: settings, curves, histograms, tables, flags")
        .after_help(examples(&[("One run", "report runs/NAME")]))
        .arg(
            Arg::new("run")
                .value_name("RUN")
                .value_parser(value_parser!(PathBuf))
                .required(true)
                .num_args(1..)
                .help("Folders of runs, finished or not; evaluations that lie in them are part of it"),
        )
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    for folder in matches.get_many::<PathBuf>("run").into_iter().flatten() {
        report::write_of_run(folder)?;
        crate::terminal::say!("{}", folder.join(report::FILE).display());
    }
    Ok(ExitCode::SUCCESS)
}
