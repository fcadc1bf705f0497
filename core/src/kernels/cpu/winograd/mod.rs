//! 3 x 3 convolutions of stride 1 with fewer multiplications: the map is cut into tiles that overlap by two pixels, tiles and weights
//! are transformed, multiplied place by place (a product of matrices over the channels for every place), and transformed back.
//! F(2 x 2) multiplies 16 times for 4 pixels, F(4 x 4) 36 times for 16, where the direct form does 9 for each.
//!
//! A tile lies in registers, so that its transforms are additions of whole registers: nothing is shuffled, and what a sample comes to
//! does not depend on the samples beside it, nor on threads.
//!
//! How exact it is. Every result is a sum over C channels and over the places of a tile, where the direct form sums 9 C products. With
//! u = 2⁻²⁴, the transforms of a tile round its numbers a few times and the sum over channels C times, so that a result errs by at most
//! (C + c) u Σ |Aᵀ| (|G| |w| |Gᵀ| · |Bᵀ| |d| |B|) |A|, to first order: the direct form's bound, 9 C u Σ |w| |d|, with C for 9 C and with
//! another sum of absolute values. That sum is larger by what the transforms amplify: for F(2 x 2) it is made up for by the shorter sum
//! (measured, its root mean square error is .6 to .9 of the direct form's), for F(4 x 4) at these points not wholly (1.8 to 2.7, where the
//! usual points 0, ±1, ±2 give 3.7 to 5.4). So F(2 x 2) goes forwards, where differences of logits need every digit, and F(4 x 4) back,
//! where the tests hold it to 3 times the direct form's error.

mod form;
mod gradient;

use std::{marker::PhantomData, ops::Range};

use pulp::{Simd, WithSimd};

use super::{
    convolution::{Machine, Shape},
    finish::{Finish, Finisher},
    isa::Isa,
    parallel,
    products::{OUTPUTS, panels, sums, widest},
};
use form::{F2, F4, Form, MOST, MOST_STEP, Wide};

/// Fewer channels than this, on either side, do not pay for the transforms.
const LEAST_CHANNELS: usize = 16;
/// Bytes of transformed tiles and of their products in work at once: they stay in the second cache.
const IN_CACHE: usize = 256 * 1024;
/// Weights of more bytes than this come from far away, and more tiles than stay near are worth it.
const LARGE_WEIGHTS: usize = 2 * 1024 * 1024;
const IN_CACHE_WITH_LARGE_WEIGHTS: usize = 2 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tiles {
    /// F(2 x 2, 3 x 3).
    Two,
    /// F(4 x 4, 3 x 3).
    Four,
}

/// Which way a convolution goes. On the way back what is exactly 0 stays so: a pixel that nothing depends on has no gradient, and a step
/// along the signs must not move it for a rounding error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Forward,
    Back,
}

/// Such a convolution in one direction.
#[derive(Debug)]
pub(super) struct Winograd {
    inputs: usize,
    outputs: usize,
    /// Height and width of what is read,
    source: [usize; 2],
    /// and of what is written.
    target: [usize; 2],
    /// Zeros above and to the left.
    padding: usize,
    way: Way,
    tiles: Tiles,
    /// Blocks of [`OUTPUTS`] output channels x places of a tile x input channels x [`OUTPUTS`]; zeros fill up a last block.
    weights: Vec<f32>,
}

impl Tiles {
    /// Places of a tile.
    fn places(self) -> usize {
        match self {
            Self::Two => F2::SIDE * F2::SIDE,
            Self::Four => F4::SIDE * F4::SIDE,
        }
    }

    fn step(self) -> usize {
        match self {
            Self::Two => F2::STEP,
            Self::Four => F4::STEP,
        }
    }

    /// Those with which the least is to be done for such a target, if that is less than the direct form's: multiplications, and reading
    /// weights, which takes about as long as three of them.
    fn best(among: &[Self], [height, width]: [usize; 2]) -> Option<Self> {
        const READING: usize = 3;
        let cost = |tiles: &Self| tiles.places() * (height.div_ceil(tiles.step()) * width.div_ceil(tiles.step()) + READING);
        let direct = 9 * (height * width + READING);
        among.iter().copied().min_by_key(cost).filter(|tiles| cost(tiles) < direct)
    }
}

