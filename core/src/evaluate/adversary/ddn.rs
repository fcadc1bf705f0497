//! DDN: decoupled direction and norm.

use burn::tensor::Tensor;

use super::{About, Adversary, Entry, Norm, Number, Pursuit, Subjects, Threat, Victim};
use crate::{
    evaluate::{Verdict, mask, threat::distance},
    loss,
};

pub(super) const ENTRY: Entry = Entry { about: &ABOUT, build: |numbers| Box::new(Ddn { steps: numbers[0] }) };

const ABOUT: About = About {
    name: "ddn",
    title: "DDN",
    summary: "Looks for the nearest adversarial image: climbs the cross-entropy on a sphere that shrinks by a twentieth where the image is misclassified and grows where it is not.",
    source: "Rony et al., CVPR 2019; as in adversarial-library",
    numbers: &[Number::of_a_hundred_steps()],
    gradient: true,
    classes: 2,
    norms: &[Norm::L2],
    nearest: true,
};

/// By which share the sphere grows or shrinks.
const GROWTH: f64 = 0.05;

#[derive(Debug)]
struct Ddn {
    steps: u32,
}

/// The length of step `step` of so many: from 1 to 0.01 along a cosine.
fn size(step: u32, steps: u32) -> f64 {
    let done = f64::from(step) / f64::from(steps);
    0.01 + 0.99 * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
}

impl Adversary for Ddn {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn numbers(&self) -> Vec<u32> {
        vec![self.steps]
    }

    fn passes(&self, _classes: usize) -> u64 {
        2 * u64::from(self.steps) + 1
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(async move {
            let (natural, aim) = (subjects.natural.clone(), subjects.aim());
            let ball = subjects.ball(threat);
            let [samples, width] = natural.dims();
            let mut offset = natural.zeros_like();
            let mut radius: Tensor<1> = Tensor::ones([samples], victim.device());
            let mut best = natural.clone();
            let mut least = radius.clone().mul_scalar(1e10);
            for step in 0..=self.steps {
                let images = natural.clone() + offset.clone();
                let slope = victim.gradient(&images, &|logits, aim| loss::cross_entropy(logits, &aim.labels), &aim).await?;
                let wrong = Verdict::of(&slope.logits, &aim.labels).wrong;
                let length = distance(Norm::L2, offset.clone());
                let closer = wrong.clone() * length.clone().lower(least.clone()).float();
                best = best.mask_where(mask(&closer, width), images);
                least = least.mask_where(closer.greater_elem(0.5), length);
                if step == self.steps {
                    break;
                }
                radius = radius * wrong.mul_scalar(-2.0).add_scalar(1.0).mul_scalar(GROWTH).add_scalar(1.0);
                let moved = offset + ball.direction(slope.gradient).mul_scalar(size(step, self.steps));
                let length = distance(Norm::L2, moved.clone()).clamp_min(1e-12);
                let scale = (radius.clone() / length).reshape([samples, 1]);
                offset = (natural.clone() + moved * scale).clamp(0.0, 1.0) - natural.clone();
            }
            Ok(best)
        })
    }
}
