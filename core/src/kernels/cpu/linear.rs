//! A linear layer of a tile: its weights times all columns at once, and the way back to its weights.

use pulp::{Simd, WithSimd};

use super::{
    COLUMNS,
    convolution::Machine,
    finish::{Finish, Finisher},
    parallel,
    unrolled::{unrolled, zeros},
};

/// Outputs in work at once: with two columns 12 sums of the 16 registers of AVX2, with four 24 of 32.
const BLOCK: usize = 6;

/// A linear layer in one direction, its weights in the order in which they are used.
#[derive(Debug)]
pub(super) struct Linear {
    inputs: usize,
    outputs: usize,
    /// Blocks of outputs x inputs x a block's outputs; the last block may be smaller.
    weights: Vec<f32>,
}

impl Linear {
    /// `weight(o, i)` is the weight from input i to output o.
    pub(super) fn new([inputs, outputs]: [usize; 2], weight: impl Fn(usize, usize) -> f32) -> Self {
        let mut weights = Vec::with_capacity(inputs * outputs);
        for first in (0..outputs).step_by(BLOCK) {
            let block = first..(first + BLOCK).min(outputs);
            for input in 0..inputs {
                weights.extend(block.clone().map(|output| weight(output, input)));
            }
        }
        Self { inputs, outputs, weights }
    }

    /// Computes `target` from `source`; both are in lanes. The work is shared among the machine's threads.
    pub(super) fn run(&self, machine: &Machine<'_>, source: &[f32], target: &mut [f32], finish: Finish<'_>) {
        let Machine { isa, lanes, threads, .. } = *machine;
        let per_part = self.outputs.div_ceil(threads).next_multiple_of(BLOCK);
        if per_part >= self.outputs {
            isa.dispatch(Part { linear: self, source, target, first: 0, finish });
            return;
        }
        let parts = target.chunks_mut(per_part * COLUMNS * lanes).enumerate();
        let part = |(place, target)| Part { linear: self, source, target, first: place * per_part, finish };
        parallel::for_each_part(parts.map(part).collect(), || (), |(), _, part| isa.dispatch(part));
    }

    /// Adds the gradient of the weights, summed over a tile, to `weights` (inputs x outputs), from the input `source` and the
    /// gradient `delta` of the output. Only on a forward layer.
    pub(super) fn gradient(&self, machine: &mut Machine<'_>, source: &[f32], delta: &[f32], weights: &mut [f32]) {
        let Machine { isa, lanes, .. } = *machine;
        let samples = COLUMNS * lanes;
        // Samples x outputs, filled up with zeros to whole pairs of registers.
        let row = self.outputs.next_multiple_of(2 * lanes);
        let Some(transposed) = machine.scratch.parts(1, samples * row).next() else { return };
        for (sample, transposed) in transposed.chunks_exact_mut(row).enumerate() {
            let (numbers, rest) = transposed.split_at_mut(self.outputs);
            numbers.iter_mut().enumerate().for_each(|(output, number)| *number = delta[output * samples + sample]);
            rest.fill(0.0);
        }
        isa.dispatch(Gradient { source, transposed, weights, outputs: self.outputs });
    }
}

/// Some outputs.
struct Part<'a> {
    linear: &'a Linear,
    source: &'a [f32],
    target: &'a mut [f32],
    /// The first of these outputs; a multiple of a block's.
    first: usize,
    finish: Finish<'a>,
}

impl WithSimd for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { linear, source, target, first, finish } = self;
        let finisher = Finisher::<S>::new(finish);
        let (source, _) = S::as_simd_f32s(source).0.as_chunks::<COLUMNS>();
        let (target, _) = S::as_mut_simd_f32s(target).0.as_chunks_mut::<COLUMNS>();
        let weights = linear.weights[first * linear.inputs..].chunks(BLOCK * linear.inputs);
        for (place, (target, weights)) in target.chunks_mut(BLOCK).zip(weights).enumerate() {
            let first = first + place * BLOCK;
            match target.len() {
                1 => block::<S, 1>(simd, &finisher, weights, source, target, first),
                2 => block::<S, 2>(simd, &finisher, weights, source, target, first),
                3 => block::<S, 3>(simd, &finisher, weights, source, target, first),
                4 => block::<S, 4>(simd, &finisher, weights, source, target, first),
                5 => block::<S, 5>(simd, &finisher, weights, source, target, first),
                _ => block::<S, BLOCK>(simd, &finisher, weights, source, target, first),
            }
        }
    }
}

