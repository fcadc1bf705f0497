//! What is done with the sum of a product before it is written.

use pulp::Simd;

/// `mask(relu(scale sum + shift + addend))`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Finish<'a> {
    /// Per output channel.
    pub scale: Option<&'a [f32]>,
    /// Per output channel.
    pub shift: Option<&'a [f32]>,
    /// What is added.
    pub add: Addend<'a>,
    /// Whether ReLU comes last.
    pub relu: bool,
    /// A signal of the target's shape: where it is not positive, 0 is written. So a gradient goes through the ReLU before it.
    pub mask: Option<&'a [f32]>,
}

/// What is added to a sum.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Addend<'a> {
    /// Nothing,
    #[default]
    Nothing,
    /// what the target holds,
    Target,
    /// or a signal of the target's shape.
    Signal(&'a [f32]),
}

/// The same with signals as registers.
#[derive(Clone, Copy)]
pub(super) struct Finisher<'a, S: Simd> {
    scale: Option<&'a [f32]>,
    shift: Option<&'a [f32]>,
    add: Option<&'a [S::f32s]>,
    accumulate: bool,
    relu: bool,
    mask: Option<&'a [S::f32s]>,
}

/// What of it is the same for a whole channel.
#[derive(Clone, Copy)]
pub(super) struct OfChannel<S: Simd> {
    scale: Option<S::f32s>,
    shift: Option<S::f32s>,
}

impl<'a, S: Simd> Finisher<'a, S> {
    #[inline(always)]
    pub(super) fn new(finish: Finish<'a>) -> Self {
        let Finish { scale, shift, add, relu, mask } = finish;
        let registers = |signal: &'a [f32]| S::as_simd_f32s(signal).0;
        let (accumulate, add) = match add {
            Addend::Nothing => (false, None),
            Addend::Target => (true, None),
            Addend::Signal(signal) => (false, Some(registers(signal))),
        };
        Self { scale, shift, add, accumulate, relu, mask: mask.map(registers) }
    }

    /// For this output channel.
    #[inline(always)]
    pub(super) fn of_channel(&self, simd: S, output: usize) -> OfChannel<S> {
        let number = |numbers: Option<&[f32]>| numbers.map(|numbers| simd.splat_f32s(numbers[output]));
        OfChannel { scale: number(self.scale), shift: number(self.shift) }
    }

    /// Writes what becomes of `sum` to `target`, which is at `place` in its signal, counted in registers.
    #[inline(always)]
    pub(super) fn write(&self, simd: S, channel: &OfChannel<S>, sum: S::f32s, place: usize, target: &mut S::f32s) {
        let mut value = sum;
        if let Some(scale) = channel.scale {
            value = simd.mul_f32s(value, scale);
        }
        if let Some(shift) = channel.shift {
            value = simd.add_f32s(value, shift);
        }
        if self.accumulate {
            value = simd.add_f32s(value, *target);
        }
        if let Some(add) = self.add {
            value = simd.add_f32s(value, add[place]);
        }
        if self.relu {
            // In this order, because then NaN stays NaN on every processor.
            value = simd.max_f32s(simd.splat_f32s(0.0), value);
        }
        if let Some(mask) = self.mask {
            let zero = simd.splat_f32s(0.0);
            value = simd.select_f32s(simd.greater_than_f32s(mask[place], zero), value, zero);
        }
        *target = value;
    }
}
