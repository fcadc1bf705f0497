//! Whole batches in lanes: to their logits, and back from any gradient of these.

use super::{InLanes, Tile, for_each_part, threads};
use crate::model::Layers;

/// Memory for the signals between a pass forwards and the one back, in numbers: 64 MiB natively, and less in a page.
const NUMBERS: usize = if cfg!(target_arch = "wasm32") { 1 << 22 } else { 1 << 24 };

/// A network and the memory for batches that go through it.
#[derive(Debug)]
pub(crate) struct Passes {
    network: InLanes,
    inputs: usize,
    classes: usize,
    /// Tiles at most that are kept between forwards and back.
    most: usize,
    /// What the last pass forwards left.
    tiles: Vec<Tile>,
}

impl Passes {
    /// Of the network of these layers with its parameters.
    pub(crate) fn new(layers: &Layers, parameters: &[f32]) -> Self {
        let network = InLanes::new(layers, parameters);
        let signals: usize = layers.signals.iter().map(|signal| signal.iter().product::<usize>()).sum();
        // Gradients take as much again.
        let of_tile = 2 * signals * network.samples_per_tile();
        let most = (NUMBERS / of_tile.max(1)).max(threads());
        Self { inputs: layers.inputs(), classes: layers.classes(), network, most, tiles: Vec::new() }
    }

    /// How many logits a sample has.
    pub(crate) fn classes(&self) -> usize {
        self.classes
    }

    /// How many samples may go forwards together to come back.
    pub(crate) fn together(&self) -> usize {
        self.most * self.network.samples_per_tile()
    }

    /// The logits of `images` (N x D): N x C.
    pub(crate) fn logits(&self, images: &[f32]) -> Vec<f32> {
        let (per_tile, inputs, classes) = (self.network.samples_per_tile(), self.inputs, self.classes);
        let samples = images.len() / inputs;
        let mut logits = vec![0.0; samples * classes];
        let parts: Vec<(&mut [f32], &[f32])> =
            logits.chunks_mut(per_tile * classes).zip(images.chunks(per_tile * inputs)).collect();
        let threads_of_tile = threads() / parts.len().max(1);
        for_each_part(
            parts,
            || self.network.tile(threads_of_tile),
            |tile, _, (logits, images)| self.network.to_logits(tile, images, logits, (inputs, classes)),
        );
        logits
    }

    /// The same for at most [`Self::together`] samples, so that [`Self::backward`] can follow.
    pub(crate) fn forward(&mut self, images: &[f32]) -> Vec<f32> {
        let (per_tile, inputs, classes) = (self.network.samples_per_tile(), self.inputs, self.classes);
        let samples = images.len() / inputs;
        let tiles = samples.div_ceil(per_tile);
        let threads_of_tile = threads() / tiles.max(1);
        while self.tiles.len() < tiles {
            self.tiles.push(self.network.tile(threads_of_tile));
        }
        let mut logits = vec![0.0; samples * classes];
        let network = &self.network;
        let parts: Vec<(&mut Tile, &mut [f32], &[f32])> = (self.tiles.iter_mut())
            .zip(logits.chunks_mut(per_tile * classes).zip(images.chunks(per_tile * inputs)))
            .map(|(tile, (logits, images))| (tile, logits, images))
            .collect();
        for_each_part(parts, || (), |(), _, (tile, logits, images)| network.to_logits(tile, images, logits, (inputs, classes)));
        logits
    }

    /// From the gradient of the logits of the last [`Self::forward`] (N x C) to that of its images: N x D.
    pub(crate) fn backward(&mut self, slopes: &[f32]) -> Vec<f32> {
        let (per_tile, inputs, classes) = (self.network.samples_per_tile(), self.inputs, self.classes);
        let samples = slopes.len() / classes;
        let mut gradient = vec![0.0; samples * inputs];
        let network = &self.network;
        let parts: Vec<(&mut Tile, &mut [f32], &[f32])> = (self.tiles.iter_mut())
            .zip(gradient.chunks_mut(per_tile * inputs).zip(slopes.chunks(per_tile * classes)))
            .map(|(tile, (gradient, slopes))| (tile, gradient, slopes))
            .collect();
        for_each_part(
            parts,
            || (),
            |(), _, (tile, gradient, slopes)| {
                let (_, of_logits) = tile.logits_and_gradient();
                of_logits.fill(0.0);
                into_lanes(slopes, of_logits, classes);
                network.backward(tile);
                out_of_lanes(tile.samples_and_gradient().1, gradient, inputs);
            },
        );
        gradient
    }
}

impl InLanes {
    /// Rows of samples to rows of logits.
    fn to_logits(&self, tile: &mut Tile, images: &[f32], logits: &mut [f32], (inputs, classes): (usize, usize)) {
        // Lanes without a sample are 0.
        tile.samples().fill(0.0);
        into_lanes(images, tile.samples(), inputs);
        self.forward(tile);
        out_of_lanes(tile.logits(), logits, classes);
    }
}

/// Rows of so many numbers to one row per lane; lanes without a row keep what they hold.
pub(crate) fn into_lanes(rows: &[f32], lanes: &mut [f32], width: usize) {
    let per_tile = lanes.len() / width;
    for (lane, row) in rows.chunks_exact(width).enumerate() {
        for (place, &number) in row.iter().enumerate() {
            lanes[place * per_tile + lane] = number;
        }
    }
}

/// One row per lane to rows of so many numbers.
pub(crate) fn out_of_lanes(lanes: &[f32], rows: &mut [f32], width: usize) {
    let per_tile = lanes.len() / width;
    for (lane, row) in rows.chunks_exact_mut(width).enumerate() {
        for (place, number) in row.iter_mut().enumerate() {
            *number = lanes[place * per_tile + lane];
        }
    }
}
