//! Bounds the work of one GPU submission. Browsers take the GPU away from a page with long submissions, and a window on the same GPU cannot
//! draw during one.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::device::AdapterKind;

/// The target duration of a submission, in seconds.
const AIM: f64 = 0.010;
/// Multiplications of the first submissions, when nothing is known of the device yet: some 15 ms on a software adapter on two cores,
/// and well below 100 ms on one that is five times slower.
const FIRST: u64 = 1 << 24;
/// The least multiplications of a submission; less would be mostly overhead.
const LEAST: u64 = 1 << 18;
/// The most multiplications of a submission: 10 ms on a device of 200 TFLOP/s. Measurements keep a slower device below.
const MOST: u64 = 1 << 40;
/// Layer by layer, a slice of samples takes many dispatches in several submissions ([`dispatches_together`]); together they may hold this
/// multiple of one submission's work.
const SUBMISSIONS: u64 = 2;

/// The allowed multiplications of a submission. One value is enough, because a program computes on one GPU.
static ALLOWED: AtomicU64 = AtomicU64::new(FIRST);
/// The allowed multiplications of a slice of samples, layer by layer. They depend on the kind of adapter and never on measurements: slices
/// change the order of sums and the choice of kernels, and a run must not depend on the machine's load.
static SLICE: AtomicU64 = AtomicU64::new(FIRST);

/// The allowed multiplications of a submission.
pub(crate) fn allowed() -> u64 {
    ALLOWED.load(Ordering::Relaxed)
}

/// The most dispatches that CubeCL gathers in one submission. Each layer is a dispatch of its own, and the large ones of a convolutional network
/// dominate; the slower the device, the fewer may share a submission.
pub(crate) fn dispatches_together(kind: AdapterKind) -> usize {
    match kind {
        AdapterKind::Software | AdapterKind::Unknown => 4,
        AdapterKind::Integrated | AdapterKind::Virtual | AdapterKind::Browser => 8,
        AdapterKind::Discrete => 32,
    }
}

/// How many samples pass through a network at once, layer by layer, forwards and back: a power of two. `multiplications` counts the forward
/// pass of one sample.
pub(crate) fn samples_together(multiplications: usize) -> usize {
    let samples = SUBMISSIONS * SLICE.load(Ordering::Relaxed) / (2 * multiplications as u64).max(1);
    1 << samples.max(1).ilog2()
}

/// Sets the allowance of the first submissions on an adapter: 10 ms for one of 27 GFLOP/s, or of 200.
pub(crate) fn begin(kind: AdapterKind) {
    let first = match kind {
        AdapterKind::Software | AdapterKind::Unknown => FIRST,
        AdapterKind::Integrated | AdapterKind::Virtual | AdapterKind::Browser => FIRST << 3,
        AdapterKind::Discrete => FIRST << 6,
    };
    ALLOWED.store(first, Ordering::Relaxed);
    // A card takes a whole batch at once: cut into slices, a step of resnet18 takes five times as long on an H100.
    SLICE.store(if kind == AdapterKind::Discrete { MOST } else { first }, Ordering::Relaxed);
}

/// Learns from the duration of attacks, measured between two moments at which the device was idle. Other work in that time makes the device
/// look slower and submissions shorter than possible, which is the safe side.
pub fn learn(multiplications: u64, seconds: f64) {
    ALLOWED.store(next(allowed(), multiplications, seconds), Ordering::Relaxed);
}

/// The allowance after a measurement: the geometric mean of the old allowance and the measured one, and at most four times the old, so that one
/// wrong measurement does not make a submission ten times too long.
fn next(allowed: u64, multiplications: u64, seconds: f64) -> u64 {
    let measured = multiplications as f64 / seconds * AIM;
    if !measured.is_finite() || measured <= 0.0 {
        return allowed;
    }
    let between = (allowed as f64 * measured).sqrt().min(4.0 * allowed as f64);
    (between as u64).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is allowed after ten measurements on a device of so many multiplications a second.
    fn settled(speed: f64) -> u64 {
        (0..10).fold(FIRST, |allowed, _| next(allowed, 1 << 26, f64::from(1 << 26) / speed))
    }

    #[test]
    fn submissions_settle_at_what_the_device_computes_in_ten_milliseconds() {
        for speed in [1e8, 1e9, 1e10, 1e11] {
            let seconds = settled(speed) as f64 / speed;
            assert!((0.009..0.011).contains(&seconds), "{speed}: {seconds}");
        }
        assert_eq!(settled(1e3), LEAST);
        assert_eq!(settled(1e15), MOST);
    }

    #[test]
    fn one_measurement_moves_it_by_a_factor_of_four_upwards_at_most_and_nonsense_moves_it_not_at_all() {
        assert_eq!(next(FIRST, u64::MAX, 1e-6), 4 * FIRST);
        for seconds in [0.0, f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(next(FIRST, 1 << 26, seconds), FIRST);
        }
    }
}
