//! What differs between systems stands in one place: a walk over the program's sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The only places of the program that may ask what they are compiled for: what differs, and the entry that chooses.
const PLACES: [&str; 2] = ["platform", "lib.rs"];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn only_the_platform_and_the_entry_ask_whether_there_is_a_browser() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/src");
    let mut all = Vec::new();
    sources(&root, &mut all);
    assert!(all.len() > 100, "the sources are found: {}", all.len());
    let asks = |path: &PathBuf| fs::read_to_string(path).unwrap().contains("target_arch");
    let asking: Vec<PathBuf> = all.into_iter().filter(asks).map(|path| path.strip_prefix(&root).unwrap().to_owned()).collect();
    let elsewhere: Vec<&PathBuf> = asking.iter().filter(|path| !PLACES.iter().any(|place| path.starts_with(place))).collect();
    assert_eq!(elsewhere, Vec::<&PathBuf>::new(), "what differs between systems belongs into the platform");
    assert_eq!(asking.len(), 2, "the walk sees what it is for: {asking:?}");
}
