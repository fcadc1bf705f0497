//! Kinds of numbers in files of weights, as `f32`.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// 16 bits (IEEE 754).
    F16,
    /// The upper 16 bits of an `f32`.
    BF16,
    F32,
    F64,
    /// Whole numbers of so many bytes, which no weights are.
    Whole(usize),
}

impl Element {
    /// How many bytes a number takes.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F16 | Self::BF16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Whole(size) => size,
        }
    }

    /// What PyTorch calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::F16 => "float16",
            Self::BF16 => "bfloat16",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::Whole(_) => "whole numbers",
        }
    }

    /// The number in `bytes`, of which there are [`Element::size`], lowest first; the nearest `f32`.
    pub(super) fn value(self, bytes: &[u8]) -> f32 {
        let word = bytes.iter().rev().fold(0_u64, |word, &byte| word << 8 | u64::from(byte));
        match self {
            Self::F16 => half::f16::from_bits(word as u16).to_f32(),
            Self::BF16 => half::bf16::from_bits(word as u16).to_f32(),
            Self::F32 => f32::from_bits(word as u32),
            Self::F64 => f64::from_bits(word) as f32,
            Self::Whole(_) => word as f32,
        }
    }

    /// All numbers in `bytes`.
    pub(super) fn values(self, bytes: &[u8]) -> Vec<f32> {
        bytes.chunks_exact(self.size()).map(|number| self.value(number)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Element;

    #[test]
    fn every_kind_reads_what_numpy_and_pytorch_write_for_the_same_numbers() {
        // np.array([1.5, -0.25, 65504]) in each kind, as bytes; 65504 is the largest float16, and rounds to 65536 as bfloat16.
        assert_eq!(Element::F16.values(b"\x00\x3e\x00\xb4\xff\x7b"), [1.5, -0.25, 65504.0]);
        assert_eq!(Element::BF16.values(b"\xc0\x3f\x80\xbe\x80\x47"), [1.5, -0.25, 65536.0]);
        assert_eq!(Element::F32.values(b"\x00\x00\xc0\x3f\x00\x00\x80\xbe"), [1.5, -0.25]);
        assert_eq!(Element::F64.values(b"\x00\x00\x00\x00\x00\x00\xf8\x3f\x9a\x99\x99\x99\x99\x99\xb9\x3f"), [1.5, 0.1]);
        // The smallest number of 16 bits, below those with an exponent of their own.
        assert_eq!(Element::F16.values(b"\x01\x00"), [5.960_464_5e-8]);
    }
}
