//! A whole network on a tile: forwards to the logits, and back from their gradient to that of the samples.

mod pool;
mod training;

use super::{
    COLUMNS,
    buffer::Buffer,
    convolution::{Machine, Scratch, Shape},
    finish::{Addend, Finish},
    isa::{Isa, Lanes},
    product::{Order, Product},
};
use crate::model::{Layer, Layers};

pub(crate) use training::{Norm, Training};

/// Samples of a tile at most: the columns of AVX-512 registers.
const MOST_LANES: usize = COLUMNS * 16;

/// A network whose weights lie in the order in which the tiles use them.
#[derive(Debug)]
pub(crate) struct InLanes {
    layers: Layers,
    /// Forwards and backwards, for the layers that have weights.
    products: Vec<Option<Product>>,
    /// Factor and addend of every layer that has them.
    scales: Vec<Option<Vec<f32>>>,
    shifts: Vec<Option<Vec<f32>>>,
    isa: Isa,
    lanes: usize,
    columns: usize,
}

/// The memory for one tile in work.
#[derive(Debug)]
pub(crate) struct Tile {
    /// Every signal; the first is the samples, to be filled in.
    signals: Vec<Buffer>,
    /// The loss's gradient with respect to every signal, while it is needed.
    gradients: Vec<Option<Buffer>>,
    /// Whether that gradient went through the ReLU of the signal's layer already.
    masked: Vec<bool>,
    /// Buffers that gradients no longer need.
    spare: Vec<Buffer>,
    scratch: Scratch,
    /// How many threads work on this tile.
    threads: usize,
}

impl Tile {
    /// The samples: numbers of a sample x samples of a tile.
    pub(crate) fn samples(&mut self) -> &mut [f32] {
        &mut self.signals[0]
    }

    /// The logits: classes x samples of a tile.
    pub(crate) fn logits(&self) -> &[f32] {
        self.signals.last().map_or(&[], |logits| logits)
    }

    /// The logits, and where their gradient goes.
    pub(crate) fn logits_and_gradient(&mut self) -> (&[f32], &mut [f32]) {
        let last = self.signals.len() - 1;
        let len = self.signals[last].len();
        if self.gradients[last].is_none() {
            self.gradients[last] = Some(take(&mut self.spare, len));
        }
        match &mut self.gradients[last] {
            Some(gradient) => (&self.signals[last], gradient),
            None => (&self.signals[last], &mut []),
        }
    }

    /// The samples and the loss's gradient with respect to them.
    pub(crate) fn samples_and_gradient(&mut self) -> (&mut [f32], &[f32]) {
        (&mut self.signals[0], self.gradients[0].as_deref().unwrap_or(&[]))
    }
}

/// A buffer of this length, used or new.
fn take(spare: &mut Vec<Buffer>, len: usize) -> Buffer {
    match spare.iter().position(|buffer| buffer.len() == len) {
        Some(index) => spare.swap_remove(index),
        None => Buffer::zeros(len),
    }
}

impl InLanes {
    /// The network of these layers with its parameters.
    pub(crate) fn new(layers: &Layers, parameters: &[f32]) -> Self {
        Self::with_isa(layers, parameters, Isa::best())
    }

    /// The same with an instruction set that is not the machine's best.
    fn with_isa(layers: &Layers, parameters: &[f32], isa: Isa) -> Self {
        let lanes = isa.dispatch(Lanes);
        let linear = layers.layers.iter().all(|layer| matches!(layer, Layer::Linear { .. } | Layer::Scale { .. }));
        let columns = if linear { COLUMNS } else { 1 };
        let mut network =
            Self { layers: layers.clone(), products: Vec::new(), scales: Vec::new(), shifts: Vec::new(), isa, lanes, columns };
        for (index, layer) in layers.layers.iter().enumerate() {
            let output = layers.signals[index + 1];
            let of_channels = |begin: usize| Some(parameters[begin..begin + output[0]].to_vec());
            let (product, scale, shift) = match *layer {
                Layer::Linear { from, weight, bias, .. } => {
                    let inputs = layers.signals[from].iter().product();
                    let shape = Shape { input: [inputs, 1, 1], output, kernel: 1, stride: 1, padding: 0 };
                    let row = output[0].next_multiple_of(Layers::SLOT);
                    let weight = |o: usize, i: usize, _, _| parameters[weight + i * row + o];
                    (Some(Product::new(isa, shape, columns, weight, None)), None, of_channels(bias))
                }
                Layer::Convolution { from, kernel, stride, padding, weight, scale, shift, .. } => {
                    let input = layers.signals[from];
                    let shape = Shape { input, output, kernel, stride, padding };
                    let weight = |o: usize, i: usize, y: usize, x: usize| {
                        parameters[weight + ((o * input[0] + i) * kernel + y) * kernel + x]
                    };
                    let scale = scale.and_then(of_channels);
                    (Some(Product::new(isa, shape, columns, weight, scale.as_deref())), scale, shift.and_then(of_channels))
                }
                Layer::Scale { scale, shift, .. } => (None, of_channels(scale), of_channels(shift)),
                Layer::MaxPool { .. } | Layer::Mean { .. } => (None, None, None),
            };
            network.products.push(product);
            network.scales.push(scale);
            network.shifts.push(shift);
        }
        network
    }

