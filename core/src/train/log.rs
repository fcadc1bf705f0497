//! What an epoch measured of its samples, gathered on the device and read once.

use burn::tensor::Tensor;

use serde::{Deserialize, Serialize};

use crate::{
    attack::{Measured, loss_gradient_and_count::RECORD},
    device::{self, DeviceError},
    weight::effective_share,
};

/// Numbers per sample: the records at the start, on the path and at the end, and ω.
pub(crate) const WIDTH: usize = 3 * RECORD + 1;

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
    /// Its weight; the mean over a step is 1.
    pub omega: f32,
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
            let omega: Vec<f32> = numbers.by_ref().take(rows.len()).map(|sample| sample[WIDTH - 1]).collect();
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
        let needed = WIDTH * rows.iter().map(Vec::len).sum::<usize>();
        if read.len() == needed { Ok(Self { rows, read, waiting: Vec::new() }) } else { Err((read.len(), needed)) }
    }
}

impl SampleRecord {
    fn from_numbers(row: u32, numbers: &[f32]) -> Self {
        Self { row, measured: Measured::from_records(&numbers[..3 * RECORD]), omega: numbers[WIDTH - 1] }
    }
}
