//! The way into and out of a convolutional network: rows to images, images to smaller ones, feature maps to rows.

use burn::tensor::{Tensor, module::max_pool2d, ops::MaxPoolOptions};

/// Rows of pixels (N x CHW) as images (N x C x H x W); `image` is [C, H, W].
pub(super) fn images(rows: Tensor<2>, [channels, height, width]: [usize; 3]) -> Tensor<4> {
    let [samples, _] = rows.dims();
    rows.reshape([samples, channels, height, width])
}

/// The largest of every 2 x 2 pixels; an odd last row or column is left out, as in PyTorch.
pub(super) fn halved(maps: Tensor<4>) -> Tensor<4> {
    max_pool2d(maps, MaxPoolOptions::new([2, 2]))
}

/// The mean of every channel (N x C).
///
/// The published networks pool over a fixed window, which is the whole last map of a 32 x 32 image; the mean over the whole map
/// is the same there and works for every other size.
pub(super) fn averaged(maps: Tensor<4>) -> Tensor<2> {
    let [samples, channels, height, width] = maps.dims();
    maps.reshape([samples, channels, height * width]).mean_dim(2).reshape([samples, channels])
}

/// Feature maps as rows (N x CHW).
pub(super) fn rows(maps: Tensor<4>) -> Tensor<2> {
    let [samples, channels, height, width] = maps.dims();
    maps.reshape([samples, channels * height * width])
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().iter::<f32>().collect()
    }

    #[test]
    fn pooling_halves_and_averages_each_channel_alone() {
        let pixels: Vec<f32> = (0..12).map(|pixel| pixel as f32).collect();
        let maps = images(Tensor::from_data(TensorData::new(pixels.clone(), [1, 12]), &Device::flex()), [2, 2, 3]);
        assert_eq!(values(halved(maps.clone())), [4.0, 10.0]);
        assert_eq!(values(averaged(maps.clone())), [2.5, 8.5]);
        assert_eq!(values(rows(maps)), pixels);
    }
}
