//! The one loop that everything is made of: a convolution forwards, the way back through it to its input, and, with a kernel of
//! one pixel on a map of one pixel, a linear layer.

use pulp::{Simd, WithSimd};

use super::{COLUMNS, buffer::Buffer, isa::Isa, parallel};

/// Output channels in work at once.
const OUTPUTS: usize = 4;
/// Numbers of weights that stay in the cache while the positions pass by.
const WEIGHTS_IN_CACHE: usize = 64 * 1024;

/// What a convolution does along one axis.
#[derive(Debug)]
struct Axis {
    /// The first position that is written,
    first: usize,
    /// how far the next one is,
    target_step: usize,
    /// how far the reading moves meanwhile,
    source_step: usize,
    /// and how many there are.
    count: usize,
    /// Which places of the kernel meet these positions, and where each reads, as seen from the position's own place.
    taps: Vec<(usize, isize)>,
}

impl Axis {
    /// out[q] = sum over k of weight[k] in[stride q + k - padding].
    fn forward(kernel: usize, stride: usize, padding: usize, outputs: usize) -> Vec<Self> {
        let taps = (0..kernel).map(|k| (k, k as isize - padding as isize)).collect();
        vec![Self { first: 0, target_step: 1, source_step: stride, count: outputs, taps }]
    }

    /// in[stride q + r] = sum over the k for which stride divides r + padding - k of weight[k] out[q + (r + padding - k) / stride]:
    /// one axis for each r.
    fn backward(kernel: usize, stride: usize, padding: usize, inputs: usize) -> Vec<Self> {
        let axis = |r: usize| {
            let shift = |k: usize| (r + padding) as isize - k as isize;
            let meets = |&k: &usize| shift(k).rem_euclid(stride as isize) == 0;
            let taps = (0..kernel).filter(meets).map(|k| (k, shift(k).div_euclid(stride as isize))).collect();
            Self { first: r, target_step: stride, source_step: 1, count: (inputs - r).div_ceil(stride), taps }
        };
        (0..stride.min(inputs)).map(axis).collect()
    }

    /// Where the position with this number reads with no tap, and where it is written.
    fn position(&self, q: usize) -> (usize, usize) {
        (q * self.source_step, self.first + q * self.target_step)
    }
}

/// How many zeros the axes need before and after a map of `len`.
fn border(axes: &[Axis], len: usize) -> [usize; 2] {
    let taps = || axes.iter().flat_map(|axis| axis.taps.iter().map(move |&(_, shift)| (axis, shift)));
    let before = taps().map(|(_, shift)| -shift).max().unwrap_or(0).max(0);
    let last = |axis: &Axis| (axis.count.saturating_sub(1) * axis.source_step) as isize;
    let after = taps().map(|(axis, shift)| last(axis) + shift + 1 - len as isize).max().unwrap_or(0).max(0);
    [before as usize, after as usize]
}

/// Positions that meet the same places of the kernel.
#[derive(Debug)]
struct Pass {
    /// Where each tap reads, as seen from the position, in registers.
    taps: Vec<usize>,
    /// Where each position reads, in registers from the start of a channel with its border.
    sources: Vec<usize>,
    /// Where each position is written, in registers from the start of a channel.
    targets: Vec<usize>,
    /// Blocks of [`OUTPUTS`] output channels x input channels x taps x [`OUTPUTS`]; a last block is filled up with zeros.
    weights: Vec<f32>,
}

