//! Restarts: the same attack from other starts, several of them as one batch.

use std::ops::Range;

use super::Subjects;
use crate::evaluate::{Aim, Halt, Kept};

/// Restarts that are computed together: a batch that keeps a GPU busy and still fits into its memory.
const TOGETHER: u32 = 8;

/// The restarts that are computed together, in order.
pub(super) fn groups(restarts: u32) -> impl Iterator<Item = Range<u32>> {
    (0..restarts).step_by(TOGETHER as usize).map(move |first| first..(first + TOGETHER).min(restarts))
}

/// Away from the labels of the subjects, so many times.
pub(super) fn aim(subjects: &Subjects, times: usize) -> Aim {
    if times == 1 { subjects.aim() } else { subjects.aim().select(&subjects.repeat(times)) }
}

/// The best image of each sample so far, of one group after the other.
#[derive(Default)]
pub(super) struct Best(Option<Kept>);

impl Best {
    /// Takes in what a group came to; whether every sample is misclassified now, which is not asked after the last of `restarts`: an answer
    /// takes a wait for the device.
    pub(super) async fn see(&mut self, found: Kept, group: &Range<u32>, restarts: u32) -> Result<bool, Halt> {
        let all = match self.0.take() {
            Some(before) => before.or(found),
            None => found,
        };
        let over = group.end < restarts && all.all().await?;
        self.0 = Some(all);
        Ok(over)
    }

    /// The best images, of no restart the samples themselves.
    pub(super) fn images(self, subjects: &Subjects) -> burn::tensor::Tensor<2> {
        self.0.map_or_else(|| subjects.natural.clone(), |kept| kept.images)
    }
}
