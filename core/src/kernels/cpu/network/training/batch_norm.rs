//! Batch normalisation over all tiles of a batch: its statistics, and the way through a layer that ends with it, forwards and back.

use super::Part;
use crate::{
    kernels::cpu::{
        InLanes, Tile,
        buffer::Buffer,
        finish::Finish,
        norm::{Apply, Back, Moments, Slopes},
        product::Order,
    },
    model::Layer,
};

/// What batch normalisation learns, per channel.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    /// What multiplies,
    pub(crate) gamma: Vec<f32>,
    /// and what is added.
    pub(crate) beta: Vec<f32>,
}

/// Mean and biased variance of the channels of a batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statistics {
    /// Per channel.
    pub(crate) mean: Vec<f32>,
    /// Per channel.
    pub(crate) variance: Vec<f32>,
    /// How many numbers of a channel there were.
    pub(crate) count: usize,
}

/// The moments of a batch from those of its tiles (Chan, Golub and LeVeque 1979).
pub(super) fn of_batch(parts: &[Part], pixels: usize) -> Statistics {
    let channels = parts.first().map_or(0, |part| part.sums.len());
    let mut found = Statistics::default();
    for channel in 0..channels {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for part in parts {
            let [of_part, squares_of_part] = part.sums[channel];
            let more = (part.samples * pixels) as f64;
            let apart = of_part - mean;
            mean += apart * more / (count + more);
            squares += squares_of_part + apart * apart * count * more / (count + more);
            count += more;
        }
        found.mean.push(mean as f32);
        found.variance.push((squares / count).max(0.0) as f32);
    }
    found.count = parts.iter().map(|part| part.samples).sum::<usize>() * pixels;
    found
}

/// 1 / standard deviation.
fn inverse(found: &Statistics, epsilon: f64) -> Vec<f32> {
    found.variance.iter().map(|&variance| (f64::from(variance) + epsilon).sqrt().recip() as f32).collect()
}

/// gamma / standard deviation.
pub(super) fn factors(norm: &Norm, found: &Statistics, epsilon: f64) -> Vec<f32> {
    norm.gamma.iter().zip(inverse(found, epsilon)).map(|(gamma, inverse)| gamma * inverse).collect()
}

/// The way back through batch normalisation, per channel: gradients of what is learned, and what is taken off the gradient.
pub(super) struct WayBack {
    pub(super) gamma: Vec<f32>,
    pub(super) beta: Vec<f32>,
    mean: Vec<f32>,
    factor: Vec<f32>,
    of_shift: Vec<f32>,
    of_factor: Vec<f32>,
}

impl WayBack {
    pub(super) fn new(norm: &Norm, found: &Statistics, epsilon: f64, sums: &[[f64; 2]]) -> Self {
        let count = found.count as f64;
        let column = |index: usize| sums.iter().map(|sums| sums[index] as f32).collect();
        let of_factor =
            sums.iter().zip(inverse(found, epsilon)).map(|(sums, inverse)| (sums[1] / count * f64::from(inverse)) as f32);
        Self {
            gamma: column(1),
            beta: column(0),
            mean: found.mean.clone(),
            factor: factors(norm, found, epsilon),
            of_shift: sums.iter().map(|sums| (sums[0] / count) as f32).collect(),
            of_factor: of_factor.collect(),
        }
    }
}

impl InLanes {
    /// Pixels of a channel that the layer at `index` makes.
    pub(super) fn pixels(&self, index: usize) -> usize {
        let [_, height, width] = self.layers.signals[index + 1];
        height * width
    }

    /// The product of a layer, if it has one, and the moments of what it is to normalise.
    pub(super) fn product_and_moments(&self, part: &mut Part, index: usize) {
        let layer = &self.layers.layers[index];
        if let (Layer::Convolution { from, .. }, Some(product)) = (layer, &self.products[index]) {
            let len = part.tile.signals[index + 1].len();
            if part.products[index].len() < len {
                part.products[index] = Buffer::zeros(len);
            }
            let Tile { signals, scratch, threads, .. } = &mut part.tile;
            let mut machine = self.machine(scratch, *threads);
            product.forward(&mut machine, &signals[*from], &mut part.products[index], Finish::default());
        }
        let mut moments = vec![[0.0; 2]; self.layers.signals[index + 1][0]];
        let count = (part.samples * self.pixels(index)) as f64;
        self.isa.dispatch(Moments { values: part.normalised(layer, index), live: &part.live, count, moments: &mut moments });
        part.sums = moments;
    }

    /// What follows the product: normalisation, what is added, and ReLU.
    pub(super) fn normalise(&self, part: &mut Part, index: usize, mean: &[f32], factor: &[f32], shift: &[f32]) {
        let (before, after) = part.tile.signals.split_at_mut(index + 1);
        let (values, add, relu) = match self.layers.layers[index] {
            Layer::Scale { from, relu, .. } => (&before[from], None, relu),
            Layer::Convolution { add, relu, .. } => (&part.products[index], add.map(|add| &before[add][..]), relu),
            _ => return,
        };
        self.isa.dispatch(Apply { values, mean, factor, shift, add, relu, target: &mut after[0] });
    }

    /// The gradient back to where the layer's norm ends, and its sums.
    pub(super) fn slopes_of_norm(&self, part: &mut Part, index: usize, found: &Statistics, epsilon: f64) {
        let layer = &self.layers.layers[index];
        let mut sums = vec![[0.0; 2]; found.mean.len()];
        if let Some(mut gradient) = part.tile.gradients[index + 1].take() {
            let relu = self.has_relu(index + 1) && !part.tile.masked[index + 1];
            self.through_relu(relu, &mut gradient, &part.tile.signals[index + 1]);
            if let Layer::Convolution { add: Some(add), .. } = *layer {
                self.hand_on(&mut part.tile, add, &gradient);
            }
            let (values, inverse) = (part.normalised(layer, index), inverse(found, epsilon));
            self.isa.dispatch(Slopes { gradient: &gradient, values, mean: &found.mean, inverse: &inverse, sums: &mut sums });
            part.gradient = Some(gradient);
        }
        part.sums = sums;
    }

    /// From there to what the layer reads, and to its weights.
    pub(super) fn back_through_norm(&self, part: &mut Part, index: usize, back: &WayBack, learns: &[bool], weights: &mut [f32]) {
        let layer = &self.layers.layers[index];
        let Some(mut gradient) = part.gradient.take() else { return };
        let WayBack { mean, factor, of_shift, of_factor, .. } = back;
        let (values, live) = (part.normalised(layer, index), &part.live);
        self.isa.dispatch(Back { gradient: &mut gradient, values, live, mean, factor, of_shift, of_factor });
        match *layer {
            Layer::Convolution { from, .. } => {
                if let Some(product) = &self.products[index] {
                    let Tile { signals, scratch, threads, .. } = &mut part.tile;
                    let mut machine = self.machine(scratch, *threads);
                    product.gradient(&mut machine, &signals[from], &gradient, weights, Order::OutputsFirst);
                }
                if learns[from] {
                    self.product_backward(&mut part.tile, index, from, &gradient);
                }
                part.tile.spare.push(gradient);
            }
            Layer::Scale { from, .. } if learns[from] => self.give(&mut part.tile, from, gradient),
            _ => part.tile.spare.push(gradient),
        }
    }
}
