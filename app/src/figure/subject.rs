//! What figures are drawn of: one run.

use gairat::{
    evaluate::CurvePoint,
    metrics::{EpochMetrics, Summary},
    settings::Settings,
};

use super::Measured;

#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    /// What it is called beside the others.
    pub(crate) label: String,
    pub(crate) settings: Settings,
    pub(crate) epochs: Vec<EpochMetrics>,
    pub(crate) summary: Option<Summary>,
    pub(crate) samples: Measured,
    /// Robust accuracy over the radius, where it was evaluated.
    pub(crate) radii: Vec<Radii>,
    /// What only the network itself can say.
    pub(crate) scene: Option<Scene>,
}

/// Robust accuracy over the radius.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Radii {
    /// By which attacks, and of which weights.
    pub(crate) by: String,
    /// The norm of the ball, for people.
    pub(crate) norm: String,
    pub(crate) points: Vec<CurvePoint>,
}

/// A network's answers to training samples, before and after the attack of training.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Scene {
    pub(crate) classes: usize,
    /// Channels, height and width of a sample; of points of a plane 1, 1, 2.
    pub(crate) shape: (usize, usize, usize),
    /// Cells across and down over the unit square, and class and its probability of each, row by row from the top; empty where samples are no
    /// points of a plane.
    pub(crate) regions: (usize, usize, Vec<f32>),
    pub(crate) samples: Vec<Shown>,
}

/// A sample of a scene.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shown {
    pub(crate) row: u32,
    pub(crate) label: u32,
    pub(crate) natural: Vec<f32>,
    pub(crate) adversarial: Vec<f32>,
    /// Whether the attack broke it.
    pub(crate) broken: bool,
    /// The class that the network gives to each, and its probability; none where that was not asked.
    pub(crate) before: Option<(u32, f32)>,
    pub(crate) after: Option<(u32, f32)>,
    /// Steps of the attack before which it is classified correctly, where that is known.
    pub(crate) kappa: Option<u32>,
    /// Its weight as a multiple of the mean.
    pub(crate) weight: f32,
}

/// Names for runs that differ: methods, and what else tells them apart.
pub(crate) fn name_apart(subjects: &mut [Subject]) {
    let title = |subject: &Subject| subject.settings.method.title();
    let seed = |subject: &Subject| subject.settings.seed;
    let differ = |of: &dyn Fn(&Subject) -> String| subjects.windows(2).any(|pair| of(&pair[0]) != of(&pair[1]));
    let (seeds, data) = (differ(&|subject| seed(subject).to_string()), differ(&|subject| subject.settings.data.to_string()));
    let mut labels: Vec<String> = subjects
        .iter()
        .map(|subject| {
            let mut label = title(subject);
            if data {
                label += &format!(", {}", subject.settings.data);
            }
            if seeds {
                label += &format!(", seed {}", seed(subject));
            }
            label
        })
        .collect();
    // Those that still have one name are told apart by their place.
    for place in 0..labels.len() {
        if let Some(first) = labels[..place].iter().position(|label| *label == labels[place]) {
            labels[place] = format!("{} ({})", labels[first], place + 1);
        }
    }
    subjects.iter_mut().zip(labels).for_each(|(subject, label)| subject.label = label);
}
