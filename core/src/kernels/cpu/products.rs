//! The inner loop of every layer: weights times a panel of registers.

use pulp::Simd;

/// Output channels in work at once.
pub(super) const OUTPUTS: usize = 4;

/// Columns of a panel at most: as many sums as registers allow beside a row of the panel and a weight, 24 and 6 of 32, 12 and 3 of 16.
/// A browser says that it has 32, but where the processor has 16 it keeps the rest in memory.
pub(super) const fn widest<S: Simd>() -> usize {
    if S::REGISTER_COUNT < 32 || cfg!(target_arch = "wasm32") { 3 } else { 6 }
}

/// Where panels begin that together have `columns` columns, and how many each has: none has a single one if it can be helped, because
/// then additions would wait for each other.
pub(super) fn panels(columns: usize, widest: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let width = match columns - first {
            0 => return None,
            rest if rest <= widest => rest,
            rest if rest < 2 * widest => rest.div_ceil(2),
            _ => widest,
        };
        first += width;
        Some((first - width, width))
    })
}

/// The sums over the rows of `panel`, each row's registers times the row's weights, of `BLOCKS` blocks of `BLOCK` output
/// channels.
/// Every sum adds its rows in their order, however many there are beside it.
#[inline(always)]
pub(super) fn sums<S: Simd, const BLOCKS: usize, const BLOCK: usize, const WIDTH: usize>(
    simd: S,
    weights: [&[[f32; BLOCK]]; BLOCKS],
    panel: &[[S::f32s; WIDTH]],
) -> [[[S::f32s; WIDTH]; BLOCK]; BLOCKS] {
    let mut sums = [[[simd.splat_f32s(0.0); WIDTH]; BLOCK]; BLOCKS];
    let weights: [&[[f32; BLOCK]]; BLOCKS] = std::array::from_fn(|block| &weights[block][..panel.len()]);
    for (row, registers) in panel.iter().enumerate() {
        for (sums, weights) in sums.iter_mut().zip(&weights) {
            for (sums, &weight) in sums.iter_mut().zip(&weights[row]) {
                let weight = simd.splat_f32s(weight);
                for (sum, &register) in sums.iter_mut().zip(registers) {
                    *sum = simd.mul_add_e_f32s(weight, register, *sum);
                }
            }
        }
    }
    sums
}
