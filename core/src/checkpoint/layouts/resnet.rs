//! ResNet-18 for small images.

use super::Layout;
use crate::model::ModelSpec;

/// The names of `models/resnet.py`, which these codes share.
pub(super) const LAYOUT: Layout = Layout {
    fit: |names| {
        let is = names.has("bn1.weight")
            && names.has("layer4.1.conv2.weight")
            && names.has("linear.weight")
            // ResNet-34 and its like have more blocks, ResNet-50 and its like a third convolution.
            && !names.has("layer1.2.conv1.weight")
            && !names.has("layer1.0.conv3.weight");
        is.then(|| names.as_they_are("the GAIRAT, TRADES, MART, MAIL and RobustBench codes", vec![ModelSpec::ResNet18]))
    },
};