    fn machine<'a>(&self, scratch: &'a mut Scratch, threads: usize) -> Machine<'a> {
        Machine { isa: self.isa, lanes: self.lanes, threads, scratch }
    }

    /// How many samples a tile holds.
    pub(crate) fn samples_per_tile(&self) -> usize {
        self.columns * self.lanes
    }

    /// Memory for a tile that `threads` threads work on together.
    pub(crate) fn tile(&self, threads: usize) -> Tile {
        let len = |signal: &[usize; 3]| signal.iter().product::<usize>() * self.samples_per_tile();
        Tile {
            signals: self.layers.signals.iter().map(|signal| Buffer::zeros(len(signal))).collect(),
            gradients: self.layers.signals.iter().map(|_| None).collect(),
            masked: vec![false; self.layers.signals.len()],
            spare: Vec::new(),
            scratch: Scratch::default(),
            threads: threads.max(1),
        }
    }

    /// From the samples to the logits.
    pub(crate) fn forward(&self, tile: &mut Tile) {
        (0..self.layers.layers.len()).for_each(|index| self.layer_forward(tile, index));
    }

    /// One layer's signal.
    fn layer_forward(&self, tile: &mut Tile, index: usize) {
        let layer = &self.layers.layers[index];
        let (before, after) = tile.signals.split_at_mut(index + 1);
        let target = &mut after[0];
        let (scale, shift) = (self.scales[index].as_deref(), self.shifts[index].as_deref());
        let mut product = |from: usize, finish: Finish<'_>, target: &mut [f32]| {
            if let Some(product) = &self.products[index] {
                let mut machine = self.machine(&mut tile.scratch, tile.threads);
                product.forward(&mut machine, &before[from], target, finish);
            }
        };
        match *layer {
            Layer::Linear { from, relu, .. } => {
                product(from, Finish { scale, shift, relu, ..Finish::default() }, target);
            }
            Layer::Convolution { from, add, relu, .. } => {
                let add = add.map_or(Addend::Nothing, |add| Addend::Signal(&before[add]));
                product(from, Finish { scale, shift, add, relu, mask: None }, target);
            }
            Layer::Scale { from, relu, .. } => {
                let channel = target.len() / self.layers.signals[index + 1][0];
                let numbers = scale.unwrap_or(&[]).iter().zip(shift.unwrap_or(&[]));
                self.isa.dispatch(|| {
                    let channels = target.chunks_exact_mut(channel).zip(before[from].chunks_exact(channel));
                    for ((target, source), (&scale, &shift)) in channels.zip(numbers) {
                        for (to, from) in target.iter_mut().zip(source) {
                            let value = from * scale + shift;
                            *to = if relu && value <= 0.0 { 0.0 } else { value };
                        }
                    }
                });
            }
            Layer::MaxPool { from } => self.max_pool(from, &before[from], target),
            Layer::Mean { from } => self.mean(from, &before[from], target),
        }
    }

    /// From the gradient of the logits to that of the samples. Uses up the gradient of the logits.
    pub(crate) fn backward(&self, tile: &mut Tile) {
        self.back(tile, None);
    }

    /// From the gradient of the logits to that of the parameters, which is added to `parameters`: weights and biases in the order of
    /// the layers, as [`Layers::trained`] gives their lengths. Uses up the gradient of the logits.
    pub(crate) fn backward_to_parameters(&self, tile: &mut Tile, parameters: &mut [f32]) {
        self.back(tile, Some(parameters));
    }

    fn back(&self, tile: &mut Tile, mut parameters: Option<&mut [f32]>) {
        // What is left of the pass before would be taken for a part of the sum.
        tile.spare.extend(tile.gradients[0].take());
        for index in (0..self.layers.layers.len()).rev() {
            self.layer_back(tile, index, &mut parameters);
        }
    }

    /// From the gradient of one layer's signal to those of what it reads, and of its parameters.
    fn layer_back(&self, tile: &mut Tile, index: usize, parameters: &mut Option<&mut [f32]>) {
        let layer = &self.layers.layers[index];
        let Some(mut gradient) = tile.gradients[index + 1].take() else { return };
        let scale = self.scales[index].as_deref();
        match *layer {
            Layer::Linear { from, relu, .. } => {
                self.through_relu(relu && !tile.masked[index + 1], &mut gradient, &tile.signals[index + 1]);
                if let Some(rest) = parameters.take() {
                    *parameters = Some(self.product_gradient(tile, index, from, Order::InputsFirst, &gradient, rest));
                }
                if parameters.is_none() || from > 0 {
                    self.product_backward(tile, index, from, &gradient);
                }
            }
            Layer::Convolution { from, add, relu, .. } => {
                self.through_relu(relu && !tile.masked[index + 1], &mut gradient, &tile.signals[index + 1]);
                if let Some(add) = add {
                    self.hand_on(tile, add, &gradient);
                }
                if let Some(rest) = parameters.take() {
                    *parameters = Some(self.product_gradient(tile, index, from, Order::OutputsFirst, &gradient, rest));
                }
                if parameters.is_none() || from > 0 {
                    self.product_backward(tile, index, from, &gradient);
                }
            }
            Layer::Scale { from, relu, .. } => {
                self.through_relu(relu && !tile.masked[index + 1], &mut gradient, &tile.signals[index + 1]);
                let channel = gradient.len() / self.layers.signals[from][0];
                self.isa.dispatch(|| {
                    for (gradient, &scale) in gradient.chunks_exact_mut(channel).zip(scale.unwrap_or(&[])) {
                        gradient.iter_mut().for_each(|g| *g *= scale);
                    }
                });
                self.hand_on(tile, from, &gradient);
            }
            Layer::MaxPool { from } => {
                let mut target = take(&mut tile.spare, tile.signals[from].len());
                self.max_pool_backward(from, &tile.signals[from], &tile.signals[index + 1], &gradient, &mut target);
                self.give(tile, from, target);
            }
            Layer::Mean { from } => {
                let mut target = take(&mut tile.spare, tile.signals[from].len());
                self.mean_backward(from, &gradient, &mut target);
                self.give(tile, from, target);
            }
        }
        tile.spare.push(gradient);
    }

    /// The way back through a product: writes, or adds to, the gradient of signal `from`.
    fn product_backward(&self, tile: &mut Tile, index: usize, from: usize, gradient: &[f32]) {
        let Some(product) = &self.products[index] else { return };
        let (mut target, add) = match tile.gradients[from].take() {
            Some(target) => (target, Addend::Target),
            None => (take(&mut tile.spare, tile.signals[from].len()), Addend::Nothing),
        };
        let mask = self.has_relu(from).then_some(&tile.signals[from][..]);
        let finish = Finish { add, mask, ..Finish::default() };
        product.backward(&mut self.machine(&mut tile.scratch, tile.threads), gradient, &mut target, finish);
        tile.gradients[from] = Some(target);
        tile.masked[from] = mask.is_some();
    }

    /// Whether ReLU is the last that was done to a signal.
    fn has_relu(&self, signal: usize) -> bool {
        let Some(layer) = signal.checked_sub(1).map(|index| &self.layers.layers[index]) else { return false };
        match *layer {
            Layer::Linear { relu, .. } | Layer::Convolution { relu, .. } | Layer::Scale { relu, .. } => relu,
            Layer::MaxPool { .. } | Layer::Mean { .. } => false,
        }
    }

    /// Adds the gradient of a layer's weights and biases to the end of `parameters`, and gives back what is before them.
    fn product_gradient<'p>(
        &self,
        tile: &mut Tile,
        index: usize,
        from: usize,
        order: Order,
        gradient: &[f32],
        parameters: &'p mut [f32],
    ) -> &'p mut [f32] {
        let Some(product) = &self.products[index] else { return parameters };
        let outputs = self.layers.signals[index + 1][0];
        let (before, biases) = parameters.split_at_mut(parameters.len() - outputs);
        let channel = gradient.len() / outputs;
        for (bias, delta) in biases.iter_mut().zip(gradient.chunks_exact(channel)) {
            // One sum for each place of a cache line, so that the additions need not wait for each other.
            let mut sums = [0.0_f32; 16];
            for line in delta.chunks(16) {
                sums.iter_mut().zip(line).for_each(|(sum, delta)| *sum += delta);
            }
            *bias += sums.iter().sum::<f32>();
        }
        let (before, weights) = before.split_at_mut(before.len() - self.layers.weights(index));
        let mut machine = self.machine(&mut tile.scratch, tile.threads);
        product.gradient(&mut machine, &tile.signals[from], gradient, weights, order);
        before
    }

    /// The same for a gradient that is not needed afterwards.
    fn give(&self, tile: &mut Tile, to: usize, gradient: Buffer) {
        if tile.gradients[to].is_some() {
            self.hand_on(tile, to, &gradient);
            tile.spare.push(gradient);
        } else {
            tile.masked[to] = false;
            tile.gradients[to] = Some(gradient);
        }
    }

    /// Adds a gradient to that of signal `to`.
    fn hand_on(&self, tile: &mut Tile, to: usize, gradient: &[f32]) {
        tile.masked[to] = false;
        match &mut tile.gradients[to] {
            Some(sum) => self.isa.dispatch(|| sum.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g)),
            empty => {
                let mut copy = take(&mut tile.spare, gradient.len());
                copy.copy_from_slice(gradient);
                *empty = Some(copy);
            }
        }
    }

    /// The gradient vanishes where ReLU gave 0.
    fn through_relu(&self, relu: bool, gradient: &mut [f32], output: &[f32]) {
        if relu {
            self.isa.dispatch(|| {
                for (g, &out) in gradient.iter_mut().zip(output) {
                    *g = if out > 0.0 { *g } else { 0.0 };
                }
            });
        }
    }
}

