//! The adversaries: one file each, and [`ADVERSARIES`], the list. The evaluation, not the adversary, judges the images.

mod apgd;
mod apgd_ce;
mod apgd_dlr;
mod apgd_t;
mod cw;
mod ddn;
mod fab;
mod fab_t;
mod fgsm;
mod fgsm_random;
mod hyperplane;
mod logit_scale;
mod mifpe;
mod mim;
mod natural;
mod pgd;
mod pgd_plus;
mod pma;
mod restarts;
mod square;
mod steps;

use std::{fmt, future::Future, pin::Pin};

use burn::tensor::Tensor;

use super::{Halt, Norm, Subjects, Threat, Victim};

/// All adversaries, weak ones first.
pub const ADVERSARIES: &[Entry] = &[
    natural::ENTRY,
    fgsm::ENTRY,
    fgsm_random::ENTRY,
    pgd::ENTRY,
    cw::ENTRY,
    mim::ENTRY,
    pgd_plus::ENTRY,
    logit_scale::ENTRY,
    mifpe::ENTRY,
    pma::ENTRY,
    apgd_ce::ENTRY,
    apgd_dlr::ENTRY,
    apgd_t::ENTRY,
    fab::ENTRY,
    fab_t::ENTRY,
    ddn::ENTRY,
    square::ENTRY,
];

/// An entry of [`ADVERSARIES`].
#[derive(Clone, Copy)]
pub struct Entry {
    /// The description.
    pub about: &'static About,
    /// Builds the adversary from one number for each of [`About::numbers`].
    pub build: fn(&[u32]) -> Box<dyn Adversary>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.about.name).finish()
    }
}

/// The description of an adversary.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name on the command line: `apgd-ce`.
    pub name: &'static str,
    /// Its name for people: `APGD-CE`.
    pub title: &'static str,
    /// A one-sentence summary.
    pub summary: &'static str,
    /// The paper or code that defines it.
    pub source: &'static str,
    /// The numbers that may follow its name, after colons.
    pub numbers: &'static [Number],
    /// Whether it needs gradients; otherwise logits are enough.
    pub gradient: bool,
    /// The least number of classes.
    pub classes: usize,
    /// The norms that it supports.
    pub norms: &'static [Norm],
    /// Whether it searches for the nearest adversarial image, which may lie outside the ball.
    pub nearest: bool,
}

impl About {
    /// Its syntax: `pgd[:STEPS[:RESTARTS]]`.
    pub fn usage(&self) -> String {
        let numbers = self.numbers.iter().fold(String::new(), |usage, number| format!("{usage}[:{}", number.name));
        format!("{}{numbers}{}", self.name, "]".repeat(self.numbers.len()))
    }
}

/// A number after an adversary's name.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    /// What it counts.
    pub name: &'static str,
    /// The default.
    pub default: u32,
    /// The greatest value; the least is 1.
    pub most: u32,
    /// Whether the attack's label always shows it.
    pub said: bool,
}

impl Number {
    /// Steps of an attack that is known by their number.
    const fn steps(default: u32) -> Self {
        Self { name: "STEPS", default, most: 100_000, said: true }
    }

    /// Steps of an attack that is known by its name.
    const fn of_a_hundred_steps() -> Self {
        Self { said: false, ..Self::steps(100) }
    }

    /// How often it begins anew.
    const fn restarts(default: u32) -> Self {
        Self { name: "RESTARTS", default, most: 1000, said: false }
    }

    /// How many classes it aims at.
    const fn targets() -> Self {
        Self { name: "TARGETS", default: 9, most: 1000, said: false }
    }
}

/// The result of an attack: the best image of each sample (N x D). The evaluation judges whether it is misclassified and in ball and box.
pub type Pursuit<'a> = Pin<Box<dyn Future<Output = Result<Tensor<2>, Halt>> + 'a>>;

/// An attack on a network.
pub trait Adversary: fmt::Debug + Send + Sync {
    /// The description.
    fn about(&self) -> &'static About;

