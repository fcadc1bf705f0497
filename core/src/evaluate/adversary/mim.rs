//! The momentum iterative method.

use burn::tensor::Tensor;

use super::{About, Adversary, Entry, Norm, Number, Pursuit, Subjects, Threat, Victim};
use crate::loss;

pub(super) const ENTRY: Entry = Entry { about: &ABOUT, build: |numbers| Box::new(Mim { steps: numbers[0] }) };

const ABOUT: About = About {
    name: "mim",
    title: "MIM",
    summary: "Steps of ε/4 along a running sum of gradients, each divided by its mean size.",
    source: "Dong et al., CVPR 2018, with decay 1",
    numbers: &[Number::steps(20)],
    gradient: true,
    classes: 2,
    norms: &Norm::ALL,
    nearest: false,
};

#[derive(Debug)]
struct Mim {
    steps: u32,
}

impl Adversary for Mim {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn numbers(&self) -> Vec<u32> {
        vec![self.steps]
    }

    fn passes(&self, _classes: usize) -> u64 {
        2 * u64::from(self.steps)
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(async move {
            let (ball, aim) = (subjects.ball(threat), subjects.aim());
            let mut images = subjects.natural.clone();
            let mut momentum: Option<Tensor<2>> = None;
            for _ in 0..self.steps {
                let slope = victim.gradient(&images, &|logits, aim| loss::cross_entropy(logits, &aim.labels), &aim).await?;
                // A gradient of 0 stays 0.
                let size = slope.gradient.clone().abs().mean_dim(1).clamp_min(1e-30);
                let newest = slope.gradient / size;
                let sum = match momentum.take() {
                    Some(before) => before + newest,
                    None => newest,
                };
                images = ball.project(images + ball.direction(sum.clone()).mul_scalar(0.25 * ball.epsilon()));
                momentum = Some(sum);
            }
            Ok(images)
        })
    }
}
