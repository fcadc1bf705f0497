//! `gairat methods`: what each method does, where it comes from and what it can be told.

use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};
use gairat::{
    method::{About, METHODS},
    settings::{Field, Kind, MethodChoice, Settings},
};

use super::{flag, json_arg};
use crate::failure::Failure;

pub(super) fn definition() -> Command {
    Command::new("methods")
        .about("List the methods, or describe one: formula, source, parameters, cost, and what is not certain")
        .arg(Arg::new("name").value_name("METHOD").help("The method to describe; without it all are listed"))
        .arg(json_arg())
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let chosen: Vec<&About> = match matches.get_one::<String>("name") {
        Some(name) => vec![MethodChoice::of(name).map_err(Failure::Request)?.about()],
        None => METHODS.iter().map(|entry| entry.about).collect(),
    };
    if matches.get_flag("json") {
        for about in chosen {
            anstream::println!("{}", json(about));
        }
        return Ok(ExitCode::SUCCESS);
    }
    if matches.contains_id("name") {
        chosen.into_iter().for_each(describe);
        return Ok(ExitCode::SUCCESS);
    }
    for about in chosen {
        anstream::println!("{:<14} {}", about.name, about.summary);
        anstream::println!("{:<14} {}", "", about.formula);
    }
    anstream::println!("\n`gairat methods NAME` describes one: its parameters, cost, source, and what is not certain.");
    Ok(ExitCode::SUCCESS)
}

/// Its parameters as settings, with its own defaults.
fn parameters(about: &About) -> Vec<(Field, String)> {
    let settings = Settings::default().with("method", about.name);
    let names = about.parameters.iter().map(|parameter| parameter.name);
    names.filter_map(|name| Some((settings.field(name)?, settings.get(name)?))).collect()
}

fn describe(about: &About) {
    anstream::println!("{} ({})", about.title, about.name);
    anstream::println!("  {}", about.summary);
    anstream::println!("  minimises   {}", about.formula);
    anstream::println!("  weights by  {}", if about.weighs() { about.axis.label } else { "nothing: all samples count alike" });
    anstream::println!("  cost        {}", about.passes);
    anstream::println!("  burn-in     {}", if about.burns_in { "yes: --burn-in epochs with weights of 1" } else { "none" });
    if let Some(measure) = about.measure {
        anstream::println!("  measures    {}: {}", measure.name, measure.doc);
    }
    anstream::println!("  source      {}", about.source);
    for (field, default) in parameters(about) {
        let values = match &field.kind {
            Kind::Choice(choices) => choices.join(", "),
            _ => field.range().map_or_else(String::new, |(low, high)| format!("{low} to {high}")),
        };
        anstream::println!("  --{} {default}   ({values})", flag(field.name));
        anstream::println!("      {}", field.doc);
    }
    for caveat in about.caveats {
        anstream::println!("  note: {caveat}");
    }
}

fn json(about: &About) -> serde_json::Value {
    let parameters: Vec<serde_json::Value> = parameters(about)
        .into_iter()
        .map(|(field, default)| {
            let choices = if let Kind::Choice(choices) = &field.kind { Some(choices.clone()) } else { None };
            // JSON knows no infinity.
            let range = field.range().map(|(low, high)| [low.to_string(), high.to_string()]);
            serde_json::json!({ "name": field.name, "default": default, "range": range, "choices": choices, "doc": field.doc })
        })
        .collect();
    serde_json::json!({
        "name": about.name, "title": about.title, "summary": about.summary, "formula": about.formula, "source": about.source,
        "notes": about.caveats, "weights_by": about.weighs().then_some(about.axis.name), "burn_in": about.burns_in, "cost": about.passes.to_string(),
        "passes_at_10_steps": about.passes.in_all(10), "measures": about.measure.map(|measure| measure.name), "parameters": parameters,
    })
}
