//! Which places a convolution reads and writes along one axis.

/// What a convolution does along one axis.
#[derive(Debug)]
pub(super) struct Axis {
    /// The first position that is written,
    pub first: usize,
    /// how far the next one is,
    pub target_step: usize,
    /// how far the reading moves meanwhile,
    pub source_step: usize,
    /// and how many there are.
    pub count: usize,
    /// Which places of the kernel meet these positions, and where each reads, as seen from the position's own place.
    pub taps: Vec<(usize, isize)>,
}

impl Axis {
    /// out[q] = sum over k of weight[k] in[stride q + k - padding].
    pub(super) fn forward(kernel: usize, stride: usize, padding: usize, outputs: usize) -> Vec<Self> {
        let taps = (0..kernel).map(|k| (k, k as isize - padding as isize)).collect();
        vec![Self { first: 0, target_step: 1, source_step: stride, count: outputs, taps }]
    }

    /// in[stride q + r] = sum over the k for which stride divides r + padding - k of weight[k] out[q + (r + padding - k) / stride]:
    /// one axis for each r.
    pub(super) fn backward(kernel: usize, stride: usize, padding: usize, inputs: usize) -> Vec<Self> {
        let axis = |r: usize| {
            let shift = |k: usize| (r + padding) as isize - k as isize;
            let meets = |&k: &usize| shift(k).rem_euclid(stride as isize) == 0;
            let taps = (0..kernel).filter(meets).map(|k| (k, shift(k).div_euclid(stride as isize))).collect();
            Self { first: r, target_step: stride, source_step: 1, count: (inputs - r).div_ceil(stride), taps }
        };
        (0..stride.min(inputs)).map(axis).collect()
    }

    /// Where the position with this number reads with no tap, and where it is written.
    pub(super) fn position(&self, q: usize) -> (usize, usize) {
        (q * self.source_step, self.first + q * self.target_step)
    }
}

/// How many zeros the axes need before and after a map of `len`.
pub(super) fn border(axes: &[Axis], len: usize) -> [usize; 2] {
    let taps = || axes.iter().flat_map(|axis| axis.taps.iter().map(move |&(_, shift)| (axis, shift)));
    let before = taps().map(|(_, shift)| -shift).max().unwrap_or(0).max(0);
    let last = |axis: &Axis| (axis.count.saturating_sub(1) * axis.source_step) as isize;
    let after = taps().map(|(axis, shift)| last(axis) + shift + 1 - len as isize).max().unwrap_or(0).max(0);
    [before as usize, after as usize]
}
