//! An evaluation from its first attack to its flags: the one way in which the command and the window judge a network.

use serde::Serialize;

use super::{
    Adversary, CurvePoint, Evaluation, Flag, Halt, Known, Ledger, Onlooker, Probes, Report, Stage, Suite, Target,
    adversary::About, at_chance, curve, flags, threat::Norm,
};

/// What is to be run.
#[derive(Debug)]
pub struct Order {
    /// The attacks, in this order.
    pub stages: Vec<Stage>,
    /// The attacks of the suite that need more classes or another norm.
    pub left_out: Vec<String>,
    /// The suite whose curve over the radius is wanted, and the radii; none for no curve.
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

/// Whether an attack can be run on a network of so many classes in a norm; else why not.
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

/// What an evaluation has come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Judgement {
    /// Every attack's result.
    pub report: Report,
    /// What is known of every sample.
    #[serde(skip)]
    pub samples: Vec<Known>,
    /// Robust accuracy over the radius, if it was asked for.
    pub curve: Vec<CurvePoint>,
    /// Signs that the robust accuracy is not what it seems.
    pub flags: Vec<Flag>,
    /// What to say of a network that has learned nothing.
    pub at_chance: Option<String>,
}

/// Runs `order` against `target`, without repeating what `ledger` holds of the same network, threat and device.
///
/// # Errors
/// [`Halt`]; what was found of whole batches stays in the ledger.
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