    /// The numbers after its name, one for each of [`About::numbers`].
    fn numbers(&self) -> Vec<u32> {
        Vec::new()
    }

    /// The greatest number of forward and backward passes per sample, given the number of classes; a measure of its time.
    fn passes(&self, classes: usize) -> u64;

    /// Attacks `subjects`, all of which the network classifies correctly.
    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a>;

    /// Its name on the command line and in files: `pgd:20`.
    fn spec(&self) -> String {
        self.said(':', self.about().name)
    }

    /// Its name for people: `PGD-20`.
    fn label(&self) -> String {
        self.said('-', self.about().title)
    }

    /// The name and the numbers that are said with it.
    fn said(&self, separator: char, name: &str) -> String {
        let (about, numbers) = (self.about().numbers, self.numbers());
        let last = about.iter().zip(&numbers).rposition(|(about, number)| about.said || *number != about.default);
        let said = numbers.iter().take(last.map_or(0, |last| last + 1));
        said.fold(name.to_owned(), |name, number| format!("{name}{separator}{number}"))
    }
}

/// Reads `natural`, `pgd:20`, `apgd-ce`, `square:1000` and all others of [`ADVERSARIES`].
///
/// # Errors
/// A sentence that names the text and what was expected.
pub fn parse(text: &str) -> Result<Box<dyn Adversary>, String> {
    let mut parts = text.trim().split(':');
    let name = parts.next().unwrap_or_default();
    let Some(entry) = ADVERSARIES.iter().find(|entry| entry.about.name == name) else {
        let names: Vec<&str> = ADVERSARIES.iter().map(|entry| entry.about.name).collect();
        return Err(format!("`{text}` is no attack: expected one of {}", names.join(", ")));
    };
    let mut given = parts;
    let mut numbers = Vec::new();
    for number in entry.about.numbers {
        let value = match given.next() {
            None => number.default,
            Some(text_of) => (text_of.parse().ok().filter(|value| (1..=number.most).contains(value))).ok_or_else(|| {
                format!("`{text}`: {} is `{text_of}`; expected a whole number from 1 to {}", number.name, number.most)
            })?,
        };
        numbers.push(value);
    }
    match given.next() {
        Some(more) => Err(format!("`{text}`: nothing is known of `{more}`; expected {}", entry.about.usage())),
        None => Ok((entry.build)(&numbers)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_adversary_is_read_from_what_it_says() {
        for entry in ADVERSARIES {
            let numbers: Vec<u32> = entry.about.numbers.iter().map(|number| number.default).collect();
            let usual = (entry.build)(&numbers);
            assert_eq!(parse(&usual.spec()).unwrap().spec(), usual.spec());
            assert_eq!(parse(entry.about.name).unwrap().numbers(), numbers);
            let other: Vec<u32> = (0..numbers.len() as u32).map(|place| 3 + place).collect();
            let other = (entry.build)(&other);
            assert_eq!(parse(&other.spec()).unwrap().numbers(), other.numbers(), "{}", other.spec());
            assert!(!entry.about.norms.is_empty() && entry.about.classes >= 2);
        }
    }

    #[test]
    fn names_are_said_as_people_do() {
        let said = |text: &str| parse(text).unwrap().label();
        assert_eq!(
            ["pgd:20", "pgd:20:5", "apgd-ce", "apgd-ce:20", "square:1000"].map(said),
            ["PGD-20", "PGD-20-5", "APGD-CE", "APGD-CE-20", "Square-1000"]
        );
    }

    #[test]
    fn what_is_no_adversary_is_refused_with_what_was_expected() {
        let refused = |text: &str| parse(text).unwrap_err();
        assert!(refused("pgdd").contains("expected one of natural, fgsm"));
        assert!(refused("pgd:0").contains("from 1 to 100000"));
        assert!(refused("pgd:x").contains("STEPS"));
        assert!(refused("pgd:20:2:3").contains("pgd[:STEPS[:RESTARTS]]"));
        assert!(refused("natural:1").contains("expected natural"));
    }
}
