//! What an epoch measured of its samples, gathered on the device and read once.

use burn::tensor::Tensor;

use serde::{Deserialize, Serialize};

use crate::{
    attack::{
        Measured,
        loss_gradient_and_count::{KAPPA, RECORD},
    },
    device::{self, DeviceError},
    weight::effective_share,
};

/// Numbers per sample: the records at the start, on the path and at the end, ω, what ω depends on, what is minimised, and what the
/// method measures besides.
pub(crate) const WIDTH: usize = 3 * RECORD + 4;
/// Where ω is among them.
const OMEGA: usize = 3 * RECORD;
/// Numbers per sample that runs kept which knew weights from kappa alone.
const OLD_WIDTH: usize = 3 * RECORD + 1;

/// The measurements of one epoch, step by step.
#[derive(Debug, Default)]
pub struct EpochLog {
    /// Rows of the samples of each step, in their source.
    rows: Vec<Vec<u32>>,
    /// What has been read: `WIDTH` numbers per sample, for the first steps.
    read: Vec<f32>,
    /// What has not been read yet, one tensor (samples x `WIDTH`) per step.
    waiting: Vec<Tensor<2>>,
}

/// One training sample as the epoch saw it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleRecord {
    /// Its row in the source.
    pub row: u32,
    /// What the attack measured. The margin and the loss at x^(K) are those of the training forward pass, so with batch norm
    /// they are taken with the batch's own statistics.
    pub measured: Measured,
    /// Its weight. For weights that are normalised the mean over a step is 1.
    pub omega: f32,
    /// What the weight depends on: [`About::axis`](crate::method::About::axis).
    pub axis: f32,
    /// What is minimised of it, in nats; none where that is ω times the loss.
    pub objective: Option<f32>,
    /// What the method measures of the step or of the sample: [`About::measure`](crate::method::About::measure).
    pub extra: f32,
}

impl SampleRecord {
    /// What is minimised of it.
    pub fn minimised(&self) -> f64 {
        self.objective.map_or_else(|| f64::from(self.omega) * f64::from(self.measured.loss), f64::from)
    }
}

/// What a step measured of its samples, on the device.
#[derive(Debug)]
pub(crate) struct StepRecord {
    /// The attack's records: at x⁰, after x^(K−1), and with x^(K) measured; N x 4 each.
    pub(crate) attack: [Tensor<2>; 3],
    /// N weights.
    pub(crate) omega: Tensor<1>,
    /// N numbers that they depend on.
    pub(crate) axis: Tensor<1>,
    /// What is minimised; none where it is ω times the loss.
    pub(crate) objective: Option<Tensor<1>>,
    /// What the method measures: N numbers, or one for all.
    pub(crate) extra: Option<Tensor<1>>,
}

impl StepRecord {
    /// All of it, N x [`WIDTH`].
    pub(crate) fn numbers(self) -> Tensor<2> {
        let [start, path, end] = self.attack;
        let samples = start.dims()[0];
        let device = start.device();
        let column = |numbers: Tensor<1>| {
            if numbers.dims()[0] == 1 { numbers.reshape([1, 1]).expand([samples, 1]) } else { numbers.reshape([samples, 1]) }
        };
        // Not measured is written as NaN; what is minimised is no number only where training has failed.
        let none = |filler: f32| Tensor::<1>::from_data(burn::tensor::TensorData::new(vec![filler; samples], [samples]), &device);
        let objective = self.objective.unwrap_or_else(|| none(f32::NAN));
        let extra = self.extra.unwrap_or_else(|| none(0.0));
        Tensor::cat(vec![start, path, end, column(self.omega), column(self.axis), column(objective), column(extra)], 1)
    }
}

impl EpochLog {
    /// Adds a step.
    pub fn push(&mut self, rows: Vec<u32>, measured: Tensor<2>) {
        self.rows.push(rows);
        self.waiting.push(measured);
    }

    /// How many steps are in.
    pub fn steps(&self) -> usize {
        self.rows.len()
    }

    /// Reads what is waiting, in one read.
    ///
    /// # Errors
    /// [`DeviceError::Lost`] when the device no longer answers.
    pub async fn fetch(&mut self) -> Result<(), DeviceError> {
        if !self.waiting.is_empty() {
            self.read.extend(device::read(Tensor::cat(std::mem::take(&mut self.waiting), 0)).await?);
        }
        Ok(())
    }

    /// The samples read so far, in the order in which they were trained on.
    pub fn samples(&self) -> Vec<SampleRecord> {
        let rows = self.rows.iter().flatten();
        rows.zip(self.read.chunks_exact(WIDTH)).map(|(&row, numbers)| SampleRecord::from_numbers(row, numbers)).collect()
    }

    /// The samples of the last step. Call [`Self::fetch`] first.
    pub fn last_step(&self) -> Vec<SampleRecord> {
        let Some(rows) = self.rows.last() else { return Vec::new() };
        let numbers = &self.read[self.read.len().saturating_sub(rows.len() * WIDTH)..];
        rows.iter().zip(numbers.chunks_exact(WIDTH)).map(|(&row, sample)| SampleRecord::from_numbers(row, sample)).collect()
    }

    /// The effective share of samples, averaged over the steps (weights are normalised within a step).
    pub fn effective_share(&self) -> f64 {
        let mut shares = Vec::new();
        let mut numbers = self.read.chunks_exact(WIDTH);
        for rows in &self.rows {
            let omega: Vec<f32> = numbers.by_ref().take(rows.len()).map(|sample| sample[OMEGA]).collect();
            shares.push(effective_share(&omega));
        }
        if shares.is_empty() { 1.0 } else { shares.iter().sum::<f64>() / shares.len() as f64 }
    }

    /// What has been read, `WIDTH` numbers per sample: with the order of the epoch this is all that going on in its middle needs.
    pub fn numbers(&self) -> &[f32] {
        &self.read
    }

    /// The log of an epoch that was interrupted.
    ///
    /// # Errors
    /// How many numbers there are and how many `rows` need, where these differ.
    pub fn from_parts(rows: Vec<Vec<u32>>, read: Vec<f32>) -> Result<Self, (usize, usize)> {
        let samples = rows.iter().map(Vec::len).sum::<usize>();
        if read.len() == WIDTH * samples {
            return Ok(Self { rows, read, waiting: Vec::new() });
        }
        if read.len() == OLD_WIDTH * samples {
            // Weights depended on kappa, and the loss was ω CE.
            let widened = read.chunks_exact(OLD_WIDTH).flat_map(|old| {
                let more = [old[RECORD + KAPPA], f32::NAN, 0.0];
                old.iter().copied().chain(more).collect::<Vec<f32>>()
            });
            return Ok(Self { rows, read: widened.collect(), waiting: Vec::new() });
        }
        Err((read.len(), WIDTH * samples))
    }
}

impl SampleRecord {
    fn from_numbers(row: u32, numbers: &[f32]) -> Self {
        Self {
            row,
            measured: Measured::from_records(&numbers[..3 * RECORD]),
            omega: numbers[OMEGA],
            axis: numbers[OMEGA + 1],
            objective: Some(numbers[OMEGA + 2]).filter(|objective| !objective.is_nan()),
            extra: numbers[OMEGA + 3],
        }
    }
}
