//! `gairat attacks`: what each attack of an evaluation does, where it comes from and which numbers it takes.

use gairat::evaluate::{ADVERSARIES, About, SUITES};

use super::{listing::Listing, markdown};
use crate::failure::Failure;

/// The list of attacks, and of suites.
pub(super) const LISTING: Listing<About> = Listing {
    name: "attacks",
    about: "List the attacks and suites of an evaluation, or describe one attack",
    one: ("ATTACK", "The attack to describe; without it all are listed"),
    examples: &[
        ("All attacks and suites", "attacks"),
        ("Source, norms and numbers of one", "attacks apgd-t"),
        ("The same for a program", "attacks --json"),
    ],
    all: || ADVERSARIES.iter().map(|entry| entry.about).collect(),
    named,
    list: |_| {
        crate::terminal::say!("{}", super::adversaries::listed());
        crate::terminal::say!("\n`gairat attacks NAME` describes one; `gairat eval --attack pgd:20,cw:20` runs some of them.");
    },
    describe,
    json,
    page,
};

/// The attack of this name.
fn named(name: &str) -> Result<&'static About, Failure> {
    let found = ADVERSARIES.iter().map(|entry| entry.about).find(|about| about.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = ADVERSARIES.iter().map(|entry| entry.about.name).collect();
        Failure::Request(format!("`{name}` is no attack: expected one of {}", names.join(", ")))
    })
}

/// What the attack sees of the network.
fn sees(about: &About) -> &'static str {
    if about.gradient { "the gradient" } else { "logits alone" }
}

/// The norms that it works in.
fn norms(about: &About) -> String {
    about.norms.iter().map(|norm| norm.label()).collect::<Vec<_>>().join(", ")
}

/// Its numbers with their defaults.
fn numbers(about: &About) -> String {
    let numbers = about.numbers.iter().map(|number| format!("{} {}", number.name, number.default));
    numbers.collect::<Vec<_>>().join(", ")
}

fn describe(about: &About) {
    crate::terminal::say!("{} ({})", about.title, about.usage());
    crate::terminal::say!("  {}", about.summary);
    crate::terminal::say!("  sees        {}", sees(about));
    crate::terminal::say!("  norms       {}", norms(about));
    crate::terminal::say!("  classes     {} or more", about.classes);
    let looks_for = if about.nearest { "the nearest adversarial image" } else { "an adversarial image in the ball" };
    crate::terminal::say!("  looks for   {looks_for}");
    for number in about.numbers {
        crate::terminal::say!("  {:<11} 1 to {} [default: {}]", number.name, number.most, number.default);
    }
    crate::terminal::say!("  source      {}", about.source);
}

fn json(about: &About) -> serde_json::Value {
    let norms: Vec<String> = about.norms.iter().map(ToString::to_string).collect();
    let numbers: Vec<serde_json::Value> = about
        .numbers
        .iter()
        .map(|number| serde_json::json!({ "name": number.name, "default": number.default, "range": [1, number.most] }))
        .collect();
    serde_json::json!({
        "name": about.name, "title": about.title, "usage": about.usage(), "summary": about.summary, "source": about.source,
        "gradient": about.gradient, "classes": about.classes, "norms": norms, "nearest": about.nearest, "numbers": numbers,
    })
}

/// The page `docs/attacks.md`.
fn page() -> String {
    let attacks = ADVERSARIES.iter().map(|entry| entry.about).map(|about| {
        [
            format!("`{}`", about.usage()),
            about.title.to_owned(),
            about.summary.to_owned(),
            sees(about).to_owned(),
            norms(about),
            about.classes.to_string(),
            numbers(about),
            about.source.to_owned(),
        ]
    });
    let attacks =
        markdown::table(["written", "attack", "what it does", "sees", "norms", "classes", "defaults", "source"], attacks);
    let suites = SUITES.iter().map(|suite| {
        let list = |attacks: &[&str]| attacks.iter().map(|attack| format!("`{attack}`")).collect::<Vec<_>>().join(", ");
        [format!("`{}`", suite.name), suite.summary.to_owned(), list(suite.on_all()), list(suite.on_survivors())]
    });
    let suites = markdown::table(["suite", "what it is for", "on all samples", "on the samples still correct"], suites);
    format!(
        "# Attacks\n\n{}\n\n\
         An attack proposes one image for each sample. The evaluation checks each image: it must lie in the ball and in [0, 1], and the \
         network must misclassify it. [evaluation.md](evaluation.md) explains the figures and their limits.\n\n\
         Numbers follow the name after colons: `pgd:40:5` is PGD with 40 steps and 5 restarts. \"classes\" is the fewest classes that an \
         attack needs. An attack that sees \"logits alone\" asks for no gradient, so a network cannot hide from it by spoiling its gradient.\n\n\
         {attacks}\n\
         ## Suites\n\n\
         A suite gives one number, the robust accuracy: the share of samples that are correct before and after every attack of the suite. \
         A suite leaves out the attacks that need more classes or another norm, and names them.\n\n\
         {suites}",
        markdown::generated("attacks"),
    )
}
