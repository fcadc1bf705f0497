//! torchvision's ResNet-18, with the first convolution of small images (3 x 3) in the place of that of large ones.

use super::Layout;
use crate::model::ModelSpec;

/// `downsample` for `shortcut` and `fc` for `linear`.
pub(super) const LAYOUT: Layout = Layout {
    fit: |names| {
        let is = names.has("bn1.weight")
            && names.has("layer4.1.conv2.weight")
            && names.has("fc.weight")
            && !names.has("layer1.2.conv1.weight")
            && !names.has("layer1.0.conv3.weight");
        is.then(|| {
            names.renamed("torchvision", vec![ModelSpec::ResNet18], |name| {
                let name = name.replace(".downsample.", ".shortcut.");
                Some(match name.strip_prefix("fc.") {
                    Some(leaf) => format!("linear.{leaf}"),
                    None => name,
                })
            })
        })
    },
};
