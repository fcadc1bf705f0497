//! A layer with weights: a convolution, or a linear layer as one, in the form that is the fastest for its shape.

use super::{
    COLUMNS,
    convolution::{Convolution, Machine, Shape},
    finish::Finish,
    isa::Isa,
    linear::Linear,
    winograd::Winograd,
};

pub(super) use super::weight_gradient::Order;

/// Both directions of a layer.
#[derive(Debug)]
pub(super) struct Product {
    forward: Form,
    backward: Form,
}

/// One direction.
#[derive(Debug)]
enum Form {
    Direct(Convolution),
    Winograd(Winograd),
    Linear(Linear),
}

impl Product {
    /// `weight(o, i, y, x)` is the weight from input channel i to output channel o; on the way back that of an output channel is
    /// multiplied by its `scale`.
    pub(super) fn new(
        isa: Isa,
        shape: Shape,
        columns: usize,
        weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync,
        scale: Option<&[f32]>,
    ) -> Self {
        let scaled = |o: usize, i: usize, y: usize, x: usize| scale.map_or(1.0, |scale| scale[o]) * weight(o, i, y, x);
        if let Shape { input: [inputs, 1, 1], output: [outputs, 1, 1], kernel: 1, padding: 0, .. } = shape
            && columns == COLUMNS
        {
            return Self {
                forward: Form::Linear(Linear::new([inputs, outputs], |o, i| weight(o, i, 0, 0))),
                backward: Form::Linear(Linear::new([outputs, inputs], |o, i| scaled(i, o, 0, 0))),
            };
        }
        let fits = columns == 1;
        let forward = fits.then(|| Winograd::forward(isa, shape, &weight)).flatten().map(Form::Winograd);
        let backward = fits.then(|| Winograd::backward(isa, shape, scaled)).flatten().map(Form::Winograd);
        Self {
            forward: forward.unwrap_or_else(|| Form::Direct(Convolution::forward(shape, columns, &weight))),
            backward: backward.unwrap_or_else(|| Form::Direct(Convolution::backward(shape, columns, scaled))),
        }
    }

    /// From the input to the output; both are in lanes.
    pub(super) fn forward(&self, machine: &mut Machine<'_>, source: &[f32], target: &mut [f32], finish: Finish<'_>) {
        self.forward.run(machine, source, target, finish);
    }

    /// From the output's gradient to the input's.
    pub(super) fn backward(&self, machine: &mut Machine<'_>, source: &[f32], target: &mut [f32], finish: Finish<'_>) {
        self.backward.run(machine, source, target, finish);
    }

    /// Adds the gradient of the weights, summed over a tile, to `weights`, from the input `source` and the gradient `delta` of the
    /// output.
    pub(super) fn gradient(&self, machine: &mut Machine<'_>, source: &[f32], delta: &[f32], weights: &mut [f32], order: Order) {
        match &self.forward {
            Form::Direct(convolution) => convolution.gradient(machine, source, delta, weights, order),
            Form::Winograd(winograd) => winograd.gradient(machine, source, delta, weights),
            Form::Linear(linear) => linear.gradient(machine, source, delta, weights),
        }
    }
}

