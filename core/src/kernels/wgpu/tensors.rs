//! Tensors of the tensor library as regions of a GPU's buffers.

use burn::tensor::{Int, Tensor};
use burn_wgpu::{CubeTensor, Wgpu, into_contiguous};
use cubecl::wgpu::{AutoCompiler, WgpuServer};
use wgpu::Buffer;

use super::gpu::WORD;

/// A tensor in memory of the GPU that is its own as long as this lives.
pub(super) struct OnGpu {
    pub(super) tensor: CubeTensor,
    pub(super) numbers: usize,
}

impl OnGpu {
    /// Has everything that makes the tensor computed; `None` on another backend.
    pub(super) fn of<const D: usize>(tensor: Tensor<D>) -> Option<Self> {
        let tensor = if tensor.device().is_autodiff() { tensor.inner() } else { tensor };
        let tensor = tensor.try_into_primitive::<Wgpu>().ok()?;
        let tensor = into_contiguous(tensor);
        let numbers = tensor.meta.shape().num_elements();
        Some(Self { tensor, numbers })
    }

    /// The same for classes, as 32-bit integers.
    pub(super) fn of_classes(tensor: Tensor<1, Int>) -> Option<Self> {
        let tensor = tensor.try_into_primitive::<Wgpu>().ok()?;
        let tensor = into_contiguous(tensor);
        let numbers = tensor.meta.shape().num_elements();
        Some(Self { tensor, numbers })
    }

    /// Submits what the tensor library has queued. `None` where the device is gone.
    pub(super) fn flush(&self) -> Option<()> {
        self.tensor.client.flush().ok()
    }

    /// Its buffer and where in it the numbers begin, in bytes. What was queued before is to be submitted then: [`Self::flush`].
    pub(super) fn found(&self) -> Option<(Buffer, u64)> {
        let found = self.tensor.client.get_resource::<WgpuServer<AutoCompiler>>(self.tensor.handle.clone()).ok()?;
        let resource = found.resource();
        debug_assert!(resource.offset.is_multiple_of(WORD));
        Some((resource.buffer.clone(), resource.offset))
    }
}
