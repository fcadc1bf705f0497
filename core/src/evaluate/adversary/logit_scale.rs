//! PGD at other scales of the logits, which exposes networks that hide their gradient by large or small logits.

use super::{About, Adversary, Entry, Norm, Number, Pursuit, Subjects, Threat, Victim};
use crate::{evaluate::Kept, loss, random::Stream};

pub(super) const ENTRY: Entry = Entry { about: &ABOUT, build: |numbers| Box::new(LogitScale { steps: numbers[0] }) };

const ABOUT: About = About {
    name: "logit-scale",
    title: "logit scale",
    summary: "PGD on CE(s z, y) for s of 0.001, 0.01, 0.1, 10 and 100; the worst counts.",
    source: "Hitaj et al., 2021, both ways",
    numbers: &[Number::steps(20)],
    gradient: true,
    classes: 2,
    norms: &Norm::ALL,
    nearest: false,
};

const SCALES: [f64; 5] = [10.0, 100.0, 0.1, 0.01, 0.001];

#[derive(Debug)]
struct LogitScale {
    steps: u32,
}

impl Adversary for LogitScale {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn numbers(&self) -> Vec<u32> {
        vec![self.steps]
    }

    fn passes(&self, _classes: usize) -> u64 {
        (2 * u64::from(self.steps) + 1) * SCALES.len() as u64
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(async move {
            let (ball, aim) = (subjects.ball(threat), subjects.aim());
            let mut kept: Option<Kept> = None;
            for scale in SCALES {
                // The same starts at all scales.
                let noise = subjects.noise(threat, "logit scale", Stream::symmetric);
                let mut images = ball.project(ball.natural.clone() + noise.mul_scalar(ball.epsilon()));
                for _ in 0..self.steps {
                    let scaled = |logits: burn::tensor::Tensor<2>, aim: &crate::evaluate::Aim| {
                        loss::cross_entropy(logits.mul_scalar(scale), &aim.labels)
                    };
                    let slope = victim.gradient(&images, &scaled, &aim).await?;
                    images = ball.project(images + ball.direction(slope.gradient).mul_scalar(0.25 * ball.epsilon()));
                }
                let logits = victim.logits(&images).await?;
                let found = Kept::new(images, &logits, &subjects.labels);
                let all = match kept.take() {
                    Some(before) => before.or(found),
                    None => found,
                };
                let over = all.all().await?;
                kept = Some(all);
                if over {
                    break;
                }
            }
            Ok(kept.map_or_else(|| subjects.natural.clone(), |kept| kept.images))
        })
    }
}