impl Form {
    fn run(&self, machine: &mut Machine<'_>, source: &[f32], target: &mut [f32], finish: Finish<'_>) {
        match self {
            Self::Direct(convolution) => convolution.run(machine, source, target, finish),
            Self::Winograd(winograd) => winograd.run(machine, source, target, finish),
            Self::Linear(linear) => linear.run(machine, source, target, finish),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{convolution::Scratch, finish::Addend, into_lanes, isa::Lanes, network::sets, out_of_lanes},
        *,
    };
    use crate::random::{Purpose, Stream};

    /// Numbers that look normal.
    fn normals(key: u64, len: usize) -> Vec<f32> {
        let mut stream = Stream::new(3, Purpose::Benchmark, 0, key);
        (0..len).map(|_| stream.normal()).collect()
    }

    fn len(signal: [usize; 3]) -> usize {
        signal.iter().product()
    }

    /// A layer with all that there is around it, of `SAMPLES` samples.
    struct Case {
        shape: Shape,
        weights: Vec<f32>,
        scale: Vec<f32>,
        shift: Vec<f32>,
        /// Input, what is added to the output, and the output's gradient.
        input: Vec<f32>,
        add: Vec<f32>,
        delta: Vec<f32>,
    }

    const SAMPLES: usize = 2;

    impl Case {
        fn new([inputs, outputs]: [usize; 2], [height, width]: [usize; 2], [kernel, stride, padding]: [usize; 3]) -> Self {
            let side = |len: usize| (len + 2 * padding - kernel) / stride + 1;
            let (input, output) = ([inputs, height, width], [outputs, side(height), side(width)]);
            Self {
                shape: Shape { input, output, kernel, stride, padding },
                weights: normals(0, outputs * inputs * kernel * kernel),
                scale: normals(1, outputs),
                shift: normals(2, outputs),
                input: normals(3, SAMPLES * len(input)),
                add: normals(4, SAMPLES * len(output)),
                delta: normals(5, SAMPLES * len(output)),
            }
        }

        fn weight(&self, o: usize, i: usize, y: usize, x: usize) -> f32 {
            let kernel = self.shape.kernel;
            self.weights[((o * self.shape.input[0] + i) * kernel + y) * kernel + x]
        }

        /// Calls `term(sample, weight's place, input's place, output's place)` for every product.
        fn terms(&self, mut term: impl FnMut(usize, usize, usize)) {
            let Shape { input: [inputs, height, width], output: [outputs, rows, columns], kernel, stride, padding } = self.shape;
            for sample in 0..SAMPLES {
                for (o, i) in (0..outputs).flat_map(|o| (0..inputs).map(move |i| (o, i))) {
                    for (y, x) in (0..kernel).flat_map(|y| (0..kernel).map(move |x| (y, x))) {
                        for row in 0..rows {
                            let from_y = (row * stride + y).wrapping_sub(padding);
                            for column in (0..columns).filter(|_| from_y < height) {
                                let from_x = (column * stride + x).wrapping_sub(padding);
                                if from_x < width {
                                    let weight = ((o * inputs + i) * kernel + y) * kernel + x;
                                    let from = ((sample * inputs + i) * height + from_y) * width + from_x;
                                    term(weight, from, ((sample * outputs + o) * rows + row) * columns + column);
                                }
                            }
                        }
                    }
                }
            }
        }

        /// In float64: output before anything follows, gradient of the input (through the scale) and of the weights.
        fn exact(&self) -> [Vec<f64>; 3] {
            let mut sums = [vec![0.0; self.delta.len()], vec![0.0; self.input.len()], vec![0.0; self.weights.len()]];
            let pixels = self.shape.output[1] * self.shape.output[2];
            self.terms(|weight, from, to| {
                let [w, x, delta] = [self.weights[weight], self.input[from], self.delta[to]].map(f64::from);
                sums[0][to] += w * x;
                sums[1][from] += f64::from(self.scale[to / pixels % self.shape.output[0]] * self.weights[weight]) * delta;
                sums[2][weight] += x * delta;
            });
            sums
        }

        /// What `product` makes of it: the same three, and the output with all that follows.
        fn computed(&self, product: &Product, isa: Isa, threads: usize) -> [Vec<f32>; 4] {
            let lanes = isa.dispatch(Lanes);
            let mut scratch = Scratch::default();
            let mut machine = Machine { isa, lanes, threads, scratch: &mut scratch };
            let Shape { input, output, .. } = self.shape;
            let mut sums = [output, input, output].map(|signal| vec![0.0; SAMPLES * len(signal)]);
            let mut weights = vec![0.0; self.weights.len()];
            // Some sets have one lane.
            let of_tile = lanes.min(SAMPLES);
            for first in (0..SAMPLES).step_by(of_tile) {
                let rows = |signal: [usize; 3]| first * len(signal)..(first + of_tile) * len(signal);
                let tile = |numbers: &[f32], signal: [usize; 3]| {
                    let mut tile = super::super::buffer::Buffer::zeros(len(signal) * lanes);
                    into_lanes(&numbers[rows(signal)], &mut tile, len(signal));
                    tile
                };
                let (images, add, delta) = (tile(&self.input, input), tile(&self.add, output), tile(&self.delta, output));
                let mut plain = tile(&self.add, output);
                product.forward(&mut machine, &images, &mut plain, Finish::default());
                let mut finished = tile(&self.add, output);
                let (scale, shift) = (Some(&self.scale[..]), Some(&self.shift[..]));
                let all = Finish { scale, shift, add: Addend::Signal(&add), relu: true, mask: Some(&delta) };
                product.forward(&mut machine, &images, &mut finished, all);
                let mut again = tile(&self.add, output);
                product.forward(&mut machine, &images, &mut again, Finish { add: Addend::Target, ..all });
                assert_eq!(finished[..], again[..], "what is added may be in the target");
                let mut back = tile(&self.input, input);
                product.backward(&mut machine, &delta, &mut back, Finish::default());
                product.gradient(&mut machine, &images, &delta, &mut weights, Order::OutputsFirst);
                let of_tile = [(&plain, output), (&back, input), (&finished, output)];
                for (sum, (tile, signal)) in sums.iter_mut().zip(of_tile) {
                    out_of_lanes(tile, &mut sum[rows(signal)], len(signal));
                }
            }
            let [plain, back, finished] = sums;
            [plain, back, weights, finished]
        }

        fn product(&self, isa: Isa) -> Product {
            Product::new(isa, self.shape, 1, |o, i, y, x| self.weight(o, i, y, x), Some(&self.scale))
        }

        fn direct(&self) -> Product {
            let scaled = |o: usize, i: usize, y: usize, x: usize| self.scale[o] * self.weight(o, i, y, x);
            Product {
                forward: Form::Direct(Convolution::forward(self.shape, 1, |o, i, y, x| self.weight(o, i, y, x))),
                backward: Form::Direct(Convolution::backward(self.shape, 1, scaled)),
            }
        }
    }

    /// Channels, sides, and kernel, stride and padding.
    fn cases() -> impl Strategy<Value = ([usize; 2], [usize; 2], [usize; 3])> {
        let sides = (1_usize..=5, 1_usize..=3).prop_flat_map(|(kernel, stride)| {
            let least = kernel.saturating_sub(2).max(1);
            (Just([kernel, stride]), 0..kernel.max(2), least.max(kernel)..14, least.max(kernel)..14)
        });
        let winograd = (16_usize..70, 16_usize..70, 0_usize..3, 3_usize..14, 3_usize..14)
            .prop_map(|(inputs, outputs, padding, height, width)| ([inputs, outputs], [height, width], [3, 1, padding]));
        let any = (1_usize..24, 1_usize..24, sides).prop_map(|(inputs, outputs, ([kernel, stride], padding, height, width))| {
            ([inputs, outputs], [height, width], [kernel, stride, padding])
        });
        prop_oneof![winograd, any]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn every_form_is_the_convolution((channels, sides, settings) in cases()) {
            let case = Case::new(channels, sides, settings);
            let exact = case.exact();
            let magnitude = |numbers: &[f64]| (numbers.iter().map(|n| n * n).sum::<f64>() / numbers.len() as f64).sqrt();
            let output = case.shape.output;
            for isa in sets() {
                let computed = case.computed(&case.product(isa), isa, 1);
                for ((computed, exact), what) in computed.iter().zip(&exact).zip(["output", "gradient", "weights' gradient"]) {
                    let close = 1e-5 * magnitude(exact).max(1.0);
                    for (found, expected) in computed.iter().zip(exact) {
                        prop_assert!((f64::from(*found) - expected).abs() <= close, "{what}, {isa:?}: {found} is not {expected}");
                    }
                }
                for (place, finished) in computed[3].iter().enumerate() {
                    let channel = place / (output[1] * output[2]) % output[0];
                    let value = (case.scale[channel] * computed[0][place] + case.shift[channel] + case.add[place]).max(0.0);
                    let expected = if case.delta[place] > 0.0 { value } else { 0.0 };
                    prop_assert!((finished - expected).abs() <= 1e-5 * (1.0 + value), "{isa:?}: {finished} is not {expected}");
                }
            }
        }

        #[test]
        fn threads_change_no_bit((channels, sides, settings) in cases()) {
            let case = Case::new(channels, sides, settings);
            let isa = Isa::best();
            let product = case.product(isa);
            let one = case.computed(&product, isa, 1);
            for threads in [2, 4, 8, 16] {
                prop_assert!(case.computed(&product, isa, threads) == one, "{threads} threads");
            }
        }
    }

    /// The bound that is stated in `winograd`.
    #[test]
    fn winograd_errs_no_more_forwards_and_at_most_three_times_as_much_back() {
        let isa = Isa::best();
        for (channels, side, padding) in
            [([16, 16], 4, 1), ([32, 32], 12, 0), ([17, 33], 9, 1), ([64, 64], 8, 1), ([128, 96], 7, 2)]
        {
            let case = Case::new(channels, [side, side], [3, 1, padding]);
            let (product, direct) = (case.product(isa), case.direct());
            assert!(matches!(product, Product { forward: Form::Winograd(_), backward: Form::Winograd(_) }));
            let exact = case.exact();
            let error = |product: &Product| {
                let computed = case.computed(product, isa, 1);
                let errors = computed.into_iter().zip(&exact).map(|(computed, exact)| {
                    let squares = computed.iter().zip(exact).map(|(&found, expected)| (f64::from(found) - expected).powi(2));
                    (squares.sum::<f64>() / exact.len() as f64).sqrt()
                });
                errors.collect::<Vec<_>>()
            };
            for ((found, direct), what) in error(&product).iter().zip(error(&direct)).zip(["output", "gradient", "weights"]) {
                let times = if what == "output" { 1.0 } else { 3.0 };
                assert!(*found <= times * direct, "{what} of {channels:?}: {found} beside {direct}");
            }
        }
    }

    /// What nothing depends on must not be moved along the sign of a rounding error.
    #[test]
    fn what_is_0_on_the_way_back_stays_so() {
        let mut case = Case::new([32, 32], [13, 11], [3, 1, 0]);
        let [_, rows, columns] = case.shape.output;
        for (place, delta) in case.delta.iter_mut().enumerate() {
            if place % columns >= columns - 2 || place / columns % rows == 4 {
                *delta = 0.0;
            }
        }
        let [exact, found] = [case.exact()[1].clone(), {
            let [_, back, ..] = case.computed(&case.product(Isa::best()), Isa::best(), 1);
            back.into_iter().map(f64::from).collect()
        }];
        assert!(exact.contains(&0.0));
        assert!(exact.iter().zip(&found).all(|(exact, found)| (*exact == 0.0) == (*found == 0.0)));
    }
}
