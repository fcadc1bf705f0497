//! PreAct-ResNet-18.

use super::Layout;
use crate::model::ModelSpec;

/// The names of `preact_resnet.py`. Without a last batch normalisation they may mean two networks: the codes' blocks differ in what the
/// shortcut is of, which leaves no trace in a state dict.
pub(super) const LAYOUT: Layout = Layout {
    fit: |names| {
        let is = !names.has("bn1.weight")
            && names.has("layer1.0.bn1.weight")
            && names.has("layer4.1.conv2.weight")
            && names.has("linear.weight")
            && !names.has("layer1.2.conv1.weight")
            && !names.has("layer1.0.conv3.weight");
        is.then(|| {
            if names.has("bn.weight") {
                names.as_they_are("the AWP code", vec![ModelSpec::PreActResNet18Bn])
            } else {
                let networks = vec![ModelSpec::PreActResNet18, ModelSpec::PreActResNet18Raw];
                names.as_they_are("the GAIRAT and RobustBench codes", networks)
            }
        })
    },
};
