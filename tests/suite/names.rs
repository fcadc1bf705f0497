//! Nothing but a method's own file (and what several of them share) names it: a walk over the sources.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use gairat::method::METHODS;

/// The program is named after one method; the names of two others are words as well. Those are names only where code decides by them.
const WORDS: [&str; 3] = ["gairat", "average", "at"];

/// What stands before a text by which code decides.
const BEFORE: [&str; 11] = [
    "==",
    "!=",
    "|",
    "starts_with(",
    "ends_with(",
    "strip_prefix(",
    "strip_suffix(",
    "contains(",
    "entry(",
    "::of(",
    "switched_to(",
];

/// A text in the code: what it says, and the code on both sides of it.
struct Literal<'a> {
    says: &'a str,
    before: &'a str,
    after: &'a str,
}

/// All texts in a source, comments apart.
fn literals(source: &str) -> Vec<Literal<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = source.as_bytes().get(at) {
        let rest = &source[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            at += 4;
        } else if byte == b'"' {
            // As many marks as stand before a raw text stand behind it, and nothing in it is escaped.
            let before = &source[..at];
            let marks = before.len() - before.trim_end_matches('#').len();
            let raw = before[..before.len() - marks].ends_with('r');
            let end = if raw {
                rest[1..].find(&format!("\"{}", "#".repeat(marks))).map(|end| 1 + end)
            } else {
                let mut escaped = false;
                rest.bytes().enumerate().skip(1).find_map(|(end, byte)| {
                    let ends = byte == b'"' && !escaped;
                    escaped = byte == b'\\' && !escaped;
                    ends.then_some(end)
                })
            };
            let end = end.unwrap_or(rest.len() - 1);
            found.push(Literal { says: &rest[1..end], before: before.trim_end(), after: rest[end + 1..].trim_start() });
            at += end + 1;
        } else {
            // Texts are cut at ASCII marks alone.
            at += source[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    found
}

/// The texts in a source that name a method.
fn named_in(source: &str) -> Vec<String> {
    let names: BTreeSet<&str> = METHODS.iter().map(|entry| entry.about.name).collect();
    let titles: BTreeSet<&str> = METHODS.iter().map(|entry| entry.about.title).collect();
    let parts: BTreeSet<&str> = names.iter().filter(|name| name.contains('-')).flat_map(|name| name.split('-')).collect();
    let is_named = |literal: &Literal<'_>| {
        let Literal { says, before, after } = *literal;
        let decides = BEFORE.iter().any(|code| before.ends_with(code)) && !before.ends_with("||")
            || (after.starts_with("=>") || after.starts_with('|') && !after.starts_with("||"))
            || before.ends_with("\"method\",")
            || after.starts_with(')') && (after[1..].trim_start().starts_with("=>") || after[1..].trim_start().starts_with('|'));
        let constant = before.ends_with('=') && before.rsplit([';', '{', '}']).next().is_some_and(|code| code.contains("const "));
        let mut words = says.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        let bare = says.trim_matches('-');
        words.any(|word| names.contains(word) && !WORDS.contains(&word))
            || titles.contains(says)
            || names.contains(says) && (decides || constant && says != WORDS[0])
            || parts.contains(bare) && (bare != says || decides)
    };
    literals(source).iter().filter(|literal| is_named(literal)).map(|literal| literal.says.to_owned()).collect()
}

/// All Rust files in a folder.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            walk(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

/// Data of lessons and presets choose methods; they do not branch on them.
#[test]
fn nothing_outside_its_own_file_names_a_method() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = Vec::new();
    walk(&root.join("core/src"), &mut sources);
    walk(&root.join("app/src"), &mut sources);
    // They choose methods by name, as a person does.
    let chooses = |path: &str| path.starts_with("app/src/lesson/") || path == "app/src/link/preset.rs";
    let mut named = Vec::new();
    for source in sources {
        let path = source.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        if path.contains("/method/") || path.ends_with("tests.rs") || chooses(&path) {
            continue;
        }
        let text = fs::read_to_string(&source).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        if text.contains("method.name() ==") {
            named.push(format!("{path}: method.name() =="));
        }
        // A command line of a help text is an example, by which nothing is decided.
        let is_example = |says: &str| path.starts_with("app/src/command/") && says.contains(' ');
        named.extend(named_in(text).into_iter().filter(|says| !is_example(says)).map(|says| format!("{path}: {says}")));
    }
    assert!(named.is_empty(), "{named:#?}");
}

#[test]
fn the_walk_finds_a_name_in_whatever_form_code_decides_by_it() {
    for source in [
        r#"match name { "fat" | "gair-fat" => 1, _ => 0 }"#,
        r#"match name { "gairat" | "mart" => 1, _ => 0 }"#,
        r#"match name { "x" | "at" => 1, _ => 0 }"#,
        r#"match name { Some("average") => 1, _ => 0 }"#,
        r#"if about.name == "gairat" {}"#,
        r#"if "gairat" != about.name {} else if about.name != "gairat" {}"#,
        r#"const PLAIN: &str = "at";"#,
        r#"const ONE: &str = "trades";"#,
        r#"let link = format!("method=trades&beta={beta}");"#,
        r#"let link = format!("twin={}&dro", 1);"#,
        r#"name.starts_with("mail")"#,
        r#"name.ends_with("-trades")"#,
        r#"if about.title == "GAIRAT" {}"#,
        r#"settings.set("method", "at")"#,
        r#"method::entry("gairat")"#,
        r##"let json = r#"{"method": "mart"}"#;"##,
        "let mark = '\"'; let name = \"cow\";",
    ] {
        assert!(!named_in(source).is_empty(), "{source}");
    }
    for source in [
        r#"Command::new("gairat")"#,
        r#"const NAME: &str = "gairat";"#,
        r#"settings.get("average")"#,
        r#"format!("epoch {epoch}: kept at {path}, the average")"#,
        r#"// as "mart" does"#,
        r#""of the GAIRAT code""#,
        r#"println!("tomart, fatal, martin")"#,
        r#"let a = b || "at".is_empty() || c;"#,
    ] {
        assert_eq!(named_in(source), Vec::<String>::new(), "{source}");
    }
}
