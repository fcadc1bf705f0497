//! Loops without a loop, over sums that stay in registers. A page is compiled for size, which unrolls nothing: there a loop over an array of
//! sums keeps them in memory, at a third of the speed.

/// Does `$body` for each of the `$count` numbers from 0 on, at most 6; in it `$index` is a constant.
macro_rules! unrolled {
    ($index:ident < $count:expr => $body:expr) => {{
        unrolled!(@ 0 $index $count, $body);
        unrolled!(@ 1 $index $count, $body);
        unrolled!(@ 2 $index $count, $body);
        unrolled!(@ 3 $index $count, $body);
        unrolled!(@ 4 $index $count, $body);
        unrolled!(@ 5 $index $count, $body);
    }};
    (@ $number:literal $index:ident $count:expr, $body:expr) => {
        if $number < $count {
            const $index: usize = $number;
            $body;
        }
    };
}

pub(super) use unrolled;

/// Sums that begin at 0: an array's own way to begin is a loop.
pub(super) fn zeros<T: bytemuck::Zeroable, const COLUMNS: usize, const ROWS: usize>() -> [[T; COLUMNS]; ROWS] {
    bytemuck::Zeroable::zeroed()
}
