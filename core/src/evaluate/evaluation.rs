//! The loop that runs a suite's attacks, on all samples or on those that no attack has broken yet. It judges each image by a forward pass of
//! its own and does not trust the attack.

use std::fmt;

use burn::tensor::{Device, Tensor};
use serde::Serialize;

use super::{
    Adversary, Halt, Ledger, Onlooker, Report, Score, Stage, Subjects, Threat, Told, Verdict, Victim,
    report::share,
    threat::{ROUNDING, distance},
};
use crate::{
    dataset::{SampleShape, Samples},
    device,
    model::Classifier,
};

/// The target of an evaluation.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The frozen network.
    pub network: &'a dyn Classifier,
    /// The samples.
    pub samples: &'a Samples,
    /// Their shape.
    pub shape: SampleShape,
    /// The threat model.
    pub threat: Threat,
    /// Samples per batch.
    pub batch: usize,
    /// The device that computes.
    pub device: &'a Device,
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("shape", &self.shape).field("threat", &self.threat).finish_non_exhaustive()
    }
}

/// The findings about one sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Known {
    /// The sample's row in its source.
    pub row: u32,
    /// Its label.
    pub label: u32,
    /// Whether the network classifies it correctly before any attack.
    pub natural: bool,
    /// The first attack that broke it.
    pub broken_by: Option<String>,
    /// The least distance of a misclassified image; attacks that search for the nearest image may find one outside the ball.
    pub distance: Option<f32>,
    /// The margin z_y − max other of the sample itself.
    pub margin_natural: f32,
    /// The least margin found in the ball.
    pub margin: f32,
    /// The first image in ball and box that broke it. If none did, the image of least margin among the attacks run now; a ledger keeps no such
    /// images.
    #[serde(skip)]
    pub image: Option<Image>,
}

impl Known {
    /// Adds a finding of `attack`.
    fn add(&mut self, found: Found, attack: &str) {
        let first = self.broken_by.is_none();
        if found.wrong && !found.off_box {
            self.distance = Some(self.distance.map_or(found.distance, |least| least.min(found.distance)));
        }
        if !found.outside {
            self.margin = self.margin.min(found.margin);
        }
        if first && found.breaks() {
            self.broken_by = Some(attack.to_owned());
        }
        if let Some(pixels) = found.image.filter(|_| first)
            && (found.wrong || self.image.as_ref().is_none_or(|image| found.margin < image.margin))
        {
            self.image = Some(Image { pixels, margin: found.margin });
        }
    }
}

/// An attack's image of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// D numbers in [0, 1].
    pub pixels: Vec<f32>,
    /// z_y − max other there.
    pub margin: f32,
}

/// An evaluation in progress.
pub struct Evaluation<'a> {
    target: Target<'a>,
    ledger: Option<&'a mut Ledger>,
    known: Vec<Known>,
    report: Report,
}

impl<'a> Evaluation<'a> {
    /// An evaluation of `target` without findings.
    pub fn new(target: Target<'a>) -> Self {
        let of = |(&row, &label): (&u32, &u32)| Known { row, label, margin: f32::INFINITY, ..Known::default() };
        let known = target.samples.rows.iter().zip(&target.samples.labels).map(of).collect();
        Self { target, ledger: None, known, report: Report { samples: target.samples.len(), scores: Vec::new() } }
    }

    /// An evaluation that reuses the verdicts in `ledger`, which must be of the same network, threat and device, and adds its own.
    pub fn with_ledger(target: Target<'a>, ledger: &'a mut Ledger) -> Self {
        Self { ledger: Some(ledger), ..Self::new(target) }
    }

    /// The results of the stages so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Converts the evaluation into its report.
    pub fn into_report(self) -> Report {
        self.report
    }

    /// The report, and the findings about every sample.
    pub(super) fn into_parts(self) -> (Report, Vec<Known>) {
        (self.report, self.known)
    }

    /// The findings about every sample.
    pub fn samples(&self) -> &[Known] {
        &self.known
    }

    /// Runs an attack on all samples, without progress reports.
    ///
    /// # Errors
    /// [`Halt`].
    pub async fn attack(&mut self, adversary: Box<dyn Adversary>) -> Result<&Score, Halt> {
        self.run(&Stage { adversary, on_survivors: false }, &mut super::Unwatched).await
    }

    /// Runs a stage and reports its progress to the onlooker after every batch.
    ///
    /// # Errors
    /// [`Halt`]. The stage then does not count; the ledger keeps the verdicts of its complete batches.
    pub async fn run(&mut self, stage: &Stage, onlooker: &mut dyn Onlooker) -> Result<&Score, Halt> {
        let Target { network, shape, threat, device, .. } = self.target;
        let mut victim = Victim::new(network, shape, threat.path, device, onlooker);
        victim.onlooker().told(&Told::Begun(&stage.adversary.label()));
        if self.report.scores.is_empty() {
            self.judge_natural(&mut victim).await?;
        }
        let indices = self.candidates(stage.on_survivors);
        let found = self.find(stage.adversary.as_ref(), &indices, &mut victim).await?;
        let score = self.score(stage, &indices, found);
        self.report.scores.push(score);
        let score = &self.report.scores[self.report.scores.len() - 1];
        victim.onlooker().told(&Told::Score(score));
        Ok(score)
    }