/// The outputs of one block, of which `first` is the first.
#[inline(always)]
fn block<S: Simd, const OUTPUTS: usize>(
    simd: S,
    finisher: &Finisher<'_, S>,
    weights: &[f32],
    source: &[[S::f32s; COLUMNS]],
    target: &mut [[S::f32s; COLUMNS]],
    first: usize,
) {
    let (weights, _) = weights.as_chunks::<OUTPUTS>();
    if OUTPUTS < 3 || (S::REGISTER_COUNT >= 32 && !cfg!(target_arch = "wasm32")) {
        columns::<S, OUTPUTS, COLUMNS>(simd, finisher, weights, source, target, [first, 0]);
    } else {
        columns::<S, OUTPUTS, 2>(simd, finisher, weights, source, target, [first, 0]);
        columns::<S, OUTPUTS, 2>(simd, finisher, weights, source, target, [first, 2]);
    }
}

/// So many columns of them. Every sum adds its inputs in their order, however many there are beside it.
#[inline(always)]
fn columns<S: Simd, const OUTPUTS: usize, const WIDTH: usize>(
    simd: S,
    finisher: &Finisher<'_, S>,
    weights: &[[f32; OUTPUTS]],
    source: &[[S::f32s; COLUMNS]],
    target: &mut [[S::f32s; COLUMNS]],
    [first, column]: [usize; 2],
) {
    let mut sums: [[S::f32s; WIDTH]; OUTPUTS] = zeros();
    for (source, weights) in source.iter().zip(weights) {
        unrolled!(I < OUTPUTS => {
            let weight = simd.splat_f32s(weights[I]);
            unrolled!(J < WIDTH => sums[I][J] = simd.mul_add_e_f32s(weight, source[column + J], sums[I][J]));
        });
    }
    let sums = kept(sums);
    for ((output, sums), target) in (first..).zip(sums).zip(target) {
        let channel = finisher.of_channel(simd, output);
        for ((at, sum), target) in (output * COLUMNS + column..).zip(sums).zip(&mut target[column..]) {
            finisher.write(simd, &channel, sum, at, target);
        }
    }
}

/// The same sums in memory, where a loop goes over them.
#[inline(always)]
fn kept<T: Copy + bytemuck::Zeroable, const COLUMNS: usize, const ROWS: usize>(
    sums: [[T; COLUMNS]; ROWS],
) -> [[T; COLUMNS]; ROWS] {
    let mut kept = zeros();
    unrolled!(I < ROWS => unrolled!(J < COLUMNS => kept[I][J] = sums[I][J]));
    kept
}

/// The gradient of all weights over one tile.
struct Gradient<'a> {
    /// Inputs x samples.
    source: &'a [f32],
    /// The gradient of the outputs, samples x outputs in pairs of registers.
    transposed: &'a [f32],
    /// Inputs x outputs.
    weights: &'a mut [f32],
    outputs: usize,
}

impl WithSimd for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { source, transposed, weights, outputs } = self;
        let samples = COLUMNS * S::F32_LANES;
        let (pairs, _) = S::as_simd_f32s(transposed).0.as_chunks::<2>();
        let (mut source, mut weights) = (source, weights);
        while source.len() >= BLOCK * samples {
            let (these, rest) = source.split_at(BLOCK * samples);
            let (of_these, behind) = weights.split_at_mut(BLOCK * outputs);
            rows::<S, BLOCK>(simd, these, pairs, of_these, outputs);
            (source, weights) = (rest, behind);
        }
        for (source, weights) in source.chunks_exact(samples).zip(weights.chunks_exact_mut(outputs)) {
            rows::<S, 1>(simd, source, pairs, weights, outputs);
        }
    }
}

