//! `gairat devices`: every adapter, what it can do, and which one `auto` takes.

use std::process::ExitCode;

use clap::{ArgMatches, Command};
use gairat::device::{adapters, auto_choice};

use super::{examples::examples, json_arg};
use crate::failure::Failure;

pub(super) fn definition() -> Command {
    Command::new("devices")
        .about("List every adapter, its API, what it can do, which one `auto` takes and why")
        .after_help(examples(&[("What there is to compute on", "devices"), ("The same for a program", "devices --json")]))
        .arg(json_arg())
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let adapters = pollster::block_on(adapters());
    let (auto, why) = auto_choice(&adapters);
    // What `--device` takes stands behind the mark.
    let mark = |taken: bool| if taken { "*" } else { " " };
    for (place, adapter) in adapters.iter().enumerate() {
        let taken = auto == Some(place);
        let able = adapter
            .problem
            .as_deref()
            .map_or("runs the attack".to_owned(), |problem| format!("cannot run the attack: {problem}"));
        if matches.get_flag("json") {
            let line = serde_json::json!({
                "number": place, "name": adapter.name, "api": adapter.api, "kind": adapter.kind.to_string(), "driver": adapter.driver,
                "max_buffer": adapter.max_buffer, "problem": adapter.problem, "auto": taken,
            });
            crate::terminal::say!("{line}");
        } else {
            crate::terminal::say!("{} {place}: {}", mark(taken), adapter.name);
            crate::terminal::say!("    {} through {}, driver {}", adapter.kind, adapter.api, adapter.driver);
            crate::terminal::say!("    buffers up to {} MiB; {able}", adapter.max_buffer >> 20);
        }
    }
    if matches.get_flag("json") {
        let line = serde_json::json!({
            "name": "CPU", "api": "flex", "kind": "CPU backend", "problem": null, "auto": auto.is_none(), "why": why,
        });
        crate::terminal::say!("{line}");
    } else {
        crate::terminal::say!("{} cpu", mark(auto.is_none()));
        crate::terminal::say!("    CPU backend (flex), always there; runs the attack");
        crate::terminal::say!("* is what `auto` takes. {why}");
    }
    Ok(ExitCode::SUCCESS)
}
