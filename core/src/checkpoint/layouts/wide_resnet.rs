//! Wide ResNets.

use super::Layout;
use crate::model::ModelSpec;

/// What the TRADES and MART codes make beside the first group and never use.
const NEVER_USED: &str = "sub_block1.";

/// The names of `wideresnet.py`. The depth is counted as the paper does: 6 for every block of a group, and 4.
pub(super) const LAYOUT: Layout = Layout {
    fit: |names| {
        let first = names.shape("block1.layer.0.conv1.weight")?;
        let width = first.first()? / 16;
        let blocks = (0..).take_while(|block| names.has(&format!("block1.layer.{block}.conv1.weight"))).count();
        let network = ModelSpec::WideResNet { depth: 6 * blocks + 4, width, dropout: 0.0 };
        let unused = names.0.iter().any(|(name, _)| name.starts_with(NEVER_USED));
        let title = if unused { "the TRADES and MART codes" } else { "the GAIRAT, AWP and RobustBench codes" };
        names
            .has("fc.weight")
            .then(|| names.renamed(title, vec![network], |name| (!name.starts_with(NEVER_USED)).then(|| name.to_owned())))
    },
};
