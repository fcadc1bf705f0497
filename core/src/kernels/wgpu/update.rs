//! What a pass of an update needs besides: batch normalisation in training mode, and the gradient of the parameters.

use std::sync::Arc;

use wgpu::Buffer;

use super::{
    engine::{Engine, Training, product},
    gpu::{Gpu, grid},
    layout::Places,
    plan::Planner,
    text::Kernel,
    weight_gradient::Tile,
};
use crate::model::{EPSILON, Layer, MOMENTUM};

/// Quads of a channel that a workgroup of batch normalisation takes, as in `shaders/network/norm.wgsl`.
const PIECE: usize = 1024;

/// Buffers of a pass.
pub(super) struct Update {
    /// Which of the update's passes it is.
    pub(super) place: usize,
    /// What the convolutions before batch normalisation make.
    pub(super) before: Vec<Option<Arc<Buffer>>>,
    /// Mean and inverse deviation of all batch normalisations.
    kept: Buffer,
    /// Laid out as the parameters.
    gradient: Buffer,
}

impl Update {
    pub(super) fn new(place: usize, engine: &Engine, training: &Training, gpu: &Gpu) -> Self {
        let kept = gpu.buffer(2 * engine.layout.norms);
        Self { place, before: vec![None; engine.layers.layers.len()], kept, gradient: training.gradients[0].clone() }
    }
}

impl Planner<'_> {
    /// Whether the layer is batch normalisation in training mode, or ends with it.
    pub(super) fn trains_norm(&self, index: usize) -> bool {
        self.update.is_some() && matches!(self.engine.layout.channels[index], Places::Norm(_))
    }

    /// Where a convolution's result before batch normalisation lies.
    pub(super) fn before_norm(&mut self, index: usize) -> Arc<Buffer> {
        let buffer = self.keep(self.numbers(index + 1));
        if let Some(update) = &mut self.update {
            update.before[index] = Some(buffer.clone());
        }
        buffer
    }

    /// Batch normalisation of `x`, and what follows.
    pub(super) fn norm(&mut self, index: usize, x: &Buffer, add: Option<&Buffer>, flags: u32, out: &Buffer) {
        let engine = self.engine;
        let Some((words, grid, pieces)) = self.of_norm(index, flags) else { return };
        let Some(kept) = self.update.as_ref().map(|update| update.kept.clone()) else { return };
        let work = self.numbers(index + 1);
        self.push(&Kernel::NormSums.text(), &words, &[x, &pieces], grid, work);
        let add = add.unwrap_or(&engine.nothing);
        let buffers = [x, &pieces, &engine.parameters, add, out, &kept, &engine.statistics];
        self.push(&Kernel::NormForward.text(), &words, &buffers, grid, work);
    }

    /// The way back to `x`.
    pub(super) fn norm_back(&mut self, index: usize, x: &Buffer, g: &Buffer, before: Option<&Buffer>, flags: u32, out: &Buffer) {
        let engine = self.engine;
        let Some((words, grid, pieces)) = self.of_norm(index, flags) else { return };
        let Some((kept, gradient)) = self.update.as_ref().map(|update| (update.kept.clone(), update.gradient.clone())) else {
            return;
        };
        let work = self.numbers(index + 1);
        self.push(&Kernel::NormBackSums.text(), &words, &[x, g, &kept, &pieces], grid, work);
        let before = before.unwrap_or(&engine.nothing);
        let buffers = [x, g, &kept, &pieces, &engine.parameters, before, out, &gradient];
        self.push(&Kernel::NormBack.text(), &words, &buffers, grid, work);
    }

    /// From the gradient behind a convolution's batch normalisation to that before it.
    pub(super) fn before_norm_back(&mut self, index: usize, gradient: &Arc<Buffer>) -> Arc<Buffer> {
        let raw = self.update.as_ref().and_then(|update| update.before[index].clone());
        let target = self.take(self.numbers(index + 1));
        if let Some(raw) = raw {
            self.norm_back(index, &raw, gradient, None, 0, &target);
        }
        target
    }

    /// Settings, workgroups, and a buffer for the sums of pieces.
    fn of_norm(&mut self, index: usize, flags: u32) -> Option<(Vec<usize>, [usize; 3], Arc<Buffer>)> {
        let layout = &self.engine.layout;
        let Places::Norm(first) = layout.channels[index] else { return None };
        let [channels, height, width] = self.engine.layers.signals[index + 1];
        let groups = height * width * self.quads;
        let pieces = groups.div_ceil(PIECE);
        let [gamma, beta] = layout.norm.map(|begin| begin + first);
        let [momentum, epsilon] = [MOMENTUM, EPSILON].map(|number| (number as f32).to_bits() as usize);
        let head = [groups, self.quads, self.samples, pieces, gamma, beta, first, layout.norms];
        let words = head.into_iter().chain([flags as usize, momentum, epsilon, 0]).collect();
        Some((words, [pieces, channels, 1], self.take(4 * pieces * channels)))
    }

    /// The gradient of a layer's weights and biases from that at its sum.
    pub(super) fn gradient_of_weights(&mut self, index: usize, from: usize, g: &Buffer) {
        let engine = self.engine;
        let (layout, layers) = (&engine.layout, &engine.layers);
        let Some(gradient) = self.update.as_ref().map(|update| update.gradient.clone()) else { return };
        let Some(shape) = product(layers, index) else { return };
        let x = self.signals[from].clone();
        let layer: &Layer = &layers.layers[index];
        let tile = Tile::of(shape.output[0], self.gpu.is_software());
        let splits = tile.splits(&shape, self.quads);
        let weights = layers.weights(index);
        let work = 4 * self.quads * weights * shape.output[1] * shape.output[2];
        if splits == 1 {
            let (words, grid) = tile.settings(layer, &shape, self.quads, 1, layout.weights[index]);
            self.push(&tile.text(), &words, &[&x, g, &gradient], grid, work);
        } else {
            let parts = self.take(splits * weights);
            let (words, tiles) = tile.settings(layer, &shape, self.quads, splits, 0);
            self.push(&tile.text(), &words, &[&x, g, &parts], tiles, work);
            let words = [weights, splits, layout.weights[index], 0];
            self.push(&Kernel::Sum.text(), &words, &[&parts, &gradient], grid(weights), splits * weights);
        }
        if let Places::Bias(place) = layout.channels[index] {
            let [channels, height, width] = shape.output;
            let groups = height * width * self.quads;
            self.push(
                &Kernel::ChannelSum.text(),
                &[groups, place, 0, 0],
                &[g, &gradient],
                [channels, 1, 1],
                4 * groups * channels,
            );
        }
    }
}
