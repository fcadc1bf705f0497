//! Parts of one work on the threads there are: rayon's pool natively, one after the other in a page.

/// Calls `work(scratch, place, part)` for every part, with one scratch for each thread.
pub(crate) fn for_each_part<P: Send, T: Send>(
    parts: Vec<P>,
    scratch: impl Fn() -> T + Send + Sync,
    work: impl Fn(&mut T, usize, P) + Send + Sync,
) {
    #[cfg(not(target_arch = "wasm32"))]
    if parts.len() > 1 && threads() > 1 {
        use rayon::prelude::*;
        parts.into_par_iter().enumerate().for_each_init(scratch, |scratch, (place, part)| work(scratch, place, part));
        return;
    }
    let mut scratch = scratch();
    for (place, part) in parts.into_iter().enumerate() {
        work(&mut scratch, place, part);
    }
}

pub(crate) fn threads() -> usize {
    #[cfg(not(target_arch = "wasm32"))]
    return rayon::current_num_threads();
    #[cfg(target_arch = "wasm32")]
    1
}
