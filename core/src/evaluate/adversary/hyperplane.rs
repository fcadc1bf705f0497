//! The nearest point of a hyperplane inside the pixel box: the projection that FAB repeats.

use burn::tensor::{Tensor, TensorData};

use super::{Halt, Norm};
use crate::{device, kernels::cpu::for_each_part};

/// Newton steps at most. Each goes at least past one pixel that reaches its side, and usually past many.
const STEPS: usize = 24;
/// Samples that a thread takes at a time, on the CPU.
const ROWS: usize = 64;
/// Keeps a quotient finite.
const TINY: f64 = 1e-12;

/// The offsets d (N x D) of least size with `<w, x + d> = b` and `0 ≤ x + d ≤ 1`, for x and w of N x D and b of N. Where the plane does
/// not meet the box, every pixel goes to the side that is nearer to it.
///
/// With c = <w, x> - b and signs such that c ≥ 0, pixel i moves against w_i by min(t, r_i) in L∞ and by min(t |w_i|, r_i) in L2, r_i
/// being its room; t is the root of a sum that rises, ever more slowly, with t. Newton's method from below never passes the root and
/// reaches it in finitely many steps (Croce and Hein, FAB, sort the breakpoints instead; a device cannot sort without the host).
pub(super) async fn onto_hyperplane(norm: Norm, x: &Tensor<2>, w: &Tensor<2>, b: &Tensor<1>) -> Result<Tensor<2>, Halt> {
    if !device::is_cpu(&b.device()) {
        return Ok(in_tensors(norm, x, w, b));
    }
    let [samples, pixels] = x.dims();
    let (x, w, b) = (device::read(x.clone()).await?, device::read(w.clone()).await?, b.clone());
    let (device, b) = (b.device(), device::read(b).await?);
    let mut offsets = vec![0.0; samples * pixels];
    let each = ROWS * pixels;
    let parts = offsets.chunks_mut(each).zip(x.chunks(each)).zip(w.chunks(each).zip(b.chunks(ROWS)));
    for_each_part(
        parts.collect(),
        || (),
        |(), _, ((offsets, x), (w, b))| {
            let rows = offsets.chunks_exact_mut(pixels).zip(x.chunks_exact(pixels)).zip(w.chunks_exact(pixels).zip(b));
            rows.for_each(|((offsets, x), (w, &b))| of_row(norm, (x, w, b), offsets));
        },
    );
    Ok(Tensor::from_data(TensorData::new(offsets, [samples, pixels]), &device))
}

/// The same of one sample, on the CPU: until the plane is reached.
fn of_row(norm: Norm, (x, w, b): (&[f32], &[f32], f32), offsets: &mut [f32]) {
    let gap = w.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() - b;
    let sign = if gap >= 0.0 { 1.0 } else { -1.0 };
    let gap = gap.abs();
    let room = |along: f32, x: f32| if along > 0.0 { x } else { 1.0 - x };
    let speed = |along: f32| match norm {
        Norm::LInf => f32::from(u8::from(along != 0.0)),
        Norm::L2 => along.abs(),
    };
    let mut t = 0.0_f32;
    for _ in 0..x.len().max(STEPS) {
        let (mut reached, mut slope) = (0.0_f32, 0.0_f32);
        for (&w, &x) in w.iter().zip(x) {
            let (along, size) = (w * sign, w.abs());
            let (moved, room) = (speed(along) * t, room(along, x));
            let free = f32::from(u8::from(moved < room));
            reached += size * moved.min(room);
            slope += free * size * speed(along);
        }
        let left = gap - reached;
        // Reached to rounding, or no pixel is free any more.
        if left <= 1e-7 * gap || slope == 0.0 {
            break;
        }
        t += left / slope;
    }
    for ((offset, &w), &x) in offsets.iter_mut().zip(w).zip(x) {
        let along = w * sign;
        let far = (speed(along) * t).min(room(along, x));
        *offset = if along > 0.0 { -far } else { far };
    }
}

