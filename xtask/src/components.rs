//! What the program is built from: every crate with its version, checksum and licence, as `cargo metadata` and Cargo.lock know them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use serde_json::{Value, json};

use crate::Outcome;

/// One crate that is part of the program.
#[derive(Clone, Debug, PartialEq)]
struct Component {
    name: String,
    version: String,
    licence: String,
    /// SHA-256 of the package on the registry.
    checksum: Option<String>,
    /// Its licences word by word, by the name of the file.
    texts: BTreeMap<String, String>,
}

/// The crates that are compiled into the program, by name.
#[derive(Clone, Debug)]
pub(crate) struct Shipped(Vec<Component>);

/// What cargo knows of the workspace.
pub(crate) fn metadata(root: &Path) -> Outcome<Value> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = cargo.current_dir(root).args(["metadata", "--format-version", "1", "--locked"]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The crates of the program on one system: what `cargo tree` says is compiled for it, build scripts and tests left out.
pub(crate) fn shipped(metadata: &Value, triple: &str, terminal: bool) -> Outcome<Shipped> {
    let root = metadata["workspace_root"].as_str().ok_or("cargo names the workspace")?;
    let mut tree = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    tree.current_dir(root).args(["tree", "--locked", "-p", "gairat-app", "--edges", "normal", "--prefix", "none"]);
    tree.args(["--format", "{p}", "--target", triple]);
    if terminal {
        tree.arg("--no-default-features");
    }
    let output = tree.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let names = compiled(&String::from_utf8(output.stdout)?);
    let checksums = checksums(&fs::read_to_string(Path::new(root).join("Cargo.lock"))?);
    let mut components = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
        let (name, version) = (text("name"), text("version"));
        // The workspace's own crates are the program.
        if package["source"].is_null() && name.starts_with("gairat") || !names.contains(&(name.clone(), version.clone())) {
            continue;
        }
        let folder = Path::new(package["manifest_path"].as_str().unwrap_or_default()).parent().map(Path::to_owned);
        let texts = folder.map(|folder| licence_files(&folder)).unwrap_or_default();
        let checksum = checksums.get(&(name.clone(), version.clone())).cloned();
        components.push(Component { name, version, licence: text("license"), checksum, texts });
    }
    components.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
    Ok(Shipped(components))
}

/// Names and versions in the lines of `cargo tree`: `serde v1.0.200`. Macros run while the program is built and are not part of it.
fn compiled(tree: &str) -> BTreeSet<(String, String)> {
    let lines = tree.lines().filter(|line| !line.contains("(proc-macro)"));
    let words = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
    });
    words.collect()
}

/// The checksums in Cargo.lock, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let of = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        line.map(|value| value.trim_matches('"').to_owned())
    };
    let blocks = lock.split("[[package]]");
    blocks.filter_map(|block| Some(((of(block, "name")?, of(block, "version")?), of(block, "checksum")?))).collect()
}

/// Files at the top of a crate that say what it may be used for.
fn licence_files(folder: &Path) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let upper = name.to_uppercase();
        let tells =
            ["LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT", "UNLICENSE"].iter().any(|word| upper.starts_with(word));
        if tells && let Ok(text) = fs::read_to_string(entry.path()) {
            texts.insert(name, text);
        }
    }
    texts
}

impl Shipped {
    /// The licences of all crates in one text. Equal texts are printed once, under all crates that have them.
    pub(crate) fn licences(&self) -> String {
        let mut by_text: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let mut text = "The program is built from these crates, under these licences.\n\n".to_owned();
        for component in &self.0 {
            let title = format!("{} {}", component.name, component.version);
            let without = if component.texts.is_empty() { " (the package has no licence file)" } else { "" };
            text.push_str(&format!("{title}: {}{without}\n", component.licence));
            for words in component.texts.values() {
                by_text.entry(words.trim()).or_default().insert(title.clone());
            }
        }
        for (words, titles) in by_text {
            let titles: Vec<String> = titles.into_iter().collect();
            text.push_str(&format!("\n{}\n{}\n\n{words}\n", "-".repeat(80), titles.join(", ")));
        }
        text
    }

    /// The list of components in the format CycloneDX 1.5, without a time or a number of its own: the same for the same crates.
    pub(crate) fn cyclonedx(&self, version: &str) -> String {
        let components: Vec<Value> = self
            .0
            .iter()
            .map(|component| {
                let purl = format!("pkg:cargo/{}@{}", component.name, component.version);
                let mut value = json!({
                    "type": "library", "bom-ref": purl, "name": component.name, "version": component.version, "purl": purl,
                    "licenses": [{ "expression": component.licence.replace('/', " OR ") }],
                });
                if let Some(checksum) = &component.checksum {
                    value["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
                }
                value
            })
            .collect();
        let list = json!({
            "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
            "metadata": { "component": {
                "type": "application", "bom-ref": "gairat", "name": "gairat", "version": version,
                "licenses": [{ "expression": "MIT OR Apache-2.0" }],
            } },
            "components": components,
        });
        format!("{list:#}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(name: &str, text: Option<&str>) -> Component {
        let texts = text.map(|text| ("LICENSE".to_owned(), text.to_owned())).into_iter().collect();
        Component {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: "MIT/Apache-2.0".to_owned(),
            checksum: Some("ab".to_owned()),
            texts,
        }
    }

    #[test]
    fn the_tree_is_read_without_macros() {
        let found = compiled("gairat-app v0.1.0 (/x)\nserde v1.0.2\nserde_derive v1.0.2 (proc-macro)\nserde v1.0.2 (*)\n");
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["gairat-app", "serde"]);
    }

    #[test]
    fn checksums_come_from_the_lock() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"ff\"\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n";
        assert_eq!(checksums(lock).into_iter().collect::<Vec<_>>(), [(("a".to_owned(), "1.0.0".to_owned()), "ff".to_owned())]);
    }

    #[test]
    fn a_licence_that_two_crates_share_is_printed_once_and_a_missing_one_is_named() {
        let shipped =
            Shipped(vec![component("a", Some("same words")), component("b", Some("same words\n")), component("c", None)]);
        let text = shipped.licences();
        assert_eq!(text.matches("same words").count(), 1);
        assert!(
            text.contains("a 1.0.0, b 1.0.0") && text.contains("c 1.0.0: MIT/Apache-2.0 (the package has no licence file)"),
            "{text}"
        );
    }

    #[test]
    fn the_list_of_components_is_cyclonedx() {
        let list: Value = serde_json::from_str(&Shipped(vec![component("a", None)]).cyclonedx("9.9.9")).expect("it is JSON");
        assert_eq!((&list["bomFormat"], &list["specVersion"]), (&json!("CycloneDX"), &json!("1.5")));
        assert_eq!(list["metadata"]["component"]["version"], "9.9.9");
        assert_eq!(list["components"][0]["purl"], "pkg:cargo/a@1.0.0");
        assert_eq!(list["components"][0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(list["components"][0]["hashes"][0]["content"], "ab");
    }
}
