//! The name of a network on the command line, and the construction of the network from it.

use std::{fmt, str::FromStr};

use burn::tensor::Device;

use super::{Architecture, Mlp, NetMnist, Parameters, PreActResNet18, ResNet18, ShortcutOf, SmallCnn28, SmallCnn32, WideResNet};
use crate::dataset::SampleShape;

/// The widths that a hidden layer may have.
const WIDTHS: std::ops::RangeInclusive<usize> = 1..=65_536;
/// How many hidden layers there may be.
const MAX_HIDDEN: usize = 64;
/// The depths of a Wide ResNet, of which every third is one.
const DEPTHS: std::ops::RangeInclusive<usize> = 10..=1000;
/// The widening factors of a Wide ResNet.
const FACTORS: std::ops::RangeInclusive<usize> = 1..=64;
/// The smallest images for which `auto` chooses ResNet-18, which halves each side three times and still needs positions.
const RESNET_SIDE: usize = 16;

/// A network, as written after `--model`.
///
/// Image networks take any number of channels, and any image size of which their pooling leaves a pixel.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ModelSpec {
    #[default]
    /// `auto`: depends on the samples; see [`ModelSpec::resolve`].
    Auto,
    /// `mlp:64,64`: a perceptron with these hidden widths, at most 64 of them, each from 1 to 65536; `mlp` has none and is a
    /// linear classifier. Takes images too, as rows.
    Mlp(Vec<usize>),
    /// `small-cnn-28`: [`SmallCnn28`], for images with sides of at least 16.
    SmallCnn28,
    /// `small-cnn-32`: [`SmallCnn32`], for images with sides of at least 8.
    SmallCnn32,
    /// `net-mnist`: [`NetMnist`], for images with sides of at least 16.
    NetMnist,
    /// `resnet18`: [`ResNet18`], for images.
    ResNet18,
    /// `preact-resnet18`: [`PreActResNet18`], for images, as in the GAIRAT code.
    PreActResNet18,
    /// `preact-resnet18-bn`: the same with a batch normalisation and ReLU after the last block, as in the AWP code.
    PreActResNet18Bn,
    /// `preact-resnet18-raw`: the same as `preact-resnet18`, but that shortcuts take a block's input before its first normalisation, as in
    /// RobustBench.
    PreActResNet18Raw,
    /// `wrn:32,10` or, with dropout, `wrn:32,10,0.3`: [`WideResNet`], for images.
    WideResNet {
        /// How many layers, from 10 to 1000. The paper on Wide ResNets counts 6 for every block of a group and 4 besides (28, 34,
        /// 40), the GAIRAT code 2 besides (32 for the paper's 34): so a depth leaves 4 or 2 when divided by 6.
        depth: usize,
        /// How many times as wide as a ResNet, from 1 to 64.
        width: usize,
        /// The probability that dropout drops a number, from [0, 1).
        dropout: f64,
    },
}

impl ModelSpec {
    /// Resolves `auto` by the sample shape; every other network stays.
    ///
    /// Rows of up to 8 numbers get `mlp:64,64`, longer ones `mlp:128,128`; images of 1 x 28 x 28 get `small-cnn-28`, others
    /// `resnet18` where both sides have at least 16 pixels and `mlp:128,128` where one has fewer.
    #[must_use]
    pub fn resolve(&self, shape: SampleShape) -> Self {
        match (self, shape) {
            (Self::Auto, SampleShape::Flat(len)) if len <= 8 => Self::Mlp(vec![64, 64]),
            (Self::Auto, SampleShape::Image { channels: 1, height: 28, width: 28 }) => Self::SmallCnn28,
            (Self::Auto, SampleShape::Image { height, width, .. }) if height.min(width) >= RESNET_SIDE => Self::ResNet18,
            (Self::Auto, _) => Self::Mlp(vec![128, 128]),
            (named, _) => named.clone(),
        }
    }

    /// The number of classes in `weights` of this network: the rows of its last layer. `None` without that layer.
    pub fn last_layer(&self, weights: &Parameters) -> Option<usize> {
        let layer = match self {
            Self::Auto => return None,
            Self::Mlp(hidden) => (2 * hidden.len()).to_string(),
            Self::SmallCnn28 => "classifier.fc3".to_owned(),
            Self::SmallCnn32 | Self::NetMnist => "fc2".to_owned(),
            Self::ResNet18 | Self::PreActResNet18 | Self::PreActResNet18Bn | Self::PreActResNet18Raw => "linear".to_owned(),
            Self::WideResNet { .. } => "fc".to_owned(),
        };
        let name = format!("{layer}.weight");
        weights.get(&name)?.shape.first().copied()
    }

