//! The normalisation layer, which maps pixels in [0, 1] to the inputs of an architecture.
//!
//! It is part of the model and not of the data, because the attack's epsilon is in pixel units.

use std::{fmt, str::FromStr};

use burn::{
    module::{Module, RunningState},
    tensor::{Device, Tensor, TensorData},
};

use super::{LoadError, ModelError, Parameters};
use crate::dataset::SampleShape;

/// The normalisation of pixels, as written after `--normalise`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Normalisation {
    /// `none`: the network sees unchanged pixels, as in the GAIRAT code.
    #[default]
    None,
    /// `0.1307/0.3081` or, with a number for each channel, `0.49,0.48,0.45/0.25,0.24,0.26`: (pixel - mean) / std.
    MeanStd {
        /// The subtrahend: one number for all channels, or one for each; finite.
        mean: Vec<f32>,
        /// The divisor: one number for all channels, or one for each; finite and positive.
        std: Vec<f32>,
    },
}

/// `(pixel - mean) / std`, with the constants of the pixel's channel, as torchvision's `Normalize`.
///
/// The constants are kept where batch normalisation keeps its running statistics: burn saves and loads them with the weights, and
/// never gives them gradients, not even after [`Module::unfreeze`].
#[derive(Module, Debug)]
pub struct Normalise {
    /// What is subtracted, per channel.
    pub mean: RunningState<Tensor<1>>,
    /// What the rest is divided by, per channel.
    pub std: RunningState<Tensor<1>>,
    /// How many channels a sample has; 1 for a row of numbers.
    pub channels: usize,
}

impl Normalisation {
    /// The layer for samples of `shape`; `None` where nothing is normalised.
    ///
    /// # Errors
    /// [`ModelError::Normalisation`] when a number is out of its range, or when there is neither one number for all channels nor
    /// one for each. Rows count as one channel.
    pub(crate) fn build(&self, shape: SampleShape, device: &Device) -> Result<Option<Normalise>, ModelError> {
        let Self::MeanStd { mean, std } = self else { return Ok(None) };
        let refused = |expected| ModelError::Normalisation { normalisation: self.to_string(), expected };
        self.check().map_err(refused)?;
        let channels = match shape {
            SampleShape::Flat(_) => 1,
            SampleShape::Image { channels, .. } => channels,
        };
        let per_channel = |numbers: &[f32]| {
            let numbers = match *numbers {
                [number] => vec![number; channels],
                _ if numbers.len() == channels => numbers.to_vec(),
                _ => {
                    return Err(refused(format!("one number, or one for each channel ({channels} in samples of shape {shape})")));
                }
            };
            Ok(RunningState::new(Tensor::<1>::from_data(TensorData::new(numbers, [channels]), device)))
        };
        Ok(Some(Normalise { mean: per_channel(mean)?, std: per_channel(std)?, channels }))
    }

    /// The normalisation inside `weights`, if any, else `asked`.
    ///
    /// # Errors
    /// [`LoadError::Normalisation`] if the two differ.
    pub(crate) fn inside(weights: &Parameters, asked: &Self) -> Result<Self, LoadError> {
        let (Some(mean), Some(std)) = (weights.get("normalise.mean"), weights.get("normalise.std")) else {
            return Ok(asked.clone());
        };
        let found = Self::MeanStd { mean: mean.values.clone(), std: std.values.clone() };
        if asked.agrees_with(&found) { Ok(found) } else { Err(LoadError::Normalisation { given: asked.clone(), found }) }
    }

    /// Whether this equals `found` up to 16-bit rounding, or is no request.
    fn agrees_with(&self, found: &Self) -> bool {
        let (Self::MeanStd { mean, std }, Self::MeanStd { mean: found_mean, std: found_std }) = (self, found) else {
            return *self == Self::None;
        };
        let near = |asked: &[f32], found: &[f32]| {
            let channels = asked.len().max(found.len());
            let of = |numbers: &[f32], channel: usize| numbers.get(if numbers.len() == 1 { 0 } else { channel }).copied();
            (0..channels).all(|channel| match (of(asked, channel), of(found, channel)) {
                (Some(asked), Some(found)) => (asked - found).abs() <= 0.005 * found.abs().max(0.01),
                _ => false,
            })
        };
        near(mean, found_mean) && near(std, found_std)
    }

    /// A sentence about a number that is out of range.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::MeanStd { mean, .. } if !mean.iter().all(|number| number.is_finite()) => Err("finite means".to_owned()),
            Self::MeanStd { std, .. } if !std.iter().all(|&number| number.is_finite() && number > 0.0) => {
                Err("finite and positive deviations".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for Normalisation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::None);
        }
        let unknown = |expected: &str| format!("`{text}` is no normalisation: expected {expected}");
        let numbers = |list: &str| list.split(',').map(str::parse::<f32>).collect::<Result<Vec<f32>, _>>().ok();
        let lists = text.split_once('/').and_then(|(mean, std)| numbers(mean).zip(numbers(std)));
        let (mean, std) = lists.ok_or_else(|| unknown("`none`, `MEAN/STD` or `MEAN,MEAN,MEAN/STD,STD,STD`"))?;
        let normalisation = Self::MeanStd { mean, std };
        normalisation.check().map_err(|expected| unknown(&expected))?;
        Ok(normalisation)
    }
}

