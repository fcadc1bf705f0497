//! The one loop that everything is made of: a convolution forwards, the way back through it to its input, and, with a kernel of
//! one pixel on a map of one pixel, a linear layer.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::{
    axis::{Axis, border},
    buffer::Buffer,
    finish::{Finish, Finisher},
    isa::Isa,
    parallel,
    products::{OUTPUTS, panels, sums, widest},
};

/// Positions in work at once at most.
const MOST_COLUMNS: usize = 8;
/// Taps whose places are known at once.
const MOST_TAPS: usize = 9;
/// With fewer blocks of output channels than this it is not worth copying what they read.
const BLOCKS_TO_PACK: usize = 3;
/// Registers of a channel up to which channels lie close enough together to be read where they are.
const CLOSE: usize = 8;
/// Numbers of weights that stay in the cache while the positions pass by.
const WEIGHTS_IN_CACHE: usize = 64 * 1024;

/// Positions that meet the same places of the kernel.
#[derive(Debug)]
pub(super) struct Pass {
    /// Where each tap reads: rows and columns as seen from the position's own place.
    pub taps: Vec<[isize; 2]>,
    /// Each position's own place: row, column, and which register of the pixel.
    pub sources: Vec<[usize; 3]>,
    /// Where each position is written, in registers from the start of a channel.
    pub targets: Vec<usize>,
    /// How many positions are beside each other in one row.
    row: usize,
    /// Blocks of output channels x input channels x taps x a block's channels; a last block is filled up with zeros.
    weights: Vec<f32>,
}

/// A convolution in one direction, its weights in the order in which they are used.
#[derive(Debug)]
pub(super) struct Convolution {
    pub inputs: usize,
    pub outputs: usize,
    /// Height and width of what is read, without the border.
    source: [usize; 2],
    /// Zeros above, below, left and right of it.
    pub border: [[usize; 2]; 2],
    /// Registers of one channel of what is written.
    pub target: usize,
    columns: usize,
    /// Output channels in work at once: [`OUTPUTS`], or fewer where that is all.
    block: usize,
    pub passes: Vec<Pass>,
}

/// Shapes and settings of a convolution, seen forwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Channels, height and width of the input,
    pub input: [usize; 3],
    /// and of the output.
    pub output: [usize; 3],
    /// Side of the kernel,
    pub kernel: usize,
    /// its stride
    pub stride: usize,
    /// and its padding.
    pub padding: usize,
}

/// What a convolution is computed with.
#[derive(Debug)]
pub(super) struct Machine<'a> {
    /// The instruction set,
    pub isa: Isa,
    /// numbers of one of its registers,
    pub lanes: usize,
    /// how many threads there are,
    pub threads: usize,
    /// and memory for what lies between input and output.
    pub scratch: &'a mut Scratch,
}

/// Memory for what lies between input and output.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// An input with its border.
    pub padded: Buffer,
    /// What each part of the work needs.
    parts: Vec<Buffer>,
}

impl Scratch {
    /// At least so many buffers of at least so many numbers.
    pub(super) fn parts(&mut self, count: usize, len: usize) -> impl Iterator<Item = &mut [f32]> {
        self.padded_and_parts(count, len).1
    }

    fn padded_and_parts(&mut self, count: usize, len: usize) -> (&[f32], impl Iterator<Item = &mut [f32]>) {
        if self.parts.len() < count {
            self.parts.resize_with(count, Buffer::default);
        }
        let parts = self.parts[..count].iter_mut().map(move |buffer| {
            if buffer.len() < len {
                *buffer = Buffer::zeros(len);
            }
            &mut buffer[..len]
        });
        (&self.padded, parts)
    }
}

impl Convolution {
    /// From the input to the output. `weight(o, i, y, x)` is the weight from input channel i to output channel o.
    pub(super) fn forward(shape: Shape, columns: usize, weight: impl Fn(usize, usize, usize, usize) -> f32) -> Self {
        let Shape { input, output, kernel, stride, padding } = shape;
        let axes = [1, 2].map(|axis| Axis::forward(kernel, stride, padding, output[axis]));
        Self::new(input, output, &axes, columns, weight)
    }

    /// From the output's gradient to the input's.
    pub(super) fn backward(shape: Shape, columns: usize, weight: impl Fn(usize, usize, usize, usize) -> f32) -> Self {
        let Shape { input, output, kernel, stride, padding } = shape;
        let axes = [1, 2].map(|axis| Axis::backward(kernel, stride, padding, input[axis]));
        Self::new(output, input, &axes, columns, |o, i, y, x| weight(i, o, y, x))
    }

