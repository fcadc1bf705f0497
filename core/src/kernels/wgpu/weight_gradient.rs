//! The gradient of a product's weights: which part of it a workgroup computes, and the settings of its dispatch.

use super::{
    convolution::Shape,
    layout::strides,
    text::{WEIGHT_GRADIENTS, fill_in},
};
use crate::model::Layer;

/// A part of a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tile {
    /// In workgroup memory: so many rows (of tap and input) x so many outputs, so many quads of pixels at a time.
    Shared { rows: usize, outputs: usize, quads: usize },
    /// In registers alone: one row x 8 outputs.
    Direct,
}

/// Both sides of what an invocation computes in a shared tile; outputs of one in a direct tile.
const BLOCK: usize = 8;
/// Invocations of a direct tile.
const DIRECT: usize = 64;
/// Workgroups that keep a large card busy, and a program on the CPU.
const GROUPS: [usize; 2] = [1024, 16];
/// Tiles of quads that a split has at least.
const LEAST: usize = 16;

impl Tile {
    /// All tiles that [`Self::of`] may give.
    #[cfg(test)]
    pub(super) const ALL: [Self; 3] =
        [Self::Direct, Self::Shared { rows: 64, outputs: 32, quads: 4 }, Self::Shared { rows: 64, outputs: 64, quads: 4 }];

    /// The tile for so many outputs.
    pub(super) fn of(outputs: usize, software: bool) -> Self {
        match outputs {
            _ if software => Self::Direct,
            0..=32 => Self::Shared { rows: 64, outputs: 32, quads: 4 },
            _ => Self::Shared { rows: 64, outputs: 64, quads: 4 },
        }
    }

    /// Rows, outputs, and quads at a time.
    fn size(self) -> [usize; 3] {
        match self {
            Self::Shared { rows, outputs, quads } => [rows, outputs, quads],
            Self::Direct => [DIRECT, BLOCK, 1],
        }
    }

    pub(super) fn text(self) -> String {
        let [shared, direct] = WEIGHT_GRADIENTS;
        let Self::Shared { rows, outputs, quads } = self else { return fill_in(direct, &[("eight", BLOCK)]) };
        let threads = rows * outputs / (BLOCK * BLOCK);
        // Rows of a tile that all invocations copy at once.
        let step = threads / quads;
        let (x_row, g_row) = (rows + 1, outputs + 1);
        fill_in(
            shared,
            &[
                ("rows", rows),
                ("outputs", outputs),
                ("depth_quads", quads),
                ("threads", threads),
                ("step", step),
                ("x_copies", rows / step),
                ("g_copies", outputs / step),
                ("x_row", x_row),
                ("g_row", g_row),
                ("x_room", quads * x_row),
                ("g_room", quads * g_row),
                ("g_quads", outputs / 4),
                ("g_half", outputs / 8),
                ("across", rows / BLOCK),
                ("eight", BLOCK),
                ("two", 2),
            ],
        )
    }

    /// Into how many parts the sum over so many quads of samples is cut: enough workgroups, none with too little to do.
    pub(super) fn splits(self, shape: &Shape, quads: usize) -> usize {
        let [rows, outputs, at_once] = self.size();
        let wanted = GROUPS[usize::from(self == Self::Direct)];
        let tiles = rows_of(shape).div_ceil(rows) * shape.output[0].div_ceil(outputs);
        let most = (shape.output[1] * shape.output[2] * quads).div_ceil(at_once * LEAST).max(1);
        let splits = wanted.div_ceil(tiles).clamp(1, most);
        // As many as are not empty.
        let groups = shape.output[1] * shape.output[2] * quads;
        groups.div_ceil(self.split(groups, splits))
    }

    /// Quads of a split.
    fn split(self, groups: usize, splits: usize) -> usize {
        groups.div_ceil(splits).next_multiple_of(self.size()[2])
    }

    /// Settings and workgroups; the sums go to `to`, those of splits one behind the other.
    pub(super) fn settings(
        self,
        layer: &Layer,
        shape: &Shape,
        quads: usize,
        splits: usize,
        to: usize,
    ) -> (Vec<usize>, [usize; 3]) {
        let ([inputs, from_height, from_width], [outputs, to_height, to_width]) = (shape.input, shape.output);
        let rows = rows_of(shape);
        let groups = to_height * to_width * quads;
        let [by_input, by_output, _] = strides(layer, inputs, outputs, shape.kernel * shape.kernel);
        let split = self.split(groups, splits);
        let words = vec![
            rows,
            outputs,
            inputs,
            quads,
            from_height,
            from_width,
            to_width,
            shape.kernel,
            shape.stride,
            shape.padding,
            groups,
            split,
            to,
            rows * outputs,
            by_input,
            by_output,
        ];
        let [tile_rows, tile_outputs, _] = self.size();
        (words, [rows.div_ceil(tile_rows), outputs.div_ceil(tile_outputs), splits])
    }
}

fn rows_of(shape: &Shape) -> usize {
    shape.kernel * shape.kernel * shape.input[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_fits_into_the_memory_of_core_webgpu_and_all_its_invocations_copy() {
        for tile in Tile::ALL {
            let Tile::Shared { rows, outputs, quads } = tile else { continue };
            let threads = rows * outputs / (BLOCK * BLOCK);
            let step = threads / quads;
            assert!(threads <= 256 && (rows + outputs + 2) * quads * 16 <= 16_384, "{tile:?}");
            assert!(threads.is_multiple_of(quads) && rows.is_multiple_of(step) && outputs.is_multiple_of(step), "{tile:?}");
        }
    }

    #[test]
    fn splits_cover_all_quads_and_none_is_empty() {
        for tile in Tile::ALL {
            for (pixels, quads) in (1..9).flat_map(|pixels| (1..40).map(move |quads| (pixels, quads))) {
                let shape = Shape { input: [3, pixels, pixels], output: [70, pixels, pixels], kernel: 3, stride: 1, padding: 1 };
                let (splits, groups) = (tile.splits(&shape, quads), pixels * pixels * quads);
                let split = tile.split(groups, splits);
                assert!(split * splits >= groups && split * (splits - 1) < groups, "{tile:?} {pixels} {quads}");
            }
        }
    }
}
