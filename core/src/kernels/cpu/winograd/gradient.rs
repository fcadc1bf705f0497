//! The way back through Winograd's convolution to its weights: tiles of the input and of the output's gradient are transformed,
//! multiplied place by place with a sum over tiles and samples, and the sums are transformed to a gradient: Gᵀ (Σ (A δ Aᵀ) (Bᵀ d B)) G.

use pulp::{Simd, WithSimd};

use super::{
    super::{
        convolution::Machine,
        products::{OUTPUTS, widest},
    },
    InForm, MOST, MOST_STEP, Tiles, Winograd, column, corner,
    form::{F2, F4, Form, Wide},
    input_tile, pixels_of,
};

/// Tiles that are transformed before their products are summed.
const TOGETHER: usize = 64;
/// The widest panel anywhere.
const WIDEST: usize = 6;

impl Winograd {
    /// Adds the gradient of the weights (outputs x inputs x 3 x 3), summed over the samples in lanes, to `weights`, from the input
    /// `source` and the gradient `delta` of the output. Only on a forward convolution.
    pub(in super::super) fn gradient(&self, machine: &mut Machine<'_>, source: &[f32], delta: &[f32], weights: &mut [f32]) {
        let Machine { isa, lanes, .. } = *machine;
        let places = self.tiles.places();
        let registers = places * TOGETHER * (self.inputs.next_multiple_of(WIDEST) + self.outputs.next_multiple_of(OUTPUTS));
        let products = places * (self.inputs * self.outputs).next_multiple_of(Wide::LEN);
        let Some(scratch) = machine.scratch.parts(1, registers * lanes + products).next() else { return };
        let (registers, products) = scratch.split_at_mut(registers * lanes);
        products[..places * (self.inputs * self.outputs).next_multiple_of(Wide::LEN)].fill(0.0);
        let gradient = Gradient { winograd: self, source, delta, weights, registers, products };
        match self.tiles {
            Tiles::Two => isa.dispatch(InForm::<F2, _>::new(gradient)),
            Tiles::Four => isa.dispatch(InForm::<F4, _>::new(gradient)),
        }
    }
}

/// The gradient of all weights over the samples in lanes.
struct Gradient<'a> {
    winograd: &'a Winograd,
    source: &'a [f32],
    delta: &'a [f32],
    weights: &'a mut [f32],
    registers: &'a mut [f32],
    /// Places x outputs x inputs, filled up to whole [`Wide`]s.
    products: &'a mut [f32],
}

impl<F: Form> WithSimd for InForm<F, Gradient<'_>> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if widest::<S>() == WIDEST {
            self.work.run::<S, F, WIDEST>(simd);
        } else {
            self.work.run::<S, F, 3>(simd);
        }
    }
}