    /// The usual sample shape of `weights` of this network: square images whose size fits the linear layers, 32 x 32 if any size fits, rows for a
    /// perceptron.
    pub fn usual_shape(&self, weights: &Parameters) -> Option<SampleShape> {
        let size = |name: &str, axis: usize| weights.get(name)?.shape.get(axis).copied();
        let square = |channels: usize, side: usize| SampleShape::Image { channels, height: side, width: side };
        // Pixels of the last map, by the channels that it has.
        let side_of = |inputs: Option<usize>, channels: usize| inputs.map(|inputs| (inputs / channels).isqrt());
        Some(match self {
            Self::Auto => return None,
            Self::Mlp(_) => SampleShape::Flat(size("0.weight", 1)?),
            Self::SmallCnn28 => {
                square(size("feature_extractor.conv1.weight", 1)?, 4 * side_of(size("classifier.fc1.weight", 1), 64)? + 12)
            }
            Self::SmallCnn32 => square(size("block1_conv1.weight", 1)?, 8 * side_of(size("fc1.weight", 1), 196)?),
            Self::NetMnist => square(size("conv1.weight", 1)?, 4 * side_of(size("fc1.weight", 1), 20)? + 12),
            Self::ResNet18
            | Self::PreActResNet18
            | Self::PreActResNet18Bn
            | Self::PreActResNet18Raw
            | Self::WideResNet { .. } => square(size("conv1.weight", 1)?, 32),
        })
    }

    /// Checks that this network accepts samples of `shape` with `classes` classes.
    ///
    /// # Errors
    /// [`ModelError`] with the reason, and the accepted shapes.
    pub fn accepts(&self, shape: SampleShape, classes: usize) -> Result<(), ModelError> {
        // Nothing is drawn or allocated before the first use of a parameter.
        self.build(shape, classes, &Device::flex()).map(drop)
    }

    /// Builds the network, before its weights are drawn.
    ///
    /// # Errors
    /// [`ModelError`] if a size is out of range, the samples do not fit, or there are fewer than two classes.
    pub(crate) fn build(&self, shape: SampleShape, classes: usize, device: &Device) -> Result<Architecture, ModelError> {
        if classes < 2 {
            return Err(ModelError::Classes { classes });
        }
        self.check_sizes().map_err(|expected| ModelError::Sizes { model: self.to_string(), expected })?;
        Ok(match *self {
            // `resolve` returns a network by name: this is the end of it, not a loop.
            Self::Auto => return self.resolve(shape).build(shape, classes, device),
            Self::Mlp(ref hidden) => {
                if shape.is_empty() {
                    return Err(self.does_not_take(shape, "samples of at least one number".to_owned()));
                }
                Architecture::Mlp(Mlp::new(shape.len(), hidden, classes, device))
            }
            Self::SmallCnn28 => {
                let [channels, height, width] = self.image(shape, SmallCnn28::LEAST_SIDE)?;
                Architecture::SmallCnn28(SmallCnn28::new(channels, height, width, classes, device))
            }
            Self::SmallCnn32 => {
                let [channels, height, width] = self.image(shape, SmallCnn32::LEAST_SIDE)?;
                Architecture::SmallCnn32(SmallCnn32::new(channels, height, width, classes, device))
            }
            Self::ResNet18 => {
                let [channels, height, width] = self.image(shape, 1)?;
                Architecture::ResNet18(ResNet18::new(channels, height, width, classes, device))
            }
            Self::NetMnist => {
                let [channels, height, width] = self.image(shape, NetMnist::LEAST_SIDE)?;
                Architecture::NetMnist(NetMnist::new(channels, height, width, classes, device))
            }
            Self::PreActResNet18 | Self::PreActResNet18Bn | Self::PreActResNet18Raw => {
                let [channels, height, width] = self.image(shape, 1)?;
                let network = PreActResNet18::new(channels, height, width, classes, device);
                Architecture::PreActResNet18(match self {
                    Self::PreActResNet18Bn => network.with_last_norm(device),
                    Self::PreActResNet18Raw => network.with_shortcut_of(ShortcutOf::Input),
                    _ => network,
                })
            }
            Self::WideResNet { depth, width: factor, dropout } => {
                let [channels, height, width] = self.image(shape, 1)?;
                let network = WideResNet::new(channels, height, width, classes, depth, factor, device);
                Architecture::WideResNet(network.with_dropout(dropout))
            }
        })
    }

