//! What stands before every name: `module.` of `nn.DataParallel`, `_orig_mod.` of `torch.compile`, `model.` or `1.` of a network around
//! another, in any order.

use super::{Fit, Names};

/// What is taken off also where no family of names fits, so that an error speaks of the rest.
const KNOWN: [&str; 7] = ["module", "_orig_mod", "model", "net", "network", "basic_net", "1"];

/// Names without what stood before them all.
pub(super) struct Stripped<'a> {
    pub(super) prefixes: Vec<String>,
    pub(super) names: Vec<&'a str>,
}

/// Takes off as little as makes the names fit.
pub(super) fn stripped<'a>(list: &[(&'a str, &[usize])], fit: impl Fn(&Names<'_>) -> Option<Fit>) -> (Stripped<'a>, Option<Fit>) {
    let mut names: Vec<&str> = list.iter().map(|(name, _)| *name).collect();
    let mut prefixes: Vec<String> = Vec::new();
    let mut known = Stripped { prefixes: Vec::new(), names: names.clone() };
    loop {
        let here = Names(names.iter().zip(list).map(|(name, (_, shape))| (*name, *shape)).collect());
        if let Some(fit) = fit(&here) {
            return (Stripped { prefixes, names }, Some(fit));
        }
        // Every name has the same first part, and something behind it.
        let first = names.first().and_then(|name| name.split_once('.')).map(|(first, _)| first);
        let Some(first) = first else { return (known, None) };
        let rest: Option<Vec<&str>> = names.iter().map(|name| name.strip_prefix(first)?.strip_prefix('.')).collect();
        let Some(rest) = rest else { return (known, None) };
        names = rest;
        prefixes.push(format!("{first}."));
        if KNOWN.contains(&first) && known.prefixes.len() + 1 == prefixes.len() {
            known = Stripped { prefixes: prefixes.clone(), names: names.clone() };
        }
    }
}
