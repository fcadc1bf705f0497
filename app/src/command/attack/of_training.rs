//! The attack of training, which counts how often the network is still right: kappa.

use gairat::{
    attack::{Attack, LossKind, read_measured},
    batch::{StartKey, attack_batch},
    dataset::{self, AdversarialExamples},
    device,
    evaluate::{Probes, Report, Target, Threat, Verdict, flags},
    loss::Labels,
    model::Classifier as _,
    random::Purpose,
    settings::Settings,
};

use super::{super::adversaries::halted, Request};
use crate::failure::Failure;

/// What this attack cannot do, and what it can hardly do.
pub(super) fn check(settings: &Settings) -> Result<(), Failure> {
    if settings.loss.0 == Some(LossKind::Kl) && !settings.random_start {
        return Err(Failure::Request(
            "--loss: kl has a zero gradient at the sample itself; leave --no-random-start out".to_owned(),
        ));
    }
    let Settings { steps, step_size, epsilon, .. } = settings;
    if f64::from(*steps) * step_size < *epsilon {
        crate::terminal::tell!("warning: {steps} steps of {step_size} do not reach across the ball of radius {epsilon}");
    }
    Ok(())
}

/// Attacks, writes and tells.
pub(super) fn run(request: &Request, attack: &Attack) -> Result<(), Failure> {
    let (settings, shape, samples) = (&request.settings, request.arrays.shape, &request.arrays.samples);
    let device = &request.chosen.device;
    let (mut examples, correct, flags) = request.with_network(|network, classes| {
        let mut examples = AdversarialExamples::empty(shape);
        let mut correct = Vec::with_capacity(samples.len());
        let places: Vec<usize> = (0..samples.len()).collect();
        for places in places.chunks(settings.batch) {
            let key = StartKey { seed: settings.seed, purpose: Purpose::Start, epoch: 0 };
            let batch = attack_batch(samples.select(places, shape.len()), shape, attack.start(), key, device);
            let adversarial = attack.run(network, &batch);
            let end = adversarial.measure_end(network.logits(adversarial.images.clone()), batch.labels.clone(), attack);
            let measured = pollster::block_on(read_measured(&adversarial, end))?;
            // Of the sample itself: with a random start, x⁰ is another point.
            let natural = Verdict::of(&network.logits(batch.natural), &Labels::new(batch.labels, classes));
            correct.extend(pollster::block_on(device::read(natural.wrong))?.into_iter().map(|wrong| wrong < 0.5));
            examples.x_adv.extend(pollster::block_on(device::read(adversarial.images))?);
            examples.margin_natural.extend(pollster::block_on(device::read(natural.margin))?);
            for sample in measured {
                examples.kappa.push(sample.kappa);
                examples.first_hit.push(sample.first_hit);
                examples.broken.push(sample.broken);
                examples.margin_adversarial.push(sample.margin_adversarial);
            }
        }
        let threat = Threat { norm: request.norm, epsilon: attack.epsilon, seed: settings.seed, path: settings.path };
        let target = Target { network, samples, shape, threat, batch: settings.batch, device };
        let probes = pollster::block_on(Probes::of(target, &mut || false)).map_err(halted)?;
        Ok((examples, correct, flags(&Report::default(), &probes, &[])))
    })?;
    examples.labels.clone_from(&samples.labels);
    dataset::write_adversarial(&request.out, &examples)?;
    request.tell(&correct, &examples.broken, &flags);
    Ok(())
}