    fn new(
        [inputs, source_height, source_width]: [usize; 3],
        [outputs, target_height, target_width]: [usize; 3],
        [vertical, horizontal]: &[Vec<Axis>; 2],
        columns: usize,
        weight: impl Fn(usize, usize, usize, usize) -> f32,
    ) -> Self {
        let border = [border(vertical, source_height), border(horizontal, source_width)];
        let block_of = if matches!(outputs, 1 | 3) { outputs } else { OUTPUTS };
        let mut passes = Vec::new();
        for down in vertical {
            for across in horizontal {
                let taps = down.taps.iter().flat_map(|&(_, y)| across.taps.iter().map(move |&(_, x)| [y, x])).collect();
                let (mut sources, mut targets) = (Vec::new(), Vec::new());
                for y in 0..down.count {
                    for x in 0..across.count {
                        let ((source_y, target_y), (source_x, target_x)) = (down.position(y), across.position(x));
                        for column in 0..columns {
                            sources.push([source_y, source_x, column]);
                            targets.push((target_y * target_width + target_x) * columns + column);
                        }
                    }
                }
                let mut weights =
                    Vec::with_capacity(outputs.next_multiple_of(block_of) * inputs * down.taps.len() * across.taps.len());
                for block in (0..outputs).step_by(block_of) {
                    for input in 0..inputs {
                        for &(y, _) in &down.taps {
                            for &(x, _) in &across.taps {
                                weights.extend(
                                    (block..block + block_of).map(|o| if o < outputs { weight(o, input, y, x) } else { 0.0 }),
                                );
                            }
                        }
                    }
                }
                passes.push(Pass { taps, sources, targets, row: across.count * columns, weights });
            }
        }
        let target = target_height * target_width * columns;
        Self { inputs, outputs, source: [source_height, source_width], border, target, columns, block: block_of, passes }
    }

    /// Computes `target` from `source`; both are in lanes. The work is shared among the machine's threads.
    pub(super) fn run(&self, machine: &mut Machine<'_>, source: &[f32], target: &mut [f32], finish: Finish<'_>) {
        let Machine { isa, lanes, threads, .. } = *machine;
        let depth = self.passes.iter().map(|pass| self.inputs * pass.taps.len()).max().unwrap_or(0);
        let per_part = self.outputs.div_ceil(threads).next_multiple_of(self.block);
        // Where few output channels read the same, a border saves more questions than it costs.
        let bordered = self.block < OUTPUTS && self.border != [[0; 2]; 2];
        if bordered {
            self.pad(machine, source);
        }
        let count = self.outputs.div_ceil(per_part);
        let (padded, scratch) = machine.scratch.padded_and_parts(count, depth * MOST_COLUMNS * lanes);
        let [height, width] = self.source;
        let [[top, bottom], [left, right]] = self.border;
        let (source, map, origin) = if bordered {
            (&padded[..self.inputs * self.padded_channel() * lanes], [top + height + bottom, left + width + right], [top, left])
        } else {
            (source, [height, width], [0; 2])
        };
        let parts: Vec<Part<'_>> = (target.chunks_mut(per_part * self.target * lanes).zip(scratch).enumerate())
            .map(|(place, (target, panel))| Part {
                convolution: self,
                source,
                map,
                origin,
                target,
                panel,
                first: place * per_part,
                finish,
            })
            .collect();
        parallel::for_each_part(parts, || (), |(), _, part| isa.dispatch(part));
    }

    /// Where a row and a column of what is read are in a channel with its border, in registers.
    pub(super) fn padded_place(&self, [y, x]: [isize; 2]) -> usize {
        let [[top, _], [left, right]] = self.border.map(|border| border.map(|zeros| zeros as isize));
        let width = left + self.source[1] as isize + right;
        (((y + top) * width + x + left) * self.columns as isize) as usize
    }

    /// Registers of one channel of what is read, with its border.
    pub(super) fn padded_channel(&self) -> usize {
        let [[top, bottom], [left, right]] = self.border;
        let [height, width] = self.source;
        (top + height + bottom) * (left + width + right) * self.columns
    }

    /// The source with its border.
    pub(super) fn pad(&self, machine: &mut Machine<'_>, source: &[f32]) {
        let Machine { isa, lanes, .. } = *machine;
        let padded = &mut machine.scratch.padded;
        let [[top, bottom], [left, right]] = self.border;
        let [height, width] = self.source;
        let register = self.columns * lanes;
        let (row, padded_row) = (width * register, (left + width + right) * register);
        let padded_len = (top + height + bottom) * padded_row;
        let len = self.inputs * padded_len;
        if padded.len() < len {
            *padded = Buffer::zeros(len);
        }
        isa.dispatch(|| {
            let channels = padded[..len].chunks_exact_mut(padded_len).zip(source.chunks_exact(height * row));
            for (padded, source) in channels {
                padded[..top * padded_row].fill(0.0);
                padded[(top + height) * padded_row..].fill(0.0);
                for (padded, source) in padded[top * padded_row..].chunks_exact_mut(padded_row).zip(source.chunks_exact(row)) {
                    padded[..left * register].fill(0.0);
                    padded[left * register + row..].fill(0.0);
                    padded[left * register..left * register + row].copy_from_slice(source);
                }
            }
        });
    }
}

