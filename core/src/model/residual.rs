//! The convolutions of the residual networks: square, padded to keep the size, and without bias, because the batch normalisation
//! that follows (or the block's next one) would take any bias away again.

use burn::{
    nn::{
        Initializer, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
    },
    tensor::Device,
};

/// 3 x 3 with one pixel of padding: a side of `s` becomes `s / stride`, rounded up.
pub(super) fn convolution_3x3([inputs, outputs]: [usize; 2], stride: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new([inputs, outputs], [3, 3])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .with_bias(false)
        .with_initializer(Initializer::Zeros)
        .init(device)
}

/// 1 x 1: the shortcut around a block that changes the number of channels or the size, to the size that its 3 x 3 reaches.
pub(super) fn convolution_1x1([inputs, outputs]: [usize; 2], stride: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new([inputs, outputs], [1, 1])
        .with_stride([stride, stride])
        .with_bias(false)
        .with_initializer(Initializer::Zeros)
        .init(device)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;

    #[test]
    fn block_and_shortcut_end_in_one_size_for_every_side() {
        let device = Device::flex();
        for side in 1_usize..=9 {
            for stride in [1, 2] {
                let maps = Tensor::<4>::zeros([1, 2, side, side], &device);
                let reached = [1, 3, side.div_ceil(stride), side.div_ceil(stride)];
                assert_eq!(convolution_3x3([2, 3], stride, &device).forward(maps.clone()).dims(), reached);
                assert_eq!(convolution_1x1([2, 3], stride, &device).forward(maps).dims(), reached);
            }
        }
    }
}
