//! Suites of attacks, and the one loop that runs them: on all samples or on those that nothing broke so far, each verdict given here and
//! not by the attack.

use burn::tensor::{Device, Tensor};
use serde::Serialize;

use super::{
    Adversary, Halt, Ledger, Onlooker, Report, Score, Subjects, Threat, Told, Verdict, Victim, adversary,
    report::share,
    threat::{Norm, ROUNDING, distance},
};
use crate::{
    dataset::{SampleShape, Samples},
    device,
    model::Classifier,
};

/// What is attacked.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The frozen network.
    pub network: &'a dyn Classifier,
    /// The samples.
    pub samples: &'a Samples,
    /// Their shape.
    pub shape: SampleShape,
    /// What the adversary may do.
    pub threat: Threat,
    /// How many samples at a time.
    pub batch: usize,
    /// Where.
    pub device: &'a Device,
}

/// One attack of a suite.
#[derive(Debug)]
pub struct Stage {
    /// The attack.
    pub adversary: Box<dyn Adversary>,
    /// Whether it is run on the samples alone that no stage before it broke; else on all that are correct before an attack.
    pub on_survivors: bool,
}

/// A suite: attacks that together give one number.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// Its attacks on all samples.
    on_all: &'static [&'static str],
    /// Its attacks on those that are left.
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
    /// What chooses the best epoch: cheap enough to be run again and again.
    pub const FAST: Self = SUITES[0];
    /// What training reports.
    pub const QUICK: Self = SUITES[1];
    /// What an evaluation runs when nothing else is asked for.
    pub const TRUST: Self = SUITES[2];

    /// Its attacks on all samples that are correct before an attack, as [`super::parse`] reads them.
    pub fn on_all(&self) -> &'static [&'static str] {
        self.on_all
    }

    /// Its attacks on the samples that no attack before broke, as [`super::parse`] reads them.
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

    /// Its stages for a network of so many classes, in a norm, and the attacks that need more classes or another norm and are left out.
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

/// What is known of one sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Known {
    /// The sample's row in its source.
    pub row: u32,
    /// Its label.
    pub label: u32,
    /// Whether it is classified correctly before any attack.
    pub natural: bool,
    /// The first attack that broke it.
    pub broken_by: Option<String>,
    /// The least distance at which it was found misclassified; an attack that looks for the nearest image may find it outside the ball.
    pub distance: Option<f32>,
    /// The margin z_y − max other of the sample itself.
    pub margin_natural: f32,
    /// The least margin that was found in the ball.
    pub margin: f32,
    /// The image in ball and box that broke it first; where nothing did, the one of least margin of the attacks that were run now (a ledger
    /// keeps no such images).
    #[serde(skip)]
    pub image: Option<Image>,
}

/// What an attack made of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// D numbers in [0, 1].
    pub pixels: Vec<f32>,
    /// z_y − max other there.
    pub margin: f32,
}

/// An evaluation on its way.
pub struct Evaluation<'a> {
    target: Target<'a>,
    ledger: Option<&'a mut Ledger>,
    known: Vec<Known>,
    report: Report,
}

impl<'a> Evaluation<'a> {
    /// Nothing is known yet of `target`.
    pub fn new(target: Target<'a>) -> Self {
        let of = |(&row, &label): (&u32, &u32)| Known { row, label, margin: f32::INFINITY, ..Known::default() };
        let known = target.samples.rows.iter().zip(&target.samples.labels).map(of).collect();
        Self { target, ledger: None, known, report: Report { samples: target.samples.len(), scores: Vec::new() } }
    }

    /// The same, with what `ledger` holds of the same network, threat and device; what is found is put into it.
    pub fn with_ledger(target: Target<'a>, ledger: &'a mut Ledger) -> Self {
        Self { ledger: Some(ledger), ..Self::new(target) }
    }

