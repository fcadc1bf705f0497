//! The adversaries of an evaluation, one after the other: what they made of each sample.

use gairat::{
    dataset::{self, AttackedSamples},
    evaluate::{Judgement, Ledger, Target, Threat, judge, share},
};

use super::{
    super::{
        adversaries::{Asked, halted},
        eval::{report, table::Table},
    },
    Request,
};
use crate::failure::Failure;

/// Attacks, writes and tells.
pub(super) fn run(request: &Request, asked: Asked) -> Result<(), Failure> {
    let Request { settings, norm, epsilon, chosen, .. } = request;
    let (shape, samples) = (request.arrays.shape, &request.arrays.samples);
    let mut table = Table::new(!request.json);
    let threat = Threat { norm: *norm, epsilon: *epsilon, seed: settings.seed, path: settings.path };
    let judgement = request.with_network(|network, classes| {
        let order = asked.order(classes, *norm, Vec::new())?;
        let target = Target { network, samples, shape, threat, batch: settings.batch, device: &chosen.device };
        pollster::block_on(judge(target, classes, &order, &mut Ledger::in_memory(), &mut table)).map_err(halted)
    })?;
    dataset::write_attacked(&request.out, &attacked(request, &judgement))?;
    if request.json {
        let natural = judgement.samples.iter().filter(|known| known.natural).count();
        let about = serde_json::json!({ "event": "attacked", "samples": samples.len(), "natural": share(natural, samples.len()),
            "out": request.out });
        let mut line = report::line(about, &judgement);
        report::add_seconds(&mut line, table.seconds());
        crate::terminal::say!("{line}");
    } else {
        report::print(&judgement);
        crate::terminal::say!("written to {}", request.out.display());
    }
    Ok(())
}

/// The image that broke each sample, else the one of least margin, else the sample itself.
fn attacked(request: &Request, judgement: &Judgement) -> AttackedSamples {
    let (shape, samples) = (request.arrays.shape, &request.arrays.samples);
    let natural = samples.pixels.chunks_exact(shape.len());
    let known = &judgement.samples;
    let pixels =
        known.iter().zip(natural).flat_map(|(known, natural)| known.image.as_ref().map_or(natural, |image| &image.pixels));
    AttackedSamples {
        shape,
        x_adv: pixels.copied().collect(),
        labels: samples.labels.clone(),
        broken: known.iter().map(|known| !known.natural || known.broken_by.is_some()).collect(),
        broken_by: known.iter().map(|known| known.broken_by.clone().unwrap_or_default()).collect(),
        margin_natural: known.iter().map(|known| known.margin_natural).collect(),
        margin_adversarial: known
            .iter()
            .map(|known| known.image.as_ref().map_or(known.margin_natural, |image| image.margin))
            .collect(),
        distance: known.iter().map(|known| known.distance.unwrap_or(f32::NAN)).collect(),
    }
}
