//! The transforms of Winograd's convolution with 3 places along an axis (Winograd 1980; Lavin and Gray 2016, "Fast Algorithms for
//! Convolutional Neural Networks"): a tile is seen as a polynomial and replaced by its values at as many points as it has numbers.

use std::ops::{Add, Mul, Sub};

use pulp::Simd;

/// Pixels of the largest tile's side, and of what it gives.
pub(super) const MOST: usize = 6;
pub(super) const MOST_STEP: usize = MOST - 2;

/// One set of points. Arrays are as long as the largest tile; what is beyond [`Self::SIDE`] is neither read nor set.
pub(super) trait Form {
    /// Pixels of a tile's side,
    const SIDE: usize;
    /// and of what it gives: two less, and as far is the next tile.
    const STEP: usize;

    /// Bᵀ d: a tile's numbers to values at the points.
    fn input<S: Simd>(simd: S, d: [S::f32s; MOST]) -> [S::f32s; MOST];

    /// Aᵀ m: products at the points to what the tile gives.
    fn output<S: Simd>(simd: S, m: [S::f32s; MOST]) -> [S::f32s; MOST_STEP];

    /// A y, the way back through [`Self::output`].
    fn output_back<S: Simd>(simd: S, y: [S::f32s; MOST_STEP]) -> [S::f32s; MOST];

    /// G w: three weights to their values at the points.
    fn weight(w: [Wide; 3]) -> [Wide; MOST];

    /// Gᵀ u, the way back through [`Self::weight`].
    fn weight_back(u: [Wide; MOST]) -> [Wide; 3];
}

/// F(2, 3), at 0, 1, −1 and infinity.
pub(super) struct F2;

/// F(4, 3), at 0, ±√½, ±√2 and infinity. With 0, ±1, ±2 the rounding errors are twice as large; these points and their powers stay
/// nearer to 1, and as their squares are ½ and 2 most factors are exact.
pub(super) struct F4;

/// √½ and √2, and their cubes.
const A: f64 = std::f64::consts::FRAC_1_SQRT_2;
const B: f64 = std::f64::consts::SQRT_2;

impl Form for F2 {
    const SIDE: usize = 4;
    const STEP: usize = 2;

    #[inline(always)]
    fn input<S: Simd>(simd: S, [d0, d1, d2, d3, ..]: [S::f32s; MOST]) -> [S::f32s; MOST] {
        let none = simd.splat_f32s(0.0);
        [simd.sub_f32s(d0, d2), simd.add_f32s(d1, d2), simd.sub_f32s(d2, d1), simd.sub_f32s(d3, d1), none, none]
    }

    #[inline(always)]
    fn output<S: Simd>(simd: S, [m0, m1, m2, m3, ..]: [S::f32s; MOST]) -> [S::f32s; MOST_STEP] {
        let none = simd.splat_f32s(0.0);
        let (sum, difference) = (simd.add_f32s(m1, m2), simd.sub_f32s(m1, m2));
        [simd.add_f32s(m0, sum), simd.add_f32s(difference, m3), none, none]
    }

    #[inline(always)]
    fn output_back<S: Simd>(simd: S, [y0, y1, ..]: [S::f32s; MOST_STEP]) -> [S::f32s; MOST] {
        let none = simd.splat_f32s(0.0);
        [y0, simd.add_f32s(y0, y1), simd.sub_f32s(y0, y1), y1, none, none]
    }

    #[inline(always)]
    fn weight([w0, w1, w2]: [Wide; 3]) -> [Wide; MOST] {
        let (outer, inner) = ((w0 + w2) * 0.5, w1 * 0.5);
        [w0, outer + inner, outer - inner, w2, Wide::default(), Wide::default()]
    }

    #[inline(always)]
    fn weight_back([u0, u1, u2, u3, ..]: [Wide; MOST]) -> [Wide; 3] {
        let half_sum = (u1 + u2) * 0.5;
        [u0 + half_sum, (u1 - u2) * 0.5, half_sum + u3]
    }
}

impl Form for F4 {
    const SIDE: usize = 6;
    const STEP: usize = 4;