    /// Channels, height and width of an image, if this network's pooling leaves a pixel of it.
    fn image(&self, shape: SampleShape, least_side: usize) -> Result<[usize; 3], ModelError> {
        match shape {
            SampleShape::Image { channels, height, width } if channels > 0 && height.min(width) >= least_side => {
                Ok([channels, height, width])
            }
            _ => Err(self.does_not_take(
                shape,
                format!("images (channels x height x width) with a height and a width of at least {least_side}"),
            )),
        }
    }

    fn does_not_take(&self, shape: SampleShape, expected: String) -> ModelError {
        ModelError::Shape { model: self.to_string(), shape, expected }
    }

    /// A sentence about a number of this network that is out of range.
    fn check_sizes(&self) -> Result<(), String> {
        match self {
            Self::Mlp(hidden) if hidden.len() > MAX_HIDDEN => Err(format!("at most {MAX_HIDDEN} hidden layers")),
            Self::Mlp(hidden) if hidden.iter().any(|width| !WIDTHS.contains(width)) => {
                Err(format!("hidden widths from {} to {}", WIDTHS.start(), WIDTHS.end()))
            }
            Self::WideResNet { depth, .. } if !DEPTHS.contains(depth) || ![2, 4].contains(&(depth % 6)) => Err(format!(
                "a depth from {} to {} that leaves 4 or 2 when divided by 6, such as 28, 32, 34 or 40",
                DEPTHS.start(),
                DEPTHS.end()
            )),
            Self::WideResNet { width, .. } if !FACTORS.contains(width) => {
                Err(format!("a widening factor from {} to {}", FACTORS.start(), FACTORS.end()))
            }
            Self::WideResNet { dropout, .. } if !(0.0..1.0).contains(dropout) => {
                Err("a dropout probability of at least 0 and less than 1".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for ModelSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = |expected: &str| format!("`{text}` is no model: expected {expected}");
        let size = |part: &str| part.parse::<usize>().map_err(|_| unknown(&format!("a whole number in place of `{part}`")));
        let (name, sizes) = text.split_once(':').map_or((text, None), |(name, sizes)| (name, Some(sizes)));
        let sizes: Option<Vec<&str>> = sizes.map(|sizes| sizes.split(',').collect());
        let spec = match (name, sizes.as_deref()) {
            ("auto", None) => Self::Auto,
            ("mlp", None) => Self::Mlp(Vec::new()),
            ("mlp", Some(widths)) => Self::Mlp(widths.iter().map(|width| size(width)).collect::<Result<_, _>>()?),
            ("small-cnn-28", None) => Self::SmallCnn28,
            ("small-cnn-32", None) => Self::SmallCnn32,
            ("net-mnist", None) => Self::NetMnist,
            ("resnet18", None) => Self::ResNet18,
            ("preact-resnet18", None) => Self::PreActResNet18,
            ("preact-resnet18-bn", None) => Self::PreActResNet18Bn,
            ("preact-resnet18-raw", None) => Self::PreActResNet18Raw,
            ("wrn", Some(&[depth, width])) => Self::WideResNet { depth: size(depth)?, width: size(width)?, dropout: 0.0 },
            ("wrn", Some(&[depth, width, dropout])) => Self::WideResNet {
                depth: size(depth)?,
                width: size(width)?,
                dropout: dropout.parse().map_err(|_| unknown(&format!("a number in place of `{dropout}`")))?,
            },
            _ => {
                return Err(unknown(
                    "`auto`, `mlp` or `mlp:WIDTH,WIDTH,...`, `small-cnn-28`, `small-cnn-32`, `net-mnist`, `resnet18`, \
                     `preact-resnet18`, `preact-resnet18-bn`, `preact-resnet18-raw`, `wrn:DEPTH,WIDTH` or `wrn:DEPTH,WIDTH,DROPOUT`",
                ));
            }
        };
        spec.check_sizes().map_err(|expected| unknown(&expected))?;
        Ok(spec)
    }
}

impl fmt::Display for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Mlp(hidden) => {
                f.write_str("mlp")?;
                hidden
                    .iter()
                    .zip(std::iter::once(':').chain(std::iter::repeat(',')))
                    .try_for_each(|(width, mark)| write!(f, "{mark}{width}"))
            }
            Self::SmallCnn28 => f.write_str("small-cnn-28"),
            Self::SmallCnn32 => f.write_str("small-cnn-32"),
            Self::NetMnist => f.write_str("net-mnist"),
            Self::ResNet18 => f.write_str("resnet18"),
            Self::PreActResNet18 => f.write_str("preact-resnet18"),
            Self::PreActResNet18Bn => f.write_str("preact-resnet18-bn"),
            Self::PreActResNet18Raw => f.write_str("preact-resnet18-raw"),
            Self::WideResNet { depth, width, dropout } if *dropout == 0.0 => write!(f, "wrn:{depth},{width}"),
            Self::WideResNet { depth, width, dropout } => write!(f, "wrn:{depth},{width},{dropout}"),
        }
    }
}

