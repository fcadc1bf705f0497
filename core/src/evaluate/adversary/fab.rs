//! FAB: the fast adaptive boundary attack, towards the class whose linearised boundary is nearest.

use burn::tensor::{Tensor, activation::relu, s};

use super::{
    About, Adversary, Entry, Norm, Number, Pursuit, Subjects, Threat, Victim,
    apgd_t::{ranked_others, towards},
    hyperplane::onto_hyperplane,
};
use crate::{
    device,
    evaluate::{Aim, Halt, Verdict, indices, mask, threat::distance},
    loss,
};

pub(super) const ENTRY: Entry =
    Entry { about: &ABOUT, build: |numbers| Box::new(Fab { steps: numbers[0], restarts: numbers[1] }) };

const ABOUT: About = About {
    name: "fab",
    title: "FAB",
    summary: "Looks for the nearest adversarial image: steps onto the nearest linearised boundary of all other classes, and pulls back.",
    source: "Croce and Hein, ICML 2020 (Minimally distorted adversarial examples)",
    numbers: &[Number::of_a_hundred_steps(), Number::restarts(1)],
    gradient: true,
    classes: 2,
    norms: &Norm::ALL,
    nearest: true,
};

/// Share of the sample's own projection in a step at most.
const MOST_OWN: f64 = 0.1;
/// By how much a step goes beyond the plane.
const BEYOND: f64 = 1.05;
/// A distance that no image has.
const FAR: f64 = 1e10;
/// Share of the way that is kept when an image is pulled back.
const BACK: f64 = 0.9;

#[derive(Debug)]
struct Fab {
    steps: u32,
    restarts: u32,
}

impl Adversary for Fab {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn numbers(&self) -> Vec<u32> {
        vec![self.steps, self.restarts]
    }

    fn passes(&self, classes: usize) -> u64 {
        (2 * (classes as u64 - 1) + 1) * u64::from(self.steps) * u64::from(self.restarts)
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(async move {
            // Where the others stand at the sample itself only orders them; all are looked at.
            let others = ranked_others(victim, subjects).await?;
            let planes = towards(victim, subjects, &others, victim.classes() - 1);
            let mut best = Nearest::new(subjects, 1, victim);
            for restart in 0..self.restarts.max(1) {
                let start = best.start(subjects, threat, restart);
                best.pursue(victim, start, &planes, (threat, self.steps)).await?;
            }
            Ok(best.images)
        })
    }
}

/// z_t − z_y, t being the target.
fn difference(logits: Tensor<2>, aim: &Aim) -> Tensor<1> {
    let other = match &aim.targets {
        Some(targets) => loss::of_label(logits.clone(), targets),
        None => loss::largest_other(logits.clone(), &aim.labels),
    };
    other - loss::of_label(logits, &aim.labels)
}

/// Runs towards so many of each subject's strongest classes.
pub(super) async fn towards_classes(
    victim: &mut Victim<'_>,
    subjects: &Subjects,
    threat: Threat,
    (steps, targets): (u32, u32),
) -> Result<Tensor<2>, Halt> {
    let classes = ranked_others(victim, subjects).await?;
    let targets = (targets as usize).min(victim.classes() - 1);
    let aim = towards(victim, subjects, &classes, targets);
    // Every target has a run of its own.
    let mut best = Nearest::new(subjects, targets, victim);
    let start = best.natural.clone();
    best.pursue(victim, start, &aim, (threat, steps)).await?;
    best.of_all_runs(subjects.len(), victim).await
}

/// Of each row the nearest misclassified image so far, else the sample itself. There is a row for each sample, or several runs of them.
struct Nearest {
    natural: Tensor<2>,
    images: Tensor<2>,
    distances: Tensor<1>,
}

impl Nearest {
    /// Nothing is found yet.
    fn new(subjects: &Subjects, runs: usize, victim: &Victim<'_>) -> Self {
        let natural = subjects.natural.clone().select(0, subjects.repeat(runs));
        let rows = natural.dims()[0];
        let distances = Tensor::ones([rows], victim.device()).mul_scalar(FAR);
        Self { images: natural.clone(), natural, distances }
    }

    /// Where a restart begins: at the sample, and from the second on at a random place half as far as what was found, or half the radius.
    fn start(&self, subjects: &Subjects, threat: Threat, restart: u32) -> Tensor<2> {
        if restart == 0 {
            return self.natural.clone();
        }
        let rows = self.natural.dims()[0];
        let what = format!("fab {restart}");
        let draw = match threat.norm {
            Norm::LInf => subjects.noise(threat, &what, crate::random::Stream::symmetric),
            Norm::L2 => subjects.noise(threat, &what, crate::random::Stream::normal),
        };
        let far = self.distances.clone().clamp_max(f64::from(threat.epsilon)).mul_scalar(0.5).reshape([rows, 1]);
        let length = distance(threat.norm, draw.clone()).clamp_min(1e-12).reshape([rows, 1]);
        (self.natural.clone() + draw / length * far).clamp(0.0, 1.0)
    }

