//! Which part of a convolution a workgroup computes: a fixed rule by its channels, which no measurement on this adapter has refined.

use super::text::{CONVOLUTIONS, fill_in};

/// A part of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tile {
    /// In workgroup memory: so many output channels x so many pixels of all samples, so many input channels at a time.
    Shared { outputs: usize, pixels: usize, depth: usize },
    /// In registers alone: so many output channels of four samples of one pixel.
    Direct { outputs: usize },
}

/// Both sides of what an invocation of a shared tile computes.
const BLOCK: usize = 8;
/// Invocations of a direct tile.
const DIRECT: usize = 64;

impl Tile {
    /// All tiles that [`Self::of`] may give.
    #[cfg(test)]
    pub(super) const ALL: [Self; 8] = [
        Self::Direct { outputs: 4 },
        Self::Direct { outputs: 8 },
        Self::Shared { outputs: 32, pixels: 128, depth: 4 },
        Self::Shared { outputs: 32, pixels: 128, depth: 16 },
        Self::Shared { outputs: 64, pixels: 128, depth: 4 },
        Self::Shared { outputs: 64, pixels: 64, depth: 8 },
        Self::Shared { outputs: 64, pixels: 128, depth: 16 },
        Self::Shared { outputs: 128, pixels: 64, depth: 16 },
    ];

    /// The tile for so many channels of the target and of the source. A software adapter pays for every barrier and has no memory
    /// that is nearer than others.
    pub(super) fn of(outputs: usize, inputs: usize, software: bool) -> Self {
        match (outputs, inputs) {
            (0..=4, _) => Self::Direct { outputs: 4 },
            (5..=8, _) => Self::Direct { outputs: 8 },
            _ if software => Self::Direct { outputs: 8 },
            (9..=32, 0..=4) => Self::Shared { outputs: 32, pixels: 128, depth: 4 },
            (9..=32, _) => Self::Shared { outputs: 32, pixels: 128, depth: 16 },
            (_, 0..=4) => Self::Shared { outputs: 64, pixels: 128, depth: 4 },
            (_, 5..=15) => Self::Shared { outputs: 64, pixels: 64, depth: 8 },
            (33..=64, _) => Self::Shared { outputs: 64, pixels: 128, depth: 16 },
            _ => Self::Shared { outputs: 128, pixels: 64, depth: 16 },
        }
    }

    /// Output channels of a workgroup, and quads of samples of one pixel.
    pub(super) fn size(self) -> (usize, usize) {
        match self {
            Self::Shared { outputs, pixels, .. } => (outputs, pixels / 4),
            Self::Direct { outputs } => (outputs, DIRECT),
        }
    }

    /// The WGSL of a convolution in such tiles.
    pub(super) fn text(self) -> String {
        let [shared, direct] = CONVOLUTIONS;
        match self {
            Self::Direct { outputs } => fill_in(direct, &[("outputs", outputs), ("w_quads", outputs / 4)]),
            Self::Shared { outputs, pixels, depth } => {
                let threads = outputs * pixels / (BLOCK * BLOCK);
                let (w_quads, x_quads) = (outputs / 4, pixels / 4);
                // Rows of a tile that all invocations copy at once.
                let (w_step, x_step) = (threads / w_quads, threads / x_quads);
                fill_in(
                    shared,
                    &[
                        ("outputs", outputs),
                        ("pixels", pixels),
                        ("depth", depth),
                        ("threads", threads),
                        ("w_quads", w_quads),
                        ("x_quads", x_quads),
                        ("w_room", depth * w_quads),
                        ("x_room", depth * x_quads),
                        ("w_step", w_step),
                        ("x_step", x_step),
                        ("w_copies", depth.div_ceil(w_step)),
                        ("x_copies", depth.div_ceil(x_step)),
                        ("w_half", w_quads / 2),
                        ("x_half", x_quads / 2),
                        ("across", pixels / BLOCK),
                        ("two", 2),
                    ],
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use naga::{
        AddressSpace,
        valid::{Capabilities, ValidationFlags, Validator},
    };

    use super::{
        super::{text::Kernel, weight_gradient},
        *,
    };

    /// The rules of the other shaders, which a test of the folder checks, and one uniform buffer for the settings.
    #[test]
    fn every_text_is_core_webgpu_with_settings_at_0_and_contiguous_storage_buffers() {
        let convolutions = Tile::ALL.map(Tile::text);
        let gradients = weight_gradient::Tile::ALL.map(weight_gradient::Tile::text);
        for text in Kernel::ALL.map(Kernel::text).iter().chain(&convolutions).chain(&gradients) {
            assert!(!text.contains("{{") && text.starts_with("// "), "{text}");
            let module = naga::front::wgsl::parse_str(text).unwrap_or_else(|error| panic!("{}", error.emit_to_string(text)));
            let valid = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module);
            let info = valid.unwrap_or_else(|error| panic!("{}", error.emit_to_string(text)));
            let [entry] = module.entry_points.as_slice() else { panic!("one entry point") };
            assert_eq!(entry.name, "main");
            assert!(entry.workgroup_size.iter().product::<u32>() <= 256);
            let mut bindings: Vec<u32> = Vec::new();
            for (handle, variable) in module.global_variables.iter() {
                let Some(binding) = &variable.binding else { continue };
                assert_eq!(variable.space == AddressSpace::Uniform, binding.binding == 0, "{:?}", variable.name);
                assert!(!info.get_entry_point(0)[handle].is_empty(), "{:?} is used\n{text}", variable.name);
                bindings.push(binding.binding);
            }
            bindings.sort_unstable();
            assert!(bindings.iter().copied().eq(0..bindings.len() as u32) && bindings.len() <= 9, "{bindings:?}");
        }
    }

    #[test]
    fn a_tile_fits_into_the_memory_and_the_invocations_of_core_webgpu() {
        for tile in Tile::ALL {
            if let Tile::Shared { outputs, pixels, depth } = tile {
                assert!(outputs * pixels / (BLOCK * BLOCK) <= 256, "{tile:?}");
                assert!((outputs + pixels) * depth * size_of::<f32>() <= 16_384, "{tile:?}");
            }
        }
        for (outputs, inputs) in (1..140).flat_map(|outputs| [1, 4, 5, 16, 70].map(|inputs| (outputs, inputs))) {
            assert!([true, false].iter().all(|&software| Tile::ALL.contains(&Tile::of(outputs, inputs, software))));
        }
    }
}