/// The gradient of the weights from so many inputs.
#[inline(always)]
fn rows<S: Simd, const INPUTS: usize>(simd: S, source: &[f32], pairs: &[[S::f32s; 2]], weights: &mut [f32], outputs: usize) {
    let samples = source.len() / INPUTS;
    let per_sample = pairs.len() / samples;
    let per_pair = 2 * S::F32_LANES;
    for pair in 0..per_sample {
        let mut sums: [[S::f32s; 2]; INPUTS] = zeros();
        for (sample, delta) in pairs[pair..].iter().step_by(per_sample).enumerate() {
            unrolled!(I < INPUTS => {
                let number = simd.splat_f32s(source[I * samples + sample]);
                sums[I][0] = simd.mul_add_e_f32s(number, delta[0], sums[I][0]);
                sums[I][1] = simd.mul_add_e_f32s(number, delta[1], sums[I][1]);
            });
        }
        for (weights, sums) in weights.chunks_exact_mut(outputs).zip(&kept(sums)) {
            let sums: &[f32] = bytemuck::cast_slice(sums);
            let first = pair * per_pair;
            let of_pair = &mut weights[first..outputs.min(first + per_pair)];
            of_pair.iter_mut().zip(sums).for_each(|(weight, sum)| *weight += sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{convolution::Scratch, finish::Addend, isa::Lanes, network::sets},
        *,
    };
    use crate::random::{Purpose, Stream};

    fn normals(key: u64, len: usize) -> Vec<f32> {
        let mut stream = Stream::new(3, Purpose::Benchmark, 1, key);
        (0..len).map(|_| stream.normal()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn it_is_the_product_and_threads_change_no_bit(inputs in 1_usize..40, outputs in 1_usize..40) {
            for isa in sets() {
                let lanes = isa.dispatch(Lanes);
                let samples = COLUMNS * lanes;
                let (w, shift) = (normals(0, inputs * outputs), normals(1, outputs));
                let (x, delta) = (normals(2, inputs * samples), normals(3, outputs * samples));
                let linear = Linear::new([inputs, outputs], |o, i| w[i * outputs + o]);
                let finish = Finish { shift: Some(&shift), add: Addend::Signal(&delta), relu: true, ..Finish::default() };
                let mut scratch = Scratch::default();
                let computed = [1, 2, 3, 8].map(|threads| {
                    let mut y = vec![0.0; outputs * samples];
                    linear.run(&Machine { isa, lanes, threads, scratch: &mut scratch }, &x, &mut y, finish);
                    y
                });
                prop_assert!(computed.iter().all(|y| *y == computed[0]));
                for (place, found) in computed[0].iter().enumerate() {
                    let (o, s) = (place / samples, place % samples);
                    let terms = (0..inputs).map(|i| f64::from(w[i * outputs + o]) * f64::from(x[i * samples + s]));
                    let expected = (terms.sum::<f64>() + f64::from(shift[o]) + f64::from(delta[place])).max(0.0);
                    prop_assert!((f64::from(*found) - expected).abs() < 1e-4, "{isa:?}: {found} is not {expected}");
                }
                let mut gradient = vec![1.0; inputs * outputs];
                let mut machine = Machine { isa, lanes, threads: 1, scratch: &mut scratch };
                linear.gradient(&mut machine, &x, &delta, &mut gradient);
                for (place, found) in gradient.iter().enumerate() {
                    let (i, o) = (place / outputs, place % outputs);
                    let terms = (0..samples).map(|s| f64::from(x[i * samples + s]) * f64::from(delta[o * samples + s]));
                    let expected = 1.0 + terms.sum::<f64>();
                    prop_assert!((f64::from(*found) - expected).abs() < 1e-3, "{isa:?}: {found} is not {expected}");
                }
            }
        }
    }
}