impl fmt::Display for Normalisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |numbers: &[f32]| numbers.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
        match self {
            Self::None => f.write_str("none"),
            Self::MeanStd { mean, std } => write!(f, "{}/{}", list(mean), list(std)),
        }
    }
}

impl Normalise {
    /// The same as a factor and a number to add, per channel.
    pub fn scale_and_shift(&self) -> (Tensor<1>, Tensor<1>) {
        let scale = self.std.value().recip();
        (scale.clone(), -self.mean.value() * scale)
    }

    /// Normalises samples (N x D, an image flattened as channels x height x width).
    pub fn forward(&self, samples: Tensor<2>) -> Tensor<2> {
        let [rows, len] = samples.dims();
        let constant = |values: &RunningState<Tensor<1>>| values.value().reshape([1, self.channels, 1]);
        let channels: Tensor<3> = samples.reshape([rows, self.channels, len / self.channels]);
        channels.sub(constant(&self.mean)).div(constant(&self.std)).reshape([rows, len])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state_dict::state_dict;

    const COLOUR: SampleShape = SampleShape::Image { channels: 3, height: 1, width: 2 };

    fn of(text: &str) -> Normalisation {
        text.parse().expect("a normalisation")
    }

    fn normalised(text: &str, shape: SampleShape, pixels: &[f32]) -> Vec<f32> {
        let device = Device::flex();
        let layer = of(text).build(shape, &device).expect("it fits").expect("there is a layer");
        let samples = Tensor::from_data(TensorData::new(pixels.to_vec(), [pixels.len() / shape.len(), shape.len()]), &device);
        layer.forward(samples).into_data().iter::<f32>().collect()
    }

    #[test]
    fn each_channel_gets_its_own_constants() {
        let pixels = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
        let expected = [-0.25, 1.75, -1.0, 1.0, -3.0, 1.0, 0.75, 0.75, 0.0, 0.0, -1.0, -1.0];
        assert_eq!(normalised("0.125,0.5,0.75/0.5,0.5,0.25", COLOUR, &pixels), expected);
    }

    #[test]
    fn one_number_serves_all_channels_and_rows_are_one_channel() {
        assert_eq!(normalised("0.5/0.25", COLOUR, &[0.0, 1.0, 0.5, 0.75, 0.25, 0.5]), [-2.0, 2.0, 0.0, 1.0, -1.0, 0.0]);
        assert_eq!(normalised("0.5/0.25", SampleShape::Flat(2), &[0.0, 1.0, 0.5, 0.75]), [-2.0, 2.0, 0.0, 1.0]);
    }

    #[test]
    fn the_constants_are_saved_by_name_and_never_trained() {
        let device = Device::flex().autodiff();
        let layer = of("0.5/0.25").build(COLOUR, &device).expect("it fits").expect("there is a layer").unfreeze();
        let names: Vec<String> = state_dict(&layer).into_keys().collect();
        assert_eq!(names, ["mean", "std"]);
        assert!(!layer.mean.value().is_require_grad() && !layer.std.value().is_require_grad());
    }

    #[test]
    fn a_normalisation_read_and_written_is_the_same() {
        for text in ["none", "0.1307/0.3081", "0.49,0.48,0.45/0.25,0.24,0.26", "-1/2", "0,0,0/1"] {
            assert_eq!(text.parse::<Normalisation>().map(|read| read.to_string()), Ok(text.to_owned()));
        }
        assert!(matches!(of("none").build(COLOUR, &Device::flex()), Ok(None)));
    }

    #[test]
    fn numbers_that_normalise_nothing_are_refused() {
        for text in ["", "None", "0.5", "0.5/", "/0.5", "0.5/x", "0.5/1/2", "0.5,/1", "0.5/0", "0.5/-1", "nan/1", "0.5/1e-60"] {
            let refusal = text.parse::<Normalisation>().err().unwrap_or_default();
            assert!(refusal.starts_with(&format!("`{text}` is no normalisation: expected ")), "{text}: {refusal}");
        }
    }

    #[test]
    fn constants_that_fit_no_channel_count_are_refused() {
        let device = Device::flex();
        for (text, shape) in [("0.5,0.5/0.5", COLOUR), ("0.5/0.5,0.5", COLOUR), ("0.5,0.5/0.5,0.5", SampleShape::Flat(2))] {
            assert!(matches!(of(text).build(shape, &device), Err(ModelError::Normalisation { .. })), "{text}");
        }
        let zero = Normalisation::MeanStd { mean: vec![0.5], std: vec![0.0] };
        assert!(matches!(zero.build(COLOUR, &device), Err(ModelError::Normalisation { .. })));
    }
}
