//! The gradient of the weighted loss as one operation on the CPU: forward pass, loss and backward pass tile by tile, instead of layer by
//! layer over the whole batch.

use crate::{
    attack::loss_gradient_and_count::{CountSettings, LossKind, RECORD, sample_loss},
    kernels::cpu::{InLanes, for_each_part, into_lanes},
    model::Layers,
};

/// The most partial sums of a gradient: enough for the threads of any machine, few enough for its memory.
const GROUPS: usize = 32;

/// A batch whose attack is over.
#[derive(Clone, Copy, Debug)]
pub struct WeightedBatch<'a> {
    /// x^(K): N x D.
    pub images: &'a [f32],
    /// N classes.
    pub labels: &'a [i32],
    /// ω of each sample, or nothing where all are 1.
    pub omega: &'a [f32],
    /// The records before x^(K) is counted: N x 4.
    pub on_path: &'a [f32],
    /// K.
    pub steps: u32,
}

/// What the training pass of a batch gives.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeGradient {
    /// d (1/N) Σ ω_i CE_i / d parameters (GAIRAT, equation 5), in the order of [`Layers::trained`].
    pub parameters: Vec<f32>,
    /// The records with x^(K) counted: N x 4.
    pub records: Vec<f32>,
}

/// The gradient of `layers` with these `parameters` (as [`Program::parameters`](crate::model::Program::parameters) packs them);
/// `trained` is what [`Layers::trained`] says. The order of the sum depends on the
/// batch's size and the machine's registers, not on threads.
pub fn whole_gradient(layers: &Layers, trained: &[usize], parameters: &[f32], batch: WeightedBatch<'_>) -> WholeGradient {
    let WeightedBatch { images, labels, omega, on_path, steps } = batch;
    let (samples, classes) = (labels.len(), layers.classes());
    let mut records = on_path.to_vec();
    let parameters = sum_over_tiles(layers, trained, parameters, images, (&mut records, RECORD), |sample, z, slope, record| {
        let label = usize::try_from(labels[sample]).unwrap_or(usize::MAX).min(classes - 1);
        let said = sample_loss(z, label, &[], slope, LossKind::CrossEntropy);
        said.count(record, CountSettings { kind: LossKind::CrossEntropy, step: steps, never: steps });
        let share = omega.get(sample).copied().unwrap_or(1.0) / samples as f32;
        slope.iter_mut().for_each(|slope| *slope *= share);
    });
    WholeGradient { parameters, records }
}

/// The gradient of a loss whose gradient with respect to the logits is `slopes` (N x C), in the order of [`Layers::trained`].
pub(super) fn gradient_along(
    layers: &Layers,
    trained: &[usize],
    parameters: &[f32],
    images: &[f32],
    mut slopes: Vec<f32>,
) -> Vec<f32> {
    let classes = layers.classes();
    sum_over_tiles(layers, trained, parameters, images, (&mut slopes, classes), |_, _, slope, given| slope.copy_from_slice(given))
}

/// Forward pass, `slope_of(sample, logits, slope, row)` for every sample, and backward pass, a tile of samples after the other; gives
/// the sum of the parameters' gradients. `rows` has so many numbers a sample.
fn sum_over_tiles(
    layers: &Layers,
    trained: &[usize],
    parameters: &[f32],
    images: &[f32],
    (rows, width): (&mut [f32], usize),
    slope_of: impl Fn(usize, &[f32], &mut [f32], &mut [f32]) + Sync + Send,
) -> Vec<f32> {
    let (inputs, classes) = (layers.inputs(), layers.classes());
    let samples = rows.len() / width;
    let network = InLanes::new(layers, parameters);
    let per_tile = network.samples_per_tile();
    let len: usize = trained.iter().sum();
    let mut result = vec![0.0; len];
    // Some tiles share one sum, which they add to in their order; how many depends on the batch alone.
    let tiles = samples.div_ceil(per_tile);
    let per_group = tiles.div_ceil(GROUPS).max(1) * per_tile;
    let mut sums = vec![0.0; samples.div_ceil(per_group) * len];
    let parts: Vec<(&mut [f32], &mut [f32])> = sums.chunks_mut(len).zip(rows.chunks_mut(per_group * width)).collect();
    for_each_part(
        parts,
        || network.tile(1),
        |tile, group, (gradient, rows)| {
            for (place, rows) in rows.chunks_mut(per_tile * width).enumerate() {
                let first = group * per_group + place * per_tile;
                let count = rows.len() / width;
                tile.samples().fill(0.0);
                into_lanes(&images[first * inputs..(first + count) * inputs], tile.samples(), inputs);
                network.forward(tile);
                let (logits, slopes) = tile.logits_and_gradient();
                // Lanes without a sample have no part in the sum.
                slopes.fill(0.0);
                let (mut z, mut slope) = (vec![0.0; classes], vec![0.0; classes]);
                for (sample, row) in rows.chunks_exact_mut(width).enumerate() {
                    z.iter_mut().enumerate().for_each(|(class, z)| *z = logits[class * per_tile + sample]);
                    slope_of(first + sample, &z, &mut slope, row);
                    slope.iter().enumerate().for_each(|(class, slope)| slopes[class * per_tile + sample] = *slope);
                }
                network.backward_to_parameters(tile, gradient);
            }
        },
    );
    for group in sums.chunks_exact(len) {
        result.iter_mut().zip(group).for_each(|(sum, part)| *sum += part);
    }
    result
}
