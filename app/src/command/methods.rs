//! `gairat methods`: what each method does, where it comes from and what it can be told.

use gairat::{
    method::{About, METHODS, ParameterKind, Passes},
    settings::{Field, Kind, MethodChoice, Settings},
};

use super::{flag, listing::Listing, markdown};
use crate::failure::Failure;

pub(super) const LISTING: Listing<About> = Listing {
    name: "methods",
    about: "List the methods, or describe one: formula, source, parameters, cost, and what is not certain",
    one: ("METHOD", "The method to describe; without it all are listed"),
    examples: &[
        ("All methods", "methods"),
        ("Formula, parameters and cost of one", "methods mart"),
        ("The same for a program", "methods --json"),
    ],
    all: || METHODS.iter().map(|entry| entry.about).collect(),
    named: |name| Ok(MethodChoice::of(name).map_err(Failure::Request)?.about()),
    list: |chosen| {
        chosen.into_iter().for_each(list);
        crate::terminal::say!(
            "`gairat methods NAME` describes one: what its parameters mean, what it weighs by, and its burn-in."
        );
    },
    describe,
    json,
    page,
};

/// Its parameters as settings, with its own defaults.
fn parameters(about: &About) -> Vec<(Field, String)> {
    let settings = Settings::default().with("method", about.name);
    let names = about.parameters.iter().map(|parameter| parameter.name);
    names.filter_map(|name| Some((settings.field(name)?, settings.get(name)?))).collect()
}

/// The values that a setting takes: its choices, or from where to where.
fn values(field: &Field) -> String {
    match &field.kind {
        Kind::Choice(choices) => choices.join(", "),
        _ => field.range().map_or_else(String::new, |(low, high)| format!("{low} to {high}")),
    }
}

/// What a step costs with each choice that makes it cost something else: `--implicit barrier`, and the passes.
fn variants(about: &About) -> Vec<(String, Passes)> {
    let settings = Settings::default().with("method", about.name);
    let passes = |settings: &Settings| settings.method.build().passes();
    let usual = passes(&settings);
    let mut variants = Vec::new();
    for parameter in about.parameters {
        if let ParameterKind::Choice { choices, .. } = parameter.kind {
            let costs = choices.iter().map(|choice| (choice, passes(&settings.clone().with(parameter.name, choice))));
            let other = costs.filter(|(_, cost)| *cost != usual);
            variants.extend(other.map(|(choice, cost)| (format!("--{} {choice}", flag(parameter.name)), cost)));
        }
    }
    variants
}

/// A method in a few lines, what is not certain of it included.
fn list(about: &About) {
    let line = |name: &str, text: &str| crate::terminal::say!("{name:<14} {text}");
    line(about.name, about.summary);
    line("", about.formula);
    let told: Vec<String> = parameters(about)
        .iter()
        .map(|(field, default)| format!("--{} {default} ({})", flag(field.name), values(field)))
        .collect();
    if !told.is_empty() {
        line("", &format!("parameters: {}", told.join("; ")));
    }
    line("", &format!("cost: {}", about.passes));
    for (with, cost) in variants(about) {
        line("", &format!("cost with {with}: {cost}"));
    }
    line("", &format!("source: {}", about.source));
    for caveat in about.caveats {
        line("", &format!("note: {caveat}"));
    }
    crate::terminal::say!();
}

fn describe(about: &About) {
    crate::terminal::say!("{} ({})", about.title, about.name);
    crate::terminal::say!("  {}", about.summary);
    crate::terminal::say!("  minimises   {}", about.formula);
    crate::terminal::say!("  weights by  {}", if about.weighs() { about.axis.label } else { "nothing: all samples count alike" });
    crate::terminal::say!("  cost        {}", about.passes);
    for (with, cost) in variants(about) {
        crate::terminal::say!("    with {with}: {cost}");
    }
    crate::terminal::say!("  burn-in     {}", if about.burns_in { "yes: --burn-in epochs with weights of 1" } else { "none" });
    if let Some(measure) = about.measure {
        crate::terminal::say!("  measures    {}: {}", measure.name, measure.doc);
    }
    crate::terminal::say!("  source      {}", about.source);
    for (field, default) in parameters(about) {
        crate::terminal::say!("  --{} {default}   ({})", flag(field.name), values(&field));
        crate::terminal::say!("      {}", field.doc);
    }
    for caveat in about.caveats {
        crate::terminal::say!("  note: {caveat}");
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
    let variants: Vec<serde_json::Value> = variants(about)
        .into_iter()
        .map(|(with, cost)| serde_json::json!({ "with": with, "cost": cost.to_string(), "passes_at_10_steps": cost.in_all(10) }))
        .collect();
    serde_json::json!({
        "name": about.name, "title": about.title, "summary": about.summary, "formula": about.formula, "source": about.source,
        "notes": about.caveats, "weights_by": about.weighs().then_some(about.axis.name), "burn_in": about.burns_in, "cost": about.passes.to_string(),
        "passes_at_10_steps": about.passes.in_all(10), "variants": variants, "measures": about.measure.map(|measure| measure.name),
        "parameters": parameters,
    })
}

/// The page `docs/methods.md`.
fn page() -> String {
    let abouts = || METHODS.iter().map(|entry| entry.about);
    let weighs_by = |about: &About| if about.weighs() { about.axis.label } else { "nothing: all samples count alike" };
    let overview = abouts().map(|about| {
        let name = format!("[`{0}`](#{0})", about.name);
        [name, about.title.to_owned(), weighs_by(about).to_owned(), about.source.to_owned()]
    });
    let overview = markdown::table(["method", "name", "weighs samples by", "source"], overview);
    let sections = abouts().fold(String::new(), |text, about| format!("{text}\n{}", section(about, weighs_by(about))));
    format!(
        "# Methods\n\n{}\n\n\
         A method says which adversarial data it trains on, how much each sample counts (ω), what it minimises, and how it combines gradients. \
         Every method below is one file in `core/src/method/`. [reproduction.md](reproduction.md) says where a method differs from published \
         code, and sets its figures beside PyTorch's.\n\n\
         In the formulas f is the network, x a natural sample, x~ its adversarial partner, y the label, p the softmax of the logits, and n the \
         size of the batch. K is the number of attack steps; κ counts the steps before which a sample is classified correctly.\n\n\
         {overview}{sections}",
        markdown::generated("methods"),
    )
}

/// What the page says of one method.
fn section(about: &About, weighs_by: &str) -> String {
    let mut text = format!("## {}\n\n{}. {}\n\n", about.name, about.title, about.summary);
    let mut item = |name: &str, what: &str| text.push_str(&format!("- {name}: {what}\n"));
    item("minimises", &format!("`{}`", about.formula));
    item("weighs samples by", weighs_by);
    item("cost of a step", &about.passes.to_string());
    for (with, cost) in variants(about) {
        item(&format!("cost with `{with}`"), &cost.to_string());
    }
    item("burn-in", if about.burns_in { "`--burn-in` epochs with weights of 1" } else { "none" });
    if let Some(measure) = about.measure {
        item("measures", &format!("`{}`: {}", measure.name, measure.doc));
    }
    item("source", about.source);
    for caveat in about.caveats {
        item("note", caveat);
    }
    let rows: Vec<[String; 4]> = parameters(about)
        .into_iter()
        .map(|(field, default)| [format!("`--{}`", flag(field.name)), default, values(&field), field.doc.to_string()])
        .collect();
    if !rows.is_empty() {
        text.push_str(&format!("\n{}", markdown::table(["parameter", "default", "values", "what it means"], rows)));
    }
    text
}