    #[inline(always)]
    fn input<S: Simd>(simd: S, [d0, d1, d2, d3, d4, d5]: [S::f32s; MOST]) -> [S::f32s; MOST] {
        let factor = |number: f64| simd.splat_f32s(number as f32);
        let add = |number: f64, a, b| simd.mul_add_e_f32s(factor(number), a, b);
        // Even and odd part at each pair of points: x² (x² − 2) and x (x² − 2) at ±√½, and with ½ for 2 at ±√2.
        let (even_a, odd_a) = (add(-2.0, d2, d4), add(-2.0, d1, d3));
        let (even_b, odd_b) = (add(-0.5, d2, d4), add(-0.5, d1, d3));
        [
            add(-2.5, d2, simd.add_f32s(d0, d4)),
            add(A, odd_a, even_a),
            add(-A, odd_a, even_a),
            add(B, odd_b, even_b),
            add(-B, odd_b, even_b),
            add(-2.5, d3, simd.add_f32s(d1, d5)),
        ]
    }

    #[inline(always)]
    fn output<S: Simd>(simd: S, [m0, m1, m2, m3, m4, m5]: [S::f32s; MOST]) -> [S::f32s; MOST_STEP] {
        let factor = |number: f64| simd.splat_f32s(number as f32);
        let add = |number: f64, a, b| simd.mul_add_e_f32s(factor(number), a, b);
        let (sum_a, difference_a) = (simd.add_f32s(m1, m2), simd.sub_f32s(m1, m2));
        let (sum_b, difference_b) = (simd.add_f32s(m3, m4), simd.sub_f32s(m3, m4));
        [
            simd.add_f32s(m0, simd.add_f32s(sum_a, sum_b)),
            add(B, difference_b, simd.mul_f32s(factor(A), difference_a)),
            add(2.0, sum_b, simd.mul_f32s(factor(0.5), sum_a)),
            add(2.0 * B, difference_b, add(0.5 * A, difference_a, m5)),
        ]
    }

    #[inline(always)]
    fn output_back<S: Simd>(simd: S, [y0, y1, y2, y3]: [S::f32s; MOST_STEP]) -> [S::f32s; MOST] {
        let factor = |number: f64| simd.splat_f32s(number as f32);
        let add = |number: f64, a, b| simd.mul_add_e_f32s(factor(number), a, b);
        let (even_a, odd_a) = (add(0.5, y2, y0), add(0.5, y3, y1));
        let (even_b, odd_b) = (add(2.0, y2, y0), add(2.0, y3, y1));
        [y0, add(A, odd_a, even_a), add(-A, odd_a, even_a), add(B, odd_b, even_b), add(-B, odd_b, even_b), y3]
    }

    #[inline(always)]
    fn weight([w0, w1, w2]: [Wide; 3]) -> [Wide; MOST] {
        // 1 / N is −⅔ at ±√½ and ⅙ at ±√2.
        let (even_a, odd_a) = ((w0 + w2 * 0.5) * (-2.0 / 3.0), w1 * (-2.0 / 3.0 * A));
        let (even_b, odd_b) = ((w0 + w2 * 2.0) * (1.0 / 6.0), w1 * (B / 6.0));
        [w0, even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, w2]
    }

    #[inline(always)]
    fn weight_back([u0, u1, u2, u3, u4, u5]: [Wide; MOST]) -> [Wide; 3] {
        let (sum_a, difference_a) = ((u1 + u2) * (-2.0 / 3.0), (u1 - u2) * (-2.0 / 3.0 * A));
        let (sum_b, difference_b) = ((u3 + u4) * (1.0 / 6.0), (u3 - u4) * (B / 6.0));
        [u0 + sum_a + sum_b, difference_a + difference_b, sum_a * 0.5 + sum_b * 2.0 + u5]
    }
}

/// Some numbers of twice the precision: weights are rounded once, after their transform.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wide(pub(super) [f64; Self::LEN]);

impl Wide {
    /// How many.
    pub(super) const LEN: usize = super::OUTPUTS;
}

impl Add for Wide {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|place| self.0[place] + other.0[place]))
    }
}

impl Sub for Wide {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|place| self.0[place] - other.0[place]))
    }
}

impl Mul<f64> for Wide {
    type Output = Self;

    #[inline(always)]
    fn mul(self, factor: f64) -> Self {
        Self(std::array::from_fn(|place| self.0[place] * factor))
    }
}
