//! A whole evaluation, from its first attack to its flags. Command and window share it.

use serde::Serialize;

use super::{
    Adversary, CurvePoint, Evaluation, Flag, Halt, Known, Ledger, Onlooker, Probes, Report, Stage, Suite, Target,
    adversary::About, at_chance, curve, flags, threat::Norm,
};

/// The attacks to run.
#[derive(Debug)]
pub struct Order {
    /// The attacks, in this order.
    pub stages: Vec<Stage>,
    /// The attacks of the suite that need more classes or another norm.
    pub left_out: Vec<String>,
    /// The suite and the radii of the curve; `None` for no curve.
    pub curve: Option<(Suite, Vec<f32>)>,
}

impl Order {
    /// A suite, for a network of so many classes, and its curve over `radii`, if there are any.
    pub fn suite(suite: Suite, classes: usize, norm: Norm, radii: Vec<f32>) -> Self {
        let (stages, left_out) = suite.stages(classes, norm);
        Self { stages, left_out, curve: (!radii.is_empty()).then_some((suite, radii)) }
    }

    /// These attacks, each on all samples.
    ///
    /// # Errors
    /// A sentence that names the attack that cannot be run on a network of so many classes, or in this norm.
    pub fn attacks(adversaries: Vec<Box<dyn Adversary>>, classes: usize, norm: Norm) -> Result<Self, String> {
        for adversary in &adversaries {
            fits(adversary.about(), classes, norm).map_err(|why| format!("{} cannot be run here: {why}", adversary.spec()))?;
        }
        let stages = adversaries.into_iter().map(|adversary| Stage { adversary, on_survivors: false }).collect();
        Ok(Self { stages, left_out: Vec::new(), curve: None })
    }
}

/// Checks that an attack supports a number of classes and a norm.
fn fits(about: &About, classes: usize, norm: Norm) -> Result<(), String> {
    if classes < about.classes {
        return Err(format!("it needs {} classes, the network knows {classes}", about.classes));
    }
    if !about.norms.contains(&norm) {
        let norms: Vec<&str> = about.norms.iter().map(|norm| norm.label()).collect();
        return Err(format!("it works in {}", norms.join(" and ")));
    }
    Ok(())
}

/// The results of an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Judgement {
    /// Every attack's result.
    pub report: Report,
    /// The findings about every sample.
    #[serde(skip)]
    pub samples: Vec<Known>,
    /// Robust accuracy over the radius, if requested.
    pub curve: Vec<CurvePoint>,
    /// Signs that the robust accuracy may mislead.
    pub flags: Vec<Flag>,
    /// A sentence about a network that has learned nothing.
    pub at_chance: Option<String>,
}

/// Runs `order` against `target`. Reuses the verdicts in `ledger`, which must be of the same network, threat and device.
///
/// # Errors
/// [`Halt`]; the ledger keeps the verdicts of complete batches.
pub async fn judge(
    target: Target<'_>,
    classes: usize,
    order: &Order,
    ledger: &mut Ledger,
    onlooker: &mut dyn Onlooker,
) -> Result<Judgement, Halt> {
    let mut evaluation = Evaluation::with_ledger(target, ledger);
    for stage in &order.stages {
        evaluation.run(stage, onlooker).await?;
    }
    let (report, samples) = evaluation.into_parts();
    let at_chance = at_chance(target, classes).await?;
    let probes = Probes::of(target, onlooker).await?;
    let flags = flags(&report, &probes, &order.left_out);
    let mut points = Vec::new();
    if let Some((suite, radii)) = &order.curve {
        points = curve(target, *suite, classes, radii, ledger, onlooker).await?;
    }
    Ok(Judgement { report, samples, curve: points, flags, at_chance })
}