/// Some output channels.
struct Part<'a> {
    convolution: &'a Convolution,
    source: &'a [f32],
    target: &'a mut [f32],
    /// Height and width of the source, and where its own first pixel is.
    map: [usize; 2],
    origin: [usize; 2],
    /// Memory for a panel.
    panel: &'a mut [f32],
    /// The first of these channels; a multiple of a block's.
    first: usize,
    finish: Finish<'a>,
}

impl WithSimd for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let convolution = self.convolution;
        let outputs = self.target.len() / (convolution.target * S::F32_LANES);
        for pass in &convolution.passes {
            let block_len = convolution.inputs * pass.taps.len() * convolution.block;
            let blocks_in_cache = (WEIGHTS_IN_CACHE / block_len.max(1)).max(1);
            let blocks = self.first / convolution.block..(self.first + outputs).div_ceil(convolution.block);
            for first in blocks.clone().step_by(blocks_in_cache) {
                let group = first..(first + blocks_in_cache).min(blocks.end);
                // With few output channels positions must be many, and of one row, so that what they read needs no copy.
                match convolution.block {
                    1 => self.rows::<S, 1, 8>(simd, pass, group),
                    3 => self.rows::<S, 3, 4>(simd, pass, group),
                    _ => self.panels(simd, pass, group),
                }
            }
        }
    }
}

impl Part<'_> {
    /// All positions of these blocks, `WIDTH` at a time of every row.
    #[inline(always)]
    fn rows<S: Simd, const BLOCK: usize, const WIDTH: usize>(&mut self, simd: S, pass: &Pass, blocks: Range<usize>) {
        for row in (0..pass.sources.len()).step_by(pass.row.max(1)) {
            for first in (row..row + pass.row).step_by(WIDTH) {
                let positions = first..(first + WIDTH).min(row + pass.row);
                self.positions::<S, BLOCK, WIDTH>(simd, pass, blocks.clone(), positions);
            }
        }
    }

    /// All positions of these blocks.
    #[inline(always)]
    fn panels<S: Simd>(&mut self, simd: S, pass: &Pass, blocks: Range<usize>) {
        for (first, width) in panels(pass.sources.len(), widest::<S>()) {
            let positions = first..first + width;
            let blocks = blocks.clone();
            match width {
                1 => self.positions::<S, OUTPUTS, 1>(simd, pass, blocks, positions),
                2 => self.positions::<S, OUTPUTS, 2>(simd, pass, blocks, positions),
                3 => self.positions::<S, OUTPUTS, 3>(simd, pass, blocks, positions),
                4 if S::REGISTER_COUNT > 16 => self.positions::<S, OUTPUTS, 4>(simd, pass, blocks, positions),
                5 if S::REGISTER_COUNT > 16 => self.positions::<S, OUTPUTS, 5>(simd, pass, blocks, positions),
                6 if S::REGISTER_COUNT > 16 => self.positions::<S, OUTPUTS, 6>(simd, pass, blocks, positions),
                _ => {}
            }
        }
    }

    /// These positions, `WIDTH` at most, of these blocks.
    #[inline(always)]
    fn positions<S: Simd, const BLOCK: usize, const WIDTH: usize>(
        &mut self,
        simd: S,
        pass: &Pass,
        blocks: Range<usize>,
        positions: Range<usize>,
    ) {
        let Self { convolution, first, finish, .. } = *self;
        let inputs = convolution.inputs;
        let mut written = Written {
            plane: convolution.target,
            first,
            finisher: Finisher::<S>::new(finish),
            target: S::as_mut_simd_f32s(self.target).0,
        };
        let (source, _) = S::as_simd_f32s(self.source);
        let (panel, _) = S::as_mut_simd_f32s(self.panel);
        let ([height, width], [top, left], columns) = (self.map, self.origin, convolution.columns);
        let channel = height * width * columns;
        let depth = inputs * pass.taps.len();
        let (sources, targets) = (&pass.sources[positions.clone()], &pass.targets[positions]);
        // Where a tap reads from a position, if that is on the map.
        let place = |[y, x, column]: [usize; 3], [down, across]: [isize; 2]| {
            let (y, x) = ((y + top).wrapping_add_signed(down), (x + left).wrapping_add_signed(across));
            (y < height && x < width).then_some((y * width + x) * columns + column)
        };
        let block_len = depth * BLOCK;
        let block = |block: usize| pass.weights[block * block_len..(block + 1) * block_len].as_chunks::<BLOCK>().0;
        if blocks.len() < BLOCKS_TO_PACK || (WIDTH > 1 && channel <= CLOSE) {
            let window = |tap: [isize; 2]| {
                let first = place(sources[0], tap)?;
                let beside = sources.iter().enumerate().all(|(j, &source)| place(source, tap) == Some(first + j));
                (beside && first + WIDTH + (inputs - 1) * channel <= source.len()).then_some(first)
            };
            if let Some(windows) = pass.taps.iter().map(|&tap| window(tap)).collect::<Option<Vec<usize>>>() {
                for at in blocks {
                    let sums = sums_of_windows::<S, BLOCK, WIDTH>(simd, block(at), source, channel, &windows);
                    written.block(simd, at, targets, &sums);
                }
                return;
            }
        }
        // A last panel that is not full computes its last position again and again. Where a tap is off the map, so is its place.
        let mut places = [[usize::MAX; WIDTH]; MOST_TAPS];
        let panel = &mut panel[..depth * WIDTH];
        let zero = simd.splat_f32s(0.0);
        let taps = pass.taps.len();
        for (group, shifts) in pass.taps.chunks(MOST_TAPS).enumerate() {
            for (places, &shift) in places.iter_mut().zip(shifts) {
                for (j, to) in places.iter_mut().enumerate() {
                    *to = place(sources[j.min(sources.len() - 1)], shift).unwrap_or(usize::MAX);
                }
            }
            for (rows, source) in panel.chunks_exact_mut(taps * WIDTH).zip(source.chunks_exact(channel)) {
                let rows = rows.as_chunks_mut::<WIDTH>().0;
                for (row, places) in rows[group * MOST_TAPS..].iter_mut().zip(&places[..shifts.len()]) {
                    for (to, &place) in row.iter_mut().zip(places) {
                        *to = if let Some(&register) = source.get(place) { register } else { zero };
                    }
                }
            }
        }
        let (panel, _) = S::as_simd_f32s(self.panel);
        let (panel, _) = panel[..depth * WIDTH].as_chunks::<WIDTH>();
        let mut at = blocks.start;
        while at < blocks.end {
            // A single position needs other sums beside its own, so that additions need not wait for each other.
            if WIDTH == 1 && at + 3 <= blocks.end {
                let sums = sums::<S, 3, BLOCK, WIDTH>(simd, [block(at), block(at + 1), block(at + 2)], panel);
                sums.iter().zip(at..).for_each(|(sums, at)| written.block(simd, at, targets, sums));
                at += 3;
            } else {
                let [sums] = sums::<S, 1, BLOCK, WIDTH>(simd, [block(at)], panel);
                written.block(simd, at, targets, &sums);
                at += 1;
            }
        }
    }
}

