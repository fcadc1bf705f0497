//! `gairat data`: which formats are read, what is in a file, and the sets that are fetched from their homes.

mod checksum;
mod fetch;
mod homes;
mod sheet;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgMatches, Command, value_parser};
use gairat::{
    dataset::{self, FORMATS, Inspection, Toy},
    settings::Settings,
};

use super::{examples::examples, json_arg};
use crate::{failure::Failure, terminal::say};

pub(super) fn definition() -> Command {
    Command::new("data")
        .about("List the formats that are read; look into a file; fetch MNIST, CIFAR-10 and others from their homes")
        .after_help(examples(&[
            ("The formats, and the sets that are fetched", "data"),
            ("Fetch CIFAR-10 into the cache folder", "data cifar10"),
        ]))
        .args_conflicts_with_subcommands(true)
        .arg(Arg::new("name").value_name("NAME").help("Fetch this set into the cache folder, or find it there"))
        .arg(
            Arg::new("from")
                .long("from")
                .value_name("URL")
                .requires("name")
                .help("Fetch from a mirror, where the files have their names under this URL"),
        )
        .arg(
            Arg::new("cache")
                .long("cache")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .requires("name")
                .help("The cache folder [default: ~/.cache/gairat]"),
        )
        .arg(json_arg())
        .subcommand(
            Command::new("inspect")
                .about("Say in one line what is in data, and draw some of it")
                .after_help(examples(&[
                    ("What a file holds", "data inspect mine.npz"),
                    ("Draw some samples of each class", "data inspect digits --out sheet.png"),
                ]))
                .arg(
                    Arg::new("data")
                        .value_name("DATA")
                        .required(true)
                        .help("A file or folder, FORMAT:PATH, or the name of generated points"),
                )
                .arg(
                    Arg::new("out")
                        .long("out")
                        .value_name("FILE.png")
                        .value_parser(value_parser!(PathBuf))
                        .help("Write a contact sheet, one row a class; it must not exist yet"),
                )
                .arg(json_arg()),
        )
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    if let Some(("inspect", matches)) = matches.subcommand() {
        return inspect(matches);
    }
    let json = matches.get_flag("json");
    match matches.get_one::<String>("name") {
        None => list(json),
        Some(name) => {
            let Some(home) = homes::HOMES.iter().find(|home| home.name == name) else {
                let names: Vec<&str> = homes::HOMES.iter().map(|home| home.name).collect();
                return Err(Failure::Request(format!(
                    "`{name}` is no data set that is fetched here: expected one of {}; `gairat data inspect {name}` looks into a file",
                    names.join(", ")
                )));
            };
            let cache = match matches.get_one::<PathBuf>("cache") {
                Some(folder) => folder.clone(),
                None => fetch::cache_folder()?,
            };
            let folder = fetch::fetch(home, &cache.join(home.name), matches.get_one::<String>("from").map(String::as_str))?;
            let data = format!("{}:{}", home.format, home.path_in(&folder).display());
            if json {
                say!("{}", serde_json::json!({ "event": "data", "name": home.name, "folder": folder, "data": data }));
            } else {
                say!("{} is in {}; `gairat train --data {data}` trains on it", home.title, folder.display());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The formats and the sets.
fn list(json: bool) {
    if json {
        for format in FORMATS {
            say!("{}", serde_json::json!({ "format": format.name, "usage": format.usage, "about": format.about }));
        }
        for home in homes::HOMES {
            say!("{}", serde_json::json!({ "set": home.name, "title": home.title, "homes": home.homes, "bytes": home.bytes() }));
        }
        return;
    }
    say!(
        "--data takes the name of what is inside the program, or a file or folder whose format its content tells; FORMAT:PATH names it.\n"
    );
    say!("  {}", Toy::ALL.iter().map(|toy| toy.name()).collect::<Vec<_>>().join(", "));
    say!("  digits");
    for format in FORMATS {
        say!("  {:<20} {}", format.usage, format.about);
    }
    say!("\n`gairat data inspect DATA` says what is in it. `gairat data NAME` fetches a set from its home:\n");
    for home in homes::HOMES {
        say!("  {:<20} {}, {:.0} MB", home.name, home.title, home.bytes() as f64 / 1e6);
    }
}

fn inspect(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let mut settings = Settings::default();
    let text = matches.get_one::<String>("data").map(String::as_str).unwrap_or_default();
    settings.set("data", text)?;
    let out = matches.get_one::<PathBuf>("out");
    if let Some(out) = out {
        super::must_be_new(out)?;
    }
    let plan = settings.checked()?;
    let inspection = dataset::inspect(&plan.request)?;
    if let Some(out) = out {
        write_sheet(out, &inspection)?;
    }
    let Inspection { line, notes, shape, classes, per_class, samples, own_test } = inspection;
    if matches.get_flag("json") {
        let line = serde_json::json!({
            "event": "data", "data": settings.data.to_string(), "line": line, "samples": samples.len(), "test": own_test,
            "shape": shape.sizes(), "classes": classes, "per_class": per_class, "notes": notes, "sheet": out,
        });
        say!("{line}");
    } else {
        say!("{line}");
        for note in &notes {
            say!("note: {note}");
        }
        if let Some(out) = out {
            say!("contact sheet written to {}", out.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write_sheet(out: &Path, inspection: &Inspection) -> Result<(), Failure> {
    let png = sheet::png(inspection)
        .map_err(|cause| Failure::Work(format!("{}: the picture cannot be made: {cause}", out.display())))?;
    gairat::checkpoint::write_whole(out, &png)?;
    Ok(())
}