impl Winograd {
    /// From the input to the output, where the shape allows it and it is worth it. `weight(o, i, y, x)` is the weight from input
    /// channel i to output channel o.
    pub(super) fn forward(isa: Isa, shape: Shape, weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync) -> Option<Self> {
        let Shape { input, output, padding, .. } = shape;
        Self::new(isa, shape, [input, output], padding, Way::Forward, weight)
    }

    /// From the output's gradient to the input's.
    pub(super) fn backward(isa: Isa, shape: Shape, weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync) -> Option<Self> {
        let Shape { input, output, padding, .. } = shape;
        Self::new(isa, shape, [output, input], 2_usize.checked_sub(padding)?, Way::Back, |o, i, y, x| weight(i, o, 2 - y, 2 - x))
    }

    fn new(
        isa: Isa,
        shape: Shape,
        [[inputs, source_height, source_width], [outputs, target_height, target_width]]: [[usize; 3]; 2],
        padding: usize,
        way: Way,
        weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync,
    ) -> Option<Self> {
        let target = [target_height, target_width];
        if shape.kernel != 3 || shape.stride != 1 || padding > 2 || inputs.min(outputs) < LEAST_CHANNELS {
            return None;
        }
        // Logits are subtracted from each other, so that forwards each digit counts; of a gradient the signs do.
        let among: &[Tiles] = if way == Way::Forward { &[Tiles::Two] } else { &[Tiles::Four, Tiles::Two] };
        let tiles = Tiles::best(among, target)?;
        let block_len = tiles.places() * inputs * OUTPUTS;
        let mut weights = vec![0.0; outputs.div_ceil(OUTPUTS) * block_len];
        let work = |block: usize, to: &mut [f32]| {
            let weight = |o: usize, i: usize, y: usize, x: usize| {
                let output = block * OUTPUTS + o;
                if output < outputs { weight(output, i, y, x) } else { 0.0 }
            };
            match tiles {
                Tiles::Two => isa.dispatch(|| transform_weights::<F2>(inputs, weight, to)),
                Tiles::Four => isa.dispatch(|| transform_weights::<F4>(inputs, weight, to)),
            }
        };
        parallel::for_each_part(weights.chunks_mut(block_len).collect(), || (), |(), block, to| work(block, to));
        Some(Self { inputs, outputs, source: [source_height, source_width], target, padding, way, tiles, weights })
    }

    /// Computes `target` from `source`; both are in lanes. The work is shared among the machine's threads.
    pub(super) fn run(&self, machine: &mut Machine<'_>, source: &[f32], target: &mut [f32], finish: Finish<'_>) {
        let Machine { isa, lanes, threads, .. } = *machine;
        let [height, width] = self.target;
        let rows = height.div_ceil(self.tiles.step());
        // Rows of tiles are shared among threads, and where there are fewer, output channels are, too.
        let rows_of_part = rows.div_ceil(threads);
        let rows_apart = rows.div_ceil(rows_of_part);
        let outputs_of_part = self.outputs.div_ceil((threads / rows_apart).max(1)).next_multiple_of(OUTPUTS);
        let mut parts = Vec::new();
        for (place, target) in target.chunks_mut(outputs_of_part * height * width * lanes).enumerate() {
            let first_of_parts = parts.len();
            for plane in target.chunks_mut(height * width * lanes) {
                for (row, target) in plane.chunks_mut(rows_of_part * self.tiles.step() * width * lanes).enumerate() {
                    if parts.len() <= first_of_parts + row {
                        let rows = row * rows_of_part..((row + 1) * rows_of_part).min(rows);
                        let first = place * outputs_of_part;
                        parts.push(Part { winograd: self, source, target: Vec::new(), first, rows, finish, scratch: &mut [] });
                    }
                    parts[first_of_parts + row].target.push(target);
                }
            }
        }
        let scratch = machine.scratch.parts(parts.len(), self.scratch_len(lanes));
        parts.iter_mut().zip(scratch).for_each(|(part, scratch)| part.scratch = scratch);
        let work = |part: Part<'_>| match self.tiles {
            Tiles::Two => isa.dispatch(InForm::<F2, _>::new(part)),
            Tiles::Four => isa.dispatch(InForm::<F4, _>::new(part)),
        };
        parallel::for_each_part(parts, || (), |(), _, part| work(part));
    }

    /// How many tiles are in work at once.
    fn together(&self, lanes: usize, widest: usize) -> usize {
        let register = lanes * size_of::<f32>();
        let of_tile = self.tiles.places() * (self.inputs + self.outputs) * register;
        let large = size_of_val(&self.weights[..]) > LARGE_WEIGHTS;
        let tiles = if large { IN_CACHE_WITH_LARGE_WEIGHTS } else { IN_CACHE } / of_tile;
        (tiles / widest * widest).max(widest)
    }

    /// Numbers that are needed for the tiles in work.
    fn scratch_len(&self, lanes: usize) -> usize {
        // Six is the widest panel anywhere.
        let together = self.together(lanes, 6).max(self.together(lanes, 3));
        self.tiles.places() * (self.inputs + self.outputs.next_multiple_of(OUTPUTS)) * together * lanes
            + self.tiles.places() * 2 * APART * lanes
    }
}

