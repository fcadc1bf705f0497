//! Trajectories: every iterate of a sample's attack.

use burn::tensor::Tensor;

use serde::{Deserialize, Serialize};

use super::{
    loss_gradient_and_count::{LOSS, MARGIN},
    whole::POINT,
};
use crate::device::{self, DeviceError};

/// The trajectories of N samples, on the device.
#[derive(Clone, Debug)]
pub struct Trajectories {
    /// N rows of points, each of which is a margin, a loss and a position of D numbers.
    pub(super) numbers: Tensor<2>,
    /// Points of a trajectory: K + 1.
    pub(super) points: usize,
}

/// One iterate of one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// z_y − max other, in logits.
    pub margin: f32,
    /// What the attack climbs, in nats (or in logits, for the margin).
    pub loss: f32,
    /// The iterate: D numbers in [0, 1].
    pub position: Vec<f32>,
}

impl Trajectories {
    /// For every sample its points x⁰ … x^(K).
    ///
    /// # Errors
    /// [`DeviceError::Lost`] when the device no longer answers.
    pub async fn read(self) -> Result<Vec<Vec<Point>>, DeviceError> {
        let [samples, len] = self.numbers.dims();
        let numbers = device::read(self.numbers).await?;
        let point = |numbers: &[f32]| Point { margin: numbers[0], loss: numbers[1], position: numbers[POINT..].to_vec() };
        let rows = numbers.chunks_exact(len).take(samples);
        Ok(rows.map(|row| row.chunks_exact(len / self.points).map(point).collect()).collect())
    }
}

/// One point of every sample (N x ([`POINT`] + D)) from its records and its position.
pub(super) fn point(records: &Tensor<2>, images: &Tensor<2>) -> Tensor<2> {
    let samples = records.dims()[0];
    let number = |place: usize| records.clone().slice([0..samples, place..place + 1]);
    Tensor::cat(vec![number(MARGIN), number(LOSS), images.clone()], 1)
}
