//! `gairat figure`: figures of runs for a paper.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgMatches, Command, value_parser};

use super::examples::examples;
use crate::{
    failure::Failure,
    figure::{self, FIGURES, Kind},
    report::figures,
    svg::Ink,
};

pub(super) fn definition() -> Command {
    let listed: Vec<String> = FIGURES.iter().map(|kind| format!("  {:<14} {}", kind.name, kind.about)).collect();
    Command::new("figure")
        .about("Draw figures of runs for a paper, each as SVG, PNG (two pixels for one of SVG) and CSV; several runs share each figure")
        .after_help(format!(
            "Figures:\n{}\n\nWhat the runs have nothing of is left out. No screen is needed.\n\n{}",
            listed.join("\n"),
            examples(&[
                ("Two runs in each figure", "figure results/at_seed0 results/gairat_seed0 --out figures/"),
                ("Some figures of one run", "figure runs/NAME --only stage,weights"),
            ])
        ))
        .arg(
            Arg::new("run")
                .value_name("RUN")
                .value_parser(value_parser!(PathBuf))
                .required(true)
                .num_args(1..)
                .help("Folders of runs, finished or not; evaluations that lie in them give the curves over the radius"),
        )
        .arg(
            Arg::new("only")
                .long("only")
                .value_name("NAMES")
                .value_delimiter(',')
                .value_parser(FIGURES.map(|kind| kind.name))
                .help("These figures alone, separated by commas"),
        )
        .arg(
            Arg::new("rows")
                .long("rows")
                .value_name("ROWS")
                .value_delimiter(',')
                .value_parser(value_parser!(u32))
                .help("Rows of the images, separated by commas, 12 at most [default: the heaviest of each run]"),
        )
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("Where to write; files of before are replaced [default: figures/ in the folder of the run; of several runs, figures/ here]"),
        )
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let runs: Vec<&PathBuf> = matches.get_many::<PathBuf>("run").into_iter().flatten().collect();
    let only: Option<Vec<&str>> = matches.get_many::<String>("only").map(|names| names.map(String::as_str).collect());
    let rows: Vec<u32> = matches.get_many::<u32>("rows").into_iter().flatten().copied().collect();
    let wanted = |kind: &&&Kind| only.as_ref().is_none_or(|only| only.contains(&kind.name));
    let kinds: Vec<&&Kind> = FIGURES.iter().filter(wanted).collect();
    let mut subjects = runs.iter().map(|run| figures::subject(run)).collect::<Result<Vec<_>, _>>()?;
    if kinds.iter().any(|kind| kind.needs_network) {
        for (run, subject) in runs.iter().zip(&mut subjects) {
            figures::look(run, subject, &rows)?;
        }
    }
    if subjects.len() > 1 {
        figure::name_apart(&mut subjects);
    }
    let drawn: Vec<figure::Figure> = kinds.iter().filter_map(|kind| kind.draw(&subjects, Ink::Paper)).collect();
    if drawn.is_empty() {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
        return Err(Failure::Request(format!(
            "there is nothing to draw of {}: the runs have no finished epoch, or nothing of that kind",
            names.join(", ")
        )));
    }
    let out = match (matches.get_one::<PathBuf>("out"), runs.as_slice()) {
        (Some(out), _) => out.clone(),
        (None, [only]) => only.join(figure::FOLDER),
        (None, _) => Path::new(figure::FOLDER).to_owned(),
    };
    for file in figures::write(&out, &drawn)? {
        crate::terminal::say!("{}", file.display());
    }
    if let Some(only) = only {
        let missing = only.iter().filter(|name| drawn.iter().all(|figure| figure.name != **name));
        missing.for_each(|name| crate::terminal::tell!("warning: the runs have nothing of {name}"));
    }
    Ok(ExitCode::SUCCESS)
}
