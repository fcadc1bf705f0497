//! The PGD step: `shaders/pgd_step.wgsl` launched, and its CPU twin.

use burn::backend::tensor::FloatTensor;
use burn_wgpu::{CubeBackend, CubeDim, KernelSource, SourceKernel, SourceTemplate, into_contiguous, kernel_source};
use cubecl::prelude::KernelId;
use derive_new::new;

use crate::launch;

/// The settings of one step, in pixel units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepSettings {
    /// alpha, at least 0.
    pub step_size: f32,
    /// Radius of the ball, at least 0.
    pub epsilon: f32,
    /// Lower side of the box.
    pub low: f32,
    /// Upper side of the box, above `low`.
    pub high: f32,
}

/// The twin: `clamp(clamp(iterate + step_size sign(gradient), natural ± epsilon), low, high)` for every pixel, `sign(0) = 0`.
///
/// All slices have the same length.
pub fn pgd_step(iterate: &[f32], natural: &[f32], gradient: &[f32], stepped: &mut [f32], settings: StepSettings) {
    let StepSettings { step_size, epsilon, low, high } = settings;
    for (((out, &iterate), &centre), &gradient) in stepped.iter_mut().zip(iterate).zip(natural).zip(gradient) {
        let moved = iterate + step_size * sign(gradient);
        let in_ball = moved.max(centre - epsilon).min(centre + epsilon);
        *out = in_ball.max(low).min(high);
    }
}

/// WGSL's `sign`: 0 for 0, where `f32::signum` gives 1.
fn sign(x: f32) -> f32 {
    f32::from(i8::from(x > 0.0) - i8::from(x < 0.0))
}

kernel_source!(PgdStepText, "../../../shaders/pgd_step.wgsl");

/// The kernel for CubeCL's cache: one text, no templates.
#[derive(Debug)]
struct PgdStepKernel;

impl KernelSource for PgdStepKernel {
    fn source(&self) -> SourceTemplate {
        PgdStepText::new().source()
    }

    fn id(&self) -> KernelId {
        KernelId::new::<Self>()
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

pub(super) fn launch(
    iterate: FloatTensor<CubeBackend>,
    natural: FloatTensor<CubeBackend>,
    gradient: FloatTensor<CubeBackend>,
    settings: StepSettings,
) -> FloatTensor<CubeBackend> {
    let (iterate, natural, gradient) = (into_contiguous(iterate), into_contiguous(natural), into_contiguous(gradient));
    let shape = iterate.meta.shape().clone();
    let pixels = shape.num_elements();
    let stepped = launch::empty(&iterate, shape);
    let StepSettings { step_size, epsilon, low, high } = settings;
    let words = [pixels as u32, step_size.to_bits(), epsilon.to_bits(), low.to_bits(), high.to_bits()];
    iterate.client.launch(
        Box::new(SourceKernel::new(PgdStepKernel, CubeDim::new_1d(launch::WORKGROUP as u32))),
        launch::grid(pixels),
        launch::arguments([&iterate, &natural, &gradient, &stepped], &words),
    );
    stepped
}
