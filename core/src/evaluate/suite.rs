//! Suites of attacks.

use super::{Adversary, adversary, threat::Norm};

/// One attack of a suite.
#[derive(Debug)]
pub struct Stage {
    /// The attack.
    pub adversary: Box<dyn Adversary>,
    /// Whether it runs only on samples that no earlier stage broke; otherwise it runs on all that are correct before an attack.
    pub on_survivors: bool,
}

/// A suite: attacks that together give one robust accuracy.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// Its name.
    pub name: &'static str,
    /// Its purpose.
    pub summary: &'static str,
    /// Its attacks on all samples.
    on_all: &'static [&'static str],
    /// Its attacks on the survivors.
    on_survivors: &'static [&'static str],
}

/// All suites, the fast one first.
pub const SUITES: &[Suite] = &[
    Suite {
        name: "fast",
        summary: "what chooses the best epoch of a run: PGD-20 and CW-20, which a GPU computes as one operation each",
        on_all: &["natural", "pgd:20"],
        on_survivors: &["cw:20"],
    },
    Suite {
        name: "quick",
        summary: "what training reports: PGD-20, CW-20 and a short attack that no scale of the logits blinds",
        on_all: &["natural", "pgd:20", "cw:20", "mifpe:20"],
        on_survivors: &[],
    },
    Suite {
        name: "trust",
        summary: "as strong as AutoAttack in a fraction of its passes",
        on_all: &["natural", "fgsm", "pgd:20", "cw:20"],
        on_survivors: &["mifpe", "apgd-ce", "pma", "apgd-t", "logit-scale:20", "square:1000"],
    },
    Suite {
        name: "autoattack",
        summary: "the standard AutoAttack, stage by stage",
        on_all: &["natural"],
        on_survivors: &["apgd-ce", "apgd-t", "fab-t", "square:5000"],
    },
    Suite {
        name: "autoattack-plus",
        summary: "AutoAttack's version plus, stage by stage",
        on_all: &["natural"],
        on_survivors: &["apgd-ce:100:5", "apgd-dlr:100:5", "fab:100:5", "square:5000", "apgd-t", "fab-t"],
    },
];

impl Suite {
    /// Chooses the best epoch; cheap enough to run often.
    pub const FAST: Self = SUITES[0];
    /// The suite of training's final report.
    pub const QUICK: Self = SUITES[1];
    /// The default of an evaluation.
    pub const TRUST: Self = SUITES[2];

    /// Its attacks on all samples that are correct before an attack, as [`super::parse`] reads them.
    pub fn on_all(&self) -> &'static [&'static str] {
        self.on_all
    }

    /// Its attacks on the samples that no earlier attack broke, as [`super::parse`] reads them.
    pub fn on_survivors(&self) -> &'static [&'static str] {
        self.on_survivors
    }

    /// The suite `name`.
    ///
    /// # Errors
    /// A sentence with all names.
    pub fn named(name: &str) -> Result<Self, String> {
        let names = || SUITES.iter().map(|suite| format!("`{}`", suite.name)).collect::<Vec<_>>().join(", ");
        let suite = SUITES.iter().find(|suite| suite.name == name);
        suite.copied().ok_or_else(|| format!("`{name}` is no suite: expected {}", names()))
    }

    /// Its stages for a number of classes and a norm, and the labels of the attacks that need more classes or another norm.
    pub fn stages(&self, classes: usize, norm: Norm) -> (Vec<Stage>, Vec<String>) {
        let of = |specs: &[&str], on_survivors| -> Vec<Stage> {
            let adversaries = specs.iter().filter_map(|spec| adversary::parse(spec).ok());
            adversaries.map(|adversary| Stage { adversary, on_survivors }).collect()
        };
        let mut stages = of(self.on_all, false);
        stages.extend(of(self.on_survivors, true));
        let fits = |stage: &Stage| stage.adversary.about().classes <= classes && stage.adversary.about().norms.contains(&norm);
        let (fitting, left_out): (Vec<Stage>, Vec<Stage>) = stages.into_iter().partition(fits);
        (fitting, left_out.iter().map(|stage| stage.adversary.label()).collect())
    }
}
