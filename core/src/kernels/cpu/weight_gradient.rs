//! The way back through a convolution to its weights.

use pulp::{Simd, WithSimd};

use super::{
    convolution::{Convolution, Machine},
    products::{OUTPUTS, widest},
};

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
            self.pad(machine, source);
            &machine.scratch.padded[..]
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
        if widest::<S>() == 6 { self.run::<S, 6>(simd) } else { self.run::<S, 3>(simd) }
    }
}

impl Gradient<'_> {
    #[inline(always)]
    fn run<S: Simd, const WEIGHTS: usize>(self, simd: S) {
        let Self { convolution, source, delta, weights, order } = self;
        let (source, _) = S::as_simd_f32s(source);
        let (delta, _) = S::as_simd_f32s(delta);
        let Convolution { inputs, outputs, .. } = *convolution;
        let plane = convolution.target;
        let channel = convolution.padded_channel();
        let Some(pass) = convolution.passes.first() else { return };
        let taps = pass.taps.len();
        let origin = convolution.padded_place([0, 0]);
        let place = |&[y, x, column]: &[usize; 3]| convolution.padded_place([y as isize, x as isize]) - origin + column;
        let sources: Vec<usize> = pass.sources.iter().map(place).collect();
        for first in (0..inputs * taps).step_by(WEIGHTS) {
            // A last group that is not full computes its last weight again and again.
            let group: [usize; WEIGHTS] = std::array::from_fn(|j| (first + j).min(inputs * taps - 1));
            let bases = group.map(|weight| weight / taps * channel + convolution.padded_place(pass.taps[weight % taps]));
            let windows: [&[S::f32s]; WEIGHTS] = bases.map(|base| &source[base..]);
            for block in (0..outputs).step_by(OUTPUTS) {
                let deltas: [&[S::f32s]; OUTPUTS] = std::array::from_fn(|o| {
                    let output = (block + o).min(outputs - 1);
                    &delta[output * plane..(output + 1) * plane]
                });
                let mut sums = [[simd.splat_f32s(0.0); WEIGHTS]; OUTPUTS];
                for (&from, &to) in sources.iter().zip(&pass.targets) {
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