/// Registers between the numbers of one place of the tiles and those of the next: without them many would lie in the same lines of a cache.
const APART: usize = 2;

/// Transforms the weights of a block of output channels: G w Gᵀ. Some input channels go together, so that whole lines of the cache are
/// written: the places of a tile are far apart, and their lines would drive each other out.
#[inline(always)]
fn transform_weights<F: Form>(inputs: usize, weight: impl Fn(usize, usize, usize, usize) -> f32, to: &mut [f32]) {
    const TOGETHER: usize = 4;
    for first in (0..inputs).step_by(TOGETHER) {
        let count = TOGETHER.min(inputs - first);
        let mut line = [[[[0.0; OUTPUTS]; MOST]; MOST]; TOGETHER];
        for (place, columns) in line.iter_mut().enumerate().take(count) {
            let mut rows = [[Wide::default(); MOST]; 3];
            for (y, row) in rows.iter_mut().enumerate() {
                let mut weights = [Wide::default(); 3];
                for (x, weights) in weights.iter_mut().enumerate() {
                    for (o, number) in weights.0.iter_mut().enumerate() {
                        *number = f64::from(weight(o, first + place, y, x));
                    }
                }
                *row = F::weight(weights);
            }
            for (x, to) in columns.iter_mut().enumerate().take(F::SIDE) {
                for (to, numbers) in to.iter_mut().zip(F::weight(column(&rows, x))) {
                    for (to, number) in to.iter_mut().zip(numbers.0) {
                        *to = number as f32;
                    }
                }
            }
        }
        for y in 0..F::SIDE {
            for x in 0..F::SIDE {
                let at = ((y * F::SIDE + x) * inputs + first) * OUTPUTS;
                let (to, _) = to[at..at + count * OUTPUTS].as_chunks_mut::<OUTPUTS>();
                to.iter_mut().zip(&line).for_each(|(to, columns)| *to = columns[x][y]);
            }
        }
    }
}

/// Some rows of tiles of some output channels.
struct Part<'a> {
    winograd: &'a Winograd,
    source: &'a [f32],
    /// These rows of each of these channels.
    target: Vec<&'a mut [f32]>,
    /// The first of these channels; a multiple of [`OUTPUTS`].
    first: usize,
    rows: Range<usize>,
    finish: Finish<'a>,
    scratch: &'a mut [f32],
}

/// Work with its transforms.
struct InForm<F, W> {
    work: W,
    form: PhantomData<F>,
}

impl<F, W> InForm<F, W> {
    fn new(work: W) -> Self {
        Self { work, form: PhantomData }
    }
}

impl<F: Form> WithSimd for InForm<F, Part<'_>> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.work.run::<S, F>(simd);
    }
}