impl Gradient<'_> {
    #[inline(always)]
    fn run<S: Simd, F: Form, const WIDTH: usize>(self, simd: S) {
        let Self { winograd, source, delta, weights, registers, products } = self;
        let (source, _) = S::as_simd_f32s(source);
        let (delta, _) = S::as_simd_f32s(delta);
        let (registers, _) = S::as_mut_simd_f32s(registers);
        let Winograd { inputs, outputs, source: map, target: [height, width], padding, .. } = *winograd;
        let columns = width.div_ceil(F::STEP);
        let count = height.div_ceil(F::STEP) * columns;
        let places = F::SIDE * F::SIDE;
        // Of every place: blocks of channels x tiles x a block's channels.
        let len = [inputs.next_multiple_of(WIDTH) * TOGETHER, outputs.next_multiple_of(OUTPUTS) * TOGETHER];
        let (values, slopes) = registers.split_at_mut(places * len[0]);
        let slopes = &mut slopes[..places * len[1]];
        let products_len = products.len() / places;
        for first in (0..count).step_by(TOGETHER) {
            let together = TOGETHER.min(count - first);
            for channel in 0..inputs {
                let plane = &source[channel * map[0] * map[1]..(channel + 1) * map[0] * map[1]];
                for tile in 0..together {
                    let at = (channel / WIDTH * together + tile) * WIDTH + channel % WIDTH;
                    let pixels = pixels_of::<S, F>(simd, plane, map, padding, corner::<F>(first + tile, columns));
                    let numbers = input_tile::<S, F>(simd, &pixels);
                    spread::<S, F>(&numbers, values, len[0], at);
                }
            }
            for channel in 0..outputs {
                let plane = &delta[channel * height * width..(channel + 1) * height * width];
                for tile in 0..together {
                    let at = (channel / OUTPUTS * together + tile) * OUTPUTS + channel % OUTPUTS;
                    let numbers = output_tile::<S, F>(simd, plane, [height, width], corner::<F>(first + tile, columns));
                    spread::<S, F>(&numbers, slopes, len[1], at);
                }
            }
            let of_places =
                values.chunks_exact(len[0]).zip(slopes.chunks_exact(len[1])).zip(products.chunks_exact_mut(products_len));
            for ((values, slopes), products) in of_places {
                for (block, slopes) in slopes.chunks_exact(together * OUTPUTS).enumerate().take(outputs.div_ceil(OUTPUTS)) {
                    for (group, values) in values.chunks_exact(together * WIDTH).enumerate().take(inputs.div_ceil(WIDTH)) {
                        let sums = sums_of_products::<S, WIDTH>(simd, slopes.as_chunks().0, values.as_chunks().0);
                        for (output, sums) in (block * OUTPUTS..outputs).zip(sums) {
                            for (input, sum) in (group * WIDTH..inputs).zip(sums) {
                                products[output * inputs + input] += simd.reduce_sum_f32s(sum);
                            }
                        }
                    }
                }
            }
        }
        for first in (0..inputs * outputs).step_by(Wide::LEN) {
            let mut across = [[Wide::default(); 3]; MOST];
            for (y, row) in across.iter_mut().enumerate().take(F::SIDE) {
                let mut numbers = [Wide::default(); MOST];
                for (x, numbers) in numbers.iter_mut().enumerate().take(F::SIDE) {
                    let at = (y * F::SIDE + x) * products_len + first;
                    *numbers = Wide(std::array::from_fn(|j| f64::from(products[at + j])));
                }
                *row = F::weight_back(numbers);
            }
            for x in 0..3 {
                for (y, numbers) in F::weight_back(column(&across, x)).iter().enumerate() {
                    for (pair, &number) in (first..inputs * outputs).zip(&numbers.0) {
                        weights[pair * 9 + y * 3 + x] += number as f32;
                    }
                }
            }
        }
    }
}

/// Writes the numbers of a tile to `at` of each place's part of `to`, which is `len` long.
#[inline(always)]
fn spread<S: Simd, F: Form>(tile: &[[S::f32s; MOST]; MOST], to: &mut [S::f32s], len: usize, at: usize) {
    for (y, row) in tile.iter().enumerate().take(F::SIDE) {
        for (x, &number) in row.iter().enumerate().take(F::SIDE) {
            to[(y * F::SIDE + x) * len + at] = number;
        }
    }
}

/// What a tile gives, its gradient transformed: A δ Aᵀ.
#[inline(always)]
fn output_tile<S: Simd, F: Form>(
    simd: S,
    plane: &[S::f32s],
    [height, width]: [usize; 2],
    (top, left): (usize, usize),
) -> [[S::f32s; MOST]; MOST] {
    let zero = simd.splat_f32s(0.0);
    let mut pixels = [[zero; MOST_STEP]; MOST_STEP];
    for (y, row) in pixels.iter_mut().enumerate().take(F::STEP.min(height - top)) {
        for (x, pixel) in row.iter_mut().enumerate().take(F::STEP.min(width - left)) {
            *pixel = plane[(top + y) * width + left + x];
        }
    }
    let mut down = [[zero; MOST_STEP]; MOST];
    for x in 0..F::STEP {
        let values = F::output_back(simd, column(&pixels, x));
        down.iter_mut().zip(values).for_each(|(row, value)| row[x] = value);
    }
    let mut both = [[zero; MOST]; MOST];
    for y in 0..F::SIDE {
        both[y] = F::output_back(simd, down[y]);
    }
    both
}

/// Products of a block of outputs with some inputs, summed over tiles lane by lane.
#[inline(always)]
fn sums_of_products<S: Simd, const WIDTH: usize>(
    simd: S,
    slopes: &[[S::f32s; OUTPUTS]],
    values: &[[S::f32s; WIDTH]],
) -> [[S::f32s; WIDTH]; OUTPUTS] {
    let mut sums = [[simd.splat_f32s(0.0); WIDTH]; OUTPUTS];
    for (slopes, values) in slopes.iter().zip(values) {
        for (sums, &slope) in sums.iter_mut().zip(slopes) {
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum = simd.mul_add_e_f32s(slope, value, *sum);
            }
        }
    }
    sums
}