/// A convolution in one direction, its weights in the order in which they are used.
#[derive(Debug)]
pub(super) struct Convolution {
    inputs: usize,
    outputs: usize,
    /// Height and width of what is read, without the border.
    source: [usize; 2],
    /// Zeros above, below, left and right of it.
    border: [[usize; 2]; 2],
    /// Registers of one channel of what is written.
    target: usize,
    columns: usize,
    passes: Vec<Pass>,
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

/// What is done with a sum before it is written: `relu(scale sum + shift + what was there)`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Finish<'a> {
    /// Per output channel.
    pub scale: Option<&'a [f32]>,
    /// Per output channel.
    pub shift: Option<&'a [f32]>,
    /// Whether the target already holds something to be added.
    pub accumulate: bool,
    /// Whether ReLU comes last.
    pub relu: bool,
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
    /// and memory for an input with its border.
    pub padded: &'a mut Buffer,
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
        let width = source_width + border[1][0] + border[1][1];
        let mut passes = Vec::new();
        for down in vertical {
            for across in horizontal {
                let at = |y: isize, x: isize| {
                    let (y, x) = (y + border[0][0] as isize, x + border[1][0] as isize);
                    (y as usize * width + x as usize) * columns
                };
                // A tap never reads before the border: with the border's own offset its place counts from 0.
                let taps = down.taps.iter().flat_map(|&(_, y)| across.taps.iter().map(move |&(_, x)| at(y, x))).collect();
                let (mut sources, mut targets) = (Vec::new(), Vec::new());
                for y in 0..down.count {
                    for x in 0..across.count {
                        let ((source_y, target_y), (source_x, target_x)) = (down.position(y), across.position(x));
                        for column in 0..columns {
                            sources.push((source_y * width + source_x) * columns + column);
                            targets.push((target_y * target_width + target_x) * columns + column);
                        }
                    }
                }
                let mut weights =
                    Vec::with_capacity(outputs.next_multiple_of(OUTPUTS) * inputs * down.taps.len() * across.taps.len());
                for block in (0..outputs).step_by(OUTPUTS) {
                    for input in 0..inputs {
                        for &(y, _) in &down.taps {
                            for &(x, _) in &across.taps {
                                weights.extend(
                                    (block..block + OUTPUTS).map(|o| if o < outputs { weight(o, input, y, x) } else { 0.0 }),
                                );
                            }
                        }
                    }
                }
                passes.push(Pass { taps, sources, targets, weights });
            }
        }
        let target = target_height * target_width * columns;
        Self { inputs, outputs, source: [source_height, source_width], border, target, columns, passes }
    }

    /// Computes `target` from `source`, its channels first multiplied by `source_scale`; both are in lanes. The work is shared among
    /// the machine's threads.
    pub(super) fn run(
        &self,
        machine: &mut Machine<'_>,
        source: &[f32],
        source_scale: Option<&[f32]>,
        target: &mut [f32],
        finish: Finish<'_>,
    ) {
        let Machine { isa, lanes, threads, .. } = *machine;
        let bordered = self.border != [[0; 2]; 2];
        let source = if bordered || source_scale.is_some() {
            self.pad(machine, source, source_scale);
            &machine.padded[..]
        } else {
            source
        };
        let per_part = self.outputs.div_ceil(threads).next_multiple_of(OUTPUTS);
        let parts: Vec<&mut [f32]> = target.chunks_mut(per_part * self.target * lanes).collect();
        let work = |place: usize, target: &mut [f32]| {
            isa.dispatch(Part { convolution: self, source, target, first: place * per_part, finish });
        };
        if let [_] = parts[..] {
            parts.into_iter().for_each(|target| work(0, target));
        } else {
            parallel::for_each_part(parts, || (), |(), place, target| work(place, target));
        }
    }

    /// The source with its border, each channel times its factor.
    fn pad(&self, machine: &mut Machine<'_>, source: &[f32], scale: Option<&[f32]>) {
        let Machine { isa, lanes, padded, .. } = machine;
        let [[top, bottom], [left, right]] = self.border;
        let [height, width] = self.source;
        let register = self.columns * *lanes;
        let (row, padded_row) = (width * register, (left + width + right) * register);
        let padded_len = (top + height + bottom) * padded_row;
        let len = self.inputs * padded_len;
        if padded.len() < len {
            **padded = Buffer::zeros(len);
        }
        isa.dispatch(|| {
            let channels = padded[..len].chunks_exact_mut(padded_len).zip(source.chunks_exact(height * row)).enumerate();
            for (channel, (padded, source)) in channels {
                let factor = scale.map_or(1.0, |scale| scale[channel]);
                padded[..top * padded_row].fill(0.0);
                padded[(top + height) * padded_row..].fill(0.0);
                for (padded, source) in padded[top * padded_row..].chunks_exact_mut(padded_row).zip(source.chunks_exact(row)) {
                    padded[..left * register].fill(0.0);
                    padded[left * register + row..].fill(0.0);
                    for (to, from) in padded[left * register..].iter_mut().zip(source) {
                        *to = factor * from;
                    }
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
    /// The first of these channels; a multiple of [`OUTPUTS`].
    first: usize,
    finish: Finish<'a>,
}

impl WithSimd for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as registers allow beside the inputs and a weight: 24 and 6 of 32, 8 and 2 of 16. A tile of a perceptron has
        // four positions, all its columns; the last layers of a convolutional network have one.
        if self.convolution.target == 1 {
            self.run::<S, 1>(simd);
        } else if S::REGISTER_COUNT < 32 {
            self.run::<S, 2>(simd);
        } else if self.convolution.target <= COLUMNS {
            self.run::<S, COLUMNS>(simd);
        } else {
            self.run::<S, 6>(simd);
        }
    }
}

impl Part<'_> {
    #[inline(always)]
    fn run<S: Simd, const POSITIONS: usize>(self, simd: S) {
        let Self { convolution, source, target, first, finish } = self;
        let (source, _) = S::as_simd_f32s(source);
        let (target, _) = S::as_mut_simd_f32s(target);
        let plane = convolution.target;
        let outputs = target.len() / plane;
        let [[top, bottom], [left, right]] = convolution.border;
        let [height, width] = convolution.source;
        let channel = (top + height + bottom) * (left + width + right) * convolution.columns;
        for pass in &convolution.passes {
            let block_len = convolution.inputs * pass.taps.len() * OUTPUTS;
            let block = |block: usize| &pass.weights[block * block_len..(block + 1) * block_len];
            let blocks_in_cache = (WEIGHTS_IN_CACHE / block_len.max(1)).max(1);
            let blocks = first / OUTPUTS..(first + outputs).div_ceil(OUTPUTS);
            for group in blocks.clone().step_by(blocks_in_cache) {
                for (sources, targets) in pass.sources.chunks(POSITIONS).zip(pass.targets.chunks(POSITIONS)) {
                    // A last group that is not full computes its last position again and again.
                    let bases: [usize; POSITIONS] = std::array::from_fn(|j| sources[j.min(sources.len() - 1)]);
                    for block_of in group..(group + blocks_in_cache).min(blocks.end) {
                        let sums = sums::<S, POSITIONS>(simd, block(block_of), source, channel, &pass.taps, &bases);
                        for (o, sums) in sums.into_iter().enumerate() {
                            let output = block_of * OUTPUTS + o;
                            if output >= first + outputs {
                                break;
                            }
                            let target = &mut target[(output - first) * plane..(output - first + 1) * plane];
                            for (sum, &at) in sums.into_iter().zip(targets) {
                                let mut value = match finish.scale {
                                    Some(scale) => simd.mul_f32s(sum, simd.splat_f32s(scale[output])),
                                    None => sum,
                                };
                                if let Some(shift) = finish.shift {
                                    value = simd.add_f32s(value, simd.splat_f32s(shift[output]));
                                }
                                if finish.accumulate {
                                    value = simd.add_f32s(value, target[at]);
                                }
                                if finish.relu {
                                    // In this order, because then NaN stays NaN on every processor.
                                    value = simd.max_f32s(simd.splat_f32s(0.0), value);
                                }
                                target[at] = value;
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The sums of [`OUTPUTS`] output channels at `POSITIONS` positions, over all input channels and taps.
#[inline(always)]
fn sums<S: Simd, const POSITIONS: usize>(
    simd: S,
    weights: &[f32],
    source: &[S::f32s],
    channel: usize,
    taps: &[usize],
    bases: &[usize; POSITIONS],
) -> [[S::f32s; POSITIONS]; OUTPUTS] {
    let mut sums = [[simd.splat_f32s(0.0); POSITIONS]; OUTPUTS];
    let (weights, _) = weights.as_chunks::<OUTPUTS>();
    if taps.is_empty() {
        return sums;
    }
    for (weights, source) in weights.chunks_exact(taps.len()).zip(source.chunks(channel)) {
        for (weights, &tap) in weights.iter().zip(taps) {
            let window = &source[tap..];
            let inputs: [S::f32s; POSITIONS] = std::array::from_fn(|j| window[bases[j]]);
            for (sums, &weight) in sums.iter_mut().zip(weights) {
                let weight = simd.splat_f32s(weight);
                for (sum, &input) in sums.iter_mut().zip(&inputs) {
                    *sum = simd.mul_add_e_f32s(weight, input, *sum);
                }
            }
        }
    }
    sums
}

/// Where the gradient of a weight goes: places of weights from output o, input i and place k in the kernel.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// Outputs x inputs x kernel places.
    OutputsFirst,
    /// Inputs x outputs, the kernel one pixel.
    InputsFirst,
}

impl Convolution {
    /// Adds the gradient of the weights, summed over a tile, to `weights`, from the input `source` and the gradient `delta` of the
    /// output. Only on a forward convolution.
    pub(super) fn gradient(&self, machine: &mut Machine<'_>, source: &[f32], delta: &[f32], weights: &mut [f32], order: Order) {
        let isa = machine.isa;
        let source = if self.border == [[0; 2]; 2] {
            source
        } else {
            self.pad(machine, source, None);
            &machine.padded[..]
        };
        isa.dispatch(Gradient { convolution: self, source, delta, weights, order });
    }
}

/// The gradient of all weights over one tile.
struct Gradient<'a> {
    convolution: &'a Convolution,
    source: &'a [f32],
    delta: &'a [f32],
    weights: &'a mut [f32],
    order: Order,
}

impl WithSimd for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 { self.run::<S, 6>(simd) } else { self.run::<S, 2>(simd) }
    }
}

impl Gradient<'_> {
    #[inline(always)]
    fn run<S: Simd, const WEIGHTS: usize>(self, simd: S) {
        let Self { convolution, source, delta, weights, order } = self;
        let (source, _) = S::as_simd_f32s(source);
        let (delta, _) = S::as_simd_f32s(delta);
        let Convolution { inputs, outputs, source: [height, width], border: [[top, bottom], [left, right]], .. } = *convolution;
        let plane = convolution.target;
        let channel = (top + height + bottom) * (left + width + right) * convolution.columns;
        let Some(pass) = convolution.passes.first() else { return };
        let taps = pass.taps.len();
        for first in (0..inputs * taps).step_by(WEIGHTS) {
            // A last group that is not full computes its last weight again and again.
            let group: [usize; WEIGHTS] = std::array::from_fn(|j| (first + j).min(inputs * taps - 1));
            let bases = group.map(|weight| weight / taps * channel + pass.taps[weight % taps]);
            let windows: [&[S::f32s]; WEIGHTS] = bases.map(|base| &source[base..]);
            for block in (0..outputs).step_by(OUTPUTS) {
                let deltas: [&[S::f32s]; OUTPUTS] = std::array::from_fn(|o| {
                    let output = (block + o).min(outputs - 1);
                    &delta[output * plane..(output + 1) * plane]
                });
                let mut sums = [[simd.splat_f32s(0.0); WEIGHTS]; OUTPUTS];
                for (&from, &to) in pass.sources.iter().zip(&pass.targets) {
                    let inputs: [S::f32s; WEIGHTS] = std::array::from_fn(|j| windows[j][from]);
                    for (sums, delta) in sums.iter_mut().zip(&deltas) {
                        for (sum, &input) in sums.iter_mut().zip(&inputs) {
                            *sum = simd.mul_add_e_f32s(delta[to], input, *sum);
                        }
                    }
                }
                for (output, sums) in (block..outputs).zip(sums) {
                    for (weight, sum) in (first..inputs * taps).zip(sums) {
                        let place = match order {
                            Order::OutputsFirst => output * inputs * taps + weight,
                            Order::InputsFirst => weight * outputs + output,
                        };
                        weights[place] += simd.reduce_sum_f32s(sum);
                    }
                }
            }
        }
    }
}
