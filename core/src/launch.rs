//! Shared parts of the launches of hand-written kernels.

use burn::tensor::Shape;
use burn_wgpu::CubeTensor;
use cubecl::{
    CubeCount,
    server::{KernelArguments, MetadataBindingInfo},
};

/// Invocations in a workgroup of an elementwise kernel, as `@workgroup_size` in the shaders says.
pub(crate) const WORKGROUP: usize = 64;
/// WebGPU's limit on the workgroups along one side of a dispatch.
const MAX_SIDE: usize = 65_535;

/// A new tensor beside `tensor`, its numbers not yet written.
pub(crate) fn empty(tensor: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    let shape = shape.into();
    let client = tensor.client.clone();
    let buffer = client.empty(shape.num_elements() * size_of::<f32>());
    CubeTensor::new_contiguous(client, tensor.device.clone(), shape, buffer, tensor.dtype)
}

/// Enough workgroups for so many invocations, in a grid.
pub(crate) fn grid(invocations: usize) -> CubeCount {
    workgroups(invocations.div_ceil(WORKGROUP))
}

/// So many workgroups, or a few more, in a grid.
pub(crate) fn workgroups(count: usize) -> CubeCount {
    let workgroups = count.max(1);
    let rows = workgroups.div_ceil(MAX_SIDE);
    CubeCount::Static(workgroups.div_ceil(rows) as u32, rows as u32, 1)
}

/// The buffers in the order of their bindings, and after them the settings, word by word.
///
/// The settings travel as CubeCL's own kernel parameters do: words that were sent before are not sent again, and nothing that waits
/// has to be submitted first, as it would for a buffer of our own.
pub(crate) fn arguments<const N: usize>(buffers: [&CubeTensor; N], settings: &[u32]) -> KernelArguments {
    let words = settings.chunks(2).map(|pair| u64::from(pair[0]) | u64::from(pair.get(1).copied().unwrap_or(0)) << 32).collect();
    KernelArguments::new()
        .with_buffers(buffers.iter().map(|buffer| buffer.handle.clone().binding()).collect())
        .with_info(MetadataBindingInfo::custom(words))
}