    /// What the stages that were run have come to.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The same, to be kept.
    pub fn into_report(self) -> Report {
        self.report
    }

    /// The same, and what is known of every sample.
    pub(super) fn into_parts(self) -> (Report, Vec<Known>) {
        (self.report, self.known)
    }

    /// What is known of every sample.
    pub fn samples(&self) -> &[Known] {
        &self.known
    }

    /// Runs an attack on all samples, without reports on the way.
    ///
    /// # Errors
    /// [`Halt`].
    pub async fn attack(&mut self, adversary: Box<dyn Adversary>) -> Result<&Score, Halt> {
        self.run(&Stage { adversary, on_survivors: false }, &mut super::Unwatched).await
    }

    /// Runs a stage; the onlooker is told how far it is after every batch.
    ///
    /// # Errors
    /// [`Halt`]; nothing of this stage counts then, and what it found of whole batches stays in the ledger.
    pub async fn run(&mut self, stage: &Stage, onlooker: &mut dyn Onlooker) -> Result<&Score, Halt> {
        let Target { network, samples, shape, threat, batch, device } = self.target;
        let adversary = stage.adversary.as_ref();
        let mut victim = Victim::new(network, shape, threat.path, device, onlooker);
        victim.onlooker().told(&Told::Begun(&adversary.label()));
        if self.report.scores.is_empty() {
            self.judge_natural(&mut victim).await?;
        }
        let mut indices: Vec<usize> = (0..samples.len())
            .filter(|&index| self.known[index].natural && (!stage.on_survivors || self.known[index].broken_by.is_none()))
            .collect();
        if stage.on_survivors {
            // The samples nearest to the boundary first: what can fall falls early.
            indices.sort_by(|&a, &b| self.known[a].margin.total_cmp(&self.known[b].margin).then(a.cmp(&b)));
        }
        let mut found = Vec::with_capacity(indices.len());
        let is_natural = adversary.passes(victim.classes()) == 0;
        let name = format!("{} {} {}", adversary.spec(), threat.norm, threat.epsilon);
        for chunk in indices.chunks(batch.max(1)).take(if is_natural { 0 } else { usize::MAX }) {
            let mut of_chunk: Vec<Option<Found>> = vec![None; chunk.len()];
            if let Some(ledger) = &self.ledger {
                of_chunk = chunk.iter().map(|&index| ledger.get(&name, samples, index, shape).cloned()).collect();
            }
            let missing: Vec<usize> =
                chunk.iter().zip(&of_chunk).filter(|(_, found)| found.is_none()).map(|(&index, _)| index).collect();
            if !missing.is_empty() {
                let subjects = Subjects::new(samples.select(&missing, shape.len()), shape, victim.classes(), device);
                let images = adversary.attack(&mut victim, &subjects, threat).await?;
                let verdicts = verdicts(&mut victim, &subjects, images, threat).await?;
                if let Some(ledger) = &mut self.ledger {
                    ledger.put(&name, (samples, shape), &missing, &verdicts)?;
                }
                let unknown = of_chunk.iter_mut().filter(|found| found.is_none());
                unknown.zip(verdicts).for_each(|(unknown, verdict)| *unknown = Some(verdict));
            }
            found.extend(of_chunk.into_iter().flatten());
            victim.onlooker().told(&Told::Progress { done: found.len(), all: indices.len() });
        }
        let mut correct: Vec<bool> = self.known.iter().map(|known| known.natural).collect();
        let (mut broke, mut outside) = (0, 0);
        for (&index, found) in indices.iter().zip(found) {
            let known = &mut self.known[index];
            outside += usize::from(found.outside && !adversary.about().nearest);
            if found.wrong && !found.off_box {
                known.distance = Some(known.distance.map_or(found.distance, |least| least.min(found.distance)));
            }
            if !found.outside {
                known.margin = known.margin.min(found.margin);
            }
            if found.wrong && !found.outside {
                broke += 1;
                correct[index] = false;
            }
            let first = known.broken_by.is_none();
            if first && found.wrong && !found.outside {
                known.broken_by = Some(adversary.spec());
            }
            if let Some(pixels) = found.image.filter(|_| first) {
                let better = found.wrong || known.image.as_ref().is_none_or(|image| found.margin < image.margin);
                if better {
                    known.image = Some(Image { pixels, margin: found.margin });
                }
            }
        }
        if stage.on_survivors {
            correct.iter_mut().zip(&self.known).for_each(|(correct, known)| *correct &= known.broken_by.is_none());
        }
        let accuracy = share(correct.iter().filter(|&&correct| correct).count(), correct.len());
        let (attack, label) = (adversary.spec(), adversary.label());
        self.report.scores.push(Score {
            attack,
            label,
            accuracy,
            on_survivors: stage.on_survivors,
            tried: indices.len(),
            broke,
            outside,
            correct,
        });
        let score = &self.report.scores[self.report.scores.len() - 1];
        victim.onlooker().told(&Told::Score(score));
        Ok(score)
    }