    /// Takes so many steps from `start`. `planes` has a row for each of these, or a round of rows for each class whose plane is looked at:
    /// the nearest of them is stepped onto. Success is any other class; planes only guide.
    async fn pursue(
        &mut self,
        victim: &mut Victim<'_>,
        start: Tensor<2>,
        planes: &Aim,
        (threat, steps): (Threat, u32),
    ) -> Result<(), Halt> {
        let [rows, width] = start.dims();
        let rounds = planes.labels.len() / rows.max(1);
        let labels = planes.labels.rows(0..rows);
        let natural = self.natural.clone();
        let mut images = start;
        for _ in 0..steps {
            let repeated = if rounds > 1 { images.clone().repeat_dim(0, rounds) } else { images.clone() };
            let slope = victim.gradient(&repeated, &difference, planes).await?;
            let (w, losses) = nearest_plane(threat.norm, slope.gradient, slope.losses, rows);
            let b = (w.clone() * images.clone()).sum_dim(1).reshape([rows]) - losses;
            // Both projections at once: of the image, and of the sample.
            let both = onto_hyperplane(
                threat.norm,
                &Tensor::cat(vec![images.clone(), natural.clone()], 0),
                &Tensor::cat(vec![w.clone(), w], 0),
                &Tensor::cat(vec![b.clone(), b], 0),
            )
            .await?;
            let (own, of_sample) = (both.clone().slice(s![0..rows]), both.slice(s![rows..2 * rows]));
            let size = |offset: &Tensor<2>| distance(threat.norm, offset.clone()).clamp_min(1e-8).reshape([rows, 1]);
            let (near, far) = (size(&own), size(&of_sample));
            let alpha = (near.clone() / (near + far)).clamp_max(MOST_OWN);
            let rest = alpha.clone().neg().add_scalar(1.0);
            let next = (images + own.mul_scalar(BEYOND)) * rest + (natural.clone() + of_sample.mul_scalar(BEYOND)) * alpha;
            images = relu(next).clamp_max(1.0);
            let logits = victim.logits(&images).await?;
            let wrong = Verdict::of(&logits, &labels).wrong;
            let distance = distance(threat.norm, images.clone() - natural.clone());
            let closer = wrong.clone() * distance.clone().lower(self.distances.clone()).float();
            self.images = self.images.clone().mask_where(mask(&closer, width), images.clone());
            self.distances = self.distances.clone().mask_where(closer.greater_elem(0.5), distance);
            let back = natural.clone() + (images.clone() - natural.clone()).mul_scalar(BACK);
            images = images.mask_where(mask(&wrong, width), back);
        }
        Ok(())
    }

    /// Of every sample the run that came nearest.
    async fn of_all_runs(self, samples: usize, victim: &Victim<'_>) -> Result<Tensor<2>, Halt> {
        let distances = device::read(self.distances).await?;
        let runs = distances.len() / samples.max(1);
        let nearest = (0..samples).map(|sample| {
            let of_run = |run: &usize| distances[run * samples + sample];
            (0..runs).min_by(|a, b| of_run(a).total_cmp(&of_run(b))).map_or(0, |run| (run * samples + sample) as i32)
        });
        Ok(self.images.select(0, indices(&nearest.collect::<Vec<_>>(), victim.device())))
    }
}

/// Of each of `rows` rows the plane whose distance |z_t − z_y| / ‖w‖ is least (‖w‖ in the dual norm), of one or several rounds of them.
fn nearest_plane(norm: Norm, w: Tensor<2>, losses: Tensor<1>, rows: usize) -> (Tensor<2>, Tensor<1>) {
    let [all, width] = w.dims();
    let mut best = (w.clone().slice(s![0..rows]), losses.clone().slice(s![0..rows]));
    let mut least: Option<Tensor<1>> = None;
    for first in (0..all).step_by(rows.max(1)) {
        let (w, losses) = (w.clone().slice(s![first..first + rows]), losses.clone().slice(s![first..first + rows]));
        let length = match norm {
            Norm::LInf => w.clone().abs().sum_dim(1),
            Norm::L2 => w.clone().powi_scalar(2).sum_dim(1).sqrt(),
        };
        let far = losses.clone().abs() / length.reshape([rows]).add_scalar(1e-12);
        least = Some(match least {
            None => far,
            Some(least) => {
                let nearer = far.clone().lower(least.clone());
                let of_row = mask(&nearer.clone().float(), width);
                best = (best.0.mask_where(of_row, w), best.1.mask_where(nearer.clone(), losses));
                least.mask_where(nearer, far)
            }
        });
    }
    best
}
