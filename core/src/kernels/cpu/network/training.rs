//! A network with batch normalisation in training: all tiles of a batch go through a layer before the next one, because a batch is
//! normalised by its own statistics.
//!
//! Sums over the batch are made of the tiles' sums in the tiles' order, so that threads change no bit.

mod batch_norm;

use pulp::{Simd, WithSimd};

use super::{
    super::{
        buffer::Buffer,
        parallel::{for_each_part, threads},
        passes::{into_lanes, out_of_lanes},
        product::Order,
    },
    InLanes, Tile,
};
use crate::model::{Layer, Layers};

pub(crate) use batch_norm::Norm;
use batch_norm::{Statistics, WayBack, factors, of_batch};

/// Partial sums of a layer's gradient at most.
const GROUPS: usize = 16;

/// A network in training, and the passes that were made through it.
#[derive(Debug)]
pub(crate) struct Training {
    network: InLanes,
    /// Of the layers that end with batch normalisation, after the product of a convolution and before what is added to it.
    norms: Vec<Option<Norm>>,
    /// Added to the variance before its root is taken.
    epsilon: f64,
    /// Whether a signal depends on what is learned.
    learns: Vec<bool>,
    passes: Vec<Pass>,
}

/// A batch between forwards and back.
#[derive(Debug)]
struct Pass {
    samples: usize,
    parts: Vec<Part>,
    /// Of the layers with batch normalisation.
    statistics: Vec<Option<Statistics>>,
}

/// A tile between forwards and back.
#[derive(Debug)]
struct Part {
    tile: Tile,
    /// Products before they are normalised, by layer.
    products: Vec<Buffer>,
    /// 1 for the lanes that have a sample, else 0.
    live: Buffer,
    samples: usize,
    /// Sums of the layer in work, per channel.
    sums: Vec<[f64; 2]>,
    /// The gradient of the layer in work.
    gradient: Option<Buffer>,
}

impl Part {
    /// What the layer at `index` normalises.
    fn normalised(&self, layer: &Layer, index: usize) -> &Buffer {
        match *layer {
            Layer::Scale { from, .. } => &self.tile.signals[from],
            _ => &self.products[index],
        }
    }
}

/// A register of ones for these samples.
struct Live(usize);

impl WithSimd for Live {
    type Output = Buffer;

    fn with_simd<S: Simd>(self, _: S) -> Buffer {
        let mut live = Buffer::zeros(S::F32_LANES);
        live[..self.0].fill(1.0);
        live
    }
}

impl Training {
    /// The network of these layers with its parameters as [`Layers`] counts them; what they say of scale and shift of a layer with a
    /// norm is not used. A network of linear layers alone has no norms.
    pub(crate) fn new(layers: &Layers, parameters: &[f32], norms: Vec<Option<Norm>>, epsilon: f64) -> Self {
        let mut plain = layers.clone();
        let mut learns = vec![false];
        for (layer, norm) in plain.layers.iter_mut().zip(&norms) {
            learns.push(match layer {
                Layer::Scale { from, .. } => norm.is_some() || learns[*from],
                Layer::MaxPool { from } | Layer::Mean { from } => learns[*from],
                Layer::Linear { .. } | Layer::Convolution { .. } => true,
            });
            if let (Layer::Convolution { scale, shift, .. }, Some(_)) = (layer, norm) {
                (*scale, *shift) = (None, None);
            }
        }
        Self { network: InLanes::new(&plain, parameters), norms, epsilon, learns, passes: Vec::new() }
    }

    pub(crate) fn passes(&self) -> usize {
        self.passes.len()
    }

    /// The statistics of the last pass's batch, of every layer with batch normalisation.
    pub(crate) fn statistics(&self) -> impl Iterator<Item = &Statistics> {
        self.passes.last().into_iter().flat_map(|pass| pass.statistics.iter().flatten())
    }

    /// The logits of `images` (N x D): N x C.
    pub(crate) fn forward(&mut self, images: &[f32]) -> Vec<f32> {
        let network = &self.network;
        let (inputs, classes) = (network.layers.inputs(), network.layers.classes());
        let (samples, per_tile, layers) = (images.len() / inputs, network.samples_per_tile(), network.layers.layers.len());
        let threads_of_tile = threads() / samples.div_ceil(per_tile).max(1);
        let part = |images: &[f32]| {
            let samples = images.len() / inputs;
            let mut tile = network.tile(threads_of_tile);
            into_lanes(images, tile.samples(), inputs);
            let products = (0..layers).map(|_| Buffer::default()).collect();
            Part { tile, products, live: network.isa.dispatch(Live(samples)), samples, sums: Vec::new(), gradient: None }
        };
        let mut parts: Vec<Part> = images.chunks(per_tile * inputs).map(part).collect();
        let mut statistics: Vec<Option<Statistics>> = vec![None; layers];
        for (index, statistics) in statistics.iter_mut().enumerate() {
            let Some(norm) = &self.norms[index] else {
                for_each_part(parts.iter_mut().collect(), || (), |(), _, part| network.layer_forward(&mut part.tile, index));
                continue;
            };
            for_each_part(parts.iter_mut().collect(), || (), |(), _, part| network.product_and_moments(part, index));
            let found = of_batch(&parts, network.pixels(index));
            let factor = factors(norm, &found, self.epsilon);
            let apply = |part: &mut Part| network.normalise(part, index, &found.mean, &factor, &norm.beta);
            for_each_part(parts.iter_mut().collect(), || (), |(), _, part| apply(part));
            *statistics = Some(found);
        }
        let mut logits = vec![0.0; samples * classes];
        for (part, logits) in parts.iter().zip(logits.chunks_mut(per_tile * classes)) {
            out_of_lanes(part.tile.logits(), logits, classes);
        }
        self.passes.push(Pass { samples, parts, statistics });
        logits
    }