    /// Finds out which samples are correct before any attack.
    async fn judge_natural(&mut self, victim: &mut Victim<'_>) -> Result<(), Halt> {
        let Target { samples, shape, batch, device, .. } = self.target;
        let indices: Vec<usize> = (0..samples.len()).collect();
        for chunk in indices.chunks(batch.max(1)) {
            let subjects = Subjects::new(samples.select(chunk, shape.len()), shape, victim.classes(), device);
            let logits = victim.logits(&subjects.natural).await?;
            let verdict = Verdict::of(&logits, &subjects.labels);
            let numbers = device::read(Tensor::cat(vec![verdict.wrong, verdict.margin], 0)).await?;
            let (wrong, margins) = numbers.split_at(chunk.len());
            for ((&index, &wrong), &margin) in chunk.iter().zip(wrong).zip(margins) {
                self.known[index].natural = wrong < 0.5;
                self.known[index].margin_natural = margin;
                self.known[index].margin = margin;
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Evaluation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evaluation").field("report", &self.report).finish_non_exhaustive()
    }
}

/// What an attack has found of one sample.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// Its image is misclassified.
    pub(super) wrong: bool,
    /// z_y − max other there.
    pub(super) margin: f32,
    /// How far it is from the sample.
    pub(super) distance: f32,
    /// Not in the pixel box, or no number.
    pub(super) off_box: bool,
    /// Not in ball and box.
    pub(super) outside: bool,
    /// The image, if it is in ball and box.
    pub(super) image: Option<Vec<f32>>,
}

/// Judges what an attack gave, by a pass of its own.
async fn verdicts(victim: &mut Victim<'_>, subjects: &Subjects, images: Tensor<2>, threat: Threat) -> Result<Vec<Found>, Halt> {
    let logits = victim.logits(&images).await?;
    let Verdict { wrong, margin } = Verdict::of(&logits, &subjects.labels);
    let far = distance(threat.norm, images.clone() - subjects.natural.clone());
    let numbers = device::read(Tensor::cat(vec![wrong, margin, far], 0)).await?;
    let pixels = device::read(images).await?;
    let samples = subjects.len();
    Ok(pixels
        .chunks_exact(pixels.len() / samples.max(1))
        .enumerate()
        .map(|(sample, image)| {
            let distance = numbers[2 * samples + sample];
            // Not a number is neither in the box nor in the ball.
            let off_box = !image.iter().all(|pixel| (0.0..=1.0).contains(pixel));
            let outside = off_box || distance.is_nan() || distance > threat.epsilon + ROUNDING * threat.epsilon.max(1e-2);
            let wrong = numbers[sample] > 0.5;
            let image = (!outside).then(|| image.to_vec());
            Found { wrong, margin: numbers[samples + sample], distance, off_box, outside, image }
        })
        .collect())
}
