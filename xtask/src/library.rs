//! The library as the registry takes it: a crate holds no file from outside its folder, and the shaders lie beside it. So a copy of the
//! workspace is made, in which they lie inside.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::Outcome;

/// Copies the workspace to `target/library` and lets cargo package the library there, as it would be published.
pub(crate) fn package(root: &Path, target: &Path) -> Outcome<()> {
    let copy = target.join("library");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    for file in tracked(root)? {
        let from = root.join(&file);
        // What was deleted and not yet committed.
        if !from.is_file() {
            continue;
        }
        let to = copy.join(inside(&file));
        fs::create_dir_all(to.parent().unwrap_or(&copy))?;
        if file.starts_with("core/src") && file.extension().is_some_and(|kind| kind == "rs") {
            fs::write(to, nearer(&fs::read_to_string(from)?))?;
        } else {
            fs::copy(from, to)?;
        }
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&copy).args(["package", "--locked", "--allow-dirty", "-p", "gairat"]);
    if !cargo.status()?.success() {
        return Err("cargo could not package the library".into());
    }
    Ok(())
}

/// The files that belong to the project.
fn tracked(root: &Path) -> Outcome<Vec<PathBuf>> {
    let output = Command::new("git").current_dir(root).args(["ls-files", "-z"]).output()?;
    let names = String::from_utf8(output.stdout)?;
    let files: Vec<PathBuf> = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    if files.is_empty() { Err("git knows no files here: the library is packaged from a clone".into()) } else { Ok(files) }
}

/// Where a file lies in the copy.
fn inside(file: &Path) -> PathBuf {
    if file.starts_with("shaders") { Path::new("core").join(file) } else { file.to_owned() }
}

/// A source text whose shaders are one folder nearer.
fn nearer(text: &str) -> String {
    text.replace("../shaders/", "shaders/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shaders_go_into_the_library_and_are_found_there() {
        assert_eq!(inside(Path::new("shaders/network/norm.wgsl")), Path::new("core/shaders/network/norm.wgsl"));
        assert_eq!(inside(Path::new("core/src/lib.rs")), Path::new("core/src/lib.rs"));
        let text = r#"include_str!("../../../shaders/sgd_step.wgsl"); "../../data""#;
        assert_eq!(nearer(text), r#"include_str!("../../shaders/sgd_step.wgsl"); "../../data""#);
    }

    #[test]
    fn every_shader_of_the_library_is_named_by_a_path_that_the_copy_shortens() -> Outcome<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut named = 0;
        for file in tracked(&root)?.into_iter().filter(|file| file.starts_with("core/src")) {
            let Ok(text) = fs::read_to_string(root.join(&file)) else { continue };
            for line in text.lines().filter(|line| line.contains(".wgsl") && !line.trim_start().starts_with("//")) {
                if let Some(begin) = line.find("shaders/") {
                    assert!(line[..begin].ends_with("../"), "{}: {line}", file.display());
                    named += 1;
                }
            }
        }
        assert!(named > 5, "{named}");
        Ok(())
    }
}
