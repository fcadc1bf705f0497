//! The threat model: the ball around a sample, and how to move in it.

use std::{fmt, str::FromStr};

use burn::tensor::{Int, Tensor};

use crate::attack::Path;

/// Keeps a direction finite if the gradient is 0 (AutoAttack's).
const TINY: f64 = 1e-12;
/// The tolerance of the radius, for the rounding of a sample plus a perturbation.
pub(super) const ROUNDING: f32 = 1e-5;

/// The norm of a perturbation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Norm {
    /// The largest change of a pixel.
    #[default]
    LInf,
    /// The root of the sum of squares of all changes.
    L2,
}

impl Norm {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::LInf, Self::L2];

    /// Its name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::LInf => "L∞",
            Self::L2 => "L2",
        }
    }
}

impl fmt::Display for Norm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LInf => "linf",
            Self::L2 => "l2",
        })
    }
}

impl FromStr for Norm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|norm| norm.to_string() == text);
        found.ok_or_else(|| format!("`{text}` is no norm: expected `linf` or `l2`"))
    }
}

/// The radius of a ball from text such as `0.5` or `8/255`.
///
/// # Errors
/// A sentence that names the text and what was expected.
pub fn radius(text: &str) -> Result<f32, String> {
    let number = |part: &str| part.trim().parse::<f64>().ok();
    let value = match text.split_once('/') {
        Some((above, below)) => number(above).zip(number(below)).map(|(above, below)| above / below),
        None => number(text),
    };
    let fits = value.map(|value| value as f32).filter(|value| value.is_finite() && *value > 0.0);
    fits.ok_or_else(|| format!("`{text}` is no radius: expected a number above 0, such as 0.5 or 8/255"))
}

/// The threat model of an evaluation, and the seed of its random numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threat {
    /// The norm of perturbations.
    pub norm: Norm,
    /// Radius of the ball, in pixel units; positive.
    pub epsilon: f32,
    /// The run's seed.
    pub seed: u64,
    /// The path of attacks with fixed steps.
    pub path: Path,
}

/// The balls around the samples of a batch, and the pixel box.
#[derive(Clone, Debug)]
pub struct Ball {
    /// The centres: N x D.
    pub natural: Tensor<2>,
    norm: Norm,
    epsilon: f64,
    /// The sides of ball and box, for L∞.
    sides: Option<[Tensor<2>; 2]>,
}

impl Ball {
    /// Around `natural` (N x D, in [0, 1]).
    pub fn new(natural: Tensor<2>, threat: Threat) -> Self {
        let epsilon = f64::from(threat.epsilon);
        let sides = (threat.norm == Norm::LInf)
            .then(|| [natural.clone().sub_scalar(epsilon).clamp_min(0.0), natural.clone().add_scalar(epsilon).clamp_max(1.0)]);
        Self { natural, norm: threat.norm, epsilon, sides }
    }

    /// The radius.
    pub fn epsilon(&self) -> f64 {
        self.epsilon
    }

    /// Projects images into the ball and then into the box, which keeps them in the ball.
    pub fn project(&self, images: Tensor<2>) -> Tensor<2> {
        match &self.sides {
            Some([low, high]) => images.max_pair(low.clone()).min_pair(high.clone()),
            None => {
                let offset = images - self.natural.clone();
                let length = length(offset.clone()).add_scalar(TINY);
                let factor = length.recip().mul_scalar(self.epsilon).clamp_max(1.0);
                (self.natural.clone() + offset * factor).clamp(0.0, 1.0)
            }
        }
    }

    /// The direction of steepest ascent in this norm: the gradient's sign, or the gradient scaled to length 1.
    pub fn direction(&self, gradient: Tensor<2>) -> Tensor<2> {
        match self.norm {
            Norm::LInf => gradient.sign(),
            Norm::L2 => {
                let length = length(gradient.clone()).add_scalar(TINY);
                gradient / length
            }
        }
    }

    /// The distances of images from the centres: N numbers.
    pub fn distance(&self, images: &Tensor<2>) -> Tensor<1> {
        distance(self.norm, images.clone() - self.natural.clone())
    }

    /// The balls of some of the samples.
    #[must_use]
    pub fn select(&self, rows: &Tensor<1, Int>) -> Self {
        let select = |tensor: &Tensor<2>| tensor.clone().select(0, rows.clone());
        let sides = self.sides.as_ref().map(|[low, high]| [select(low), select(high)]);
        Self { natural: select(&self.natural), sides, ..*self }
    }

    /// Centres moved by `noise` (N x D, of any size): scaled so that the start lies on the ball's surface, and then into the box
    /// (the start of AutoAttack's attacks).
    pub fn start_on_surface(&self, noise: Tensor<2>) -> Tensor<2> {
        let samples = noise.dims()[0];
        let size = distance(self.norm, noise.clone()).reshape([samples, 1]).add_scalar(TINY);
        (self.natural.clone() + (noise / size).mul_scalar(self.epsilon)).clamp(0.0, 1.0)
    }
}

/// The size of offsets: N numbers.
pub fn distance(norm: Norm, offset: Tensor<2>) -> Tensor<1> {
    let samples = offset.dims()[0];
    match norm {
        Norm::LInf => offset.abs().max_dim(1).reshape([samples]),
        Norm::L2 => length(offset).reshape([samples]),
    }
}

/// The Euclidean length of every row: N x 1.
fn length(rows: Tensor<2>) -> Tensor<2> {
    (rows.clone() * rows).sum_dim(1).sqrt()
}
