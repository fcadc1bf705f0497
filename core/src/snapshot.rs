//! Snapshots of a run for viewers: immutable host values of one moment.

use burn::tensor::{Device, Tensor, TensorData, activation::softmax};

use serde::{Deserialize, Serialize};

use crate::{
    dataset::SampleShape,
    device::{self, DeviceError},
    model::Classifier,
    region_map::{Grid, Quantity, map_of},
    train::SampleRecord,
};

/// A snapshot of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// The epoch's measurements of the training samples.
    pub samples: Vec<SampleRecord>,
    /// The decision regions, for 2-D data.
    pub regions: Option<Regions>,
    /// Whether each natural test sample is classified correctly.
    pub test_correct: Vec<bool>,
}

impl Snapshot {
    /// The number of samples for each kappa from 0 to `steps`.
    pub fn kappa_histogram(&self, steps: u32) -> Vec<usize> {
        let mut histogram = vec![0; steps as usize + 1];
        for sample in &self.samples {
            if let Some(count) = histogram.get_mut(sample.measured.kappa as usize) {
                *count += 1;
            }
        }
        histogram
    }

    /// The mean kappa; 0 of no samples.
    pub fn mean_kappa(&self) -> f64 {
        let sum: f64 = self.samples.iter().map(|sample| f64::from(sample.measured.kappa)).sum();
        if self.samples.is_empty() { 0.0 } else { sum / self.samples.len() as f64 }
    }
}

/// Class probabilities on a grid over [0, 1]².
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Regions {
    /// Cells along x.
    pub columns: usize,
    /// Cells along y.
    pub rows: usize,
    /// The most likely class of each cell, row by row, the first row at the top (y near 1).
    pub class: Vec<u32>,
    /// Its probability.
    pub probability: Vec<f32>,
}

impl Regions {
    /// What `network` says at the middle of every cell; `None` for data that are no points of a plane.
    ///
    /// # Errors
    /// [`DeviceError::Lost`] when the device no longer answers.
    pub async fn of(
        network: &dyn Classifier,
        shape: SampleShape,
        (columns, rows): (usize, usize),
        device: &Device,
    ) -> Result<Option<Self>, DeviceError> {
        if shape.len() != 2 {
            return Ok(None);
        }
        let grid = Grid::unit(columns, rows);
        let (mut class, mut probability) = (Vec::new(), Vec::new());
        if let Some(map) = map_of(network, grid, Quantity::Probability, device) {
            for cell in device::read(map).await?.chunks_exact(2) {
                class.push(cell[0] as u32);
                probability.push(cell[1]);
            }
            return Ok(Some(Self { columns, rows, class, probability }));
        }
        let points: Vec<f32> = (0..grid.cells()).flat_map(|cell| grid.middle(cell)).collect();
        let points = Tensor::<2>::from_data(TensorData::new(points, [grid.cells(), 2]), device);
        let probabilities = softmax(network.logits(points), 1);
        let classes = probabilities.dims()[1];
        for cell in device::read(probabilities).await?.chunks_exact(classes) {
            let best = best_class(cell);
            class.push(best as u32);
            probability.push(cell[best]);
        }
        Ok(Some(Self { columns, rows, class, probability }))
    }
}

/// The place of the greatest number, ties to the first.
pub(crate) fn best_class(numbers: &[f32]) -> usize {
    (1..numbers.len()).fold(0, |best, class| if numbers[class] > numbers[best] { class } else { best })
}
