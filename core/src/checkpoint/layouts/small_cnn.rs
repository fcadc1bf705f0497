//! The small convolutional networks of the TRADES code (1 x 28 x 28) and of the GAIRAT code (3 x 32 x 32).

use super::Layout;
use crate::model::ModelSpec;

/// The names of `small_cnn.py`, there and there.
pub(super) const LAYOUT: Layout = Layout {
    fit: |names| {
        if names.has("feature_extractor.conv1.weight") && names.has("classifier.fc3.weight") {
            Some(names.as_they_are("the TRADES code", vec![ModelSpec::SmallCnn28]))
        } else if names.has("block1_conv1.weight") && names.has("fc2.weight") {
            Some(names.as_they_are("the GAIRAT code", vec![ModelSpec::SmallCnn32]))
        } else {
            None
        }
    },
};
