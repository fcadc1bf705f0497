//! Pooling, forwards and back.

use super::{InLanes, MOST_LANES};

impl InLanes {
    pub(super) fn max_pool(&self, from: usize, source: &[f32], target: &mut [f32]) {
        let register = self.samples_per_tile();
        self.isa.dispatch(|| {
            self.each_window(from, |[a, b, c, d], to| {
                let [a, b, c, d] = [a, b, c, d].map(|at| &source[at..at + register]);
                let windows = a.iter().zip(b).zip(c.iter().zip(d));
                for (to, ((&a, &b), (&c, &d))) in target[to..to + register].iter_mut().zip(windows) {
                    // A NaN wins, so that it is seen.
                    let larger = |a: f32, b: f32| if a > b || a.is_nan() { a } else { b };
                    *to = larger(larger(a, b), larger(c, d));
                }
            });
        });
    }

    /// The gradient goes to the first of the largest, in reading order.
    pub(super) fn max_pool_backward(&self, from: usize, source: &[f32], output: &[f32], gradient: &[f32], target: &mut [f32]) {
        let register = self.samples_per_tile();
        // An odd last row or column has no part in it.
        target.fill(0.0);
        self.isa.dispatch(|| {
            self.each_window(from, |window, to| {
                let (output, gradient) = (&output[to..to + register], &gradient[to..to + register]);
                // What a lane has not given away yet.
                let mut left = [0.0_f32; MOST_LANES];
                let left = &mut left[..register];
                left.copy_from_slice(gradient);
                for at in window {
                    let places = source[at..at + register].iter().zip(&mut target[at..at + register]);
                    for (((&here, target), &highest), left) in places.zip(output).zip(left.iter_mut()) {
                        let given = if here == highest { *left } else { 0.0 };
                        *target = given;
                        *left -= given;
                    }
                }
            });
        });
    }

    /// Calls `window` with the places of every 2 x 2 pixels, and the place of the pixel they become.
    #[inline(always)]
    fn each_window(&self, from: usize, mut window: impl FnMut([usize; 4], usize)) {
        let register = self.samples_per_tile();
        let [channels, height, width] = self.layers.signals[from];
        let mut to = 0;
        for channel in 0..channels {
            for y in 0..height / 2 {
                for x in 0..width / 2 {
                    let first = ((channel * height + 2 * y) * width + 2 * x) * register;
                    let below = first + width * register;
                    window([first, first + register, below, below + register], to);
                    to += register;
                }
            }
        }
    }

    pub(super) fn mean(&self, from: usize, source: &[f32], target: &mut [f32]) {
        let register = self.samples_per_tile();
        let [_, height, width] = self.layers.signals[from];
        let pixels = height * width;
        for (to, pixels_of) in target.chunks_exact_mut(register).zip(source.chunks_exact(pixels * register)) {
            to.fill(0.0);
            for pixel in pixels_of.chunks_exact(register) {
                to.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
            }
            to.iter_mut().for_each(|sum| *sum /= pixels as f32);
        }
    }

    pub(super) fn mean_backward(&self, from: usize, gradient: &[f32], target: &mut [f32]) {
        let register = self.samples_per_tile();
        let [_, height, width] = self.layers.signals[from];
        let share = 1.0 / (height * width) as f32;
        let channels = target.chunks_exact_mut(height * width * register).zip(gradient.chunks_exact(register));
        for (target, gradient) in channels {
            for target in target.chunks_exact_mut(register) {
                target.iter_mut().zip(gradient).for_each(|(to, from)| *to = from * share);
            }
        }
    }
}
