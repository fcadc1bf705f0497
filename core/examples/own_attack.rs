//! An adversary of one's own in the same suite as the program's: run with `cargo run --release --example own_attack`.
//!
//! It tries corners of the ball at random and keeps, for each sample, the one with the least margin. What it finds is judged by the
//! suite: an image outside of ball or box would count for nothing.

use burn::tensor::{Device, Tensor};
use gairat::{
    dataset,
    evaluate::{About, Adversary, Evaluation, Norm, Pursuit, Subjects, Target, Threat, Verdict, Victim, mask, parse},
    settings::Settings,
    train::{EpochLog, Trainer},
};

/// The best of so many random corners.
#[derive(Debug)]
struct RandomCorners {
    tries: u32,
}

impl Adversary for RandomCorners {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "corners",
            title: "random corners",
            summary: "The corner of the ball with the least margin, of some drawn at random.",
            source: "this example",
            numbers: &[],
            gradient: false,
            classes: 2,
            norms: &[Norm::LInf],
            nearest: false,
        };
        &ABOUT
    }

    fn passes(&self, _classes: usize) -> u64 {
        u64::from(self.tries)
    }

    fn attack<'a>(&'a self, victim: &'a mut Victim<'_>, subjects: &'a Subjects, threat: Threat) -> Pursuit<'a> {
        Box::pin(async move {
            let ball = subjects.ball(threat);
            let mut best = subjects.natural.clone();
            let mut least: Tensor<1> = Tensor::ones([subjects.len()], victim.device()).mul_scalar(1e30);
            for number in 0..self.tries {
                // Random numbers are keyed by the sample's row: the same whatever the batch is.
                let signs = subjects.noise(threat, &format!("corner {number}"), |stream| stream.symmetric().signum());
                let images = ball.project(subjects.natural.clone() + signs.mul_scalar(ball.epsilon()));
                let margin = Verdict::of(&victim.logits(&images).await?, &subjects.labels).margin;
                let lower = margin.clone().lower(least.clone());
                best = best.mask_where(mask(&lower.clone().float(), images.dims()[1]), images);
                least = least.mask_where(lower, margin);
            }
            Ok(best)
        })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut settings = Settings::default();
    settings.set("epochs", "20")?;
    let plan = settings.checked()?;
    let (data, device) = (dataset::load(&plan.request)?, Device::flex());
    let mut trainer = Trainer::new(&plan, &data, &device)?;
    for epoch in 1..=plan.settings.epochs {
        let mut log = EpochLog::default();
        for (step, indices) in trainer.steps_of(&data, epoch).iter().enumerate() {
            trainer.step(&data, indices, (epoch, step), &mut log);
        }
    }
    let network = trainer.frozen();
    let threat = Threat { norm: Norm::LInf, epsilon: plan.attack.epsilon, seed: 0, path: plan.settings.path };
    let target = Target { network: &network, samples: &data.test, shape: data.shape, threat, batch: 500, device: &device };
    let mut evaluation = Evaluation::new(target);
    let own = Box::new(RandomCorners { tries: 50 });
    for adversary in [parse("natural")?, own, parse("pgd:20")?, parse("mifpe")?] {
        let score = pollster::block_on(evaluation.attack(adversary))?;
        println!("{:<15} {:6.2} %", score.label, 100.0 * score.accuracy);
    }
    if let Some((robust, _)) = evaluation.report().robust() {
        println!("{:<15} {:6.2} %", "robust", 100.0 * robust);
    }
    Ok(())
}