/// The instruction sets of this machine, the best one first.
#[cfg(test)]
pub(super) fn sets() -> Vec<Isa> {
    let mut sets = vec![Isa::best()];
    #[cfg(target_arch = "x86_64")]
    sets.extend(pulp::x86::V3::try_new().map(Isa::Avx2));
    sets.push(Isa::Found(pulp::Arch::Scalar));
    sets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    /// A convolution with a border and a stride, one added to it, pooling, a mean and two linear layers; and its numbers.
    fn network() -> (Layers, Vec<f32>) {
        let convolution = |from, kernel, stride, padding, weight, shift, add| Layer::Convolution {
            from,
            kernel,
            stride,
            padding,
            weight,
            scale: None,
            shift: Some(shift),
            add,
            relu: true,
        };
        let layers = vec![
            convolution(0, 3, 2, 1, 0, 90, None),
            convolution(1, 1, 1, 0, 95, 120, Some(1)),
            Layer::MaxPool { from: 2 },
            Layer::Linear { from: 3, weight: 125, bias: 125 + 20 * 8, relu: true },
            Layer::Linear { from: 4, weight: 293, bias: 293 + 7 * 4, relu: false },
        ];
        let signals = vec![[2, 7, 9], [5, 4, 5], [5, 4, 5], [5, 2, 2], [7, 1, 1], [3, 1, 1]];
        let layers = Layers { signals, layers };
        let mut stream = Stream::new(1, Purpose::Benchmark, 0, 0);
        (layers, (0..325).map(|_| 0.3 * stream.normal()).collect())
    }

    /// Logits, gradient of the samples and gradient of the parameters, sample by sample, of `count` samples.
    fn passes(isa: Isa, count: usize) -> [Vec<f32>; 3] {
        let (layers, parameters) = network();
        let network = InLanes::with_isa(&layers, &parameters, isa);
        let per_tile = network.samples_per_tile();
        let (inputs, classes) = (layers.inputs(), layers.classes());
        let mut tile = network.tile(1);
        let trained = layers.trained().map_or(0, |lengths| lengths.iter().sum());
        let (mut logits, mut slopes, mut weights) = (Vec::new(), Vec::new(), vec![0.0; trained]);
        for first in (0..count).step_by(per_tile) {
            let here = per_tile.min(count - first);
            for pass in 0..2 {
                tile.samples().fill(0.0);
                for sample in 0..here {
                    let mut stream = Stream::new(2, Purpose::Benchmark, 0, (first + sample) as u64);
                    (0..inputs).for_each(|input| tile.samples()[input * per_tile + sample] = stream.uniform());
                }
                network.forward(&mut tile);
                let (z, gradient) = tile.logits_and_gradient();
                gradient.fill(0.0);
                for sample in 0..here {
                    (0..classes).for_each(|class| gradient[class * per_tile + sample] = 1.0 - class as f32);
                    if pass == 0 {
                        logits.extend((0..classes).map(|class| z[class * per_tile + sample]));
                    }
                }
                if pass == 0 {
                    network.backward(&mut tile);
                    let (_, gradient) = tile.samples_and_gradient();
                    for sample in 0..here {
                        slopes.extend((0..inputs).map(|input| gradient[input * per_tile + sample]));
                    }
                } else {
                    network.backward_to_parameters(&mut tile, &mut weights);
                }
            }
        }
        [logits, slopes, weights]
    }

    #[test]
    fn every_instruction_set_comes_to_the_same() {
        let sets = sets();
        let best = passes(sets[0], 21);
        assert!(best.iter().all(|numbers| numbers.iter().any(|number| *number != 0.0)));
        for &isa in &sets[1..] {
            for (found, expected) in passes(isa, 21).iter().zip(&best) {
                assert_eq!(found.len(), expected.len());
                for (f, e) in found.iter().zip(expected) {
                    assert!((f - e).abs() <= 1e-4 * (1.0 + e.abs()), "{isa:?}: {f} is not {e}");
                }
            }
        }
    }
}
