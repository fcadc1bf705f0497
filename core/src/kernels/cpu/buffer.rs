//! Memory for registers.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, which is also the widest register.
const LINE: usize = 64;

/// Numbers that begin on a cache line, so that reading a register never touches two.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    numbers: Vec<f32>,
    begin: usize,
    len: usize,
}

impl Buffer {
    pub(crate) fn zeros(len: usize) -> Self {
        let numbers = vec![0.0; len + LINE / size_of::<f32>()];
        // A vector does not move its numbers as long as it does not grow.
        let begin = numbers.as_ptr().align_offset(LINE).min(LINE / size_of::<f32>());
        Self { numbers, begin, len }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.numbers[self.begin..self.begin + self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[self.begin..self.begin + self.len]
    }
}
