//! The measurements of an epoch's samples, gathered on the device and read once.

use burn::tensor::{Tensor, TensorData};

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
/// Numbers per sample of steps whose weights depend on kappa and whose loss is ω CE; runs of before there were others kept no more.
const OF_KAPPA: usize = 3 * RECORD + 1;

/// The measurements of one epoch, step by step.
#[derive(Debug, Default)]
pub struct EpochLog {
    /// Rows of the samples of each step, in their source.
    rows: Vec<Vec<u32>>,
    /// What has been read: `WIDTH` numbers per sample, for the first steps.
    read: Vec<f32>,
    /// What has not been read yet, one tensor (samples x `WIDTH` or `OF_KAPPA`) per step, and what weights depend on in the second case.
    waiting: Vec<(Tensor<2>, OnPath)>,
}

/// The number of a record after x^(K−1) that weights depend on; none of samples that were not weighed.
type OnPath = Option<usize>;

/// The measurements of one training sample in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleRecord {
    /// Its row in the source.
    pub row: u32,
    /// The attack's measurements. Margin and loss at x^(K) come from the training pass: with batch norm they use the batch's own statistics.
    pub measured: Measured,
    /// ω. Normalised weights have mean 1 over a step.
    pub omega: f32,
    /// What the weight depends on: [`About::axis`](crate::method::About::axis); none of a sample that was not weighed, unless that is kappa.
    pub axis: Option<f32>,
    /// What is minimised of it, in nats; none where that is ω times the loss.
    pub objective: Option<f32>,
    /// What the method measures of the step or of the sample: [`About::measure`](crate::method::About::measure).
    pub extra: f32,
}

impl SampleRecord {
    /// The sample's loss in nats; ω times the cross-entropy unless the method says otherwise.
    pub fn minimised(&self) -> f64 {
        self.objective.map_or_else(|| f64::from(self.omega) * f64::from(self.measured.loss), f64::from)
    }
}

/// The measurements of one step, on the device.
#[derive(Debug)]
pub(crate) struct StepRecord {
    /// The attack's records: at x⁰, after x^(K−1), and with x^(K) measured; N x 4 each.
    pub(crate) attack: [Tensor<2>; 3],
    /// N weights.
    pub(crate) omega: Tensor<1>,
    /// N numbers that they depend on; none for kappa.
    pub(crate) axis: Option<Tensor<1>>,
    /// What is minimised; none where it is ω times the loss.
    pub(crate) objective: Option<Tensor<1>>,
    /// What the method measures: N numbers, or one for all.
    pub(crate) extra: Option<Tensor<1>>,
}

impl StepRecord {
    /// All of it, N x [`WIDTH`]; or N x [`OF_KAPPA`] where the rest follows from that, because on a GPU every column costs a dispatch.
    pub(crate) fn numbers(self) -> Tensor<2> {
        let [start, path, end] = self.attack;
        let samples = start.dims()[0];
        let device = start.device();
        let column = |numbers: Tensor<1>| match numbers.dims()[0] {
            1 => numbers.reshape([1, 1]).expand([samples, 1]),
            _ => numbers.reshape([samples, 1]),
        };
        let omega = column(self.omega);
        if self.axis.is_none() && self.objective.is_none() && self.extra.is_none() {
            return Tensor::cat(vec![start, path, end, omega], 1);
        }
        // What is not measured is written as NaN; what is minimised is no number only where training has failed.
        let none = |filler: f32| Tensor::<1>::from_data(TensorData::new(vec![filler; samples], [samples]), &device);
        let kappa = path.clone().slice([0..samples, KAPPA..KAPPA + 1]);
        let axis = self.axis.map_or(kappa, column);
        let objective = self.objective.unwrap_or_else(|| none(f32::NAN));
        let extra = self.extra.unwrap_or_else(|| none(0.0));
        Tensor::cat(vec![start, path, end, omega, axis, column(objective), column(extra)], 1)
    }
}

/// Rows of [`OF_KAPPA`] numbers with what follows from them: weights depend on that number, and the loss is ω CE.
fn widened(numbers: Vec<f32>, axis: OnPath) -> Vec<f32> {
    let axis = |row: &[f32]| axis.map_or(f32::NAN, |index| row[RECORD + index]);
    let more = |row: &[f32]| [axis(row), f32::NAN, 0.0];
    numbers.chunks_exact(OF_KAPPA).flat_map(|row| row.iter().copied().chain(more(row)).collect::<Vec<f32>>()).collect()
}

impl EpochLog {
    /// Adds a step.
    pub fn push(&mut self, rows: Vec<u32>, measured: Tensor<2>) {
        self.push_by(rows, measured, Some(KAPPA));
    }

    /// Adds a step of which N x [`OF_KAPPA`] numbers were measured, with what its weights depend on.
    pub(crate) fn push_by(&mut self, rows: Vec<u32>, measured: Tensor<2>, axis: OnPath) {
        self.rows.push(rows);
        self.waiting.push((measured, axis));
    }

    /// How many steps are in.
    pub fn steps(&self) -> usize {
        self.rows.len()
    }

    /// Reads all unread measurements in one transfer.
    ///
    /// # Errors
    /// [`DeviceError::Lost`] if the device no longer answers.
    pub async fn fetch(&mut self) -> Result<(), DeviceError> {
        // One read, unless the method was changed on the way.
        let waiting = std::mem::take(&mut self.waiting);
        for alike in waiting.chunk_by(|a, b| a.0.dims()[1] == b.0.dims()[1] && a.1 == b.1) {
            let (width, axis) = (alike[0].0.dims()[1], alike[0].1);
            let numbers = device::read(Tensor::cat(alike.iter().map(|(numbers, _)| numbers.clone()).collect(), 0)).await?;
            self.read.extend(if width == OF_KAPPA { widened(numbers, axis) } else { numbers });
        }
        Ok(())
    }

    /// The samples read so far, in training order.
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

    /// All numbers read so far, `WIDTH` per sample. With the epoch's order they are enough to resume in the middle of the epoch.
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
        if read.len() == OF_KAPPA * samples {
            return Ok(Self { rows, read: widened(read, Some(KAPPA)), waiting: Vec::new() });
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
            axis: Some(numbers[OMEGA + 1]).filter(|axis| !axis.is_nan()),
            objective: Some(numbers[OMEGA + 2]).filter(|objective| !objective.is_nan()),
            extra: numbers[OMEGA + 3],
        }
    }
}
