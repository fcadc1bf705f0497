//! How much work one submission may hold: browsers take the GPU away from pages that keep it for long, and a window that draws on the
//! same GPU waits meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::device::AdapterKind;

/// What a submission should take, in seconds.
const AIM: f64 = 0.010;
/// Multiplications of the first submissions, when nothing is known of the device yet: some 15 ms on a software adapter on two cores,
/// and well below 100 ms on one that is five times slower.
const FIRST: u64 = 1 << 24;
/// At least so many: less would be all overhead.
const LEAST: u64 = 1 << 18;
/// At most so many, which is 10 ms for a device of 200 TFLOP/s; what a slower one is given is measured on the way there.
const MOST: u64 = 1 << 40;
/// Layer by layer a slice of samples takes many dispatches forwards and back, in several submissions ([`dispatches_together`]): so
/// many times what one may hold go to all of them.
const SUBMISSIONS: u64 = 2;

/// Multiplications that a submission may hold. One for the program, because a program computes on one GPU.
static ALLOWED: AtomicU64 = AtomicU64::new(FIRST);
/// Multiplications that a slice of samples may hold, layer by layer. Of the kind of adapter alone, never of what was measured: sums over
/// samples, and the products of other kernels for other sizes, depend on the slices, and a run must not depend on how busy the machine is.
static SLICE: AtomicU64 = AtomicU64::new(FIRST);

/// Multiplications that a submission may hold.
pub(crate) fn allowed() -> u64 {
    ALLOWED.load(Ordering::Relaxed)
}

/// Dispatches that CubeCL may gather in one submission. The layers of a network are dispatches of their own, and the large ones of a
/// convolutional network are what takes long; the slower the device, the fewer of them may wait for each other.
pub(crate) fn dispatches_together(kind: AdapterKind) -> usize {
    match kind {
        AdapterKind::Software | AdapterKind::Unknown => 4,
        AdapterKind::Integrated | AdapterKind::Virtual | AdapterKind::Browser => 8,
        AdapterKind::Discrete => 32,
    }
}

/// Samples that go through a network together, layer by layer, forwards and back; `multiplications` are those of one sample forwards.
/// A power of two.
pub(crate) fn samples_together(multiplications: usize) -> usize {
    let samples = SUBMISSIONS * SLICE.load(Ordering::Relaxed) / (2 * multiplications as u64).max(1);
    1 << samples.max(1).ilog2()
}

/// Sets what the first submissions on an adapter may hold, when nothing else is known of it: 10 ms for one of 27 GFLOP/s, or of 200.
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

/// Tells how long attacks of so many multiplications took, measured from one moment at which the device was idle to another. What
/// else was computed meanwhile makes the device look slower than it is, and submissions shorter than they could be: the safe side.
pub fn learn(multiplications: u64, seconds: f64) {
    ALLOWED.store(next(allowed(), multiplications, seconds), Ordering::Relaxed);
}

/// What is allowed after a measurement: halfway, by factors, from what was allowed to what the measurement allows; and never more than
/// four times as much, so that one wrong measurement does not make a submission ten times too long.
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
