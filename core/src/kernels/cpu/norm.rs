//! Batch normalisation of one tile: its share of the batch's sums, and what is done once they are known.

use pulp::{Simd, WithSimd};

/// Sums in work at once, so that additions need not wait for each other.
const SUMS: usize = 4;

/// Mean and sum of squared deviations of every channel, over pixels and over the lanes in which `live` is 1 and not 0. The two passes
/// over a channel find it in the cache.
pub(super) struct Moments<'a> {
    pub values: &'a [f32],
    /// One register.
    pub live: &'a [f32],
    /// How many numbers of a channel count.
    pub count: f64,
    /// One per channel.
    pub moments: &'a mut [[f64; 2]],
}

impl WithSimd for Moments<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (values, _) = S::as_simd_f32s(self.values);
        let live = S::as_simd_f32s(self.live).0[0];
        let plane = values.len() / self.moments.len();
        for (values, moments) in values.chunks_exact(plane).zip(self.moments) {
            let mut sums = [simd.splat_f32s(0.0); SUMS];
            for values in values.chunks(SUMS) {
                for (sum, &value) in sums.iter_mut().zip(values) {
                    *sum = simd.mul_add_e_f32s(value, live, *sum);
                }
            }
            let mean = total(simd, sums) / self.count;
            let about = simd.splat_f32s(mean as f32);
            let mut sums = [simd.splat_f32s(0.0); SUMS];
            for values in values.chunks(SUMS) {
                for (sum, &value) in sums.iter_mut().zip(values) {
                    let deviation = simd.mul_f32s(simd.sub_f32s(value, about), live);
                    *sum = simd.mul_add_e_f32s(deviation, deviation, *sum);
                }
            }
            // The mean was rounded: the deviations are from another number, which is known.
            let off = mean - f64::from(mean as f32);
            *moments = [mean, total(simd, sums) - self.count * off * off];
        }
    }
}

#[inline(always)]
fn total<S: Simd>(simd: S, sums: [S::f32s; SUMS]) -> f64 {
    let mut total = 0.0;
    for sum in sums {
        total += f64::from(simd.reduce_sum_f32s(sum));
    }
    total
}

/// `relu(factor (value - mean) + shift + add)` per channel.
pub(super) struct Apply<'a> {
    pub values: &'a [f32],
    pub mean: &'a [f32],
    pub factor: &'a [f32],
    pub shift: &'a [f32],
    pub add: Option<&'a [f32]>,
    pub relu: bool,
    pub target: &'a mut [f32],
}

impl WithSimd for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (values, _) = S::as_simd_f32s(self.values);
        let (target, _) = S::as_mut_simd_f32s(self.target);
        let add = self.add.map(|add| S::as_simd_f32s(add).0);
        let plane = values.len() / self.mean.len();
        for (channel, target) in target.chunks_exact_mut(plane).enumerate() {
            let here = channel * plane..(channel + 1) * plane;
            let number = |numbers: &[f32]| simd.splat_f32s(numbers[channel]);
            let (mean, factor, shift) = (number(self.mean), number(self.factor), number(self.shift));
            let normal = |value| simd.mul_add_e_f32s(factor, simd.sub_f32s(value, mean), shift);
            let zero = simd.splat_f32s(0.0);
            let end = |value| if self.relu { simd.max_f32s(zero, value) } else { value };
            if let Some(add) = add {
                for ((to, &value), &add) in target.iter_mut().zip(&values[here.clone()]).zip(&add[here]) {
                    *to = end(simd.add_f32s(normal(value), add));
                }
            } else {
                for (to, &value) in target.iter_mut().zip(&values[here]) {
                    *to = end(normal(value));
                }
            }
        }
    }
}

/// Sums of a gradient, and of it times the normalised values, per channel: the gradients of shift and factor.
pub(super) struct Slopes<'a> {
    /// 0 in lanes without a sample.
    pub gradient: &'a [f32],
    pub values: &'a [f32],
    pub mean: &'a [f32],
    pub inverse: &'a [f32],
    /// One pair per channel.
    pub sums: &'a mut [[f64; 2]],
}

impl WithSimd for Slopes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (gradient, _) = S::as_simd_f32s(self.gradient);
        let (values, _) = S::as_simd_f32s(self.values);
        let plane = values.len() / self.mean.len();
        for (channel, to) in self.sums.iter_mut().enumerate() {
            let here = channel * plane..(channel + 1) * plane;
            let mean = simd.splat_f32s(self.mean[channel]);
            let mut sums = [[simd.splat_f32s(0.0); SUMS]; 2];
            for (gradient, values) in gradient[here.clone()].chunks(SUMS).zip(values[here].chunks(SUMS)) {
                for (index, (&gradient, &value)) in gradient.iter().zip(values).enumerate() {
                    sums[0][index] = simd.add_f32s(sums[0][index], gradient);
                    sums[1][index] = simd.mul_add_e_f32s(gradient, simd.sub_f32s(value, mean), sums[1][index]);
                }
            }
            *to = [total(simd, sums[0]), total(simd, sums[1]) * f64::from(self.inverse[channel])];
        }
    }
}

/// The way back: the gradient becomes `factor (gradient - of_shift - of_factor (value - mean))` in live lanes, else 0.
pub(super) struct Back<'a> {
    pub gradient: &'a mut [f32],
    pub values: &'a [f32],
    /// One register.
    pub live: &'a [f32],
    pub mean: &'a [f32],
    pub factor: &'a [f32],
    pub of_shift: &'a [f32],
    pub of_factor: &'a [f32],
}

impl WithSimd for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (gradient, _) = S::as_mut_simd_f32s(self.gradient);
        let (values, _) = S::as_simd_f32s(self.values);
        let live = S::as_simd_f32s(self.live).0[0];
        let plane = values.len() / self.mean.len();
        for (channel, (gradient, values)) in gradient.chunks_exact_mut(plane).zip(values.chunks_exact(plane)).enumerate() {
            let number = |numbers: &[f32]| simd.splat_f32s(numbers[channel]);
            let (mean, of_shift, of_factor) = (number(self.mean), number(self.of_shift), number(self.of_factor));
            let factor = simd.mul_f32s(number(self.factor), live);
            for (gradient, &value) in gradient.iter_mut().zip(values) {
                let deviation = simd.mul_f32s(of_factor, simd.sub_f32s(value, mean));
                *gradient = simd.mul_f32s(factor, simd.sub_f32s(simd.sub_f32s(*gradient, of_shift), deviation));
            }
        }
    }
}