/// Where sums go.
struct Written<'a, S: Simd> {
    /// Registers of a channel.
    plane: usize,
    /// The first channel.
    first: usize,
    finisher: Finisher<'a, S>,
    target: &'a mut [S::f32s],
}

impl<S: Simd> Written<'_, S> {
    /// Writes what becomes of the sums of a block at positions with these places.
    #[inline(always)]
    fn block<const BLOCK: usize, const WIDTH: usize>(
        &mut self,
        simd: S,
        block: usize,
        places: &[usize],
        sums: &[[S::f32s; WIDTH]; BLOCK],
    ) {
        let Self { plane, first, .. } = *self;
        for (output, sums) in (block * BLOCK..).zip(sums) {
            let Some(target) = self.target.get_mut((output - first) * plane..(output - first + 1) * plane) else { break };
            let channel = self.finisher.of_channel(simd, output);
            for (&sum, &at) in sums.iter().zip(places) {
                self.finisher.write(simd, &channel, sum, output * plane + at, &mut target[at]);
            }
        }
    }
}

/// The sums of a block of output channels over all input channels and taps, at positions that read beside each other: each tap in a
/// window of every channel.
#[inline(always)]
fn sums_of_windows<S: Simd, const BLOCK: usize, const WIDTH: usize>(
    simd: S,
    weights: &[[f32; BLOCK]],
    source: &[S::f32s],
    channel: usize,
    windows: &[usize],
) -> [[S::f32s; WIDTH]; BLOCK] {
    let mut sums = [[simd.splat_f32s(0.0); WIDTH]; BLOCK];
    for (input, weights) in weights.chunks_exact(windows.len().max(1)).enumerate() {
        let source = &source[input * channel..];
        for (weights, &window) in weights.iter().zip(windows) {
            let Some(window) = source[window..].first_chunk::<WIDTH>() else { return sums };
            for (sums, &weight) in sums.iter_mut().zip(weights) {
                let weight = simd.splat_f32s(weight);
                for (sum, &register) in sums.iter_mut().zip(window) {
                    *sum = simd.mul_add_e_f32s(weight, register, *sum);
                }
            }
        }
    }
    sums
}