impl Part<'_> {
    #[inline(always)]
    fn run<S: Simd, F: Form>(self, simd: S) {
        let Self { winograd, source, target, first, rows, finish, scratch } = self;
        let (source, _) = S::as_simd_f32s(source);
        let (scratch, _) = S::as_mut_simd_f32s(scratch);
        let mut target: Vec<&mut [S::f32s]> = target.into_iter().map(|target| S::as_mut_simd_f32s(target).0).collect();
        let finisher = Finisher::<S>::new(finish);
        let Winograd { inputs, source: map, padding, ref weights, .. } = *winograd;
        let [height, width] = winograd.target;
        let places = F::SIDE * F::SIDE;
        let outputs = target.len();
        let columns = width.div_ceil(F::STEP);
        let together = winograd.together(S::F32_LANES, widest::<S>());
        // Places x panels x input channels x columns of the panel, and places x output channels x tiles.
        let apart = [inputs * together + APART, outputs.next_multiple_of(OUTPUTS) * together + APART];
        let (tiles, rest) = scratch.split_at_mut(places * apart[0]);
        let products = &mut rest[..places * apart[1]];
        let block_len = places * inputs * OUTPUTS;
        let blocks = &weights[first / OUTPUTS * block_len..(first + outputs).div_ceil(OUTPUTS) * block_len];
        let all = rows.start * columns..rows.end * columns;
        // On the way back, what there is at the pixels of every tile.
        let mut seen = vec![[[simd.splat_f32s(0.0); MOST]; MOST]; together];
        for group in all.clone().step_by(together) {
            let count = together.min(all.end - group);
            seen[..count].fill([[simd.splat_f32s(0.0); MOST]; MOST]);
            for (at, panel) in panels(count, widest::<S>()) {
                for channel in 0..inputs {
                    let plane = &source[channel * map[0] * map[1]..(channel + 1) * map[0] * map[1]];
                    for column in 0..panel {
                        let pixels = pixels_of::<S, F>(simd, plane, map, padding, corner::<F>(group + at + column, columns));
                        if winograd.way == Way::Back {
                            for (seen, pixels) in seen[at + column].iter_mut().zip(&pixels).take(F::SIDE) {
                                for (seen, &pixel) in seen.iter_mut().zip(pixels).take(F::SIDE) {
                                    *seen = simd.add_f32s(*seen, simd.abs_f32s(pixel));
                                }
                            }
                        }
                        let tile = input_tile::<S, F>(simd, &pixels);
                        let to = at * inputs + channel * panel + column;
                        for (y, values) in tile.iter().enumerate().take(F::SIDE) {
                            for (x, &value) in values.iter().enumerate().take(F::SIDE) {
                                tiles[(y * F::SIDE + x) * apart[0] + to] = value;
                            }
                        }
                    }
                }
            }
            for (place, (tiles, products)) in tiles.chunks_exact(apart[0]).zip(products.chunks_exact_mut(apart[1])).enumerate() {
                for (block, products) in products.chunks_exact_mut(OUTPUTS * together).enumerate().take(outputs.div_ceil(OUTPUTS))
                {
                    let weights = &blocks[block * block_len + place * inputs * OUTPUTS..][..inputs * OUTPUTS];
                    for (at, panel) in panels(count, widest::<S>()) {
                        let tiles = &tiles[at * inputs..(at + panel) * inputs];
                        let products = &mut products[at..];
                        match panel {
                            1 => multiply::<S, 1>(simd, weights, tiles, products, together),
                            2 => multiply::<S, 2>(simd, weights, tiles, products, together),
                            3 => multiply::<S, 3>(simd, weights, tiles, products, together),
                            4 if S::REGISTER_COUNT > 16 => multiply::<S, 4>(simd, weights, tiles, products, together),
                            5 if S::REGISTER_COUNT > 16 => multiply::<S, 5>(simd, weights, tiles, products, together),
                            _ if S::REGISTER_COUNT > 16 => multiply::<S, 6>(simd, weights, tiles, products, together),
                            _ => {}
                        }
                    }
                }
            }
            for (output, target) in target.iter_mut().enumerate() {
                let channel = finisher.of_channel(simd, first + output);
                for tile in 0..count {
                    let mut across = [[simd.splat_f32s(0.0); MOST_STEP]; MOST];
                    for (y, row) in across.iter_mut().enumerate().take(F::SIDE) {
                        let mut values = [simd.splat_f32s(0.0); MOST];
                        for (x, value) in values.iter_mut().enumerate().take(F::SIDE) {
                            *value = products[(y * F::SIDE + x) * apart[1] + output * together + tile];
                        }
                        *row = F::output(simd, values);
                    }
                    let (top, left) = corner::<F>(group + tile, columns);
                    let mut values = [[simd.splat_f32s(0.0); MOST_STEP]; MOST_STEP];
                    for x in 0..F::STEP {
                        let down = F::output(simd, column(&across, x));
                        values.iter_mut().zip(down).for_each(|(row, value)| row[x] = value);
                    }
                    if winograd.way == Way::Back {
                        keep_zeros::<S, F>(simd, &seen[tile], &mut values);
                    }
                    for (y, values) in values.iter().enumerate().take(F::STEP.min(height - top)) {
                        let in_plane = (top + y) * width + left;
                        let to = &mut target[(top - rows.start * F::STEP + y) * width + left..];
                        for (x, &value) in values.iter().enumerate().take(F::STEP.min(width - left)) {
                            let place = (first + output) * height * width + in_plane + x;
                            finisher.write(simd, &channel, value, place, &mut to[x]);
                        }
                    }
                }
            }
        }
    }
}

