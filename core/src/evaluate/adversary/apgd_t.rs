//! Auto-PGD towards other classes, one after the other.

use burn::tensor::Tensor;

use super::{About, Adversary, Entry, Norm, Number, Pursuit, Subjects, Threat, Victim, apgd::Apgd};
use crate::{
    device,
    evaluate::{Aim, Halt, indices},
    loss::{self, Labels},
};

pub(super) const ENTRY: Entry =
    Entry { about: &ABOUT, build: |numbers| Box::new(ApgdT { steps: numbers[0], targets: numbers[1] }) };

const ABOUT: About = About {
    name: "apgd-t",
    title: "APGD-T",
    summary: "Auto-PGD on the targeted difference of logits ratio, towards each of the strongest other classes.",
    source: "Croce and Hein, ICML 2020 (AutoAttack)",
    numbers: &[Number::of_a_hundred_steps(), Number::targets()],
    gradient: true,
    classes: 4,
    norms: &Norm::ALL,
    nearest: false,
};

#[derive(Debug)]
struct ApgdT {
    steps: u32,
    targets: u32,
}

impl Adversary for ApgdT {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn numbers(&self) -> Vec<u32> {
        vec![self.steps, self.targets]
    }

    fn passes(&self, classes: usize) -> u64 {
        2 * (u64::from(self.steps) + 1) * u64::from(self.targets).min(classes as u64 - 1)
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(async move {
            let classes = ranked_others(victim, subjects).await?;
            let targets = (self.targets as usize).min(victim.classes() - 1);
            let aim = towards(victim, subjects, &classes, targets);
            let starts = (0..targets).map(|rank| format!("{} {rank}", ABOUT.name)).collect();
            let run = Apgd { steps: self.steps, loss: &climbed, starts };
            Ok(run.run(victim, subjects, aim, threat).await?.images)
        })
    }
}

fn climbed(logits: Tensor<2>, aim: &Aim) -> Tensor<1> {
    match &aim.targets {
        Some(targets) => loss::targeted_difference_of_logits_ratio(logits, &aim.labels, targets),
        None => loss::difference_of_logits_ratio(logits, &aim.labels),
    }
}

/// Of every subject the classes other than its label, the one with the largest natural logit first.
pub(super) async fn ranked_others(victim: &mut Victim<'_>, subjects: &Subjects) -> Result<Vec<Vec<u32>>, Halt> {
    let logits = device::read(victim.logits(&subjects.natural).await?).await?;
    let rows = logits.chunks_exact(victim.classes()).zip(subjects.classes());
    Ok(rows
        .map(|(logits, &label)| {
            let mut others: Vec<u32> = (0..logits.len() as u32).filter(|&class| class != label).collect();
            others.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b)));
            others
        })
        .collect())
}

/// The subjects so many times: first towards the first of their classes, then towards the second, and so on.
pub(super) fn towards(victim: &Victim<'_>, subjects: &Subjects, classes: &[Vec<u32>], targets: usize) -> Aim {
    let aims: Vec<i32> = (0..targets)
        .flat_map(|rank| classes.iter().map(move |others| others.get(rank).copied().unwrap_or_default() as i32))
        .collect();
    let rows = subjects.repeat(targets);
    Aim { labels: subjects.labels.select(&rows), targets: Some(Labels::new(indices(&aims, victim.device()), victim.classes())) }
}