    /// The indices of the samples to attack: all correct ones, or only the unbroken ones if `on_survivors`.
    fn candidates(&self, on_survivors: bool) -> Vec<usize> {
        let known = &self.known;
        let mut indices: Vec<usize> = (0..self.target.samples.len())
            .filter(|&index| known[index].natural && (!on_survivors || known[index].broken_by.is_none()))
            .collect();
        if on_survivors {
            // The samples nearest to the boundary come first, so that the fragile ones break early.
            indices.sort_by(|&a, &b| known[a].margin.total_cmp(&known[b].margin).then(a.cmp(&b)));
        }
        indices
    }

    /// Takes the findings about the samples at `indices` from the ledger and attacks the others. Empty if the adversary attacks nothing.
    async fn find(&mut self, adversary: &dyn Adversary, indices: &[usize], victim: &mut Victim<'_>) -> Result<Vec<Found>, Halt> {
        let Target { samples, shape, threat, batch, device, .. } = self.target;
        let mut found = Vec::with_capacity(indices.len());
        if adversary.passes(victim.classes()) == 0 {
            return Ok(found);
        }
        let name = format!("{} {} {}", adversary.spec(), threat.norm, threat.epsilon);
        for chunk in indices.chunks(batch.max(1)) {
            let in_ledger = |&index: &usize| self.ledger.as_deref()?.get(&name, samples, index, shape).cloned();
            let mut of_chunk: Vec<Option<Found>> = chunk.iter().map(in_ledger).collect();
            let missing: Vec<usize> =
                chunk.iter().zip(&of_chunk).filter(|(_, found)| found.is_none()).map(|(&index, _)| index).collect();
            if !missing.is_empty() {
                let subjects = Subjects::new(samples.select(&missing, shape.len()), shape, victim.classes(), device);
                let images = adversary.attack(victim, &subjects, threat).await?;
                let verdicts = verdicts(victim, &subjects, images, threat).await?;
                if let Some(ledger) = &mut self.ledger {
                    ledger.put(&name, (samples, shape), &missing, &verdicts)?;
                }
                let unknown = of_chunk.iter_mut().filter(|found| found.is_none());
                unknown.zip(verdicts).for_each(|(unknown, verdict)| *unknown = Some(verdict));
            }
            found.extend(of_chunk.into_iter().flatten());
            victim.onlooker().told(&Told::Progress { done: found.len(), all: indices.len() });
        }
        Ok(found)
    }

    /// Adds the findings about the samples at `indices`, and counts them.
    fn score(&mut self, stage: &Stage, indices: &[usize], found: Vec<Found>) -> Score {
        let adversary = stage.adversary.as_ref();
        let attack = adversary.spec();
        let mut correct: Vec<bool> = self.known.iter().map(|known| known.natural).collect();
        let (mut broke, mut outside) = (0, 0);
        for (&index, found) in indices.iter().zip(found) {
            outside += usize::from(found.outside && !adversary.about().nearest);
            if found.breaks() {
                broke += 1;
                correct[index] = false;
            }
            self.known[index].add(found, &attack);
        }
        if stage.on_survivors {
            correct.iter_mut().zip(&self.known).for_each(|(correct, known)| *correct &= known.broken_by.is_none());
        }
        Score {
            attack,
            label: adversary.label(),
            accuracy: share(correct.iter().filter(|&&correct| correct).count(), correct.len()),
            on_survivors: stage.on_survivors,
            tried: indices.len(),
            broke,
            outside,
            correct,
        }
    }

    /// Classifies all samples before any attack.
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

impl fmt::Debug for Evaluation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluation").field("report", &self.report).finish_non_exhaustive()
    }
}

/// An attack's finding about one sample.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// Whether the image is misclassified.
    pub(super) wrong: bool,
    /// z_y − max other there.
    pub(super) margin: f32,
    /// The distance from the sample.
    pub(super) distance: f32,
    /// Whether the image leaves the pixel box or holds NaN.
    pub(super) off_box: bool,
    /// Whether the image leaves ball or box.
    pub(super) outside: bool,
    /// The image, if it is in ball and box.
    pub(super) image: Option<Vec<f32>>,
}

impl Found {
    /// Whether the image is misclassified inside ball and box.
    fn breaks(&self) -> bool {
        self.wrong && !self.outside
    }
}

/// Judges an attack's images by a separate forward pass.
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