/// Why a network cannot be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A number in the network's name is out of its range.
    #[error("model `{model}`: expected {expected}.")]
    Sizes {
        /// The network.
        model: String,
        /// The range.
        expected: String,
    },
    /// The network does not accept such samples.
    #[error("model `{model}` cannot take samples of shape {shape}: expected {expected}. `mlp` takes every shape.")]
    Shape {
        /// The network.
        model: String,
        /// The shape of the samples.
        shape: SampleShape,
        /// The accepted shapes.
        expected: String,
    },
    /// There are fewer than two classes.
    #[error("{classes} classes: a classifier needs at least 2.")]
    Classes {
        /// The number of classes.
        classes: usize,
    },
    /// The normalisation does not fit the samples.
    #[error("normalisation `{normalisation}`: expected {expected}.")]
    Normalisation {
        /// The normalisation.
        normalisation: String,
        /// A normalisation that fits.
        expected: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const MNIST: SampleShape = SampleShape::Image { channels: 1, height: 28, width: 28 };

    fn image(channels: usize, height: usize, width: usize) -> SampleShape {
        SampleShape::Image { channels, height, width }
    }

    #[test]
    fn a_name_read_and_written_is_the_same_name() {
        for name in [
            "auto",
            "mlp",
            "mlp:64,64",
            "mlp:1",
            "mlp:65536",
            "small-cnn-28",
            "small-cnn-32",
            "resnet18",
            "net-mnist",
            "preact-resnet18",
            "preact-resnet18-bn",
            "preact-resnet18-raw",
            "wrn:10,1",
            "wrn:28,10",
            "wrn:32,10",
            "wrn:34,20,0.3",
            "wrn:1000,64,0.999",
        ] {
            assert_eq!(name.parse::<ModelSpec>().map(|spec| spec.to_string()), Ok(name.to_owned()));
        }
        assert_eq!("mlp".parse::<ModelSpec>(), Ok(ModelSpec::Mlp(vec![])));
        assert_eq!("mlp:3,5".parse::<ModelSpec>(), Ok(ModelSpec::Mlp(vec![3, 5])));
        let without_dropout = ModelSpec::WideResNet { depth: 32, width: 10, dropout: 0.0 };
        assert_eq!("wrn:32,10,0.0".parse::<ModelSpec>(), Ok(without_dropout));
    }

    #[test]
    fn a_name_that_means_no_network_is_refused_with_what_was_expected() {
        for (name, expected) in [
            ("", "`auto`"),
            ("resnet", "`resnet18`"),
            ("resnet18:3", "`resnet18`"),
            ("ResNet18", "`resnet18`"),
            ("mlp:", "a whole number in place of ``"),
            ("mlp:64,", "a whole number in place of ``"),
            ("mlp:64, 64", "a whole number in place of ` 64`"),
            ("mlp:-1", "a whole number in place of `-1`"),
            ("mlp:0", "hidden widths from 1 to 65536"),
            ("mlp:65537", "hidden widths from 1 to 65536"),
            ("wrn", "`wrn:DEPTH,WIDTH`"),
            ("wrn:32", "`wrn:DEPTH,WIDTH`"),
            ("wrn:32,10,0.1,2", "`wrn:DEPTH,WIDTH`"),
            ("wrn:30,10", "that leaves 4 or 2 when divided by 6"),
            ("wrn:4,10", "a depth from 10 to 1000"),
            ("wrn:1006,10", "a depth from 10 to 1000"),
            ("wrn:32,0", "a widening factor from 1 to 64"),
            ("wrn:32,65", "a widening factor from 1 to 64"),
            ("wrn:32,10,1", "a dropout probability"),
            ("wrn:32,10,-0.1", "a dropout probability"),
            ("wrn:32,10,nan", "a dropout probability"),
            ("wrn:32,10,x", "a number in place of `x`"),
        ] {
            let refusal = name.parse::<ModelSpec>().err().unwrap_or_default();
            assert!(refusal.contains(expected) && refusal.contains(&format!("`{name}`")), "{name}: {refusal}");
        }
        assert!(format!("mlp:{}", vec!["8"; 64].join(",")).parse::<ModelSpec>().is_ok());
        assert!(format!("mlp:{}", vec!["8"; 65].join(",")).parse::<ModelSpec>().is_err());
    }

    #[test]
    fn auto_chooses_by_the_shape_and_a_named_network_stays() {
        for (shape, chosen) in [
            (SampleShape::Flat(2), "mlp:64,64"),
            (SampleShape::Flat(8), "mlp:64,64"),
            (SampleShape::Flat(9), "mlp:128,128"),
            (MNIST, "small-cnn-28"),
            (image(3, 28, 28), "resnet18"),
            (image(3, 32, 32), "resnet18"),
            (image(1, 16, 16), "resnet18"),
            (image(1, 16, 15), "mlp:128,128"),
            (image(1, 8, 8), "mlp:128,128"),
        ] {
            assert_eq!(ModelSpec::Auto.resolve(shape).to_string(), chosen, "{shape}");
            assert_eq!(ModelSpec::SmallCnn32.resolve(shape), ModelSpec::SmallCnn32);
        }
    }

    #[test]
    fn every_name_builds_its_network() {
        let device = Device::flex();
        let built = |spec: ModelSpec, shape| spec.build(shape, 10, &device);
        assert!(matches!(built(ModelSpec::Auto, MNIST), Ok(Architecture::SmallCnn28(_))));
        assert!(matches!(built(ModelSpec::Auto, SampleShape::Flat(2)), Ok(Architecture::Mlp(_))));
        assert!(matches!(built(ModelSpec::Mlp(vec![4]), MNIST), Ok(Architecture::Mlp(_))));
        assert!(matches!(built(ModelSpec::SmallCnn32, MNIST), Ok(Architecture::SmallCnn32(_))));
        assert!(matches!(built(ModelSpec::ResNet18, MNIST), Ok(Architecture::ResNet18(_))));
        assert!(matches!(built(ModelSpec::NetMnist, MNIST), Ok(Architecture::NetMnist(_))));
        for (spec, last_norm, shortcut_of) in [
            (ModelSpec::PreActResNet18, false, ShortcutOf::Activated),
            (ModelSpec::PreActResNet18Bn, true, ShortcutOf::Activated),
            (ModelSpec::PreActResNet18Raw, false, ShortcutOf::Input),
        ] {
            let Ok(Architecture::PreActResNet18(network)) = built(spec, MNIST) else { panic!("no PreAct-ResNet was built") };
            assert_eq!((network.bn.is_some(), network.shortcut_of), (last_norm, shortcut_of));
        }
        let wide = ModelSpec::WideResNet { depth: 10, width: 1, dropout: 0.25 };
        let Ok(Architecture::WideResNet(network)) = built(wide, image(3, 32, 32)) else { panic!("no Wide ResNet was built") };
        assert!(network.block3.layer.iter().all(|block| block.dropout.rate == 0.25));
    }

    #[test]
    fn samples_that_do_not_fit_are_refused_with_what_would() {
        let device = Device::flex();
        let refusal = |spec: ModelSpec, shape, classes| spec.build(shape, classes, &device).err();
        let text = |error: Option<ModelError>| error.map(|error| error.to_string()).unwrap_or_default();
        assert!(text(refusal(ModelSpec::SmallCnn28, image(1, 15, 28), 10)).contains("of shape 1x15x28: expected images"));
        assert!(text(refusal(ModelSpec::SmallCnn28, image(1, 15, 28), 10)).contains("at least 16"));
        assert!(text(refusal(ModelSpec::SmallCnn32, image(3, 8, 7), 10)).contains("at least 8"));
        for spec in ["small-cnn-28", "small-cnn-32", "net-mnist", "resnet18", "preact-resnet18", "wrn:10,1"] {
            let spec: ModelSpec = spec.parse().unwrap_or(ModelSpec::Auto);
            assert!(matches!(refusal(spec, SampleShape::Flat(784), 10), Some(ModelError::Shape { .. })));
        }
        assert!(matches!(refusal(ModelSpec::Mlp(vec![]), SampleShape::Flat(0), 10), Some(ModelError::Shape { .. })));
        assert!(matches!(refusal(ModelSpec::ResNet18, image(0, 32, 32), 10), Some(ModelError::Shape { .. })));
        assert!(matches!(refusal(ModelSpec::Auto, MNIST, 1), Some(ModelError::Classes { classes: 1 })));
        assert!(matches!(refusal(ModelSpec::Mlp(vec![0]), MNIST, 10), Some(ModelError::Sizes { .. })));
    }
}