/// The same of all samples in the operations of a device that should not wait for the host.
fn in_tensors(norm: Norm, x: &Tensor<2>, w: &Tensor<2>, b: &Tensor<1>) -> Tensor<2> {
    let samples = b.dims()[0];
    let gap = (w.clone() * x.clone()).sum_dim(1) - b.clone().reshape([samples, 1]);
    // Against w where the gap is positive.
    let sign = gap.clone().greater_equal_elem(0.0).float().mul_scalar(2.0).sub_scalar(1.0);
    let gap = gap.abs();
    let along = w.clone() * sign;
    let down = along.clone().greater_elem(0.0).float();
    let room = down.clone() * x.clone() + (down.neg().add_scalar(1.0)) * x.clone().neg().add_scalar(1.0);
    let size = along.clone().abs();
    // How fast a pixel moves with t.
    let speed = match norm {
        Norm::LInf => size.clone().greater_elem(0.0).float(),
        Norm::L2 => size.clone(),
    };
    let gain = size.clone() * speed.clone();
    let limit = size.clone() * room.clone();
    let mut t = gap.clone() / gain.clone().sum_dim(1).add_scalar(TINY);
    for _ in 1..STEPS {
        let moved = speed.clone() * t.clone();
        let free = moved.clone().lower(room.clone()).float();
        let reached = (size.clone() * moved * free.clone() + limit.clone() * free.clone().neg().add_scalar(1.0)).sum_dim(1);
        let slope = (gain.clone() * free).sum_dim(1);
        // Without a free pixel the plane is out of reach, and every pixel is at its side already.
        t = t + (gap.clone() - reached).clamp_min(0.0) / slope.add_scalar(TINY);
    }
    let far = (speed * t).min_pair(room);
    along.sign().neg() * far
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use proptest::prelude::*;

    use super::*;

    /// By bisection in double precision.
    fn by_bisection(norm: Norm, x: &[f32], w: &[f32], b: f64) -> Vec<f64> {
        let c: f64 = w.iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>() - b;
        let sign = if c >= 0.0 { 1.0 } else { -1.0 };
        let offsets = |t: f64| -> Vec<f64> {
            (w.iter().zip(x))
                .map(|(&w, &x)| {
                    let along = f64::from(w) * sign;
                    let room = if along > 0.0 { f64::from(x) } else { 1.0 - f64::from(x) };
                    let speed = match norm {
                        Norm::LInf => f64::from(u8::from(along != 0.0)),
                        Norm::L2 => along.abs(),
                    };
                    -along.signum() * (t * speed).min(room)
                })
                .collect()
        };
        let reached = |t: f64| -> f64 { offsets(t).iter().zip(w).map(|(d, w)| -d * f64::from(*w) * sign).sum() };
        let (mut low, mut high) = (0.0, 1e9);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if reached(middle) < c.abs() { low = middle } else { high = middle }
        }
        offsets(high)
    }

    /// In tensors, and on the CPU.
    fn found(norm: Norm, x: &[f32], w: &[f32], b: f32) -> [Vec<f32>; 2] {
        let row = |row: &[f32]| Tensor::from_data(TensorData::new(row.to_vec(), [1, row.len()]), &Device::flex());
        let b = Tensor::from_data(TensorData::new(vec![b], [1]), &Device::flex());
        let (x, w) = (row(x), row(w));
        let both = [in_tensors(norm, &x, &w, &b), pollster::block_on(onto_hyperplane(norm, &x, &w, &b)).unwrap()];
        both.map(|offsets| offsets.into_data().iter::<f32>().collect())
    }

    proptest! {
        #[test]
        fn the_projection_is_the_nearest_point_of_plane_and_box(
            pixels in prop::collection::vec((0.0_f32..=1.0, -2.0_f32..2.0), 2..40),
            share in -0.2_f32..1.2,
        ) {
            let (x, w): (Vec<f32>, Vec<f32>) = pixels.into_iter().unzip();
            // Between the least and the greatest that the box reaches, and a little outside.
            let (low, high) = w.iter().fold((0.0, 0.0), |(low, high): (f32, f32), &w| (low + w.min(0.0), high + w.max(0.0)));
            let b = low + share * (high - low);
            for (norm, d) in Norm::ALL.into_iter().flat_map(|norm| found(norm, &x, &w, b).map(|d| (norm, d))) {
                let size = |d: &[f64]| match norm {
                    Norm::LInf => d.iter().fold(0.0_f64, |most, d| most.max(d.abs())),
                    Norm::L2 => d.iter().map(|d| d * d).sum::<f64>().sqrt(),
                };
                let d: Vec<f64> = d.into_iter().map(f64::from).collect();
                for (d, x) in d.iter().zip(&x) {
                    prop_assert!((-1e-6..=1.0 + 1e-6).contains(&(f64::from(*x) + d)));
                }
                let expected = by_bisection(norm, &x, &w, f64::from(b));
                prop_assert!((size(&d) - size(&expected)).abs() < 2e-3, "{norm}: {} is not {}", size(&d), size(&expected));
                let at = |d: &[f64]| d.iter().zip(&x).zip(&w).map(|((d, x), w)| (d + f64::from(*x)) * f64::from(*w)).sum::<f64>();
                prop_assert!((at(&d) - at(&expected)).abs() < 1e-3, "{norm}: {} is not {}", at(&d), at(&expected));
            }
        }
    }

    #[test]
    fn a_plane_far_from_the_sides_is_reached_in_one_step() {
        for d in found(Norm::LInf, &[0.5, 0.5], &[1.0, -3.0], -1.4) {
            assert!((d[0] + 0.1).abs() < 1e-6 && (d[1] - 0.1).abs() < 1e-6, "{d:?}");
        }
        for d in found(Norm::L2, &[0.5, 0.5], &[3.0, 4.0], 3.0) {
            assert!((d[0] + 0.06).abs() < 1e-6 && (d[1] + 0.08).abs() < 1e-6, "{d:?}");
        }
    }
}