/// The first pixel that this tile gives, its row and its column.
#[inline(always)]
fn corner<F: Form>(tile: usize, columns: usize) -> (usize, usize) {
    (tile / columns * F::STEP, tile % columns * F::STEP)
}

/// The products of one place of some tiles, for a block of output channels.
#[inline(always)]
fn multiply<S: Simd, const WIDTH: usize>(simd: S, weights: &[f32], tiles: &[S::f32s], products: &mut [S::f32s], together: usize) {
    let [sums] = sums::<S, 1, OUTPUTS, WIDTH>(simd, [weights.as_chunks().0], tiles.as_chunks().0);
    for (output, sums) in sums.iter().enumerate() {
        products[output * together..output * together + WIDTH].copy_from_slice(sums);
    }
}

/// One column of some rows. An array's own `map` is not always compiled into its place, and then without the instruction set.
#[inline(always)]
fn column<T: Copy, const ROWS: usize, const COLUMNS: usize>(rows: &[[T; COLUMNS]; ROWS], x: usize) -> [T; ROWS] {
    let mut column = [rows[0][x]; ROWS];
    for (number, row) in column.iter_mut().zip(rows) {
        *number = row[x];
    }
    column
}

/// What there is of a window, over all channels, decides: where that is 0, the sum is.
#[inline(always)]
fn keep_zeros<S: Simd, F: Form>(simd: S, seen: &[[S::f32s; MOST]; MOST], values: &mut [[S::f32s; MOST_STEP]; MOST_STEP]) {
    let zero = simd.splat_f32s(0.0);
    for (y, row) in values.iter_mut().enumerate().take(F::STEP) {
        for (x, value) in row.iter_mut().enumerate().take(F::STEP) {
            let mut window = zero;
            for seen in &seen[y..y + 3] {
                for &seen in &seen[x..x + 3] {
                    window = simd.add_f32s(window, seen);
                }
            }
            // Asked in this way a NaN stays.
            *value = simd.select_f32s(simd.equal_f32s(window, zero), zero, *value);
        }
    }
}

/// The pixels of the tile that gives those from `corner` on; 0 beyond the map.
#[inline(always)]
fn pixels_of<S: Simd, F: Form>(
    simd: S,
    plane: &[S::f32s],
    [height, width]: [usize; 2],
    padding: usize,
    (top, left): (usize, usize),
) -> [[S::f32s; MOST]; MOST] {
    let zero = simd.splat_f32s(0.0);
    let mut pixels = [[zero; MOST]; MOST];
    let inside = |first: usize, len: usize| first >= padding && first - padding + F::SIDE <= len;
    if inside(top, height) && inside(left, width) {
        for (y, row) in pixels.iter_mut().enumerate().take(F::SIDE) {
            let at = (top - padding + y) * width + left - padding;
            row[..F::SIDE].copy_from_slice(&plane[at..at + F::SIDE]);
        }
    } else {
        for (y, row) in pixels.iter_mut().enumerate().take(F::SIDE) {
            for (x, pixel) in row.iter_mut().enumerate().take(F::SIDE) {
                // A place before the map is a very large number.
                let (y, x) = ((top + y).wrapping_sub(padding), (left + x).wrapping_sub(padding));
                if y < height && x < width {
                    *pixel = plane[y * width + x];
                }
            }
        }
    }
    pixels
}

/// A tile transformed: Bᵀ d B.
#[inline(always)]
fn input_tile<S: Simd, F: Form>(simd: S, pixels: &[[S::f32s; MOST]; MOST]) -> [[S::f32s; MOST]; MOST] {
    let zero = simd.splat_f32s(0.0);
    let mut down = [[zero; MOST]; MOST];
    for x in 0..F::SIDE {
        let values = F::input(simd, column(pixels, x));
        down.iter_mut().zip(values).for_each(|(row, value)| row[x] = value);
    }
    let mut both = [[zero; MOST]; MOST];
    for y in 0..F::SIDE {
        both[y] = F::input(simd, down[y]);
    }
    both
}
