//! The instruction set of the lanes, chosen at run time.

use pulp::{Arch, Simd, WithSimd};

/// An instruction set that this machine has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Isa {
    /// What pulp finds: AVX-512, NEON, SIMD128, or what the compiler makes of plain code.
    Found(Arch),
    /// AVX2 with fused multiply-add, which pulp's own choice leaves out unless it is built for it; and the matrix kernels of the
    /// tensor library, which share pulp, are not.
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
}

impl Isa {
    pub(super) fn best() -> Self {
        let found = Arch::new();
        #[cfg(target_arch = "x86_64")]
        if let (Arch::Scalar, Some(avx2)) = (found, pulp::x86::V3::try_new()) {
            return Self::Avx2(avx2);
        }
        Self::Found(found)
    }

    pub(super) fn dispatch<W: WithSimd>(self, work: W) -> W::Output {
        match self {
            Self::Found(arch) => on_found(arch, work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => Simd::vectorize(avx2, work),
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", feature = "relaxed-simd")))]
fn on_found<W: WithSimd>(arch: Arch, work: W) -> W::Output {
    arch.dispatch(work)
}

/// A page is compiled for SIMD128 with multiply-add in one instruction, and no other set is in its download.
#[cfg(all(target_arch = "wasm32", feature = "relaxed-simd"))]
#[expect(unsafe_code, reason = "pulp cannot ask a browser what it has")]
fn on_found<W: WithSimd>(_: Arch, work: W) -> W::Output {
    // SAFETY: a browser has validated the whole module, with all its instructions, before any of it runs.
    Simd::vectorize(unsafe { pulp::wasm::RelaxedSimd::new_unchecked() }, work)
}

/// How many numbers a register holds.
pub(super) struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// What the lanes run on here, as its makers call it.
pub(crate) fn instructions() -> &'static str {
    match Isa::best().dispatch(Lanes) {
        16 => "AVX-512",
        8 => "AVX2",
        4 if cfg!(target_arch = "wasm32") => "SIMD128",
        4 => "NEON",
        _ => "no SIMD instructions",
    }
}