    /// From the gradient of the logits of a pass (N x C) to that of what is learned, layer by layer: weights and then biases, or gamma
    /// and beta.
    pub(crate) fn backward(&mut self, pass: usize, slopes: &[f32]) -> Vec<Vec<f32>> {
        let Self { network, norms, epsilon, learns, passes } = self;
        let Pass { samples, parts, statistics } = &mut passes[pass];
        let (classes, per_tile) = (network.layers.classes(), network.samples_per_tile());
        debug_assert_eq!(slopes.len(), *samples * classes);
        for (part, slopes) in parts.iter_mut().zip(slopes.chunks(per_tile * classes)) {
            let (_, gradient) = part.tile.logits_and_gradient();
            gradient.fill(0.0);
            into_lanes(slopes, gradient, classes);
        }
        let mut learned = Vec::new();
        for (index, layer) in network.layers.layers.iter().enumerate().rev() {
            if !learns[index + 1] {
                break;
            }
            let weights = network.layers.weights(index);
            let outputs = network.layers.signals[index + 1][0];
            let biased = matches!(layer, Layer::Linear { .. } | Layer::Convolution { shift: Some(_), .. });
            let len = weights + if biased { outputs } else { 0 };
            let of_norm = norms[index].as_ref().zip(statistics[index].as_ref()).map(|(norm, found)| {
                for_each_part(
                    parts.iter_mut().collect(),
                    || (),
                    |(), _, part| network.slopes_of_norm(part, index, found, *epsilon),
                );
                let mut sums = vec![[0.0; 2]; outputs];
                for part in &*parts {
                    sums.iter_mut().zip(&part.sums).for_each(|(sum, part)| *sum = [sum[0] + part[0], sum[1] + part[1]]);
                }
                WayBack::new(norm, found, *epsilon, &sums)
            });
            let per_group = parts.len().div_ceil(GROUPS).max(1);
            let mut sums: Vec<Vec<f32>> = vec![vec![0.0; len]; parts.len().div_ceil(per_group)];
            let groups: Vec<(&mut [Part], &mut Vec<f32>)> = parts.chunks_mut(per_group).zip(&mut sums).collect();
            for_each_part(
                groups,
                || (),
                |(), _, (parts, sum)| {
                    for part in parts {
                        match &of_norm {
                            Some(back) => network.back_through_norm(part, index, back, learns, sum),
                            None => network.plain_back(part, index, learns, sum),
                        }
                    }
                },
            );
            let mut sums = sums.into_iter();
            let mut sum = sums.next().unwrap_or_default();
            for part in sums {
                sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
            if let Some(back) = of_norm {
                learned.extend([back.beta, back.gamma]);
            } else if biased {
                learned.push(sum.split_off(weights));
            }
            if weights > 0 {
                learned.push(sum);
            }
        }
        // Whoever comes back through this pass again begins anew.
        for part in parts {
            let gradients = part.tile.gradients.iter_mut().filter_map(Option::take);
            part.tile.spare.extend(gradients);
        }
        learned.reverse();
        learned
    }
}

impl InLanes {
    /// The way back through a layer without a norm.
    fn plain_back(&self, part: &mut Part, index: usize, learns: &[bool], parameters: &mut [f32]) {
        let tile = &mut part.tile;
        let Layer::Convolution { from, shift: None, add, relu, .. } = self.layers.layers[index] else {
            let of_layer = (self.layers.weights(index) > 0).then_some(parameters);
            self.layer_back(tile, index, &mut { of_layer });
            return;
        };
        // A convolution without bias.
        let Some(mut gradient) = tile.gradients[index + 1].take() else { return };
        self.through_relu(relu && !tile.masked[index + 1], &mut gradient, &tile.signals[index + 1]);
        if let Some(add) = add {
            self.hand_on(tile, add, &gradient);
        }
        if let Some(product) = &self.products[index] {
            let Tile { signals, scratch, threads, .. } = tile;
            product.gradient(&mut self.machine(scratch, *threads), &signals[from], &gradient, parameters, Order::OutputsFirst);
        }
        if learns[from] {
            self.product_backward(tile, index, from, &gradient);
        }
        tile.spare.push(gradient);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    const INPUT: [usize; 3] = [2, 6, 5];
    /// More than fill a register of 16 numbers, and no multiple of any width.
    const SAMPLES: usize = 21;

    fn normals(key: u64, len: usize) -> Vec<f32> {
        let mut stream = Stream::new(4, Purpose::Benchmark, 0, key);
        (0..len).map(|_| stream.normal()).collect()
    }

    /// A block of either kind of residual network, a mean and a linear layer. Its learned numbers in the order of the layers are 16 x 2
    /// x 9 weights, 16 gammas and 16 betas; as many gammas and betas of a norm alone; 16 x 16 x 9 weights, gammas and betas; 3 x 16
    /// weights and 3 biases.
    fn training(learned: &[Vec<f32>]) -> Training {
        let convolution = |from, weight, add, relu| Layer::Convolution {
            from,
            kernel: 3,
            stride: 1,
            padding: 1,
            weight,
            // Not used where there is a norm.
            scale: Some(0),
            shift: Some(0),
            add,
            relu,
        };
        let (second, linear) = (16 * 2 * 9, 16 * 2 * 9 + 16 * 16 * 9);
        let layers = vec![
            convolution(0, 0, None, true),
            Layer::Scale { from: 1, scale: 0, shift: 0, relu: true },
            convolution(2, second, Some(1), true),
            Layer::Mean { from: 3 },
            Layer::Linear { from: 4, weight: linear, bias: linear + 16 * 4, relu: false },
        ];
        let map = [16, INPUT[1], INPUT[2]];
        let layers = Layers { signals: vec![INPUT, map, map, map, [16, 1, 1], [3, 1, 1]], layers };
        let norm = |index: usize| Some(Norm { gamma: learned[index].clone(), beta: learned[index + 1].clone() });
        let mut parameters = [&learned[0][..], &learned[5]].concat();
        // Rows of linear layers are filled up.
        learned[8].chunks(3).for_each(|row| parameters.extend(row.iter().chain(&[0.0])));
        parameters.extend(learned[9].iter().chain(&[0.0]));
        Training::new(&layers, &parameters, vec![norm(1), norm(3), norm(6), None, None], 1e-5)
    }

    fn learned() -> Vec<Vec<f32>> {
        let lengths = [16 * 2 * 9, 16, 16, 16, 16, 16 * 16 * 9, 16, 16, 16 * 3, 3];
        lengths.iter().zip(0..).map(|(&len, key)| normals(key, len)).collect()
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let learned = learned();
        let images = normals(100, SAMPLES * INPUT.iter().product::<usize>());
        let slopes = normals(101, SAMPLES * 3);
        let mut training = training(&learned);
        training.forward(&images);
        let gradient = training.backward(0, &slopes);
        assert!(gradient == training.backward(0, &slopes), "a pass can be gone back through twice");
        let loss = |learned: &[Vec<f32>]| -> f64 {
            let logits = self::training(learned).forward(&images);
            logits.iter().zip(&slopes).map(|(logit, slope)| f64::from(*logit) * f64::from(*slope)).sum()
        };
        for index in 0..learned.len() {
            assert_eq!(gradient[index].len(), learned[index].len());
            let along = &gradient[index];
            let square: f64 = along.iter().map(|g| f64::from(*g).powi(2)).sum();
            // So short that ReLU seldom turns, and long beside the roundings of the loss.
            let step = 1e-4 / square.sqrt();
            let moved = |sign: f64| {
                let mut moved = learned.clone();
                moved[index].iter_mut().zip(along).for_each(|(to, g)| *to += (sign * step * f64::from(*g)) as f32);
                loss(&moved)
            };
            let slope = (moved(1.0) - moved(-1.0)) / (2.0 * step);
            assert!((slope - square).abs() <= 0.03 * square, "tensor {index}: {slope} is not {square}");
        }
    }

    #[test]
    fn statistics_are_those_of_the_batch() {
        let mut training = training(&learned());
        let images = normals(100, SAMPLES * INPUT.iter().product::<usize>());
        training.forward(&images);
        let found: Vec<&Statistics> = training.statistics().collect();
        assert_eq!(found.len(), 3);
        let count = SAMPLES * INPUT[1] * INPUT[2];
        assert!(found.iter().all(|found| found.count == count && found.mean.len() == 16));
        // The second norm sees the first one's outputs after ReLU; their second moments are those of what it was given.
        let pass = &training.passes[0];
        let per_tile = training.network.samples_per_tile();
        for channel in 0..16 {
            let plane = INPUT[1] * INPUT[2] * per_tile;
            let values: Vec<f64> = (pass.parts.iter())
                .flat_map(|part| {
                    let lanes = part.tile.signals[1][channel * plane..(channel + 1) * plane].chunks(per_tile);
                    lanes.flat_map(|lanes| &lanes[..part.samples]).map(|&value| f64::from(value))
                })
                .collect();
            let mean = values.iter().sum::<f64>() / count as f64;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64;
            assert!((f64::from(found[1].mean[channel]) - mean).abs() <= 1e-6 * (1.0 + mean.abs()));
            assert!((f64::from(found[1].variance[channel]) - variance).abs() <= 1e-5 * variance);
        }
    }
}
